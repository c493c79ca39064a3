import { Argument, Command, InvalidArgumentError, Option } from "commander";
import type { EngineName, EngineOptions } from "./engine-options.ts";
import { DEFAULT_CACHE_DIR, defaultPeerDir, type FlinkPeerOptions } from "./flink-peer.ts";
import { JOB_NAMES, type JobName } from "./job-names.ts";

/** What one call of `bench` was asked for. @internal */
export interface BenchOptions {
  /** In the order in which they run and are printed; the first is compared with the others. */
  readonly engines: readonly EngineName[];
  readonly run: EngineOptions;
  readonly repeat: number;
  readonly flink: FlinkPeerOptions;
}

const ENGINES: readonly EngineName[] = ["millrace", "hand", "flink"];
const EVENTS_MAX = 2 ** 43;
const PARALLELISM_MAX = 128;
const INTERVAL_MS_MAX = 86_400_000;

interface ParsedOptions {
  readonly events: number;
  readonly parallelism: number;
  readonly backend: "hashmap";
  readonly checkpointInterval: number;
  readonly against: readonly EngineName[];
  readonly only?: readonly EngineName[];
  readonly rows?: string;
  readonly warm: number;
  readonly seed: number;
  readonly eps: number;
  readonly repeat: number;
  readonly flink: string;
  readonly flinkBuild?: string;
  readonly flinkHeap: string;
}

/**
 * Reads the command line.
 *
 * @throws CommanderError for bad options, once it has written what is wrong to stderr; also after `--help`.
 * @internal
 */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): BenchOptions {
  const command = benchCommand(env).parse(argv as string[]);
  // Argument and options have been checked by the parsers below.
  const job = command.processedArgs[0] as JobName;
  const options = command.opts<ParsedOptions>();
  const run: EngineOptions = {
    job,
    events: options.events,
    seed: options.seed,
    eventsPerSecond: options.eps,
    warm: options.warm,
    parallelism: options.parallelism,
    backend: options.backend,
    checkpointIntervalMs: options.checkpointInterval,
    ...(options.rows === undefined ? {} : { rowsFile: options.rows }),
  };
  const flink: FlinkPeerOptions = {
    peerDir: options.flink,
    ...(options.flinkBuild === undefined ? {} : { buildDir: options.flinkBuild }),
    cacheDir: DEFAULT_CACHE_DIR,
    heap: options.flinkHeap,
    env,
  };
  const engines = options.only ?? [...new Set<EngineName>(["millrace", ...options.against])];
  return { engines, run, repeat: options.repeat, flink };
}

function benchCommand(env: NodeJS.ProcessEnv): Command {
  const whole = (min: number, max: number) => (text: string) => parseWhole(text, min, max);
  return new Command("bench")
    .description("Measure a job on Millrace beside a hand-written loop and Apache Flink, on the same events.")
    .addArgument(new Argument("<job>", "which job").choices(JOB_NAMES))
    .option("--events <n>", "how many events, such as 4000000, 200K or 20M", whole(1, EVENTS_MAX), 4_000_000)
    .option("--parallelism <n>", "subtasks of every operator", whole(1, PARALLELISM_MAX), 1)
    .addOption(new Option("--backend <name>", "where keyed state lives").choices(["hashmap"]).default("hashmap"))
    .option("--checkpoint-interval <ms>", "0 for no checkpoints", whole(0, INTERVAL_MS_MAX), 0)
    .option("--against <engines>", "what to run beside Millrace: hand, flink or both", parseEngines, [])
    .option("--only <engines>", "run just these of millrace, hand, flink", parseEngines)
    .option("--rows <file>", "write sorted result rows: Millrace's to FILE, others' to FILE.hand and FILE.flink")
    .option("--warm <share>", "share of the events that is not measured", parseShare, 0.3)
    .option("--seed <n>", "seed of the events", whole(-(2 ** 31), 2 ** 31 - 1), 1)
    .option("--eps <n>", "events per second of event time", whole(2, 1_000_000_000), 10_000)
    .option("--repeat <n>", "runs of every engine; the ratios take the median", whole(1, 100), 1)
    .option("--flink <dir>", "the Flink peer's Maven project", defaultPeerDir(env))
    .option("--flink-build <dir>", "a finished build of the Flink peer")
    .option("--flink-heap <size>", "heap of Flink's JVM", parseHeap, "3g")
    .exitOverride();
}

function parseWhole(text: string, min: number, max: number): number {
  const match = /^(-?\d+(?:\.\d+)?)([KM]?)$/i.exec(text.replaceAll("_", ""));
  const unit = { "": 1, K: 1000, M: 1_000_000 }[match?.[2]?.toUpperCase() ?? ""] ?? 1;
  // 1.3M is 1,300,000 although 1.3 * 1e6 need not be exactly that.
  const value = match === null ? Number.NaN : Number((Number(match[1]) * unit).toFixed(3));
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new InvalidArgumentError(
    `Expected a whole number from ${min} to ${max}, with K or M for thousands or millions.`,
  );
}

function parseShare(text: string): number {
  const share = text.trim() === "" ? Number.NaN : Number(text);
  if (share >= 0 && share < 1) return share;
  throw new InvalidArgumentError("Expected a share from 0 up to but not including 1, such as 0.3.");
}

function parseEngines(text: string): EngineName[] {
  const names = text.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!ENGINES.includes(name as EngineName)) {
      throw new InvalidArgumentError(`There is no engine "${name}". Expected a list of ${ENGINES.join(", ")}.`);
    }
  }
  return [...new Set(names as EngineName[])];
}

function parseHeap(text: string): string {
  if (/^\d+[kmg]$/i.test(text)) return text;
  throw new InvalidArgumentError("Expected a size such as 3g or 800m.");
}
