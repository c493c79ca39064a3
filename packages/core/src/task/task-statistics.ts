/**
 * What a running subtask says about itself, in memory that other threads may read at any time: how its time is spent, how
 * far event time is, and how many records left each of its operators.
 *
 * Every millisecond is busy, idle or back-pressured, so that the three grow by about 1000 a second. A subtask that waits
 * for its turn, because others of its slot are at work, is idle: only one of a slot is busy at a time. The time since the
 * last step is not counted yet: it belongs to `state`.
 *
 * @see Flink's `busyTimeMsPerSecond`, `idleTimeMsPerSecond`, `backPressuredTimeMsPerSecond`.
 */

/** What a subtask does, or waits for: idle has no input, back-pressured has no room for its output. */
export type TaskState = "idle" | "backPressured" | "busy";

const STATES: readonly TaskState[] = ["idle", "backPressured", "busy"];

const STATE = 3;
const WATERMARK = 4;
const OUT_BUFFERS = 5;
const COUNTS = 8;

/** Milliseconds since the subtask was started, by what they were spent on. */
export interface TaskTimes {
  readonly idleMs: number;
  readonly backPressuredMs: number;
  readonly busyMs: number;
}

export class TaskStatistics {
  /** Records that left each operator, by its index; generated code counts here. */
  readonly counts: Float64Array;
  /** Records that came in, by gate. */
  readonly gateCounts: Float64Array;
  readonly #values: Float64Array;
  #sinceMs: number | undefined = undefined;

  /** Bytes of memory for a chain of so many operators and gates. */
  static bytesFor(operatorCount: number, gateCount: number): number {
    return (COUNTS + operatorCount + gateCount) * 8;
  }

  /** @param memory - Zeroed, or another thread's. */
  constructor(memory: ArrayBufferLike, operatorCount: number) {
    this.#values = new Float64Array(memory);
    this.counts = this.#values.subarray(COUNTS, COUNTS + operatorCount);
    this.gateCounts = this.#values.subarray(COUNTS + operatorCount);
  }

  /** Now the subtask works; what has passed since `endStep` was spent waiting. */
  beginStep(nowMonoMs: number): void {
    const values = this.#values;
    if (this.#sinceMs !== undefined) values[values[STATE]!]! += nowMonoMs - this.#sinceMs;
    this.#sinceMs = nowMonoMs;
    values[STATE] = 2;
  }

  /**
   * The step is over.
   *
   * @param hasWorked - Whether its time was spent on work; otherwise it belongs to what follows.
   * @param waitsFor - What the time until the next step is spent on.
   */
  endStep(nowMonoMs: number, hasWorked: boolean, waitsFor: TaskState): void {
    const values = this.#values;
    const code = STATES.indexOf(waitsFor);
    values[hasWorked ? 2 : code]! += nowMonoMs - this.#sinceMs!;
    values[STATE] = code;
    this.#sinceMs = nowMonoMs;
  }

  /** All figures as they lie in memory, for who keeps a copy. */
  get values(): Float64Array {
    return this.#values;
  }

  get times(): TaskTimes {
    return { idleMs: this.#values[0]!, backPressuredMs: this.#values[1]!, busyMs: this.#values[2]! };
  }

  get state(): TaskState {
    return STATES[this.#values[STATE]!]!;
  }

  get watermarkMs(): number {
    return this.#values[WATERMARK]!;
  }

  set watermarkMs(timestampMs: number) {
    this.#values[WATERMARK] = timestampMs;
  }

  /** Segments that wait in the outputs. */
  get buffersInUse(): number {
    return this.#values[OUT_BUFFERS]!;
  }

  set buffersInUse(count: number) {
    this.#values[OUT_BUFFERS] = count;
  }
}
