/**
 * A property test of a whole job: its final result must not depend on how its records arrive, how they are split and
 * batched, where it is restarted, or at which parallelism it runs.
 */
import { type ErrorParts, MillraceError } from "../base/errors.ts";
import { Configuration } from "../config/configuration.ts";
import type { SourceSpec } from "../operators/operator-spec.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";
import { type CheckedJob, type Restart, type RunResult, runChecked } from "./checked-run.ts";
import { type ArbitraryOf, type CheckDetails, type FastCheck, type Generators, generatorsOf } from "./fast-check.ts";
import type { Arrival } from "./replayed-source.ts";
import type { JobUnderTest } from "./test-ends.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/** How often and how hard a job is checked. @public */
export interface CheckJobOptions {
  /**
   * By the name of a source, the records that replace it: a list, of which the check takes parts as well, or an arbitrary
   * of lists. Sources that are not named stay as they are and have to be bounded.
   */
  readonly inputs: Readonly<Record<string, readonly unknown[] | ArbitraryOf<readonly unknown[]>>>;
  /**
   * What of a sink's rows has to be the same, such as the last row of every key where a job emits running totals. Rows of
   * one key are in the order they were emitted. Default: all rows, in any order.
   */
  readonly resultOf?: (rows: readonly never[], sink: string) => unknown;
  /** The highest parallelism to try. Default 3. */
  readonly parallelismMax?: number;
  /** How many restarts a case has at most. Default 2. */
  readonly restartsMax?: number;
  /** How many cases. Default 30. */
  readonly numRuns?: number;
  /** As a failed check has printed them, to run the same case again. */
  readonly seed?: number;
  readonly path?: string;
  readonly args?: readonly string[];
  readonly configuration?: Configuration;
}

/** One case. Its smallest form is what the reference run does: fast-check shrinks towards it. */
interface Case {
  readonly records: Readonly<Record<string, readonly unknown[]>>;
  /** How much later than its timestamp each record arrives, in thousandths of the bound; 0 for the ones beyond. */
  readonly delays: readonly number[];
  readonly splits: number;
  readonly batches: readonly number[];
  readonly parallelism: number;
  readonly restarts: readonly Restart[];
  readonly seed: number;
}

const BATCH_MAX = 7;
const DELAYS_MAX = 200;
const SPLITS_MAX = 3;
const SHOWN_MAX = 5;

/**
 * Runs a job over and over, each time with its records arriving in another way, and compares the final results with those
 * of a plain run: in order, in one batch, at parallelism 1, without a restart.
 *
 * - Records of a source with a bound for out-of-orderness come in any order within that bound, so that none of them is
 *   late, and in several splits. Those of other sources keep their order.
 * - Sinks are replaced by one that commits in two phases: what counts is what was committed, once.
 * - A restart ends the job without warning some records after a checkpoint, and goes on from it at another parallelism.
 *
 * It finds folds that depend on the order of records, state that is kept in plain fields, functions that depend on time or
 * chance, and results that depend on where a batch ends.
 *
 * @param fastCheck - The library: `import fc from "fast-check"`.
 * @param job - The default export of the job's module. It must not execute the pipeline.
 * @throws MillraceError `MR_JOB_CHECK_FAILED` with the smallest case that fails, and its seed and path: one with another
 *   result, one in which the job fails, or one in which already the plain run does; `MR_TEST_KIT_MISUSED`
 * @example
 * await checkJob(fc, job, { inputs: { clicks: recordedClicks } });
 * @public
 */
export async function checkJob(fastCheck: FastCheck, job: JobUnderTest, options: CheckJobOptions): Promise<void> {
  const generators = generatorsOf(fastCheck);
  const configuration = options.configuration ?? new Configuration();
  const checked: CheckedJob = { job, args: options.args ?? [], configuration };
  const property = generators.asyncProperty(casesOf(generators, options), async (one) => {
    const expected = await runOr("plain", checked, planOf({ ...one, ...plain }, options));
    const found = await runOr("varied", checked, planOf(one, options));
    compareResults(expected, found, options);
  });
  const { seed, path, numRuns = 30 } = options;
  const details = await generators.check<Case>(property, {
    numRuns,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
  });
  if (details.failed) throw failureOf(details);
}

