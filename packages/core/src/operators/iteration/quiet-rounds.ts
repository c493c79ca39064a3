/**
 * Finds out when nothing goes around in an iteration any more, after its inputs have ended. Pure: no clock, no I/O.
 *
 * The head of each subtask sends watermarks through the loop, one a round, above every event time. They pass through all
 * channels behind the records, and a tail sees the lowest of those that can reach it: so once round n has come back, what
 * the heads emitted before round n is back as well.
 *
 * - Q1. A watermark carries its round and a level. A head's level is 0 when something was fed back to it since the round
 *   before, and otherwise one more than the lower of the level that came back and its own in the round before.
 * - Q2. Level n has come back to a head: for n rounds nothing was fed back to it, nor to any head from which up to n steps
 *   lead to it. Its own level counts because not every loop leads back to the subtask where it began.
 * - Q3. With a level of the parallelism no record is on its way to the head, through however many subtasks, so it ends.
 */
import { invariant } from "../../base/errors.ts";
import { MAX_WATERMARK } from "../../time/timestamps.ts";

/** Watermarks from here on are rounds; no event time comes near them. */
const FIRST_ROUND_MS = MAX_WATERMARK - 2 ** 45;

export class QuietRounds {
  readonly #parallelism: number;
  /** How far apart two rounds are: there is room for every level. */
  readonly #stride: number;
  #round: number;
  #level = 0;
  #isOnItsWay = false;
  #hasFedBack = false;

  /** @param watermarkMs - The last watermark that was sent, possibly a round of an attempt that has failed. */
  constructor(parallelism: number, watermarkMs: number) {
    this.#parallelism = parallelism;
    this.#stride = parallelism + 2;
    this.#round = this.#roundOf(watermarkMs) + 1;
  }

  onFeedback(): void {
    this.#hasFedBack = true;
  }

  /** Whether `next` would say something. */
  isDue(returnedMs: number): boolean {
    return !this.#isOnItsWay || this.#roundOf(returnedMs) >= this.#round;
  }

  /**
   * @param returnedMs - The lowest watermark that has come back; everything fed back before it has been taken.
   * @returns The next watermark to send, or `MAX_WATERMARK` when the loop is empty.
   */
  next(returnedMs: number): number {
    invariant(this.isDue(returnedMs), "Q1: the round has not come back");
    const isQuiet = this.#isOnItsWay && !this.#hasFedBack;
    const level = isQuiet ? Math.min(this.#level, this.#levelOf(returnedMs)) + 1 : 0;
    if (level > this.#parallelism) return MAX_WATERMARK;
    this.#level = level;
    if (this.#isOnItsWay) this.#round++;
    this.#isOnItsWay = true;
    this.#hasFedBack = false;
    const watermarkMs = FIRST_ROUND_MS + this.#round * this.#stride + level;
    invariant(watermarkMs < MAX_WATERMARK, `an iteration has gone through ${this.#round} rounds`);
    return watermarkMs;
  }

  #roundOf(watermarkMs: number): number {
    return watermarkMs < FIRST_ROUND_MS ? -1 : Math.floor((watermarkMs - FIRST_ROUND_MS) / this.#stride);
  }

  // Heads that have ended send nothing any more.
  #levelOf(watermarkMs: number): number {
    if (watermarkMs === MAX_WATERMARK) return this.#parallelism;
    return Math.min((watermarkMs - FIRST_ROUND_MS) % this.#stride, this.#parallelism);
  }
}
