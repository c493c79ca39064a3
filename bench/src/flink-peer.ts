import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { MillraceError } from "millrace/internal";
import { type ChildOptions, type ChildResult, endOf, lastJsonLine, runChild } from "./child-process.ts";
import type { EngineOptions, EngineReport } from "./engine-options.ts";

/** Where the Flink peer is and how it runs. @internal */
export interface FlinkPeerOptions {
  /** The peer's Maven project: `pom.xml`, `run.sh`, `src/`. */
  readonly peerDir: string;
  /** A finished build of it; by default it is built into `cacheDir` when its sources have changed. */
  readonly buildDir?: string;
  readonly cacheDir: string;
  /** Heap of the JVM, as in `-Xmx`. */
  readonly heap: string;
  readonly env: NodeJS.ProcessEnv;
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** The jar of the peer itself; Maven writes it before it copies the libraries. */
const PEER_JAR = "flink-peer-1.jar";

/** Beside the repository, unless `MILLRACE_FLINK_PEER` names another folder. @internal */
export function defaultPeerDir(env: NodeJS.ProcessEnv): string {
  return env["MILLRACE_FLINK_PEER"] ?? resolve(REPOSITORY, "../shared/peers/flink");
}

/** @internal */
export const DEFAULT_CACHE_DIR: string = join(REPOSITORY, ".millrace", "flink-peer");

/**
 * Runs a job on Apache Flink and returns the peer's report.
 *
 * @throws MillraceError `MR_BENCH_FLINK_MISSING` without the peer, Java or Maven; `MR_BENCH_FLINK_BUILD_FAILED`;
 *   `MR_BENCH_ENGINE_FAILED` when the run ends without a report.
 * @internal
 */
export async function runFlink(options: EngineOptions, peer: FlinkPeerOptions): Promise<EngineReport> {
  const { report } = await runFlinkPeer(peerArguments(options), peer);
  return report as EngineReport;
}

/** @internal */
export interface PeerRun {
  /** The peer's JSON line. */
  readonly report: unknown;
  /** From the start of the peer's process to its end. */
  readonly wallMs: number;
}

/** Runs the peer with its own arguments. @throws MillraceError as {@link runFlink} does @internal */
export async function runFlinkPeer(args: readonly string[], peer: FlinkPeerOptions): Promise<PeerRun> {
  const buildDir = await prepareFlink(peer);
  const env = { ...peer.env, OUT: buildDir, HEAP: peer.heap };
  const startMs = performance.now();
  const result = await runTool("bash", [join(peer.peerDir, "run.sh"), ...args], { env, stdout: "capture" });
  const wallMs = performance.now() - startMs;
  const report = lastJsonLine(result.stdout);
  if (result.exitCode === 0 && report !== undefined) return { report, wallMs };
  throw new MillraceError("MR_BENCH_ENGINE_FAILED", {
    what: "The Flink peer ended without a report",
    where: { arguments: args.join(" "), build: buildDir },
    found: endOf(result),
    expected: "exit code 0 and one JSON line",
    todo: "Read its output above; a JVM that cannot get its heap needs a smaller --flink-heap",
  });
}

/** Makes sure that a build of the peer is there and returns its folder. @internal */
export async function prepareFlink(peer: FlinkPeerOptions): Promise<string> {
  for (const name of ["pom.xml", "run.sh"]) {
    if (!existsSync(join(peer.peerDir, name)))
      throw missing(`no ${name} in ${peer.peerDir}`, "Name its folder with --flink DIR");
  }
  const java = await runTool("java", ["--version"], { env: peer.env, stdout: "capture" });
  if (java.exitCode !== 0) throw missing(`java --version ended with ${endOf(java)}`, "Install Java 17");
  if (peer.buildDir !== undefined) return checkedBuild(peer.buildDir);
  const buildDir = join(peer.cacheDir, await digestOfSources(peer.peerDir));
  if (!existsSync(join(buildDir, PEER_JAR))) await build(peer, buildDir);
  return buildDir;
}

function checkedBuild(buildDir: string): string {
  if (existsSync(join(buildDir, PEER_JAR)) && existsSync(join(buildDir, "lib"))) return resolve(buildDir);
  throw missing(`no ${PEER_JAR} or no lib/ in ${buildDir}`, "Leave --flink-build out to have the peer built");
}

/** Builds beside the final folder and renames, so that a build that was interrupted is never taken for a whole one. */
async function build(peer: FlinkPeerOptions, buildDir: string): Promise<void> {
  const partial = `${buildDir}.${process.pid}.partial`;
  process.stderr.write(`bench: building the Flink peer into ${buildDir} (once; about a minute)\n`);
  await mkdir(partial, { recursive: true });
  try {
    const args = ["-B", "-f", join(peer.peerDir, "pom.xml"), `-Dout=${partial}`, "package"];
    const result = await runTool("mvn", args, { env: peer.env, stdout: "show" });
    if (result.exitCode !== 0 || !existsSync(join(partial, PEER_JAR))) {
      throw new MillraceError("MR_BENCH_FLINK_BUILD_FAILED", {
        what: "Maven could not build the Flink peer",
        where: { folder: peer.peerDir },
        found: result.exitCode === 0 ? `no ${PEER_JAR}` : endOf(result),
        expected: `${PEER_JAR} and lib/`,
        todo: "Read Maven's output above; the first build needs access to a Maven repository",
      });
    }
    await rename(partial, buildDir);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function runTool(program: string, args: readonly string[], options: ChildOptions): Promise<ChildResult> {
  try {
    return await runChild(program, args, options);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    const tool = { java: "Java 17", mvn: "Maven 3" }[program] ?? program;
    throw missing(`no program ${program} on the PATH`, `Install ${tool}`, cause);
  }
}

function missing(found: string, todo: string, cause?: unknown): MillraceError {
  return new MillraceError("MR_BENCH_FLINK_MISSING", {
    what: "Flink cannot be measured here",
    found,
    expected: "the Flink peer's Maven project, Java 17, and Maven for its first build",
    todo: `${todo}, or leave flink out of --against`,
    cause,
  });
}

function peerArguments(options: EngineOptions): string[] {
  const named: Readonly<Record<string, string | number>> = {
    query: options.job,
    events: options.events,
    eps: options.eventsPerSecond,
    seed: options.seed,
    warm: options.warm,
    parallelism: options.parallelism,
    backend: options.backend,
    "checkpoint-interval": options.checkpointIntervalMs,
    sink: options.rowsFile === undefined ? "blackhole" : `rows:${options.rowsFile}`,
  };
  return Object.entries(named).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Names a build after what it was built from. */
async function digestOfSources(peerDir: string): Promise<string> {
  const hash = createHash("sha256");
  const sources = existsSync(join(peerDir, "src"))
    ? await readdir(join(peerDir, "src"), { recursive: true, withFileTypes: true })
    : [];
  const paths = sources.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of [join(peerDir, "pom.xml"), ...paths.sort()]) hash.update(await readFile(path)).update("\0");
  return hash.digest("hex").slice(0, 16);
}
