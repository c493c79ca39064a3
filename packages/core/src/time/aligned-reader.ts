/**
 * One source subtask of an alignment group: says how far it is, and waits while it is too far ahead of the others.
 *
 * Pure: the caller brings the monotonic time, carries the reports and hears what is allowed.
 *
 * - G1. A reader goes on until its watermark is above what is allowed. Once it has a first watermark nothing is allowed
 *   until the group has answered, so that nobody runs ahead before the others have started.
 * - G2. It reports at once what others may wait for: its first watermark, that it has to wait, that it is left out of the
 *   group (idle or ended) or no longer is, and a quarter of the drift gained; smaller steps every update interval.
 */
import { MAX_WATERMARK, MIN_WATERMARK } from "./timestamps.ts";
import type { WatermarkAlignment } from "./watermark-strategy.ts";

const REPORTS_PER_DRIFT = 4;

/** @internal */
export class AlignedReader {
  readonly #alignment: WatermarkAlignment;
  #watermarkMs: number = MIN_WATERMARK;
  #allowedMs: number = MIN_WATERMARK;
  #reportedMs: number | undefined;
  #reportedAtMonoMs = 0;

  constructor(alignment: WatermarkAlignment) {
    this.#alignment = alignment;
  }

  /** How far this reader and each of its splits may go: at this watermark it is still read, above it is not. */
  get allowedMs(): number {
    return this.#allowedMs;
  }

  get isPaused(): boolean {
    return this.#watermarkMs !== MIN_WATERMARK && this.#watermarkMs > this.#allowedMs;
  }

  /** The group's answer. */
  onAllowed(timestampMs: number): void {
    this.#allowedMs = timestampMs;
  }

  /**
   * Where the reader is now.
   *
   * @param watermarkMs - `MIN_WATERMARK` while it has none, `MAX_WATERMARK` when it has ended.
   * @returns What to report, undefined for nothing; `MAX_WATERMARK` says that the reader is left out.
   */
  onProgress(watermarkMs: number, isIdle: boolean, nowMonoMs: number): number | undefined {
    if (watermarkMs > this.#watermarkMs) this.#watermarkMs = watermarkMs;
    const current = isIdle ? MAX_WATERMARK : this.#watermarkMs;
    if (!this.#isDue(current, nowMonoMs)) return undefined;
    this.#reportedMs = current;
    this.#reportedAtMonoMs = nowMonoMs;
    return current;
  }

  #isDue(current: number, nowMonoMs: number): boolean {
    const reported = this.#reportedMs;
    if (reported === current) return false;
    if (reported === undefined || reported === MIN_WATERMARK || reported === MAX_WATERMARK) return true;
    if (current === MAX_WATERMARK || this.isPaused) return true;
    if (current - reported >= this.#alignment.maxDriftMs / REPORTS_PER_DRIFT) return true;
    return nowMonoMs >= this.#reportedAtMonoMs + this.#alignment.updateIntervalMs;
  }
}
