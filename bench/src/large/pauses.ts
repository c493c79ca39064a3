import { openSync, readSync } from "node:fs";
import { monotonicMs } from "../monotonic-clock.ts";

/** Records from look to look: reading the thread's time costs a few microseconds. */
const RECORDS_PER_LOOK = 64;
const KEPT = 8;

/**
 * The longest times that a subtask's thread has taken for few records: by the clock, and by its own CPU time, which other
 * programs of a machine do not lengthen. CPU time is Linux's; elsewhere there is none.
 * @internal
 */
export class Pauses {
  readonly #wallMs: number[] = [];
  readonly #cpuMs: number[] = [];
  readonly #clock: ThreadClock = new ThreadClock();
  #records = 0;
  #lastWallMs = Number.NaN;
  #lastCpuMs = Number.NaN;

  /** One record more. */
  onRecord(): void {
    if (this.#records++ % RECORDS_PER_LOOK !== 0) return;
    const [wallMs, cpuMs] = [monotonicMs(), this.#clock.cpuMs()];
    keep(this.#wallMs, wallMs - this.#lastWallMs);
    keep(this.#cpuMs, cpuMs - this.#lastCpuMs);
    this.#lastWallMs = wallMs;
    this.#lastCpuMs = cpuMs;
  }

  toString(): string {
    const list = (times: readonly number[]): string => times.map((ms) => ms.toFixed(1)).join(", ");
    return `longest times for ${RECORDS_PER_LOOK} records: ${list(this.#wallMs)} ms; of the thread's CPU: ${list(this.#cpuMs)} ms`;
  }
}

/** The longest first. */
function keep(times: number[], ms: number): void {
  if (!(ms > (times[KEPT - 1] ?? 0))) return;
  times.push(ms);
  times.sort((left, right) => right - left);
  times.length = Math.min(times.length, KEPT);
}

class ThreadClock {
  readonly #file: number | undefined = openedSchedule();
  readonly #bytes: Buffer = Buffer.alloc(64);

  /** NaN where the system does not tell. */
  cpuMs(): number {
    if (this.#file === undefined) return Number.NaN;
    const length = readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
    // Nanoseconds on a processor come first.
    return Number.parseInt(this.#bytes.toString("latin1", 0, length), 10) / 1e6;
  }
}

/** Of the thread that opens it. */
function openedSchedule(): number | undefined {
  try {
    return openSync("/proc/thread-self/schedstat", "r");
  } catch {
    return undefined;
  }
}
