import { Argument, Command, Option } from "commander";
import type { BackendName, EngineName, EngineOptions } from "./engine-options.ts";
import { DEFAULT_CACHE_DIR, defaultPeerDir, type FlinkPeerOptions } from "./flink-peer.ts";
import { JOB_NAMES, type JobName } from "./job-names.ts";
import { parseEngines, parseHeap, parseSetting, parseShare, whole } from "./option-parsers.ts";

/** What one call of `bench` was asked for. @internal */
export interface BenchOptions {
  /** In the order in which they run and are printed; the first is compared with the others. */
  readonly engines: readonly EngineName[];
  readonly run: EngineOptions;
  readonly repeat: number;
  readonly flink: FlinkPeerOptions;
}

/** The options of the Flink peer as they are parsed. @internal */
export interface FlinkOptions {
  readonly flink: string;
  readonly flinkBuild?: string;
  readonly flinkHeap: string;
}

/** @internal */
export const EVENTS_MAX: number = 2 ** 43;
/** Events a second that one process can be asked to emit at a fixed rate. @internal */
export const RATE_MAX = 100_000_000;
const EVENTS_DEFAULT = 4_000_000;
const RATE_DEFAULT = 100_000;
/** How long latencies are measured unless --events says something else. */
const LATENCY_SECONDS_DEFAULT = 20;
const PARALLELISM_MAX = 128;
const KEYS_MAX = 2 ** 31 - 1;
const INTERVAL_MS_MAX = 86_400_000;
/** Latencies are measured for this job only, and its keys can be spread. */
const LATENCY_JOB: JobName = "ds-keyed-sum";

interface ParsedOptions extends FlinkOptions {
  readonly events?: number;
  readonly parallelism: number;
  readonly backend: BackendName;
  readonly set: readonly string[];
  readonly keys?: number;
  readonly target: EngineOptions["target"];
  readonly checkpointInterval: number;
  readonly against: readonly EngineName[];
  readonly only?: readonly EngineName[];
  readonly rows?: string;
  readonly warm: number;
  readonly seed: number;
  readonly eps: number;
  readonly repeat: number;
  readonly latency?: boolean;
  readonly rate: number;
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
  const job = command.processedArgs[0] as JobName | undefined;
  const options = command.opts<ParsedOptions>();
  const isLatency = options.latency === true;
  if (job === undefined && !isLatency) command.error("error: missing required argument 'job'");
  if (isLatency) checkLatency(command, job, options);
  const engines = options.only ?? [...new Set<EngineName>(["millrace", ...options.against])];
  checkKeys(command, job, options.keys, engines);
  const run: EngineOptions = {
    job: job ?? LATENCY_JOB,
    events: options.events ?? (isLatency ? options.rate * LATENCY_SECONDS_DEFAULT : EVENTS_DEFAULT),
    seed: options.seed,
    eventsPerSecond: options.eps,
    warm: options.warm,
    parallelism: options.parallelism,
    backend: options.backend,
    target: options.target,
    checkpointIntervalMs: options.checkpointInterval,
    ...(options.rows === undefined ? {} : { rowsFile: options.rows }),
    ...(options.set.length === 0 ? {} : { settings: options.set }),
    ...(options.keys === undefined ? {} : { keys: options.keys }),
    ...(isLatency ? { ratePerSecond: options.rate } : {}),
  };
  return { engines, run, repeat: options.repeat, flink: flinkPeerOf(options, env) };
}

/** @internal */
export function flinkPeerOf(options: FlinkOptions, env: NodeJS.ProcessEnv): FlinkPeerOptions {
  return {
    peerDir: options.flink,
    ...(options.flinkBuild === undefined ? {} : { buildDir: options.flinkBuild }),
    cacheDir: DEFAULT_CACHE_DIR,
    heap: options.flinkHeap,
    env,
  };
}

/** The options that name the Flink peer. @internal */
export function addFlinkOptions(command: Command, env: NodeJS.ProcessEnv): Command {
  return command
    .option("--flink <dir>", "the Flink peer's Maven project", defaultPeerDir(env))
    .option("--flink-build <dir>", "a finished build of the Flink peer")
    .option("--flink-heap <size>", "heap of Flink's JVM", parseHeap, "3g");
}

/** @internal */
export function targetOption(): Option {
  return new Option("--target <where>", "Millrace's slots: threads of their own, or all in one thread")
    .choices(["threads", "in-thread"])
    .default("threads");
}

function checkLatency(command: Command, job: JobName | undefined, options: ParsedOptions): void {
  if (job !== undefined && job !== LATENCY_JOB) command.error(`error: --latency measures ${LATENCY_JOB} only`);
  if (options.against.length > 0 || options.only !== undefined || options.rows !== undefined) {
    command.error("error: --latency measures Millrace alone, without --against, --only and --rows");
  }
}

function checkKeys(
  command: Command,
  job: JobName | undefined,
  keys: number | undefined,
  engines: readonly EngineName[],
): void {
  if (keys === undefined) return;
  if (job !== LATENCY_JOB) command.error(`error: --keys is for ${LATENCY_JOB} only`);
  if (engines.some((engine) => engine === "hand" || engine === "flink")) {
    command.error("error: --keys is for millrace and heap; the loop and Flink have the auctions");
  }
}

function benchCommand(env: NodeJS.ProcessEnv): Command {
  const command = new Command("bench")
    .description("Measure a job on Millrace beside a hand-written loop and Apache Flink, on the same events.")
    .addArgument(new Argument("[job]", "which job; may be left out with --latency").choices(JOB_NAMES))
    .option("--events <n>", "how many events, such as 200K or 20M (default: 4M)", whole(1, EVENTS_MAX))
    .option("--parallelism <n>", "subtasks of every operator", whole(1, PARALLELISM_MAX), 1)
    .addOption(
      new Option("--backend <name>", "where keyed state lives").choices(["hashmap", "rocksdb"]).default("hashmap"),
    )
    .addOption(targetOption())
    .option("--checkpoint-interval <ms>", "0 for no checkpoints", whole(0, INTERVAL_MS_MAX), 0)
    .option("--against <engines>", "what to run beside Millrace, of heap, hand, flink", parseEngines, [])
    .option("--only <engines>", "run just these of millrace, heap, hand, flink", parseEngines)
    .option("--rows <file>", "write sorted result rows: Millrace's to FILE, others' to FILE.hand and FILE.flink")
    .option("--warm <share>", "share of the events that is not measured", parseShare, 0.3)
    .option("--seed <n>", "seed of the events", whole(-(2 ** 31), 2 ** 31 - 1), 1)
    .option("--eps <n>", "events per second of event time", whole(2, 1_000_000_000), 10_000)
    .option("--keys <n>", `${LATENCY_JOB} over this many keys, evenly, in place of the auctions`, whole(1, KEYS_MAX))
    .option("--set <key=value>", "a setting of Millrace; may be repeated", parseSetting, [])
    .option("--repeat <n>", "runs of every engine; the ratios take the median", whole(1, 100), 1)
    .option("--latency", `measure how late the rows of ${LATENCY_JOB} are at a fixed rate, for 20 s`)
    .option("--rate <n>", "events per second of real time for --latency", whole(1, RATE_MAX), RATE_DEFAULT)
    .addHelpText(
      "after",
      "\nbench all --help: all jobs and targets in one table; bench micro --help: single hot paths; bench large-state --help: state that outgrows memory",
    );
  return addFlinkOptions(command, env).exitOverride();
}
