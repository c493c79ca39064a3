import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { durationType, memorySizeType } from "./option-types.ts";

/** The option `heartbeat.interval`. @public */
export const HEARTBEAT_INTERVAL: ConfigOption<number> = option({
  key: "heartbeat.interval",
  type: durationType({ min: 10 }),
  default: 1000,
  description:
    "How often the processes of a cluster give each other a sign of life. Flink's default is 10 s; this one finds a process that hangs within 5 s.",
});

/** The option `heartbeat.timeout`. @public */
export const HEARTBEAT_TIMEOUT: ConfigOption<number> = option({
  key: "heartbeat.timeout",
  type: durationType({ min: 20 }),
  default: 4000,
  description:
    "A process that gave no sign of life for this long is taken for dead. More than `heartbeat.interval`. Flink's default is 50 s. A process that ends is noticed at once, without this. Raise it where garbage collection or a debugger stops processes for seconds.",
});

/** The option `pekko.ask.timeout`. @public */
export const ASK_TIMEOUT: ConfigOption<number> = option({
  key: "pekko.ask.timeout",
  type: durationType({ min: 10 }),
  default: 10_000,
  legacyKeys: ["akka.ask.timeout"],
  description: "How long one process of a cluster waits for another one's answer.",
});

/** The option `pekko.framesize`. @public */
export const FRAME_SIZE: ConfigOption<number> = option({
  key: "pekko.framesize",
  type: memorySizeType({ min: 64 * 1024, max: 1024 * 1024 * 1024 }),
  default: 10 * 1024 * 1024,
  legacyKeys: ["akka.framesize"],
  description:
    "The largest message that processes of a cluster send to each other and accept. The same in all of them. Flink writes the unit b behind the number, which is understood.",
});

/** @internal */
export const clusterOptions: OptionGroup = {
  title: "Processes of a cluster",
  options: [HEARTBEAT_INTERVAL, HEARTBEAT_TIMEOUT, ASK_TIMEOUT, FRAME_SIZE],
};
