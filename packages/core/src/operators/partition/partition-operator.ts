/**
 * A full window over each partition: collects until the input has ended, and emits then. A partition is what a subtask
 * gets, or on a keyed stream what a key has.
 *
 * - P1. Results leave with the watermark at the end of input, before it does, so that operators below can still use them.
 * - P2. What was emitted is kept no longer: a checkpoint after the end of input restores to nothing left to emit.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { slotOf } from "../../state/key-entry.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import { serializerCodec } from "../../state/state-handles.ts";
import { MAX_WATERMARK, NO_TIMESTAMP } from "../../time/timestamps.ts";
import { compareKeys } from "../../types/compare-keys.ts";
import type { Type } from "../../types/type.ts";
import { cloneFunction, invokeClose, invokeOpen } from "../clone-function.ts";
import type { Collector } from "../functions.ts";
import type { OperatorHost, OperatorSnapshot, RestoredLists } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type { OperatorWaiting } from "../waiting.ts";
import { foldingOf, functionOf, type PartitionFold, type PartitionFolding } from "./partition-fold.ts";

const STATE = "_partition";

abstract class PartitionOperator extends StreamOperator {
  protected readonly folding: PartitionFolding;
  protected readonly collector: Collector<unknown> = { collect: (value) => this.emit(value, NO_TIMESTAMP) };
  readonly #fn: unknown;

  constructor(host: OperatorHost, fold: PartitionFold, type: Type<unknown> | undefined) {
    super(host);
    this.#fn = cloneFunction(functionOf(fold), host.operatorName);
    this.folding = foldingOf(fold, this.#fn, type);
  }

  override open(): void {
    invokeOpen(this.#fn, this.host.context);
  }

  override onWatermark(timestampMs: number): void {
    this.currentWatermark = timestampMs;
    if (timestampMs === MAX_WATERMARK) this.emitAll();
  }

  override finish(): void {
    this.emitAll();
  }

  override describeWaiting(): OperatorWaiting {
    return this.currentWatermark === MAX_WATERMARK ? {} : { isForEnd: true };
  }

  override async close(): Promise<void> {
    invokeClose(this.#fn);
  }

  protected abstract emitAll(): void;
}

/** Without keys: one partition a subtask. After a rescale, what old subtasks had collected is dealt out whole. */
export class SubtaskPartitionOperator extends PartitionOperator {
  #kept: unknown = undefined;
  /** Of several old subtasks, after a restore at a lower parallelism; in order, one after the other. */
  #restored: unknown[] = [];

  override processElement(value: unknown): void {
    this.#kept = this.folding.add(this.#kept, value);
  }

  override restoreLists(lists: RestoredLists): void {
    const { serializer } = this.folding;
    this.#restored = (lists.get(STATE) ?? []).map((bytes) => serializer.read(new BinaryReader(bytes)));
    this.#kept = this.#restored.shift();
  }

  override snapshot(): OperatorSnapshot {
    const elements = [this.#kept, ...this.#restored]
      .filter((kept) => kept !== undefined)
      .map((kept) => this.#bytesOf(kept));
    return { keyed: undefined, lists: [{ name: STATE, mode: "split", elements }], durable: undefined };
  }

  protected override emitAll(): void {
    const partitions = [this.#kept, ...this.#restored];
    this.#kept = undefined;
    this.#restored = [];
    for (const kept of partitions) {
      if (kept !== undefined) this.folding.emit(kept, this.collector);
    }
  }

  #bytesOf(kept: unknown): Uint8Array {
    const writer = new BinaryWriter();
    this.folding.serializer.write(kept, writer);
    return writer.finish();
  }
}

/** With keys: one partition a key; they are emitted in the order of the keys. */
export class KeyPartitionOperator extends PartitionOperator {
  override readonly table: KeyedStateTable;
  #slot = 0;

  constructor(host: OperatorHost, fold: PartitionFold, type: Type<unknown> | undefined) {
    super(host, fold, type);
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
  }

  override open(): void {
    this.#slot = this.table.registerSlot(serializerCodec(STATE, this.folding.serializer));
    super.open();
  }

  override processElement(value: unknown, _timestampMs: number): void {
    const entry = this.table.createCurrent();
    entry.s0 = this.folding.add(entry.s0, value);
  }

  protected override emitAll(): void {
    const entries = [...this.table.map.values()].sort((left, right) => compareKeys(left.key, right.key));
    for (const entry of entries) {
      this.table.selectEntry(entry);
      const kept = slotOf(entry, this.#slot);
      if (kept === undefined) continue;
      this.folding.emit(kept, this.collector);
      entry.s0 = undefined;
      this.table.removeIfEmpty(entry);
    }
  }
}

/**
 * What a rolling reduce becomes in a batch job, whose records come key by key and in the order of time: each key's last result,
 * with the event time that it has in a stream, which is that of the key's last record.
 */
export class LastResultOperator extends KeyPartitionOperator {
  #lastMs = NO_TIMESTAMP;
  protected override readonly collector: Collector<unknown> = { collect: (value) => this.emit(value, this.#lastMs) };

  override processElement(value: unknown, timestampMs: number): void {
    this.#lastMs = timestampMs;
    super.processElement(value, timestampMs);
  }
}
