/**
 * One subtask: takes input when its outputs have room, lets barriers through, and takes part in checkpoints. A state
 * machine that its slot's loop steps; it never waits and never blocks.
 *
 * - U1. Records, watermarks, timers, checkpoints and notices take turns on one thread; a snapshot is always taken
 *   between two records.
 * - U2. A subtask takes no input while an output is full; a record at hand is always finished.
 * - U3. A subtask whose input has ended stays alive and forwards barriers until its job ends, so that the last
 *   checkpoint covers everything.
 * - U4. Processing time is what is over of it, as event time is: a timer fires when its millisecond has passed, because a
 *   record may still come in it.
 */
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import type { ChannelReader } from "../exchange/channel.ts";
import type { ChannelEvent } from "../exchange/channel-events.ts";
import type { RecordWriter } from "../exchange/record-writer.ts";
import type { ReaderReport, SubtaskReport } from "../graph/stall/job-report.ts";
import type { BaseOperator } from "../operators/operator-runtime.ts";
import type { Clock } from "../platform/platform.ts";
import { Chain, type ChainOptions } from "./chain.ts";
import { InputGate, type InputGateReport } from "./input-gate.ts";
import { RestoredInput } from "./restored-input.ts";
import type { SubtaskSnapshot } from "./snapshot-in-progress.ts";
import { SourceInput } from "./source-input.ts";
import { barrierHandlerOf, type SubtaskChannels, SubtaskCheckpoints } from "./subtask-checkpoints.ts";
import { TakeSize } from "./take-size.ts";
import type { TaskState, TaskStatistics } from "./task-statistics.ts";

/** What a subtask tells its host. All calls come from within `step`, `start` or a settled promise of the subtask. */
export interface SubtaskListener {
  onRunning(): void;
  /** All input has been taken in; only barriers follow. */
  onInputFinished(): void;
  /** The state of a checkpoint, to be made durable and acknowledged. */
  /** Whether it is taken. */
  onSnapshot(checkpointId: number, snapshot: SubtaskSnapshot): boolean;
  /** The sinks have committed everything up to this checkpoint. */
  onCommitted(checkpointId: number): void;
  /** The end of the subtask: no step does anything after it. */
  onFailed(error: unknown): void;
  /** Something happened outside the loop: step again. */
  onWake(): void;
}

export interface SubtaskOptions {
  readonly chain: Omit<ChainOptions, "writers" | "counts">;
  readonly statistics: TaskStatistics;
  readonly writers: readonly RecordWriter[];
  /** By gate, then producer. */
  readonly gates: readonly (readonly ChannelReader[])[];
  /** Undefined: checkpoints are exact and aligned. */
  readonly channels?: SubtaskChannels;
  readonly clock: Clock;
  readonly listener: SubtaskListener;
  /** `pipeline.auto-watermark-interval`; 0: never while waiting. */
  readonly watermarkIntervalMs: number;
}

/** How a subtask is, before its host has said where its channels go. */
export interface SubtaskDescription extends Omit<SubtaskReport, "vertexId" | "subtaskIndex" | "gates" | "full"> {
  readonly gates: readonly InputGateReport[];
  /** By output: places of the full channels in what the subtask was made with. */
  readonly fullChannels: readonly (readonly number[])[];
}

/** Sorted records of a batch job that an operator gets before the deadline is looked at again. */
const SORTED_RECORDS_MAX = 256;

