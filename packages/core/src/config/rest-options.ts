import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { booleanType, durationType, intType, memorySizeType, stringType } from "./option-types.ts";
import { portRangeType } from "./port-range.ts";

/** The option `rest.address`. @public */
export const REST_ADDRESS: ConfigOption<string> = option({
  key: "rest.address",
  type: stringType,
  default: "localhost",
  description: "Where clients look for the JobManager's REST API.",
});

/** The option `rest.port`. @public */
export const REST_PORT: ConfigOption<number> = option({
  key: "rest.port",
  type: intType({ min: 0, max: 65_535 }),
  default: 8081,
  legacyKeys: ["web.port"],
  description: "The port of `rest.address`; the REST API listens there unless `rest.bind-port` says otherwise.",
});

/** The option `rest.bind-port`. @public */
export const REST_BIND_PORT: ConfigOption<readonly number[] | undefined> = option({
  key: "rest.bind-port",
  type: portRangeType,
  description:
    "Where the REST API listens: a port, a list or a range, of which the first free one is taken, such as `8081` or `50100-50200,50300`. 0 is any free port. The default is `rest.port`.",
});

/** The option `rest.bind-address`. @public */
export const REST_BIND_ADDRESS: ConfigOption<string> = option({
  key: "rest.bind-address",
  type: stringType,
  default: "localhost",
  description:
    "The name or IP address that the REST API listens at. Only loopback ones are admitted: nobody who connects is asked who they are. In Flink every interface.",
});

/** The option `rest.server.max-content-length`. @public */
export const REST_MAX_CONTENT_LENGTH: ConfigOption<number> = option({
  key: "rest.server.max-content-length",
  type: memorySizeType({ min: 1024, max: 1024 * 1024 * 1024 }),
  default: 100 * 1024 * 1024,
  description: "The largest request that the REST API takes: the file of a job must be smaller.",
});

/** The option `rest.connection-timeout`. @public */
export const REST_CONNECTION_TIMEOUT: ConfigOption<number> = option({
  key: "rest.connection-timeout",
  type: durationType({ min: 10 }),
  default: 15_000,
  description: "How long a client of the REST API waits for a connection and for the answer to one request.",
});

/** The option `rest.idleness-timeout`. @public */
export const REST_IDLENESS_TIMEOUT: ConfigOption<number> = option({
  key: "rest.idleness-timeout",
  type: durationType({ min: 1000 }),
  default: 300_000,
  description: "The REST API closes a connection over which nothing has come for this long.",
});

/** The option `rest.async.store-duration`. @public */
export const REST_ASYNC_STORE_DURATION: ConfigOption<number> = option({
  key: "rest.async.store-duration",
  type: durationType({ min: 1000 }),
  default: 300_000,
  description:
    "How long the result of a savepoint, a checkpoint or a stop that somebody has asked for can be asked for.",
});

/** The option `web.refresh-interval`. @public */
export const WEB_REFRESH_INTERVAL: ConfigOption<number> = option({
  key: "web.refresh-interval",
  type: durationType({ min: 100 }),
  default: 3000,
  legacyKeys: ["jobmanager.web.refresh-interval"],
  description: "How often a user interface asks the JobManager again. It hears of it from the REST API.",
});

/** The option `web.submit.enable`. @public */
export const WEB_SUBMIT_ENABLE: ConfigOption<boolean> = option({
  key: "web.submit.enable",
  type: booleanType,
  default: true,
  legacyKeys: ["jobmanager.web.submit.enable"],
  description:
    "Whether jobs can be brought to the JobManager and started over the REST API, which is how `millrace run -m` does it.",
});

/** The option `web.cancel.enable`. @public */
export const WEB_CANCEL_ENABLE: ConfigOption<boolean> = option({
  key: "web.cancel.enable",
  type: booleanType,
  default: true,
  description:
    "Whether user interfaces offer to cancel jobs. The REST API itself, and with it the command line, always does.",
});

/** The option `web.upload.dir`. @public */
export const WEB_UPLOAD_DIR: ConfigOption<string | undefined> = option({
  key: "web.upload.dir",
  type: stringType,
  legacyKeys: ["jobmanager.web.upload.dir"],
  description:
    "Where the files of jobs that come over the REST API are kept. The default is a directory of the JobManager's own below `high-availability.storageDir`.",
});

/** The option `web.checkpoints.history`. @public */
export const WEB_CHECKPOINTS_HISTORY: ConfigOption<number> = option({
  key: "web.checkpoints.history",
  type: intType({ min: 0, max: 10_000 }),
  default: 10,
  legacyKeys: ["jobmanager.web.checkpoints.history"],
  description: "How many checkpoints of each job are remembered one by one, with what each subtask took.",
});

/** The option `web.exception-history-size`. @public */
export const WEB_EXCEPTION_HISTORY_SIZE: ConfigOption<number> = option({
  key: "web.exception-history-size",
  type: intType({ min: 1, max: 10_000 }),
  default: 16,
  description: "How many failures of each job are remembered.",
});

/** @internal */
export const restOptions: OptionGroup = {
  title: "REST API",
  options: [
    REST_ADDRESS,
    REST_PORT,
    REST_BIND_ADDRESS,
    REST_BIND_PORT,
    REST_MAX_CONTENT_LENGTH,
    REST_CONNECTION_TIMEOUT,
    REST_IDLENESS_TIMEOUT,
    REST_ASYNC_STORE_DURATION,
    WEB_REFRESH_INTERVAL,
    WEB_SUBMIT_ENABLE,
    WEB_CANCEL_ENABLE,
    WEB_UPLOAD_DIR,
    WEB_CHECKPOINTS_HISTORY,
    WEB_EXCEPTION_HISTORY_SIZE,
  ],
};
