/**
 * A running chain behind its host interface: the only way in and out of a vertex's operators. The host (the subtask)
 * feeds records, watermarks and barriers; the chain emits through record writers and keeps its state in snapshots.
 *
 * - H1. Once `snapshot` returns, every record taken in is in state or has been emitted.
 * - H2. Watermarks leave only from here, after the timers they fire.
 */

import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import { type ChainEntry, generateChain } from "../codegen/chain-source.ts";
import { CompiledChain, type RecordInput } from "../codegen/compile-chain.ts";
import type { RecordWriter } from "../exchange/record-writer.ts";
import type { OperatorReport } from "../graph/stall/job-report.ts";
import type { ChainedOperator, ChainPlan } from "../operators/chain-plan.ts";
import type { ListHeader } from "../operators/function-states.ts";
import type { BaseOperator, OperatorListState, OperatorSnapshot } from "../operators/operator-runtime.ts";
import { isKeyed, keySelectorOf } from "../operators/operator-spec.ts";
import { SourceOperator } from "../operators/source-operator.ts";
import type { SourceProgress } from "../operators/split-watermarks.ts";
import { TimestampsOperator } from "../operators/timestamps-operator.ts";
import { RestoredKeyedState } from "../state/keyed-snapshot-format.ts";
import type { RestoredStore, SnapshotFormat } from "../state/store-snapshot.ts";
import { TimeWindow } from "../time/time-window.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "../time/timestamps.ts";
import { mapKeyOf } from "../types/key-encoding.ts";
import { copyValue } from "../types/value-operations.ts";
import { ChainNode } from "./chain-node.ts";
import { type AnyOperatorHost, createOperator } from "./create-operator.ts";
import { recordsInOf, recordsOutOf } from "./record-counts.ts";
import { SortedInput } from "./sorted-input.ts";
import type { TaskStatistics } from "./task-statistics.ts";

/** What one operator restores. */
export interface OperatorRestore {
  /** Found to have the right checksum. */
  readonly keyedBlobs: readonly Uint8Array[];
  /** Of subtasks that had their state in local stores. */
  readonly keyedStores?: readonly RestoredStore[];
  readonly keyGroupStart: number;
  readonly keyGroupEnd: number;
  readonly lists: ReadonlyMap<string, readonly Uint8Array[]>;
  /** What else the checkpoint says of the lists. */
  readonly listHeaders?: ReadonlyMap<string, ListHeader>;
  /** What was on its way to the operator (exchange/channel-state.ts), in the order of the subtasks that wrote it. */
  readonly channels?: readonly Uint8Array[];
  /** Memory of some of these bytes that nobody else uses: it can be given away. */
  readonly ownMemory?: readonly ArrayBuffer[];
}

export interface OperatorSnapshotOfUid {
  readonly uid: string;
  readonly snapshot: OperatorSnapshot;
}

export interface ChainOptions {
  readonly plan: ChainPlan;
  readonly gateCount: number;
  readonly subtaskIndex: number;
  readonly parallelism: number;
  /** By output of the plan. */
  readonly writers: readonly RecordWriter[];
  /** Records that left each operator, by its index. */
  readonly counts: Float64Array;
  readonly hostOf: (operator: ChainedOperator) => AnyOperatorHost;
  readonly restore: ReadonlyMap<string, OperatorRestore> | undefined;
  /** Fused edges that restored records enter at. */
  readonly entries?: readonly ChainEntry[];
  /** Appears in stack traces and profiles. */
  readonly url: string;
}

export const WATERMARK_LIST = "_watermark";

export class Chain {
  readonly inputs: readonly RecordInput[];
  /** By entry of the options. */
  readonly entries: readonly RecordInput[];
  /** In batch jobs, by the gate that feeds it. */
  readonly #sorted = new Map<number, SortedInput>();
  readonly sources: readonly SourceOperator[];
  readonly #nodes: readonly ChainNode[];
  readonly #compiled: CompiledChain;
  readonly #writers: readonly RecordWriter[];
  readonly #timestamps: readonly { readonly node: ChainNode; readonly operator: TimestampsOperator }[];
  readonly #options: ChainOptions;

