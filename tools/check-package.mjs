/**
 * Packs the packages as they are published, puts them into an empty project, and runs a job there from the command line:
 * the build, its bundle and the lists of files are used by nothing else in this repository. Run after `npm run build`.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = {
  millrace: "core",
  "@millrace/cli": "cli",
  "@millrace/connector-files": "connector-files",
  "@millrace/cep": "cep",
  "@millrace/rest": "rest",
};

const JOB = `import { Pattern } from "@millrace/cep";
import { csv, FileSink } from "@millrace/connector-files";
import type { JobArguments, StreamExecutionEnvironment } from "millrace";

export default function job(env: StreamExecutionEnvironment, args: JobArguments): void {
  void [csv, FileSink, Pattern];
  env.fromSequence(1, 5).map((n) => (n === 9 ? n : n * 2)).print();
  env.fromSequence(1, 2).map((n) => {
    if (args.has("fail") && n === 2) throw new Error("two");
    return n;
  }).print("second");
}
`;

const project = await mkdtemp(join(tmpdir(), "millrace-package-"));
try {
  const modules = join(project, "node_modules");
  for (const name of await readdir(join(root, "node_modules"))) {
    if (name.startsWith(".") || name === "millrace" || name === "@millrace") continue;
    await mkdir(modules, { recursive: true });
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  for (const [name, folder] of Object.entries(packages)) {
    const tarball = execFileSync("npm", ["pack", "--silent", "--pack-destination", project], {
      cwd: join(root, "packages", folder),
      encoding: "utf8",
    });
    const target = join(modules, name);
    await mkdir(target, { recursive: true });
    execFileSync("tar", ["-xzf", join(project, tarball.trim()), "-C", target, "--strip-components=1"]);
  }
  await writeFile(join(project, "package.json"), '{ "type": "module" }\n');
  await writeFile(join(project, "job.ts"), JOB);
  for (const target of ["threads", "in-thread"]) {
    const ran = run(["run", "-p", "2", "-t", target, "job.ts"]);
    const rows = ran.stdout
      .trim()
      .split("\n")
      .map((line) => line.replace(/\d+> /, ""))
      .sort();
    expectEqual(ran, rows.join(" "), "10 2 4 6 8 second:1 second:2".split(" ").sort().join(" "), `rows, -t ${target}`);
  }
  const failed = run(["run", "-p", "2", "-t", "in-thread", "job.ts", "--fail"]);
  expectEqual(failed, String(/at +\S*job\.ts:8:\d+/.test(failed.stderr)), "true", "the place of the call in job.ts");
  await runOnCluster();
  console.log("package: runs a job in an empty project, in threads, in one and on a cluster");
} finally {
  await rm(project, { recursive: true, force: true });
}

function run(args) {
  return spawnSync(process.execPath, [command(), ...args], { cwd: project, encoding: "utf8", timeout: 60_000 });
}

function command() {
  return join(project, "node_modules/@millrace/cli/bin/millrace.mjs");
}

/** The cluster prints what the job prints. */
async function runOnCluster() {
  const args = ["cluster", "--slots", "2", "-D", "jobmanager.rpc.port=0", "-r", "0"];
  const cluster = spawn(process.execPath, [command(), ...args], { cwd: project, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  cluster.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const address = await new Promise((resolve, reject) => {
    cluster.once("close", () => reject(new Error(`the cluster has ended: ${stdout}${stderr}`)));
    cluster.stdout.on("data", (chunk) => {
      stdout += chunk;
      const found = /clients ask at http:\/\/(\S+)/.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
  });
  const ran = run(["run", "-m", address, "-p", "2", "job.ts"]);
  const ended = new Promise((resolve) => cluster.once("close", resolve));
  cluster.kill("SIGTERM");
  await ended;
  const rows = [...stdout.matchAll(/^(?:second:)?(?:\d+> )?(\d+)$/gm)]
    .map((match) => Number(match[1]))
    .sort((a, b) => a - b);
  expectEqual({ stdout, stderr: ran.stderr + stderr }, rows.join(" "), "1 2 2 4 6 8 10", "rows of a job on a cluster");
}

function expectEqual(ran, found, expected, what) {
  if (found === expected) return;
  console.error(`package: ${what}: found ${found}, expected ${expected}\n${ran.stdout}\n${ran.stderr}`);
  process.exitCode = 1;
  throw new Error("the packed packages do not work");
}
