/**
 * Runs one operator of a pipeline without a job: a test feeds records, watermarks and processing time by hand and looks at
 * what the operator emits, which timers it has and what a checkpoint would hold. Everything happens within the call.
 */
import { listHeadersOf, type OperatorList, redistributeLists } from "../checkpoint/operator-lists.ts";
import type { Transformation, TransformationEdge } from "../graph/transformation.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import type { OutputTag } from "../operators/output-tag.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { OperatorRestore } from "../task/chain.ts";
import { MAX_WATERMARK, NO_TIMESTAMP } from "../time/timestamps.ts";
import { defaultMaxParallelism, hashKey, keyGroup, keyGroupRange, subtaskForKeyGroup } from "../types/key-encoding.ts";
import { encodedBytes } from "./encoded-bytes.ts";
import { HarnessSubtask, type TimestampedValue } from "./harness-subtask.ts";
import { ManualClock } from "./manual-clock.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/** What an operator's checkpoint holds, to be restored in another harness of the same operator. @public */
export interface HarnessSnapshot {
  /** @internal */
  readonly maxParallelism: number;
  /** @internal */
  readonly attemptNumber: number;
  /** @internal */
  readonly checkpointId: number;
  /** By subtask. @internal */
  readonly subtasks: readonly { readonly keyed: Uint8Array | undefined; readonly lists: readonly OperatorList[] }[];
}

/** What a harness starts with. @public */
export interface OperatorTestHarnessOptions {
  /** Tags that `getSideOutput` will be asked for. */
  readonly sideOutputs?: readonly OutputTag<never>[] | readonly OutputTag<unknown>[];
  /** Subtasks of the operator; records choose among them as in a job. Default 1. */
  readonly parallelism?: number;
  /** Key groups. Default: as a job at this parallelism has, or those of the restored snapshot. */
  readonly maxParallelism?: number;
  /** Continues where another harness of the same operator took a snapshot, also at another parallelism. */
  readonly restore?: HarnessSnapshot;
  /** Where processing time starts, in epoch ms. Default 0. */
  readonly processingTime?: number;
}

/** What harnesses of one and of two inputs have in common. @public */
export class OperatorTestHarness<Out> {
  readonly #operator: Transformation;
  readonly #clock: ManualClock;
  readonly #maxParallelism: number;
  readonly #attemptNumber: number;
  readonly #subtasks: readonly HarnessSubtask[];
  readonly #output = new Map<string | undefined, TimestampedValue<unknown>[]>();
  #nextSubtask = 0;
  #checkpointId: number;
  #wasWoken = false;
  #failure: { readonly error: unknown } | undefined;

  /** @internal */
  constructor(operator: Transformation, options: OperatorTestHarnessOptions) {
    const { parallelism = 1, restore, processingTime = 0, sideOutputs = [] } = options;
    this.#operator = operator;
    this.#clock = new ManualClock(processingTime);
    this.#maxParallelism =
      options.maxParallelism ??
      restore?.maxParallelism ??
      operator.maxParallelism ??
      defaultMaxParallelism(parallelism);
    this.#checkpointId = restore?.checkpointId ?? 0;
    this.#attemptNumber = restore === undefined ? 0 : restore.attemptNumber + 1;
    const tags = sideOutputs.map((tag) => tag.id);
    for (const tag of [undefined, ...tags]) this.#output.set(tag, []);
    const platform = { ...createSimulatedPlatform({ seed: 1 }), clock: this.#clock };
    const restores = this.#restoresOf(restore, parallelism);
    this.#subtasks = Array.from(
      { length: parallelism },
      (_, subtaskIndex) =>
        new HarnessSubtask({
          name: operator.name,
          spec: operator.spec,
          platform,
          sideOutputs: tags,
          subtaskIndex,
          parallelism,
          maxParallelism: this.#maxParallelism,
          attemptNumber: this.#attemptNumber,
          restore: restores?.[subtaskIndex],
          restoredCheckpointId: restore?.checkpointId,
          wake: () => {
            this.#wasWoken = true;
          },
          fail: (error) => {
            this.#failure ??= { error };
          },
        }),
    );
    this.#afterStep();
  }

