import type { JobArguments } from "millrace";
import { type EngineOptions, firstMeasuredEvent } from "./engine-options.ts";
import { JOB_NAMES, type JobName } from "./job-names.ts";

/** What the module of the benchmark's jobs is told about one run, as its arguments. @internal */
export interface JobRun {
  readonly job: JobName;
  readonly events: number;
  readonly seed: number;
  readonly eventsPerSecond: number;
  /** Index of the first event that is measured. */
  readonly firstMeasured: number;
  /** This many keys, evenly, in place of the auctions. */
  readonly keys?: number | undefined;
  /** Whether result rows are kept as lines. */
  readonly keepsRows: boolean;
  /** Where {@link BenchMessage}s go. */
  readonly channel: string;
  /** Where the thread of the first subtask writes its CPU profile. */
  readonly profileFile?: string | undefined;
  /** Events a second; latencies are measured then. */
  readonly ratePerSecond?: number | undefined;
}

/** @internal */
export const DEFAULT_CHANNEL = "millrace-bench";

/** The arguments from which {@link jobRunOf} reads the run. @internal */
export function jobArgumentsOf(options: EngineOptions, channel: string): string[] {
  const args = [
    ...["--job", options.job],
    ...["--events", String(options.events)],
    ...["--seed", String(options.seed)],
    ...["--eps", String(options.eventsPerSecond)],
    ...["--warm", String(options.warm)],
    ...["--channel", channel],
  ];
  if (options.rowsFile !== undefined) args.push("--rows");
  if (options.keys !== undefined) args.push("--keys", String(options.keys));
  if (options.profileFile !== undefined) args.push("--profile", options.profileFile);
  if (options.ratePerSecond !== undefined) args.push("--rate", String(options.ratePerSecond));
  return args;
}

/** @throws MillraceError `MR_JOB_ARGUMENT_INVALID`; Error for a job that there is not. @internal */
export function jobRunOf(args: JobArguments): JobRun {
  const job = args.get("job", "ds-keyed-sum");
  const known = JOB_NAMES.find((name) => name === job);
  if (known === undefined) throw new Error(`there is no job ${job}; there are ${JOB_NAMES.join(", ")}`);
  const events = args.number("events", 1_000_000);
  return {
    job: known,
    events,
    seed: args.number("seed", 1),
    eventsPerSecond: args.number("eps", 10_000),
    firstMeasured: firstMeasuredEvent({ events, warm: args.number("warm", 0.3) }),
    keys: args.has("keys") ? args.number("keys") : undefined,
    keepsRows: args.flag("rows"),
    channel: args.get("channel", DEFAULT_CHANNEL),
    profileFile: args.has("profile") ? args.get("profile") : undefined,
    ratePerSecond: args.has("rate") ? args.number("rate") : undefined,
  };
}
