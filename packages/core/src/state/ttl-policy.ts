import type { Clock } from "../platform/platform.ts";
import { PagedList } from "./paged-list.ts";
import { PagedMap } from "./paged-map.ts";
import type { StampedValue } from "./state-codecs.ts";
import type { StateTtlConfig } from "./state-ttl-config.ts";

/** Which values of one state have expired, and who sees them. */
export class TtlPolicy {
  readonly config: StateTtlConfig;
  readonly updatesOnRead: boolean;
  readonly returnsExpired: boolean;
  readonly #clock: Pick<Clock, "wallMs">;

  constructor(config: StateTtlConfig, clock: Pick<Clock, "wallMs">) {
    this.config = config;
    this.updatesOnRead = config.updateType === "OnReadAndWrite";
    this.returnsExpired = config.stateVisibility === "ReturnExpiredIfNotCleanedUp";
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.wallMs();
  }

  stamp(value: unknown): StampedValue {
    return { value, at: this.#clock.wallMs() };
  }

  /** A value lives for its time to live and not a millisecond longer. */
  isExpired(stamped: StampedValue): boolean {
    return stamped.at + this.config.timeToLiveMs <= this.#clock.wallMs();
  }

  /** The value as a fold may go on from it: undefined when it has expired and is not to be seen. */
  unexpired(stamped: StampedValue | undefined): unknown {
    if (stamped === undefined || (!this.returnsExpired && this.isExpired(stamped))) return undefined;
    return stamped.value;
  }

  /** A single value that has not expired, or undefined. */
  readonly liveValue = (stamped: unknown): unknown => (this.isExpired(stamped as StampedValue) ? undefined : stamped);

  // Nobody looks through all of a large value but its readers, and compactions.

  /** A list without its expired elements: the same one when there are none, undefined when none is left. */
  readonly liveList = (list: unknown): unknown => {
    if (list instanceof PagedList) return list;
    const elements = list as readonly StampedValue[];
    if (!elements.some((element) => this.isExpired(element))) return elements;
    const live = elements.filter((element) => !this.isExpired(element));
    return live.length === 0 ? undefined : live;
  };

  /** A map without its expired entries: the same one when there are none, undefined when none is left. */
  readonly liveMap = (map: unknown): unknown => {
    if (map instanceof PagedMap) return map;
    const entries = map as ReadonlyMap<unknown, StampedValue>;
    const live = [...entries].filter(([, stamped]) => !this.isExpired(stamped));
    if (live.length === entries.size) return entries;
    return live.length === 0 ? undefined : new Map(live);
  };
}
