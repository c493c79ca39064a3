/**
 * Event time is epoch milliseconds in a plain number. The extremes are safe integers, so that they survive JSON and
 * arithmetic on them saturates instead of losing precision.
 */

/** The timestamp of a record that has none. @public */
export const NO_TIMESTAMP: number = Number.MIN_SAFE_INTEGER;

/** Before the first watermark. @public */
export const MIN_WATERMARK: number = Number.MIN_SAFE_INTEGER;

/** No record follows: the watermark at the end of input. @public */
export const MAX_WATERMARK: number = Number.MAX_SAFE_INTEGER;