  constructor(options: ChainOptions) {
    const { plan, writers } = options;
    this.#options = options;
    this.#writers = writers;
    const created = plan.operators.map((operator) => createOperator(operator, options.hostOf(operator)));
    this.#nodes = plan.operators.map((operator, index) => new ChainNode(operator, created[index]!.operator));
    this.#connect();
    this.#compiled = new CompiledChain(
      generateChain(plan, options.entries),
      {
        operators: created.map((each) => each.binding),
        writers,
        counts: options.counts,
        mapKeyOf,
        TimeWindow,
        copyValue,
      },
      options.url,
      options.gateCount,
      options.entries?.length,
    );
    this.entries = this.#compiled.entries;
    this.inputs = plan.sortsInputs === true ? this.#sortInputs() : this.#compiled.inputs;
    this.sources = this.#nodes.map((node) => node.operator).filter((operator) => operator instanceof SourceOperator);
    this.#timestamps = this.#nodes.flatMap((node) =>
      node.operator instanceof TimestampsOperator ? [{ node, operator: node.operator }] : [],
    );
    for (const source of this.sources)
      source.onEventWatermark = () => this.#onSourceProgress(source, source.progress());
    for (const { node, operator } of this.#timestamps) {
      operator.onEventWatermark = () => node.emitWatermark(operator.takeEventWatermark());
    }
  }

  /** Restores state and opens every operator, last one first, so that nobody emits into an operator that is not open. */
  open(): void {
    for (const node of this.#nodes.toReversed()) {
      const restore = this.#options.restore?.get(node.plan.uid);
      if (restore !== undefined) this.#restoreOperator(node, restore);
      node.operator.open();
    }
  }

  /** In topological order. */
  get operators(): readonly BaseOperator[] {
    return this.#nodes.map((node) => node.operator);
  }

  async initialize(): Promise<void> {
    for (const node of this.#nodes) await node.operator.initialize();
  }

  /** Restored watermarks are announced again: the channels below start anew. */
  announceWatermarks(): void {
    for (const node of this.#nodes) {
      const restored = node.operator.currentWatermark;
      if (restored > MIN_WATERMARK) node.restoreWatermark(restored);
    }
  }

  onGateWatermark(gate: number, timestampMs: number): void {
    if (this.#sorted.has(gate)) return;
    this.#eachAt(gate, (node, slot) => node.onWatermark(slot, timestampMs));
  }

  onGateIdle(gate: number, isIdle: boolean): void {
    if (this.#sorted.has(gate)) return;
    this.#eachAt(gate, (node, slot) => (isIdle ? node.onIdle(slot) : node.onActive(slot)));
  }

  onGateFinished(gate: number): void {
    const sorted = this.#sorted.get(gate);
    if (sorted !== undefined) sorted.onInputFinished();
    else this.#eachAt(gate, (node, slot) => node.onFinished(slot));
  }

  /** Whether keyed operators wait for the end of input to get their records. */
  get sortsInputs(): boolean {
    return this.#sorted.size > 0;
  }

  /** Feeds what keyed operators of a batch job wait for, up to `recordsMax` records each; true when there was something. */
  stepSorted(recordsMax: number): boolean {
    let hasWorked = false;
    for (const sorted of this.#sorted.values()) {
      if (sorted.step(recordsMax)) hasWorked = true;
    }
    return hasWorked;
  }

  /** After a batch of a source, or while it has none: its watermark and its status go through the chain. */
  afterSourceBatch(source: SourceOperator): void {
    const progress = source.endBatch();
    this.#onSourceProgress(source, progress);
    source.reportProgress(progress.isIdle);
  }

  onSourceFinished(source: SourceOperator): void {
    this.#nodeOf(source).onWatermark(0, MAX_WATERMARK);
    source.reportEnd();
  }

  /** Operators that make their own watermarks emit them; called after every turn of input. */
  emitOwnWatermarks(): void {
    for (const { node, operator } of this.#timestamps) {
      operator.askGenerator();
      node.emitWatermark(operator.tracker.watermarkMs());
    }
  }

  onProcessingTime(nowMs: number): void {
    for (const node of this.#nodes) node.operator.onProcessingTime(nowMs);
  }

  nextProcessingTimeMs(): number {
    return Math.min(...this.#nodes.map((node) => node.operator.nextProcessingTimeMs()));
  }

  /** All inputs have ended. */
  finish(): void {
    for (const node of this.#nodes) node.operator.finish();
  }

  /**
   * The synchronous part of a checkpoint (H1).
   * @param format - Of a savepoint; left out for a checkpoint
   */
  snapshot(checkpointId: number, format?: SnapshotFormat): readonly OperatorSnapshotOfUid[] {
    this.emitOwnWatermarks();
    return this.#nodes.map((node) => {
      const { functionStates } = node.operator.host.context;
      const functionLists = functionStates.snapshot(checkpointId, node.operator.table);
      const snapshot = node.operator.snapshot(checkpointId, format);
      // An operator below may throw, and then nobody asks for it.
      snapshot.durable?.catch(() => {});
      const lists = [...snapshot.lists, ...functionLists, this.#watermarkList(node)];
      return { uid: node.plan.uid, snapshot: { ...snapshot, lists } };
    });
  }

  async notifyCheckpointComplete(checkpointId: number): Promise<void> {
    for (const node of this.#nodes) await node.operator.notifyCheckpointComplete(checkpointId);
  }

  async commitAtEnd(): Promise<void> {
    for (const node of this.#nodes) await node.operator.commitAtEnd();
  }

  /** How every operator is, for whoever asks why nothing comes out; sources say the rest themselves. */
  describeOperators(statistics: TaskStatistics): readonly Omit<OperatorReport, "reader">[] {
    const { plan } = this.#options;
    return this.#nodes.map(({ operator, inputs }, index) => {
      const available = operator.whenAvailable();
      // The subtask hears of a failure from the promise that it waits for itself.
      available?.catch(() => {});
      return {
        watermarkMs: operator.currentWatermark,
        inputs,
        recordsIn: recordsInOf(plan, index, statistics),
        recordsOut: recordsOutOf(plan, index, statistics),
        isAvailable: available === undefined,
        waiting: operator.describeWaiting(),
      };
    });
  }

  areOutputsAvailable(): boolean {
    for (const writer of this.#writers) {
      if (!writer.isAvailable()) return false;
    }
    return true;
  }

  /** Whether an operator still works on records that it has taken in. */
  hasPending(): boolean {
    for (const sorted of this.#sorted.values()) {
      if (!sorted.isDrained) return true;
    }
    for (const node of this.#nodes) {
      if (node.operator.hasPending()) return true;
    }
    return false;
  }

  /** Undefined while every operator takes records. */
  whenAvailable(): Promise<void> | undefined {
    for (const node of this.#nodes) {
      const waiting = node.operator.whenAvailable();
      if (waiting !== undefined) return waiting;
    }
    return undefined;
  }

  /** The operator that was at work when the error was thrown, as far as the stack tells. */
  operatorOf(error: unknown): ChainedOperator | undefined {
    const index = this.#compiled.operatorOf(error);
    return index === undefined ? undefined : this.#nodes[index]?.plan;
  }

  /** Lowest watermark of the chain's last operators: how far the results are. */
  outputWatermarkMs(): number {
    return this.#nodes.at(-1)!.operator.currentWatermark;
  }

  /** Closes every operator, also after failures; throws the first error after all have been closed. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (close: () => void | Promise<void>): Promise<void> => {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const { operator } of this.#nodes) {
      await attempt(() => operator.close());
      await attempt(() => operator.table?.close());
    }
    if (failures.length > 0) throw failures[0];
  }

  #onSourceProgress(source: SourceOperator, { watermarkMs, isIdle }: SourceProgress): void {
    const node = this.#nodeOf(source);
    if (!isIdle) node.onActive(0);
    if (watermarkMs !== undefined) node.onWatermark(0, watermarkMs);
    if (isIdle) node.onIdle(0);
  }

  // All gates of a keyed operator belong to its sorted input, those without keys as well: they end together.
  #sortInputs(): readonly RecordInput[] {
    const inputs = [...this.#compiled.inputs];
    for (const node of this.#nodes) {
      const { spec, inputs: planned } = node.plan;
      if (!isKeyed(spec)) continue;
      const onDrained = (): void => planned.forEach((_, slot) => void node.onFinished(slot));
      const sorted = new SortedInput(node.operator, planned.length, onDrained);
      for (const from of planned) {
        invariant(from.kind === "gate", `keyed operator ${node.plan.name} of a batch job is not the head of its chain`);
        this.#sorted.set(from.gate, sorted);
        const keyOf = keySelectorOf(spec, from.input);
        if (keyOf !== undefined) inputs[from.gate] = sorted.collector(keyOf, inputs[from.gate]!);
      }
    }
    return inputs;
  }

  #nodeOf(source: SourceOperator): ChainNode {
    return this.#nodes.find((node) => node.operator === source)!;
  }

  #eachAt(gate: number, action: (node: ChainNode, slot: number) => void): void {
    for (const node of this.#nodes) {
      node.plan.inputs.forEach((input, slot) => {
        if (input.kind === "gate" && input.gate === gate) action(node, slot);
      });
    }
  }

  #connect(): void {
    for (const node of this.#nodes) {
      node.plan.inputs.forEach((input, slot) => {
        if (input.kind === "fused") this.#nodes[input.from]!.connect(node, slot);
      });
    }
    this.#options.plan.outputs.forEach((output, index) => {
      this.#nodes[output.operator]!.connectWriter(this.#writers[index]!);
    });
  }

  #restoreOperator(node: ChainNode, restore: OperatorRestore): void {
    const { operator } = node;
    if (operator.table !== undefined) {
      const { keyedBlobs, keyedStores = [], keyGroupStart, keyGroupEnd } = restore;
      operator.table.restoreStores(keyedStores, keyGroupStart, keyGroupEnd);
      const blobs = [...keyedBlobs, ...keyedStores.map(({ header }) => header)];
      operator.table.restore(new RestoredKeyedState(blobs, keyGroupStart, keyGroupEnd));
    }
    operator.restoreLists(restore.lists);
    operator.host.context.functionStates.restore(restore.lists, restore.listHeaders);
    const watermark = this.#restoredWatermark(restore.lists.get(WATERMARK_LIST) ?? []);
    if (watermark !== undefined) operator.currentWatermark = watermark;
  }

  #watermarkList(node: ChainNode): OperatorListState {
    const writer = new BinaryWriter();
    writer.varint(this.#options.subtaskIndex);
    writer.varint(this.#options.parallelism);
    writer.f64(node.operator.currentWatermark);
    return { name: WATERMARK_LIST, mode: "union", elements: [writer.finish()] };
  }

  // At the same parallelism a subtask continues from its own watermark; after a rescale from the lowest of all.
  #restoredWatermark(elements: readonly Uint8Array[]): number | undefined {
    const saved = elements.map((bytes) => {
      const input = new BinaryReader(bytes);
      return { subtask: input.varint(), parallelism: input.varint(), watermark: input.f64() };
    });
    const own = saved.find(
      (each) => each.parallelism === this.#options.parallelism && each.subtask === this.#options.subtaskIndex,
    );
    if (own !== undefined) return own.watermark;
    return saved.length === 0 ? undefined : Math.min(...saved.map((each) => each.watermark));
  }
}
