import { Command, InvalidArgumentError } from "commander";
import type { EngineName, EngineOptions } from "../engine-options.ts";
import type { FlinkPeerOptions } from "../flink-peer.ts";
import { parseEngines, parseShare, whole } from "../option-parsers.ts";
import { addFlinkOptions, EVENTS_MAX, type FlinkOptions, flinkPeerOf, RATE_MAX, targetOption } from "../options.ts";

/** The parts of the suite, in the order in which they run. @internal */
export const SUITE_PARTS = ["single", "parallel", "checkpoints", "latency", "start-up"] as const;

/** @internal */
export type SuitePart = (typeof SUITE_PARTS)[number];

/** What one call of `bench all` was asked for. @internal */
export interface SuiteOptions {
  readonly parts: readonly SuitePart[];
  /** What Millrace is compared with. */
  readonly against: readonly EngineName[];
  readonly events: number;
  readonly warm: number;
  readonly repeat: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  readonly target: EngineOptions["target"];
  readonly ratePerSecond: number;
  readonly latencySeconds: number;
  readonly flink: FlinkPeerOptions;
}

/** What takes a day is not run; what says little takes a minute. */
const full = { events: 20_000_000, warm: 0.6, repeat: 3, latencySeconds: 20 };
const quick = { events: 1_000_000, warm: 0.3, repeat: 1, latencySeconds: 3 };

interface ParsedOptions extends FlinkOptions {
  readonly quick?: boolean;
  readonly parts: readonly SuitePart[];
  readonly against: readonly EngineName[];
  readonly events?: number;
  readonly warm?: number;
  readonly repeat?: number;
  readonly latencySeconds?: number;
  readonly seed: number;
  readonly eps: number;
  readonly target: EngineOptions["target"];
  readonly rate: number;
}

/** @throws CommanderError for bad options, once it has written what is wrong to stderr; also after `--help`. @internal */
export function parseSuiteOptions(argv: readonly string[], env: NodeJS.ProcessEnv): SuiteOptions {
  const options = suiteCommand(env)
    .parse(argv as string[])
    .opts<ParsedOptions>();
  const defaults = options.quick === true ? quick : full;
  return {
    parts: options.parts,
    against: options.against.filter((engine) => engine !== "millrace"),
    events: options.events ?? defaults.events,
    warm: options.warm ?? defaults.warm,
    repeat: options.repeat ?? defaults.repeat,
    seed: options.seed,
    eventsPerSecond: options.eps,
    target: options.target,
    ratePerSecond: options.rate,
    latencySeconds: options.latencySeconds ?? defaults.latencySeconds,
    flink: flinkPeerOf(options, env),
  };
}

function suiteCommand(env: NodeJS.ProcessEnv): Command {
  const command = new Command("bench all")
    .description("Run all jobs, measure checkpoints, latency and start-up, and print one table with the targets.")
    .option("--against <engines>", "what to run beside Millrace: hand, flink or hand,flink", parseEngines, [
      "hand",
      "flink",
    ])
    .option("--quick", "short runs, once: to see that everything works, not how fast it is")
    .option("--parts <parts>", `some of ${SUITE_PARTS.join(", ")}`, parseParts, SUITE_PARTS)
    .option("--events <n>", "events of every job (default: 20M, quick 1M)", whole(1, EVENTS_MAX))
    .option("--warm <share>", "share of the events that is not measured (default: 0.6, quick 0.3)", parseShare)
    .option("--repeat <n>", "runs of every engine; the median counts (default: 3, quick 1)", whole(1, 100))
    .option("--seed <n>", "seed of the events", whole(-(2 ** 31), 2 ** 31 - 1), 1)
    .option("--eps <n>", "events per second of event time", whole(2, 1_000_000_000), 10_000)
    .addOption(targetOption())
    .option("--rate <n>", "events per second of real time for the latencies", whole(1, RATE_MAX), 100_000)
    .option("--latency-seconds <n>", "how long latencies are measured (default: 20, quick 3)", whole(1, 86_400));
  return addFlinkOptions(command, env).exitOverride();
}

function parseParts(text: string): readonly SuitePart[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !SUITE_PARTS.some((part) => part === name));
  if (unknown === undefined) return SUITE_PARTS.filter((part) => names.includes(part));
  throw new InvalidArgumentError(`There is no part "${unknown}". Expected a list of ${SUITE_PARTS.join(", ")}.`);
}
