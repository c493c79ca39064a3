/**
 * Joins two keyed inputs on the distance of their timestamps: every pair of records of one key with
 * `left + lower <= right <= left + upper`, as soon as its second record has come.
 *
 * - J1. A record whose timestamp is before the watermark is late: it joins nothing and goes to its side's late output.
 * - J2. A left record is kept until the watermark reaches its timestamp + max(0, upper), a right one until it reaches its
 *   timestamp + max(0, -lower). What is kept is decided when a watermark comes, as by a timer: a record that comes at
 *   the very time of the watermark and would be dropped by it stays until the next one.
 * - J3. A buffer is in its side's slot if and only if it is in one bucket of that side. Only the bucket's turn takes it
 *   out, once it is empty.
 * - J4. Buffers are trimmed where they are read, at most once a watermark, so nobody sees an expired record, and inactive
 *   keys when their bucket's turn comes. A snapshot leaves out what had expired when it was taken.
 * - J5. Where keyed state is in a store the buckets are an index there, of keys and sides: a key is read in its turn.
 *
 * Generated code checks J1, keeps the record and walks through the other side's buffer.
 */

import { MillraceError } from "../../base/errors.ts";
import type { Counter } from "../../metrics/counter.ts";
import type { KeyEntry } from "../../state/key-entry.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { SnapshotFormat } from "../../state/store-snapshot.ts";
import type { StoredTimeIndex } from "../../state/stored-time-index.ts";
import { MIN_WATERMARK, NO_TIMESTAMP } from "../../time/timestamps.ts";
import { type MapKey, mapKeyOf } from "../../types/key-encoding.ts";
import type { Serializer } from "../../types/type.ts";
import { invokeClose, invokeOpen } from "../clone-function.ts";
import type { ProcessJoinContext } from "../functions.ts";
import { OperatorContext } from "../keyed-context.ts";
import { BaseOperator, type OperatorHost, type OperatorSnapshot } from "../operator-runtime.ts";
import type { OutputTag } from "../output-tag.ts";
import { ExpiryBuckets } from "./expiry-buckets.ts";
import { JoinBuffer } from "./join-buffer.ts";
import { joinBufferCodec, type RestoredBuffer } from "./join-buffer-codec.ts";

/** What the operator needs to know of a join; see `IntervalJoinSpec`. */
export interface IntervalJoining {
  readonly lowerMs: number;
  readonly upperMs: number;
  readonly serializers: readonly [Serializer<unknown>, Serializer<unknown>];
  readonly lateTags: readonly [OutputTag<unknown> | undefined, OutputTag<unknown> | undefined];
}

class JoinContext extends OperatorContext implements ProcessJoinContext {
  /** Set by generated code before every call. */
  leftTimestamp: number = NO_TIMESTAMP;
  rightTimestamp: number = NO_TIMESTAMP;
}

/** How one side is kept. */
class JoinSide {
  readonly slot: 0 | 1;
  readonly keepMs: number;
  readonly expiry: ExpiryBuckets;

  constructor(slot: 0 | 1, keepMs: number, bucketMs: number) {
    this.slot = slot;
    this.keepMs = keepMs;
    this.expiry = new ExpiryBuckets(bucketMs);
  }
}

/** A buffer that was read may have waited in the store while watermarks came. */
const NEVER_TRIMMED = -1;

/** A bucket is a quarter of the interval, within these limits: inactive keys are kept that much longer. */
const BUCKETS_PER_INTERVAL = 4;
const BUCKET_MS_MIN = 100;
const BUCKET_MS_MAX = 60_000;

export class IntervalJoinOperator extends BaseOperator {
  override readonly table: KeyedStateTable;
  readonly context: JoinContext;
  /** Records before this are late (J1), or have no timestamp at all. Read by generated code. */
  acceptedFromMs: number = MIN_WATERMARK;
  readonly #fn: unknown;
  readonly #joining: IntervalJoining;
  readonly #left: JoinSide;
  readonly #right: JoinSide;
  readonly #lateDropped: Counter;
  /** How many watermarks have come; tells trimmed buffers from others. */
  #watermarkCount = 0;
  /** J5. */
  readonly #expiries: StoredTimeIndex | undefined;
  /** By side, the keys whose written buffers have a record that only the next watermark drops (J2). */
  readonly #spared: readonly [Set<MapKey>, Set<MapKey>] = [new Set(), new Set()];
  /** Where the operator stood when the last snapshot was begun. */
  #snapshotWatermark: number = MIN_WATERMARK;
  #snapshotWatermarkCount = 0;

