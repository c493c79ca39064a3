import { type CachedFile, cachedFilesType } from "./cached-files.ts";
import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, intType, type OptionType, stringType } from "./option-types.ts";
import { refused } from "./parsed.ts";

/** The largest number of key groups; key groups are 15 bits wide in every format. @public */
export const MAX_PARALLELISM_LIMIT = 32_768;

const wholeNumber = intType({ min: -1, max: MAX_PARALLELISM_LIMIT });
const maxParallelismExpected = `-1, or a whole number from 1 to ${MAX_PARALLELISM_LIMIT}`;

// -1 is the only value below 1: 0 key groups could hold no key.
const maxParallelismType: OptionType<number> = {
  ...wholeNumber,
  name: `int, ${maxParallelismExpected}`,
  parse: (raw) => {
    const result = wholeNumber.parse(raw);
    return result.ok && result.value !== 0 ? result : refused(maxParallelismExpected);
  },
};

/** The option `parallelism.default`. @public */
export const DEFAULT_PARALLELISM: ConfigOption<number> = option({
  key: "parallelism.default",
  type: intType({ min: 1, max: MAX_PARALLELISM_LIMIT }),
  default: 1,
  description: "The parallelism of operators that set none themselves.",
});

/** The option `pipeline.max-parallelism`. @public */
export const PIPELINE_MAX_PARALLELISM: ConfigOption<number> = option({
  key: "pipeline.max-parallelism",
  type: maxParallelismType,
  default: -1,
  description:
    "The number of key groups, and so the highest parallelism the job's state can ever be restored at. -1 computes it from the parallelism: at least 128, a power of two.",
});

/** The option `pipeline.name`. @public */
export const PIPELINE_NAME: ConfigOption<string | undefined> = option({
  key: "pipeline.name",
  type: stringType,
  description: "The name of the job when the program gives it none.",
});

/** The option `pipeline.auto-watermark-interval`. @public */
export const AUTO_WATERMARK_INTERVAL: ConfigOption<number> = option({
  key: "pipeline.auto-watermark-interval",
  type: durationType(),
  default: 200,
  description:
    "How often a source, or an operator that assigns timestamps, that is waiting for records asks its periodic watermark generators. Busy ones ask after every batch. 0 turns the question off while waiting.",
});

/** The option `pipeline.object-reuse`. @public */
export const OBJECT_REUSE: ConfigOption<boolean> = option({
  key: "pipeline.object-reuse",
  type: booleanType,
  default: true,
  description:
    "Hand records from function to function without a copy. Safe when no function changes what it received or emitted; `false` gives every function a copy of its own.",
});

/** The option `pipeline.operator-chaining.enabled`. @public */
export const OPERATOR_CHAINING: ConfigOption<boolean> = option({
  key: "pipeline.operator-chaining.enabled",
  type: booleanType,
  default: true,
  legacyKeys: ["pipeline.operator-chaining"],
  description: "Fuse operators that follow each other without an exchange into one function.",
});

/** The option `pipeline.auto-generate-uids`. @public */
export const AUTO_GENERATE_UIDS: ConfigOption<boolean> = option({
  key: "pipeline.auto-generate-uids",
  type: booleanType,
  default: true,
  description:
    "Give stateful operators without `uid` one from their place in the graph. `false` makes a missing uid an error.",
});

/** The option `pipeline.cached-files`. @public */
export const CACHED_FILES: ConfigOption<readonly CachedFile[]> = option({
  key: "pipeline.cached-files",
  type: cachedFilesType,
  default: [],
  description:
    "Files and directories that functions find by name in `getRuntimeContext().getDistributedCache()`, such as `name:airports,path:data/airports.csv;name:model,path:models/7`.",
});

/** @internal */
export const pipelineOptions: OptionGroup = {
  title: "Pipeline",
  options: [
    DEFAULT_PARALLELISM,
    PIPELINE_MAX_PARALLELISM,
    PIPELINE_NAME,
    AUTO_WATERMARK_INTERVAL,
    OBJECT_REUSE,
    OPERATOR_CHAINING,
    AUTO_GENERATE_UIDS,
    CACHED_FILES,
  ],
};
