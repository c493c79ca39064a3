import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { durationType, enumType } from "./option-types.ts";

/** What happens to records that cannot be read. @public */
export type PoisonRecordPolicy = "fail" | "skip" | "dead-letter";

/** The option `source.poison-records`. @public */
export const POISON_RECORDS: ConfigOption<PoisonRecordPolicy> = option({
  key: "source.poison-records",
  type: enumType<PoisonRecordPolicy>(["fail", "skip", "dead-letter"]),
  default: "fail",
  description:
    "What a source does with a record it cannot read: fail the job, skip the record and count it in `numRecordsInErrors`, or emit it to the dead-letter side output.",
});

/** The option `time.max-future-skew`. @public */
export const MAX_FUTURE_SKEW: ConfigOption<number> = option({
  key: "time.max-future-skew",
  type: durationType(),
  default: 86_400_000,
  description:
    "How far ahead of the wall clock an event timestamp may be. A later one would close every window, so the record is treated as `source.poison-records` says. Timestamps in the past are always accepted.",
});

/** @internal */
export const sourceOptions: OptionGroup = {
  title: "Sources and event time",
  options: [POISON_RECORDS, MAX_FUTURE_SKEW],
};