  constructor(host: OperatorHost, fn: unknown, joining: IntervalJoining) {
    super(host);
    this.#fn = fn;
    this.#joining = joining;
    const { lowerMs, upperMs } = joining;
    const bucketMs = Math.ceil((upperMs - lowerMs) / BUCKETS_PER_INTERVAL);
    const boundedMs = Math.min(Math.max(bucketMs, BUCKET_MS_MIN), BUCKET_MS_MAX);
    this.#left = new JoinSide(0, Math.max(0, upperMs), boundedMs);
    this.#right = new JoinSide(1, Math.max(0, -lowerMs), boundedMs);
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
    this.#expiries = this.table.indexByTime((entry) => this.#adopt(entry));
    this.context = new JoinContext(this);
    this.#lateDropped = host.context.metricGroup.counter("numLateRecordsDropped");
  }

  override open(): void {
    const { serializers } = this.#joining;
    for (const [name, side] of [["_left", this.#left] as const, ["_right", this.#right] as const]) {
      this.table.registerSlot(
        joinBufferCodec(name, serializers[side.slot], {
          liveFrom: (buffer) => this.#liveFrom(side, buffer),
          onStored: (key, newestMs) => this.#awaitExpiry(side, newestMs, key),
        }),
      );
    }
    this.#setAcceptedFrom();
    if (this.#expiries === undefined) for (const entry of this.table.map.values()) this.#adoptRestored(entry);
    invokeOpen(this.#fn, this.host.context);
  }

  override async close(): Promise<void> {
    invokeClose(this.#fn);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    this.#watermarkCount++;
    for (const keys of this.#spared) keys.clear();
    this.#setAcceptedFrom();
    if (this.#expiries !== undefined) {
      this.#takeStored(this.#expiries, timestampMs);
      return;
    }
    this.#left.expiry.takeDue(timestampMs, (buffer) => this.#onExpiry(this.#left, buffer));
    this.#right.expiry.takeDue(timestampMs, (buffer) => this.#onExpiry(this.#right, buffer));
  }

  override restartTime(): void {
    super.restartTime();
    this.#watermarkCount++;
    this.#setAcceptedFrom();
    this.#left.expiry.restart();
    this.#right.expiry.restart();
  }

  override snapshot(checkpointId: number, format?: SnapshotFormat): OperatorSnapshot {
    // Before the rest: beginning a snapshot finishes the one before, which is of another moment.
    const snapshot = super.snapshot(checkpointId, format);
    this.#snapshotWatermark = this.currentWatermark;
    this.#snapshotWatermarkCount = this.#watermarkCount;
    return snapshot;
  }

  /**
   * Keeps a left record of the current key, whose entry is `entry`. Returns the right records of the key, undefined when
   * there are none.
   */
  keepLeft(entry: KeyEntry | undefined, value: unknown, timestampMs: number): JoinBuffer | undefined {
    const owner = entry ?? this.table.createCurrent();
    const own = owner.s0 as JoinBuffer | undefined;
    if (own === undefined) owner.s0 = this.#createBuffer(this.#left, owner, [timestampMs], [value]);
    else this.#trimmed(this.#left, own).add(value, timestampMs);
    const other = owner.s1 as JoinBuffer | undefined;
    return other === undefined ? undefined : this.#trimmed(this.#right, other);
  }

  /** As `keepLeft`, with the sides exchanged. */
  keepRight(entry: KeyEntry | undefined, value: unknown, timestampMs: number): JoinBuffer | undefined {
    const owner = entry ?? this.table.createCurrent();
    const own = owner.s1 as JoinBuffer | undefined;
    if (own === undefined) owner.s1 = this.#createBuffer(this.#right, owner, [timestampMs], [value]);
    else this.#trimmed(this.#right, own).add(value, timestampMs);
    const other = owner.s0 as JoinBuffer | undefined;
    return other === undefined ? undefined : this.#trimmed(this.#left, other);
  }

  /** Takes a record that is not accepted (J1). @throws MillraceError `MR_TIMESTAMP_MISSING` */
  late(input: 0 | 1, value: unknown, timestampMs: number): void {
    if (!(timestampMs > NO_TIMESTAMP)) throw this.#timestampMissing(input);
    const tag = this.#joining.lateTags[input];
    if (tag === undefined) {
      this.#lateDropped.inc();
      return;
    }
    this.context.timestamp = timestampMs;
    this.context.output(tag, value);
  }

  #setAcceptedFrom(): void {
    this.acceptedFromMs = Math.max(this.currentWatermark, NO_TIMESTAMP + 1);
  }

  #createBuffer(side: JoinSide, entry: KeyEntry, times: number[], values: unknown[]): JoinBuffer {
    const buffer = new JoinBuffer(entry, times, values, this.#watermarkCount);
    if (this.#expiries === undefined) side.expiry.add(buffer.newestMs + side.keepMs, buffer);
    else this.#awaitExpiry(side, buffer.newestMs, entry.key);
    return buffer;
  }

  /** J5. */
  #awaitExpiry(side: JoinSide, newestMs: number, key: unknown): void {
    this.#expiries?.add(side.expiry.turnOf(newestMs + side.keepMs), side.slot, key);
  }

  /** The buffer without what the last watermark has let expire (J2). */
  #trimmed(side: JoinSide, buffer: JoinBuffer): JoinBuffer {
    if (buffer.trimmedAt !== this.#watermarkCount) {
      buffer.trimmedAt = this.#watermarkCount;
      buffer.trim(this.currentWatermark - side.keepMs);
    }
    return buffer;
  }

  #onExpiry(side: JoinSide, buffer: JoinBuffer): void {
    const { entry } = buffer;
    this.table.selectEntry(entry);
    // Most buffers have gone quiet by their turn and have nothing left.
    if (buffer.isEmpty || buffer.newestMs + side.keepMs <= this.currentWatermark) this.#clearSlot(side, entry);
    else if (this.#expiries === undefined) side.expiry.add(buffer.newestMs + side.keepMs, this.#trimmed(side, buffer));
    else this.#awaitExpiry(side, this.#trimmed(side, buffer).newestMs, entry.key);
  }

  #takeStored(expiries: StoredTimeIndex, untilMs: number): void {
    for (let due = expiries.pollUntil(untilMs); due !== undefined; due = expiries.pollUntil(untilMs)) {
      this.table.select(due.key);
      const side = due.seq === 0 ? this.#left : this.#right;
      const entry = this.table.current;
      const buffer = (side.slot === 0 ? entry?.s0 : entry?.s1) as JoinBuffer | undefined;
      if (buffer !== undefined) this.#onExpiry(side, buffer);
    }
  }

  #clearSlot(side: JoinSide, entry: KeyEntry): void {
    if (side.slot === 0) entry.s0 = undefined;
    else entry.s1 = undefined;
    this.table.removeIfEmpty(entry);
  }

  // A buffer that a snapshot has yet to write is as it was when the snapshot was begun (T2 of the table).
  #liveFrom(side: JoinSide, buffer: JoinBuffer): number {
    if (buffer.trimmedAt === this.#watermarkCount && buffer.newestMs + side.keepMs <= this.currentWatermark) {
      this.#spared[side.slot].add(mapKeyOf(buffer.entry.key));
    }
    const isSnapshot = this.table.writesSnapshot;
    if (buffer.trimmedAt === (isSnapshot ? this.#snapshotWatermarkCount : this.#watermarkCount)) return buffer.first;
    return buffer.firstAfter((isSnapshot ? this.#snapshotWatermark : this.currentWatermark) - side.keepMs);
  }

  /** Makes live buffers of what was read. */
  #adopt(entry: KeyEntry): void {
    entry.s0 = this.#adoptSide(this.#left, entry, entry.s0 as RestoredBuffer | undefined);
    entry.s1 = this.#adoptSide(this.#right, entry, entry.s1 as RestoredBuffer | undefined);
  }

  #adoptSide(side: JoinSide, entry: KeyEntry, restored: RestoredBuffer | undefined): JoinBuffer | undefined {
    if (restored === undefined || restored.times.length === 0) return undefined;
    const buffer = new JoinBuffer(entry, restored.times, restored.values, NEVER_TRIMMED);
    if (this.#watermarkCount === 0 || this.#spared[side.slot].has(mapKeyOf(entry.key))) {
      buffer.trim(this.currentWatermark - side.keepMs - 1);
      buffer.trimmedAt = this.#watermarkCount;
    }
    return buffer;
  }

  #adoptRestored(entry: KeyEntry): void {
    const left = entry.s0 as RestoredBuffer | undefined;
    const right = entry.s1 as RestoredBuffer | undefined;
    entry.s0 =
      left && left.times.length > 0 ? this.#createBuffer(this.#left, entry, left.times, left.values) : undefined;
    entry.s1 =
      right && right.times.length > 0 ? this.#createBuffer(this.#right, entry, right.times, right.values) : undefined;
    this.table.removeIfEmpty(entry);
  }

  #timestampMissing(input: 0 | 1): MillraceError {
    return new MillraceError("MR_TIMESTAMP_MISSING", {
      what: `A record without event time reached the ${input === 0 ? "left" : "right"} side of an interval join`,
      where: { operator: this.host.operatorName, uid: this.host.uid },
      expected: "a timestamp in epoch milliseconds",
      todo: "Give the source a WatermarkStrategy with a timestamp assigner, or call assignTimestampsAndWatermarks",
    });
  }
}