export class Subtask {
  readonly chain: Chain;
  readonly #options: SubtaskOptions;
  readonly #gates: readonly InputGate[];
  readonly #sources: readonly SourceInput[];
  readonly #checkpoints: SubtaskCheckpoints;
  /** The number of each gate's first channel among all channels. */
  readonly #firstChannel: readonly number[];
  /** Of all gates. */
  readonly #channelCount: number;
  readonly #mails: (() => void)[] = [];
  /** Elements taken from one channel before the next one has its turn. */
  readonly #takeSize: TakeSize;
  /** Undefined when all that was restored has been taken. */
  #restored: RestoredInput | undefined;
  #areSourcesStopped = false;
  #areSourcesDrained = false;
  #isRunning = false;
  /** What a step that did nothing waits for. */
  #waitsFor: TaskState = "idle";
  #isInputFinished = false;
  #isEnded = false;
  /** Settles when the operators have been opened, and have committed what a restored checkpoint left to them. */
  #starting: Promise<void> = Promise.resolve();
  #commits: Promise<void> = Promise.resolve();
  #waitingForOperator: Promise<void> | undefined;

  constructor(options: SubtaskOptions) {
    this.#options = options;
    this.chain = new Chain({ ...options.chain, writers: options.writers, counts: options.statistics.counts });
    this.#takeSize = new TakeSize(options.clock);
    this.#gates = options.gates.map((channels, gate) => this.#createGate(channels, gate));
    this.#sources = this.chain.sources.map(
      (operator) =>
        new SourceInput(
          operator,
          options.clock,
          options.watermarkIntervalMs,
          () => this.#wakeUnlessEnded(),
          (error) => this.fail(error),
        ),
    );
    let channelCount = 0;
    this.#firstChannel = options.gates.map((channels) => {
      channelCount += channels.length;
      return channelCount - channels.length;
    });
    this.#channelCount = channelCount;
    this.#checkpoints = this.#createCheckpoints(channelCount);
    this.#restored = new RestoredInput(
      this.#gates,
      options.channels?.entries.map(({ reader }, entry) => ({ reader, input: this.chain.entries[entry]! })) ?? [],
    );
  }

  get isInputFinished(): boolean {
    return this.#isInputFinished;
  }

  /** Opens the operators and finishes what a restored checkpoint left to be committed. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    try {
      this.chain.open();
      await this.chain.initialize();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.#isEnded) return;
    this.#isRunning = true;
    this.#options.listener.onRunning();
    this.#options.listener.onWake();
  }

  /** Puts a call between two records. */
  mail(action: () => void): void {
    this.#mails.push(action);
    this.#options.listener.onWake();
  }

  /** Starts checkpoint `checkpointId` at this subtask's sources; after the last one they take nothing in any more. */
  triggerCheckpoint(trigger: CheckpointTrigger, isLast: boolean): void {
    this.mail(() => {
      if (isLast) this.#areSourcesStopped = true;
      this.#checkpoints.onTrigger(trigger);
    });
  }

  /** Sources take nothing in while they are suspended. */
  suspendSources(isSuspended: boolean): void {
    this.mail(() => {
      this.#areSourcesStopped = isSuspended;
    });
  }

  /** Ends the sources where they are: event time comes to its end, and everything below flushes what it holds. */
  drainSources(): void {
    this.mail(() => {
      this.#areSourcesDrained = true;
    });
  }

  /** The checkpoint is given up: nobody waits for its barriers any more. */
  notifyCheckpointAborted(checkpointId: number): void {
    this.mail(() => this.#checkpoints.onAborted(checkpointId));
  }

  notifyCheckpointComplete(checkpointId: number): void {
    this.mail(() => {
      // One after the other: a sink sees the notices of two checkpoints in order.
      this.#commits = this.#commits
        .then(() => this.chain.notifyCheckpointComplete(checkpointId))
        .then(
          () => this.#options.listener.onCommitted(checkpointId),
          (error: unknown) => this.fail(error),
        );
    });
  }

  /** For jobs without checkpoints: makes the results visible after the end of input. */
  commitAtEnd(): void {
    this.mail(() => {
      this.chain.commitAtEnd().then(
        () => this.#options.listener.onCommitted(Number.POSITIVE_INFINITY),
        (error: unknown) => this.fail(error),
      );
    });
  }

  /** Works until `deadlineMonoMs` at the latest; true when it did something. */
  step(nowMonoMs: number, deadlineMonoMs: number): boolean {
    if (!this.#isRunning || this.#isEnded) return false;
    const { statistics, clock } = this.#options;
    statistics.beginStep(nowMonoMs);
    this.#waitsFor = "idle";
    const hasWorked = this.#work(nowMonoMs, deadlineMonoMs);
    if (!this.#isEnded && !this.chain.areOutputsAvailable()) this.#waitsFor = "backPressured";
    statistics.endStep(clock.monoMs(), hasWorked, this.#waitsFor);
    return hasWorked;
  }

  flushOutputs(): void {
    if (this.#isEnded) return;
    let buffersInUse = 0;
    for (const writer of this.#options.writers) {
      writer.flush();
      buffersInUse += writer.buffersInUse;
    }
    this.#options.statistics.buffersInUse = buffersInUse;
    this.#options.statistics.watermarkMs = this.chain.outputWatermarkMs();
  }

  /** Monotonic ms at which something is due without new input; Infinity for never. */
  nextDueMonoMs(): number {
    if (!this.#isRunning || this.#isEnded) return Number.POSITIVE_INFINITY;
    const idleDue = Math.min(this.#checkpoints.dueMonoMs, ...this.#sources.map((source) => source.nextDueMonoMs()));
    const timer = this.chain.nextProcessingTimeMs();
    if (timer === Number.POSITIVE_INFINITY) return idleDue;
    const clock = this.#options.clock;
    return Math.min(idleDue, clock.monoMs() + Math.max(0, timer + 1 - clock.wallMs()));
  }

  /**
   * How the subtask is, for whoever asks why nothing comes out; to be called between two of its steps. Its host knows what
   * is at the other ends of the channels.
   */
  describe(): SubtaskDescription {
    const { statistics, writers } = this.#options;
    const isRunning = this.#isRunning && !this.#isEnded;
    const readers = new Map(this.chain.sources.map((source, index) => [source as BaseOperator, this.#sources[index]!]));
    const operators = isRunning ? this.chain.describeOperators(statistics) : [];
    return {
      isRunning,
      isInputFinished: this.#isInputFinished,
      isBackPressured: isRunning && !this.chain.areOutputsAvailable(),
      sortsInputs: this.chain.sortsInputs,
      gates: this.#gates.map((gate) => gate.describe()),
      fullChannels: writers.map((writer) => writer.fullChannels),
      alignment: this.#describeAlignment(),
      operators: operators.map((operator, index) => ({
        ...operator,
        reader: this.#describeReader(readers.get(this.chain.operators[index]!)),
      })),
    };
  }

  /** Stops taking part in anything and releases what the operators hold. */
  async close(): Promise<void> {
    this.#isEnded = true;
    this.#checkpoints.close();
    // Whoever comes after this attempt may rely on it: nothing is committed any more.
    await this.#starting;
    await this.#commits;
    await this.chain.close();
  }

  #describeReader(source: SourceInput | undefined): ReaderReport | undefined {
    if (source === undefined) return undefined;
    return { ...source.describe(), isBlocked: this.#checkpoints.areSourcesBlocked, isStopped: this.#areSourcesStopped };
  }

  /** The subtask's own sources are not among the inputs that it waits for: they get the barrier from the coordinator. */
  #describeAlignment(): SubtaskReport["alignment"] {
    const missing = this.#checkpoints.missing;
    if (missing === undefined) return undefined;
    const { checkpointId, channels } = missing;
    return {
      checkpointId,
      missing: channels.filter((each) => each < this.#channelCount).map((each) => this.#gateOf(each)),
    };
  }

  /** Where a channel of the aligner is. */
  #gateOf(channel: number): { readonly gate: number; readonly channel: number } {
    const gate = this.#firstChannel.findLastIndex((first) => first <= channel);
    return { gate, channel: channel - this.#firstChannel[gate]! };
  }

  #work(nowMs: number, deadlineMs: number): boolean {
    try {
      // A snapshot in the middle of a batch would have lost what the reader has read of it.
      const didMail = !this.#isInBatch() && this.#runMails();
      const didSnapshot = this.#checkpoints.step(nowMs);
      const didInput = this.#takeInput(deadlineMs);
      return didMail || didSnapshot || didInput;
    } catch (error) {
      this.fail(error);
      return true;
    }
  }

  #createGate(channels: readonly ChannelReader[], gate: number): InputGate {
    return new InputGate(channels, {
      onWatermark: (timestampMs) => this.chain.onGateWatermark(gate, timestampMs),
      onIdle: (isIdle) => this.chain.onGateIdle(gate, isIdle),
      onEnd: () => this.chain.onGateFinished(gate),
    });
  }

  // Takes the batch first: a mail that puts another mail must not starve input.
  #runMails(): boolean {
    if (this.#mails.length === 0) return false;
    for (const mail of this.#mails.splice(0)) mail();
    return true;
  }

  #createCheckpoints(channelCount: number): SubtaskCheckpoints {
    const { channels, listener, writers, clock } = this.#options;
    const sourceChannel = this.#sources.length > 0 ? channelCount : undefined;
    return new SubtaskCheckpoints({
      handler: barrierHandlerOf(channels, sourceChannel === undefined ? channelCount : channelCount + 1),
      gates: this.#gates,
      channels: channels?.captured.flat() ?? [],
      sourceChannel,
      entries: channels?.entries ?? [],
      writers,
      clock,
      mail: (action) => this.mail(action),
      snapshot: (checkpointId, format) => this.chain.snapshot(checkpointId, format),
      onSnapshot: (checkpointId, snapshot) => !this.#isEnded && listener.onSnapshot(checkpointId, snapshot),
      onFailed: (error) => this.fail(error),
    });
  }

  #takeInput(deadlineMs: number): boolean {
    const clock = this.#options.clock;
    let hasWorked = this.#runTimers();
    if (this.#restored !== undefined) {
      hasWorked = this.#takeRestored(this.#restored) || hasWorked;
      // Nothing new before the last of it.
      if (this.#restored !== undefined) return hasWorked;
    }
    for (let isMore = true; isMore; ) {
      isMore = false;
      for (let gate = 0; gate < this.#gates.length; gate++) {
        if (this.#takeFromGate(gate)) isMore = true;
      }
      if (this.chain.sortsInputs && this.#mayTakeInput() && this.chain.stepSorted(SORTED_RECORDS_MAX)) isMore = true;
      if (this.#pollSources()) isMore = true;
      if (isMore) {
        hasWorked = true;
        // Like the source's own watermarks they follow whole batches.
        if (!this.#isInBatch()) this.chain.emitOwnWatermarks();
      }
      if (this.#mails.length > 0 || clock.monoMs() >= deadlineMs) break;
    }
    this.#checkInputFinished();
    return hasWorked;
  }

  #takeRestored(restored: RestoredInput): boolean {
    if (restored.isDone) {
      this.#restored = undefined;
      // Not before: where an edge is fused now, a producer may have been ahead of what was on its way.
      this.chain.announceWatermarks();
      return true;
    }
    if (!this.#mayTakeInput()) return false;
    this.#takeSize.measure((elementsMax) =>
      restored.take(
        elementsMax,
        (gate) => this.chain.inputs[gate]!,
        (gate, channel, event) => this.#onEvent(gate, channel, event),
      ),
    );
    this.chain.emitOwnWatermarks();
    return true;
  }

  #pollSources(): boolean {
    let hasWorked = false;
    for (const source of this.#sources) {
      const isBlocked = this.#checkpoints.areSourcesBlocked || this.#areSourcesStopped;
      if (this.#areSourcesDrained && !isBlocked && !source.isInBatch && this.#mayTakeInput()) {
        hasWorked = source.end(this.chain) || hasWorked;
        continue;
      }
      if (!isBlocked && (source.isInBatch || this.#mayTakeInput())) hasWorked = source.poll(this.chain) || hasWorked;
      else source.leave();
    }
    return hasWorked;
  }

  // U4.
  #runTimers(): boolean {
    const overMs = this.#options.clock.wallMs() - 1;
    if (this.chain.nextProcessingTimeMs() > overMs) return false;
    this.chain.onProcessingTime(overMs);
    if (!this.#isInBatch()) this.chain.emitOwnWatermarks();
    return this.chain.nextProcessingTimeMs() > overMs;
  }

  #isInBatch(): boolean {
    for (const source of this.#sources) {
      if (source.isInBatch) return true;
    }
    return false;
  }

  // U2, for the next subtask's channels as for a sink's buffers.
  #mayTakeInput(): boolean {
    if (!this.chain.areOutputsAvailable()) {
      this.#waitsFor = "backPressured";
      return false;
    }
    const waiting = this.chain.whenAvailable();
    if (waiting === undefined) return true;
    // An operator that waits for the outside is what holds the others up: it is busy, not held up itself.
    this.#waitsFor = "busy";
    if (this.#waitingForOperator === undefined) {
      this.#waitingForOperator = waiting.then(
        () => {
          this.#waitingForOperator = undefined;
          this.#wakeUnlessEnded();
        },
        (error: unknown) => this.fail(error),
      );
    }
    return false;
  }

  #takeFromGate(gateIndex: number): boolean {
    const gate = this.#gates[gateIndex]!;
    let hasTaken = false;
    for (let index = 0; index < gate.channels.length; index++) {
      const channel = gate.channels[index]!;
      if (gate.blocked[index] === true || !channel.hasNext || !this.#mayTakeInput()) continue;
      hasTaken = true;
      this.#takeSize.measure((elementsMax) => this.#takeFromChannel(gateIndex, index, elementsMax));
    }
    return hasTaken;
  }

  #takeFromChannel(gateIndex: number, index: number, elementsMax: number): void {
    const gate = this.#gates[gateIndex]!;
    const channel = gate.channels[index]!;
    const input = this.chain.inputs[gateIndex]!;
    for (let left = elementsMax; left > 0 && gate.blocked[index] === false; left--) {
      const taken = channel.takeRecords(input, left);
      this.#options.statistics.gateCounts[gateIndex]! += taken;
      left -= taken;
      const event = channel.takeEvent();
      if (event === undefined) break;
      this.#onEvent(gateIndex, index, event);
    }
  }

  #onEvent(gateIndex: number, channel: number, event: ChannelEvent): void {
    const gate = this.#gates[gateIndex]!;
    switch (event.kind) {
      case "watermark":
        gate.onWatermark(channel, event.timestampMs);
        return;
      case "idle":
      case "active":
        gate.onStatus(channel, event.kind === "idle");
        return;
      case "barrier":
        this.#checkpoints.onBarrier(this.#firstChannel[gateIndex]! + channel, event);
        return;
      case "endOfInput":
        gate.onEnd(channel);
    }
  }

  #checkInputFinished(): void {
    if (this.#isInputFinished) return;
    if (!this.#gates.every((gate) => gate.hasEnded) || !this.#sources.every((source) => source.hasEnded)) return;
    if (this.chain.hasPending()) return;
    this.#isInputFinished = true;
    this.chain.finish();
    for (const writer of this.#options.writers) writer.broadcastEvent({ kind: "endOfInput" });
    this.#options.listener.onInputFinished();
  }

  #wakeUnlessEnded(): void {
    if (!this.#isEnded) this.#options.listener.onWake();
  }

  /** Ends the subtask with an error. Only the first one counts. */
  fail(error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.listener.onFailed(error ?? new Error(`${String(error)} was thrown`));
  }
}
