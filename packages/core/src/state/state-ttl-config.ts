import { type Duration, durationMs, formatDuration } from "../base/duration.ts";
import { MillraceError } from "../base/errors.ts";

/** When the time to live of a value starts anew. @public */
export type TtlUpdateType = "Disabled" | "OnCreateAndWrite" | "OnReadAndWrite";

/** Whether a value is seen between its expiry and its removal. @public */
export type TtlStateVisibility = "NeverReturnExpired" | "ReturnExpiredIfNotCleanedUp";

/** How expired values leave the heap and the snapshots, besides being removed when they are read. @public */
export interface TtlCleanup {
  /** Snapshots leave expired values out; the heap keeps them. */
  readonly isFullSnapshot: boolean;
  /** Keys that every access to the state looks at, round and round; 0 for none. */
  readonly incrementalSize: number;
}

/** Keys that an access looks at unless the configuration says otherwise, as in Flink. */
const INCREMENTAL_SIZE_DEFAULT = 5;

interface TtlSettings {
  readonly timeToLiveMs: number;
  readonly updateType: TtlUpdateType;
  readonly stateVisibility: TtlStateVisibility;
  readonly cleanup: TtlCleanup;
}

/**
 * How long the values of a keyed state live. The elements of a list and the entries of a map expire one by one. Time is
 * processing time: a value expires when its time to live has passed since it was written (or read), whatever the watermark
 * says, and while the job is down, too.
 *
 * A state that had none may get a time to live: restored values count as written at the restore. One that had may lose it.
 *
 * @example
 * const ttl = StateTtlConfig.newBuilder("1 h").updateTtlOnReadAndWrite().cleanupFullSnapshot().build();
 * const lastSeen = valueState("last-seen", t.timestamp).enableTimeToLive(ttl);
 * @public
 */
export class StateTtlConfig {
  /** Values live for ever. */
  static readonly DISABLED: StateTtlConfig = new StateTtlConfig({
    timeToLiveMs: Number.MAX_SAFE_INTEGER,
    updateType: "Disabled",
    stateVisibility: "NeverReturnExpired",
    cleanup: { isFullSnapshot: false, incrementalSize: 0 },
  });

  readonly timeToLiveMs: number;
  readonly updateType: TtlUpdateType;
  readonly stateVisibility: TtlStateVisibility;
  readonly cleanup: TtlCleanup;

  /** Use {@link StateTtlConfig.newBuilder}. @internal */
  constructor(settings: TtlSettings) {
    this.timeToLiveMs = settings.timeToLiveMs;
    this.updateType = settings.updateType;
    this.stateVisibility = settings.stateVisibility;
    this.cleanup = settings.cleanup;
  }

  get isEnabled(): boolean {
    return this.updateType !== "Disabled";
  }

  /**
   * Values that live for `timeToLive` after they were written, are never seen after that, and are removed while the state
   * is used.
   *
   * @throws MillraceError `MR_STATE_TTL_INVALID` unless it is more than 0 ms, `MR_DURATION_INVALID`
   */
  static newBuilder(timeToLive: Duration): StateTtlConfigBuilder {
    return new StateTtlConfigBuilder(timeToLive);
  }
}

/** Made by {@link StateTtlConfig.newBuilder}. The setters return the builder. @public */
export class StateTtlConfigBuilder {
  #timeToLiveMs = 0;
  #updateType: TtlUpdateType = "OnCreateAndWrite";
  #stateVisibility: TtlStateVisibility = "NeverReturnExpired";
  #isFullSnapshot = false;
  #incrementalSize = INCREMENTAL_SIZE_DEFAULT;

  /** @internal */
  constructor(timeToLive: Duration) {
    this.setTimeToLive(timeToLive);
  }

  /** @throws MillraceError `MR_STATE_TTL_INVALID` unless it is more than 0 ms, `MR_DURATION_INVALID` */
  setTimeToLive(timeToLive: Duration): this {
    const ms = durationMs(timeToLive);
    if (ms <= 0) throw invalid(formatDuration(ms), "a time to live of at least 1 ms");
    this.#timeToLiveMs = ms;
    return this;
  }

  setUpdateType(updateType: TtlUpdateType): this {
    this.#updateType = updateType;
    return this;
  }

  /** A value lives anew when it is written. The default. */
  updateTtlOnCreateAndWrite(): this {
    return this.setUpdateType("OnCreateAndWrite");
  }

  /** A value lives anew when it is written or read. */
  updateTtlOnReadAndWrite(): this {
    return this.setUpdateType("OnReadAndWrite");
  }

  setStateVisibility(visibility: TtlStateVisibility): this {
    this.#stateVisibility = visibility;
    return this;
  }

  /** An expired value is as if it were not there. The default. */
  neverReturnExpired(): this {
    return this.setStateVisibility("NeverReturnExpired");
  }

  /** An expired value may be seen until something removes it; reading it does. */
  returnExpiredIfNotCleanedUp(): this {
    return this.setStateVisibility("ReturnExpiredIfNotCleanedUp");
  }

  /** Time is processing time: the default and the only one there is. */
  useProcessingTime(): this {
    return this;
  }

  /** Checkpoints and savepoints leave expired values out. */
  cleanupFullSnapshot(): this {
    this.#isFullSnapshot = true;
    return this;
  }

  /**
   * Every access to the state looks at some keys and removes what has expired of them.
   *
   * @param cleanupSize - Keys an access; 5 by default.
   * @throws MillraceError `MR_STATE_TTL_INVALID` unless it is a whole number of at least 1
   */
  cleanupIncrementally(cleanupSize: number): this {
    if (!Number.isInteger(cleanupSize) || cleanupSize < 1) {
      throw invalid(`a clean-up of ${cleanupSize} keys`, "a whole number of keys, at least 1");
    }
    this.#incrementalSize = cleanupSize;
    return this;
  }

  /** Expired values are removed only when they are read. */
  disableCleanupInBackground(): this {
    this.#incrementalSize = 0;
    return this;
  }

  build(): StateTtlConfig {
    return new StateTtlConfig({
      timeToLiveMs: this.#timeToLiveMs,
      updateType: this.#updateType,
      stateVisibility: this.#stateVisibility,
      cleanup: { isFullSnapshot: this.#isFullSnapshot, incrementalSize: this.#incrementalSize },
    });
  }
}

function invalid(found: string, expected: string): MillraceError {
  return new MillraceError("MR_STATE_TTL_INVALID", {
    what: "A state cannot have this time to live",
    found,
    expected,
    todo: 'Build it like StateTtlConfig.newBuilder("1 h").build()',
  });
}
