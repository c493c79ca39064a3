import type { Clock, Random } from "./platform.ts";

/** How often something is tried, and how long the pauses between are. @internal */
export interface RetryLimits {
  /** At least 1. */
  readonly attemptsMax: number;
  /** Of the first pause; each next one is twice as long. Default 100 ms. */
  readonly pauseMsFirst?: number;
  /** Default 10 s. */
  readonly pauseMsMax?: number;
}

/**
 * Tries something until it succeeds, fails of what does not pass, or has been tried often enough; then fails with what the last
 * try has failed with. Pauses are of random length between half and all of their bound, so that many that fail together do not
 * come back together.
 *
 * @param attempt - Gets the number of the try, from 1.
 * @param isPassing - Whether a failure may be gone the next time.
 * @internal
 */
export async function retrying<T>(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  { attemptsMax, pauseMsFirst = 100, pauseMsMax = 10_000 }: RetryLimits,
  attempt: (number: number) => Promise<T>,
  isPassing: (error: unknown) => boolean,
): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt(number);
    } catch (error) {
      if (number >= attemptsMax || !isPassing(error)) throw error;
    }
    const boundMs = Math.min(pauseMsFirst * 2 ** (number - 1), pauseMsMax);
    const pauseMs = boundMs * (0.5 + random.u32() / 2 ** 33);
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
  }
}