const plain: Pick<Case, "delays" | "splits" | "batches" | "parallelism" | "restarts" | "seed"> = {
  delays: [],
  splits: 1,
  batches: [],
  parallelism: 1,
  restarts: [],
  seed: 0,
};

function casesOf(generators: Generators, options: CheckJobOptions): ArbitraryOf<Case> {
  const { parallelismMax = 3, restartsMax = 2 } = options;
  const between = (min: number, max: number): ArbitraryOf<number> => generators.integer({ min, max });
  const inputs = Object.entries(options.inputs).map(([name, given]) => [
    name,
    "generate" in given ? given : generators.subarray(given),
  ]);
  return generators.record<Case>({
    records: generators.record(Object.fromEntries(inputs) as Record<string, ArbitraryOf<readonly unknown[]>>),
    delays: generators.array(between(0, 1000), { maxLength: DELAYS_MAX }),
    splits: between(1, SPLITS_MAX),
    batches: generators.array(between(1, BATCH_MAX), { maxLength: 5 }),
    parallelism: between(1, parallelismMax),
    restarts: generators.array(
      generators.record<Restart>({
        atPercent: between(0, 100),
        againPercent: between(0, 50),
        parallelism: between(1, parallelismMax),
      }),
      { maxLength: restartsMax },
    ),
    seed: between(0, 1000),
  });
}

/** A run that ended without a result: the plain one, or the one that a case varies. */
class RunFailure extends Error {
  readonly run: "plain" | "varied";

  constructor(run: "plain" | "varied", cause: unknown) {
    super(messageOf(cause), { cause });
    this.run = run;
  }
}

