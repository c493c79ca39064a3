/** The jobs that Millrace, the hand-written loops and the Flink peer all have, with the columns of their result rows. @internal */
export const JOB_COLUMNS = {
  "ds-passthrough": ["auction", "bidder", "price", "channel", "url", "dateTime", "extra"],
  "ds-keyed-sum": ["auction", "count", "sum"],
  "ds-tumbling": ["key", "windowEnd", "count"],
  "ds-sliding": ["key", "windowEnd", "count"],
  "ds-session": ["key", "windowEnd", "count"],
  "ds-interval-join": ["auction", "category", "price", "timestamp"],
} as const;

/** @internal */
export type JobName = keyof typeof JOB_COLUMNS;

/** @internal */
export const JOB_NAMES: readonly JobName[] = Object.keys(JOB_COLUMNS) as JobName[];

/** How far events may be out of order in every job with event time; the peer's `--wm-delay-ms`. @internal */
export const WATERMARK_DELAY_MS = 4000;
