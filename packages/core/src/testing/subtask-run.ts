/** Runs one operator as a subtask with real channels: what is around it may come all at once, or refuse to take anything. */
import { invariant } from "../base/errors.ts";
import { listHeadersOf } from "../checkpoint/operator-lists.ts";
import type { ChannelEvent } from "../exchange/channel-events.ts";
import { LocalChannel } from "../exchange/local-channel.ts";
import { RecordWriter } from "../exchange/record-writer.ts";
import { inputCountOf, type OperatorSpec } from "../operators/operator-spec.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { RestoredStore, StoreSnapshot } from "../state/store-snapshot.ts";
import type { OperatorRestore } from "../task/chain.ts";
import type { AnyOperatorHost } from "../task/create-operator.ts";
import type { EncodedOperatorState } from "../task/snapshot-in-progress.ts";
import { Subtask } from "../task/subtask.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { type HarnessSubtaskOptions, harnessHost, harnessPlan, type TimestampedValue } from "./harness-subtask.ts";
import { ManualClock } from "./manual-clock.ts";

const MAX_PARALLELISM = 128;
const SNAPSHOT_STEPS_MAX = 100;

/** What comes to an operator: to one of its inputs, or to all of them. @internal */
export type SubtaskEvent =
  | { readonly kind: "record"; readonly input: 0 | 1; readonly value: unknown; readonly timestampMs: number }
  | { readonly kind: "watermark"; readonly timestampMs: number }
  | { readonly kind: "end" };

/** @internal */
export interface SubtaskRunOptions {
  /** All events are there before the first step. Otherwise each of them comes when the one before has been dealt with. */
  readonly isAtOnce: boolean;
  /** The output has room only in every second step. */
  readonly refuses: boolean;
}

/** Steps without work after which nothing more is to come; an output that refuses makes some of them. */
const QUIET_STEPS = 4;
/** Between two steps; a promise that takes longer counts as one that waits. */
const TURNS_OF_PROMISES = 20;

class RefusingWriter extends RecordWriter {
  isFull = false;

  emit(value: unknown, timestampMs: number): void {
    this.channels[0]!.push(value, timestampMs);
  }

  override isAvailable(): boolean {
    return !this.isFull;
  }
}

/** What a checkpoint of a {@link SubtaskRun} holds. @internal */
export interface SubtaskCheckpoint {
  readonly checkpointId: number;
  readonly state: EncodedOperatorState;
  /** How many results came before the barrier; what comes after it is no part of the checkpoint. */
  readonly resultCount: number;
}

/** How one run of a subtask differs from others. @internal */
export interface SubtaskRunParts {
  readonly refuses: boolean;
  readonly restore?: SubtaskCheckpoint | undefined;
  /** Of a source. */
  readonly sendSplitRequest?: () => void;
  readonly sendSourceEvent?: (event: unknown) => void;
}

/** One operator as a subtask of its own. @internal */
export class SubtaskRun {
  readonly subtask: Subtask;
  /** What has left the operator's main output. */
  readonly results: TimestampedValue<unknown>[] = [];
  readonly #gates: readonly LocalChannel[];
  readonly #output: LocalChannel = new LocalChannel();
  readonly #writer: RefusingWriter;
  readonly #refuses: boolean;
  readonly #resultCounts = new Map<number, number>();
  readonly #snapshots = new Map<number, EncodedOperatorState>();
  #checkpointId: number;
  #failure: { readonly error: unknown } | undefined;