  /** What the operator is to the engine. @internal */
  get spec(): OperatorSpec {
    return this.#operator.spec;
  }

  /** Records that left the operator's main output since the beginning or the last `clearOutput`, in order. */
  getOutput(): readonly TimestampedValue<Out>[] {
    return this.#recordsOf(undefined) as readonly TimestampedValue<Out>[];
  }

  /** As `getOutput`, without the timestamps. */
  extractOutputValues(): readonly Out[] {
    return this.getOutput().map(({ value }) => value);
  }

  /** Records of a side output. @throws MillraceError `MR_TEST_KIT_MISUSED` unless the tag is among the options' `sideOutputs` */
  getSideOutput<X>(tag: OutputTag<X>): readonly TimestampedValue<X>[] {
    return this.#recordsOf(tag.id) as readonly TimestampedValue<X>[];
  }

  /** Forgets what has been emitted so far, side outputs included. */
  clearOutput(): void {
    for (const records of this.#output.values()) records.length = 0;
  }

  /**
   * Moves processing time, in epoch ms, and fires what is due. It never goes back. As in a job, a timer fires when its
   * millisecond is over: one at 500 does when the time is 501.
   */
  setProcessingTime(timeMs: number): void {
    this.#clock.advanceTo(timeMs);
    this.#step(() => this.#fireTimers());
  }

  getProcessingTime(): number {
    return this.#clock.wallMs();
  }

  /** The lowest watermark that has left the operator. */
  getWatermark(): number {
    return Math.min(...this.#subtasks.map(({ watermark }) => watermark));
  }

  /** Event-time timers that functions have registered and that have not fired. */
  numEventTimeTimers(): number {
    return this.#countEntries((entry) => entry.timers?.of("event").size ?? 0);
  }

  numProcessingTimeTimers(): number {
    return this.#countEntries((entry) => entry.timers?.of("processing").size ?? 0);
  }

  /** Keys with state or timers. */
  numKeyedStateEntries(): number {
    return this.#countEntries(() => 1);
  }

  /** What a checkpoint would hold now. The harness goes on unchanged. */
  snapshot(): HarnessSnapshot {
    const checkpointId = ++this.#checkpointId;
    const subtasks = this.#subtasks.map(({ chain }) => {
      const { snapshot } = chain.snapshot(checkpointId)[0]!;
      return { keyed: encodedBytes(snapshot.keyed)[0], lists: snapshot.lists };
    });
    this.#afterStep();
    return { maxParallelism: this.#maxParallelism, attemptNumber: this.#attemptNumber, checkpointId, subtasks };
  }

  /**
   * Waits for what the operator does outside of the calls: promises of asynchronous functions. Time stands still.
   */
  async settle(): Promise<void> {
    do {
      this.#wasWoken = false;
      // Longer than any chain of promises that an operator of ours makes between two results.
      for (let turn = 0; turn < 100; turn++) await Promise.resolve();
      this.#step(() => this.#fireTimers());
    } while (this.#wasWoken);
  }

  /** Calls `close` of the functions. */
  async close(): Promise<void> {
    for (const { chain } of this.#subtasks) await chain.close();
  }

  /** @internal */
  protected feed(input: 0 | 1, value: unknown, timestamp: number): void {
    const edge = this.#operator.inputs.find((each) => each.input === input)!;
    this.#step(() => {
      for (const subtask of this.#targetsOf(edge, value)) subtask.chain.inputs[input]!(value, timestamp);
    });
  }

  /** @internal */
  protected advance(input: 0 | 1, watermark: number): void {
    this.#step(() => {
      for (const { chain } of this.#subtasks) chain.onGateWatermark(input, watermark);
    });
  }

  /** @internal */
  protected finishInputs(inputs: readonly (0 | 1)[]): void {
    for (const input of inputs) this.advance(input, MAX_WATERMARK);
    this.#step(() => {
      for (const { chain } of this.#subtasks) chain.finish();
    });
  }

