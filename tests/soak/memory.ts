/**
 * Says whether memory stays flat.
 *
 * Of the samples in order, the first tenth is warm-up. Of the rest, the median of the last third must not be above the median
 * of the first third by more than a share of it and a number of MiB. With fewer samples than are needed nothing is said.
 */

/** Ten of a hundred, and never fewer than two, are warm-up. */
const WARM_UP_SHARE = 0.1;
const WARM_UP_SAMPLES_MIN = 2;
export const SAMPLES_MIN = 11;

export interface Allowance {
  readonly share: number;
  readonly mib: number;
}

export interface Trend {
  readonly firstMib: number;
  readonly lastMib: number;
  readonly limitMib: number;
  readonly isFlat: boolean;
}

/** @returns undefined when there are too few samples. */
export function trendOf(samplesMib: readonly number[], { share, mib }: Allowance): Trend | undefined {
  if (samplesMib.length < SAMPLES_MIN) return undefined;
  const judged = samplesMib.slice(Math.max(WARM_UP_SAMPLES_MIN, Math.ceil(samplesMib.length * WARM_UP_SHARE)));
  const third = Math.floor(judged.length / 3);
  const firstMib = median(judged.slice(0, third));
  const lastMib = median(judged.slice(-third));
  const limitMib = firstMib * (1 + share) + mib;
  return { firstMib, lastMib, limitMib, isFlat: lastMib <= limitMib };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
