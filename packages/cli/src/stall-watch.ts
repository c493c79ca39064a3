import { type Duration, durationMs, MillraceError } from "millrace";

/** How long a job may write nothing before it is asked why, unless the command line says otherwise. */
const EXPLAIN_STALL_AFTER_MS = 10_000;

/**
 * When a running job is asked why nothing comes out: when it has written nothing for a while, and, as long as it does not,
 * after twice that time, four times, and so on. Pure.
 *
 * @internal
 */
export class StallWatch {
  readonly #afterMs: number;
  #written: number | undefined;
  #sinceMs = 0;
  #nextMs: number;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
    this.#nextMs = afterMs;
  }

  /** @returns For how long nothing has come, when it is time to ask; undefined otherwise. */
  sample(isRunning: boolean, recordsWritten: number, nowMs: number): number | undefined {
    if (!isRunning || recordsWritten !== this.#written) {
      this.#written = isRunning ? recordsWritten : undefined;
      this.#sinceMs = nowMs;
      this.#nextMs = this.#afterMs;
      return undefined;
    }
    const silentMs = nowMs - this.#sinceMs;
    if (silentMs < this.#nextMs) return undefined;
    this.#nextMs *= 2;
    return silentMs;
  }
}

/** What a job has answered that was asked why nothing comes out. @internal */
export function silentLines(silentMs: number, shortText: string): string {
  return `Nothing has come out for ${Math.round(silentMs / 1000)} s:\n${shortText}`;
}

/** What `--explain-stall` says, in ms; Infinity for never. @throws MillraceError `MR_CONFIG_INVALID` @internal */
export function stallAfterMs(option: string | undefined): number {
  if (option === undefined) return EXPLAIN_STALL_AFTER_MS;
  if (option === "never") return Number.POSITIVE_INFINITY;
  const ms = readDuration(option);
  if (ms !== undefined && ms > 0) return ms;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "The time after which a silent job is asked cannot be read",
    found: `--explain-stall ${JSON.stringify(option)}`,
    expected: 'a time such as "30 s", or never',
    todo: "Correct it, or leave it out: 10 s is the default",
  });
}

function readDuration(text: string): number | undefined {
  try {
    return durationMs(text as Duration);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "MR_DURATION_INVALID") return undefined;
    throw error;
  }
}