  private constructor(spec: OperatorSpec, parts: SubtaskRunParts) {
    const clock = new ManualClock(0);
    this.#gates = Array.from({ length: inputCountOf(spec) }, () => new LocalChannel());
    this.#writer = new RefusingWriter([this.#output]);
    this.#refuses = parts.refuses;
    this.#checkpointId = parts.restore?.checkpointId ?? 0;
    const onFailed = (error: unknown): void => {
      this.#failure ??= { error };
    };
    const host = hostOptions(spec, clock, parts, onFailed);
    const plan = harnessPlan(host);
    this.subtask = new Subtask({
      chain: {
        plan,
        gateCount: this.#gates.length,
        subtaskIndex: 0,
        parallelism: 1,
        hostOf: (operator) => ({ ...harnessHost(operator, host), ...hostCallsOf(parts) }),
        restore: host.restore === undefined ? undefined : new Map([[plan.operators[0]!.uid, host.restore]]),
        url: "millrace-subtask-run.js",
      },
      statistics: new TaskStatistics(new ArrayBuffer(TaskStatistics.bytesFor(1, this.#gates.length)), 1),
      writers: plan.outputs.map(() => this.#writer),
      gates: this.#gates.map((channel) => [channel]),
      clock,
      watermarkIntervalMs: 0,
      listener: {
        onRunning: () => {},
        onInputFinished: () => {},
        onSnapshot: (checkpointId, { operators }) => {
          this.#snapshots.set(checkpointId, operators[0]!);
          return true;
        },
        onCommitted: () => {},
        onFailed,
        onWake: () => {},
      },
    });
  }

  static async start(spec: OperatorSpec, parts: SubtaskRunParts): Promise<SubtaskRun> {
    const run = new SubtaskRun(spec, parts);
    await run.subtask.start();
    run.#throwFailure();
    return run;
  }

  put(event: SubtaskEvent): void {
    if (event.kind === "record") this.#gates[event.input]!.push(event.value, event.timestampMs);
    else this.#putEverywhere(event.kind === "end" ? { kind: "endOfInput" } : event);
  }

  /** One step of the subtask, and the promises after it. With a deadline of 0 a source reads one batch at most. */
  async step(deadlineMonoMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.#writer.isFull = this.#refuses && !this.#writer.isFull;
    const hasWorked = this.subtask.step(0, deadlineMonoMs);
    for (let turn = 0; turn < TURNS_OF_PROMISES; turn++) await Promise.resolve();
    this.#drain();
    this.#throwFailure();
    return hasWorked;
  }

  /** Steps until nothing more is to do. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_STEPS; ) quiet = (await this.step()) ? 0 : quiet + 1;
  }

  /** Takes a checkpoint between the steps. */
  async checkpoint(): Promise<SubtaskCheckpoint> {
    const checkpointId = ++this.#checkpointId;
    const trigger = { checkpointId, timestampMs: 0, unalignedAfterMs: Number.POSITIVE_INFINITY };
    this.#putEverywhere({ kind: "barrier", ...trigger });
    this.subtask.triggerCheckpoint(trigger, false);
    for (let steps = 0; !this.#snapshots.has(checkpointId); steps++) {
      invariant(steps < SNAPSHOT_STEPS_MAX, "a snapshot is taken between two records");
      await this.step(0);
    }
    return {
      checkpointId,
      state: this.#snapshots.get(checkpointId)!,
      resultCount: this.#resultCounts.get(checkpointId) ?? 0,
    };
  }

  async complete({ checkpointId }: SubtaskCheckpoint): Promise<void> {
    this.subtask.notifyCheckpointComplete(checkpointId);
    await this.settle();
  }

  async close(): Promise<void> {
    await this.subtask.close();
  }

  #drain(): void {
    const take = (value: unknown, timestamp: number): void => void this.results.push({ value, timestamp });
    for (;;) {
      this.#output.takeRecords(take, Number.POSITIVE_INFINITY);
      const event = this.#output.takeEvent();
      if (event === undefined) return;
      if (event.kind === "barrier") this.#resultCounts.set(event.checkpointId, this.results.length);
    }
  }

  #putEverywhere(event: ChannelEvent): void {
    for (const gate of this.#gates) gate.pushEvent(event);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** What leaves the operator's main output. @internal */
export async function runSubtask(
  spec: OperatorSpec,
  events: readonly SubtaskEvent[],
  { isAtOnce, refuses }: SubtaskRunOptions,
): Promise<readonly TimestampedValue<unknown>[]> {
  const run = await SubtaskRun.start(spec, { refuses });
  for (const event of events) {
    run.put(event);
    // Records of two inputs keep their order only when they come one by one.
    if (!isAtOnce || (inputCountOf(spec) === 2 && event.kind === "record")) await run.settle();
  }
  await run.settle();
  await run.close();
  return run.results;
}

function hostOptions(
  spec: OperatorSpec,
  clock: ManualClock,
  { restore }: SubtaskRunParts,
  fail: (error: unknown) => void,
): HarnessSubtaskOptions {
  return {
    name: "operator",
    spec,
    // Another one in every attempt, as in a job: what is random in one must not come again.
    platform: { ...createSimulatedPlatform({ seed: 1 + (restore?.checkpointId ?? 0) }), clock },
    sideOutputs: [],
    subtaskIndex: 0,
    parallelism: 1,
    maxParallelism: MAX_PARALLELISM,
    attemptNumber: 0,
    restore: restore === undefined ? undefined : restoreOf(restore.state),
    restoredCheckpointId: restore?.checkpointId,
    wake: () => {},
    fail,
  };
}

function hostCallsOf({ sendSplitRequest, sendSourceEvent }: SubtaskRunParts): Partial<AnyOperatorHost> {
  return {
    ...(sendSplitRequest === undefined ? {} : { sendSplitRequest }),
    ...(sendSourceEvent === undefined ? {} : { sendSourceEvent }),
  };
}

function restoreOf({ keyed, lists }: EncodedOperatorState): OperatorRestore {
  return {
    keyedBlobs: keyed instanceof Uint8Array ? [keyed] : [],
    keyedStores: keyed === undefined || keyed instanceof Uint8Array ? [] : [restoredStoreOf(keyed)],
    keyGroupStart: 0,
    keyGroupEnd: MAX_PARALLELISM,
    lists: new Map(lists.map(({ name, elements }) => [name, elements])),
    listHeaders: listHeadersOf(lists),
  };
}

function restoredStoreOf(store: StoreSnapshot): RestoredStore {
  return { ...store, keyGroupStart: 0, keyGroupEnd: MAX_PARALLELISM };
}