async function runOr(run: RunFailure["run"], ...args: Parameters<typeof runChecked>): Promise<RunResult> {
  try {
    return await runChecked(...args);
  } catch (cause) {
    throw new RunFailure(run, cause);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function planOf(one: Case, options: CheckJobOptions): Parameters<typeof runChecked>[1] {
  const seen = new Set<string>();
  const restarts = one.restarts.toSorted((left, right) => left.atPercent - right.atPercent);
  return {
    seed: one.seed,
    parallelism: one.parallelism,
    restarts,
    arrivalOf: (name, spec) => {
      const records = one.records[name];
      if (records === undefined) return undefined;
      if (seen.has(name) && restarts.length === 0) {
        throw testKitMisused("Two sources have the same name", `"${name}"`, "Give each source a name of its own");
      }
      seen.add(name);
      return arrivalOf(records, one, spec);
    },
    onBuilt: () => {
      const unknown = Object.keys(options.inputs).find((name) => !seen.has(name));
      if (unknown !== undefined) {
        throw testKitMisused("The job has no source of this name", `"${unknown}"`, "Use the name given to fromSource");
      }
    },
  };
}

/**
 * A record that is delayed by at most the bound comes at most the bound after one with a higher timestamp, so it is not late.
 */
function arrivalOf(records: readonly unknown[], one: Case, { strategy }: SourceSpec): Arrival {
  const { timestampAssigner, outOfOrdernessMs } = strategy;
  if (strategy.kind !== "bounded" || timestampAssigner === undefined)
    return { splits: [records], batches: one.batches };
  const arriving = records.map((value, index) => {
    const timestampMs = timestampAssigner(value, NO_TIMESTAMP);
    const delayMs = ((one.delays[index] ?? 0) / 1000) * outOfOrdernessMs;
    return { value, arrivesMs: timestampMs + delayMs };
  });
  arriving.sort((left, right) => left.arrivesMs - right.arrivesMs);
  const splits: unknown[][] = Array.from({ length: one.splits }, () => []);
  arriving.forEach(({ value }, index) => void splits[index % one.splits]!.push(value));
  return { splits, batches: one.batches };
}

function compareResults(expected: RunResult, found: RunResult, { resultOf = inAnyOrder }: CheckJobOptions): void {
  for (const [sink, rows] of expected) {
    // The caller knows what its sinks take.
    const want = resultOf(rows as readonly never[], sink);
    const have = resultOf((found.get(sink) ?? []) as readonly never[], sink);
    if (canonical(want) === canonical(have)) continue;
    throw new Error(`sink "${sink}" ${difference(want, have)}`);
  }
}

function inAnyOrder(rows: readonly unknown[]): unknown {
  return rows.map(canonical).sort();
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (part instanceof Map) return [...part].sort();
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

function difference(want: unknown, have: unknown): string {
  if (!Array.isArray(want) || !Array.isArray(have)) return `has ${canonical(have)} instead of ${canonical(want)}`;
  const missing = without(want.map(String), have.map(String));
  const extra = without(have.map(String), want.map(String));
  const list = (rows: readonly string[]): string =>
    rows.length === 0 ? "nothing" : rows.slice(0, SHOWN_MAX).join(", ") + (rows.length > SHOWN_MAX ? ", …" : "");
  return `lacks ${list(missing)} and has ${list(extra)} instead`;
}

function without(rows: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return rows.filter((row) => {
    const at = left.indexOf(row);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const PLAIN_RUN = "a run in order, in one batch, at parallelism 1, without a restart";

function failureOf(details: CheckDetails<Case>): unknown {
  const { errorInstance: error } = details;
  const [one] = details.counterexample!;
  const cause = error instanceof RunFailure ? error.cause : error;
  // A mistake of the test, not of the job.
  if (cause instanceof MillraceError && cause.code === "MR_TEST_KIT_MISUSED") return cause;
  const isPlain = error instanceof RunFailure && error.run === "plain";
  const smallest = `the smallest case after ${details.numShrinks} steps: ${isPlain ? describeRecords(one) : describeCase(one)}`;
  const again = "Pass the same seed and path to checkJob to run this case again";
  return new MillraceError("MR_JOB_CHECK_FAILED", {
    ...wordsOf(error, again),
    where: { seed: details.seed, path: details.counterexamplePath ?? "" },
    found: `${messageOf(cause)}; ${smallest}`,
    cause,
  });
}

function wordsOf(error: unknown, again: string): Pick<ErrorParts, "what" | "expected" | "todo"> {
  if (!(error instanceof RunFailure)) {
    const what = "The job's final result depends on how it was run";
    return { what, expected: `the result of ${PLAIN_RUN}`, todo: again };
  }
  if (error.run === "plain") {
    const todo = `Correct the job, or the records it is given: the cause has the details. ${again}`;
    return { what: "The job fails before anything is varied", expected: `${PLAIN_RUN}, that finishes`, todo };
  }
  const what = "Whether the job fails depends on how it was run";
  return { what, expected: `a result, as of ${PLAIN_RUN}`, todo: again };
}

function describeRecords({ records }: Case): string {
  return Object.entries(records)
    .map(([name, values]) => `${name} ${JSON.stringify(values)}`)
    .join(", ");
}

function describeCase(one: Case): string {
  const delays = one.delays.some((delay) => delay > 0)
    ? `arriving late by ${JSON.stringify(one.delays)} ‰ of the bound`
    : "in order";
  const batches = one.batches.length === 0 ? "in one batch" : `in batches of ${one.batches.join(", ")}`;
  const restarts = one.restarts.map(
    ({ atPercent, againPercent, parallelism }) =>
      `restarted ${againPercent} % after a checkpoint at ${atPercent} % at parallelism ${parallelism}`,
  );
  const splits = one.splits === 1 ? "one split" : `${one.splits} splits`;
  return [describeRecords(one), delays, splits, batches, `at parallelism ${one.parallelism}`, ...restarts].join(", ");
}