  #targetsOf(edge: TransformationEdge, value: unknown): readonly HarnessSubtask[] {
    const all = this.#subtasks;
    switch (edge.partitioning?.kind) {
      case "broadcast":
        return all;
      case "global":
        return [all[0]!];
      case "hash": {
        const group = keyGroup(hashKey(edge.partitioning.key(value)), this.#maxParallelism);
        return [all[subtaskForKeyGroup(group, this.#maxParallelism, all.length)]!];
      }
      default:
        return [all[this.#nextSubtask++ % all.length]!];
    }
  }

  #fireTimers(): void {
    for (const { chain } of this.#subtasks) chain.onProcessingTime(this.#clock.wallMs() - 1);
  }

  #step(action: () => void): void {
    action();
    this.#clock.runDue();
    this.#afterStep();
  }

  #afterStep(): void {
    for (const subtask of this.#subtasks) {
      subtask.chain.emitOwnWatermarks();
      subtask.drain((tag, record) => void this.#output.get(tag)!.push(record));
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
  }

  #recordsOf(tag: string | undefined): readonly TimestampedValue<unknown>[] {
    const records = this.#output.get(tag);
    if (records !== undefined) return [...records];
    throw testKitMisused(
      "A side output was asked for that the harness does not collect",
      `tag "${tag}"`,
      "Name the tag in the option sideOutputs of the harness",
    );
  }

  #countEntries(
    count: (entry: {
      readonly timers: { of(domain: "event" | "processing"): { readonly size: number } } | undefined;
    }) => number,
  ): number {
    let sum = 0;
    for (const { chain } of this.#subtasks) {
      for (const operator of chain.operators) {
        for (const entry of operator.table?.map.values() ?? []) sum += count(entry);
      }
    }
    return sum;
  }

  #restoresOf(restore: HarnessSnapshot | undefined, parallelism: number): readonly OperatorRestore[] | undefined {
    if (restore === undefined) return undefined;
    const keyedBlobs = restore.subtasks.flatMap(({ keyed }) => (keyed === undefined ? [] : [keyed]));
    const listHeaders = listHeadersOf(restore.subtasks.flatMap(({ lists }) => lists));
    const dealt = redistributeLists(
      restore.subtasks.map(({ lists }) => lists),
      parallelism,
    );
    return dealt.map((lists, subtaskIndex) => {
      const own = keyGroupRange(this.#maxParallelism, parallelism, subtaskIndex);
      return { keyedBlobs, keyGroupStart: own.start, keyGroupEnd: own.end, lists, listHeaders };
    });
  }
}

/** A harness of an operator with one input, see {@link harnessOf}. @public */
export class OneInputOperatorTestHarness<In, Out> extends OperatorTestHarness<Out> {
  /** @param timestamp - Event time in epoch ms; without one the record has none. */
  processElement(value: In, timestamp: number = NO_TIMESTAMP): void {
    this.feed(0, value, timestamp);
  }

  /** Lets event time go on: no record with a timestamp up to this one follows. */
  processWatermark(timestamp: number): void {
    this.advance(0, timestamp);
  }

  /** Ends the input: all event-time timers fire, and what was collected is emitted. */
  endInput(): void {
    this.finishInputs([0]);
  }
}

/** A harness of an operator with two inputs, see {@link twoInputHarnessOf}. @public */
export class TwoInputOperatorTestHarness<In1, In2, Out> extends OperatorTestHarness<Out> {
  /** @param timestamp - Event time in epoch ms; without one the record has none. */
  processElement1(value: In1, timestamp: number = NO_TIMESTAMP): void {
    this.feed(0, value, timestamp);
  }

  processElement2(value: In2, timestamp: number = NO_TIMESTAMP): void {
    this.feed(1, value, timestamp);
  }

  processWatermark1(timestamp: number): void {
    this.advance(0, timestamp);
  }

  processWatermark2(timestamp: number): void {
    this.advance(1, timestamp);
  }

  /** As `processWatermark1` and `processWatermark2`. */
  processBothWatermarks(timestamp: number): void {
    this.processWatermark1(timestamp);
    this.processWatermark2(timestamp);
  }

  /** Ends both inputs. */
  endInputs(): void {
    this.finishInputs([0, 1]);
  }
}
