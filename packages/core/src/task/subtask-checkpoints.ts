/**
 * A subtask's part in checkpoints: hears of them, lets barriers through, takes snapshots, and hands them over when they are
 * whole. What is to be done when is decided by the barrier handler.
 *
 * - V1. A snapshot is taken between two records; the barrier leaves on all outputs before anything else does.
 * - V2. Snapshots are handed over in the order of their checkpoints.
 * - V3. Every element of a captured channel is written down before it is taken.
 * - V4. What was restored and has not been taken is in every snapshot, also in aligned ones.
 * - V5. What a writer cannot make durable fails the subtask at once, even when its checkpoint is not whole yet or was given up:
 *   no later checkpoint has it.
 * - V6. A snapshot is handed over or discarded: its keyed state may be files on this machine.
 */

import { BarrierAligner } from "../checkpoint/barrier-aligner.ts";
import type { AlignmentAction, BarrierHandler } from "../checkpoint/barrier-handler.ts";
import { BarrierTracker } from "../checkpoint/barrier-tracker.ts";
import type { CheckpointTrigger } from "../checkpoint/checkpoint-trigger.ts";
import type { CheckpointingMode } from "../config/checkpointing-options.ts";
import type { CheckpointBarrier } from "../exchange/channel-events.ts";
import type { RecordWriter } from "../exchange/record-writer.ts";
import type { Clock } from "../platform/platform.ts";
import type { SnapshotFormat } from "../state/store-snapshot.ts";
import type { OperatorSnapshotOfUid } from "./chain.ts";
import { type CapturedChannel, ChannelCapture } from "./channel-capture.ts";
import type { InputGate } from "./input-gate.ts";
import { SnapshotInProgress, type SubtaskSnapshot } from "./snapshot-in-progress.ts";

/** What checkpoints have to know of the channels that feed a subtask. */
export interface SubtaskChannels {
  readonly mode: CheckpointingMode;
  /** By gate, then producer; undefined for channels whose barriers are always waited for. */
  readonly captured: readonly (readonly (CapturedChannel | undefined)[])[];
  /** What was restored for fused edges, by entry of the chain. */
  readonly entries: readonly CapturedChannel[];
}

/** @param channelCount - Of all gates, and one more for the subtask's own sources, which are always waited for. */
export function barrierHandlerOf(channels: SubtaskChannels | undefined, channelCount: number): BarrierHandler {
  if (channels?.mode === "AT_LEAST_ONCE") return new BarrierTracker(channelCount);
  const captured = channels?.captured.flat() ?? [];
  const all = Array.from({ length: channelCount }, (_, channel) => channel);
  return new BarrierAligner(channelCount, new Set(all.filter((channel) => captured[channel] === undefined)));
}

export interface SubtaskCheckpointsOptions {
  readonly handler: BarrierHandler;
  readonly gates: readonly InputGate[];
  /** By number of the handler's channels, gate by gate; undefined where nothing can be captured. */
  readonly channels: readonly (CapturedChannel | undefined)[];
  /** The handler's channel that stands for the subtask's own sources; undefined without any. */
  readonly sourceChannel: number | undefined;
  /** Restored elements of edges that are fused in this graph (V4). */
  readonly entries: readonly CapturedChannel[];
  readonly writers: readonly RecordWriter[];
  readonly clock: Clock;
  /** Puts a call between two records. */
  readonly mail: (action: () => void) => void;
  /** The synchronous part of a snapshot. */
  readonly snapshot: (checkpointId: number, format: SnapshotFormat | undefined) => readonly OperatorSnapshotOfUid[];
  /** Whether somebody takes it: what its keyed state has on this machine is his then. */
  readonly onSnapshot: (checkpointId: number, snapshot: SubtaskSnapshot) => boolean;
  readonly onFailed: (error: unknown) => void;
}

/** A checkpoint that the subtask has heard of. */
interface Heard {
  readonly trigger: CheckpointTrigger;
  readonly heardMonoMs: number;
  readonly startDelayMs: number;
  /** Undefined before the first barrier. */
  alignmentStart: { readonly monoMs: number; readonly takenBytes: number } | undefined;
}

interface Measured {
  readonly heard: Heard;
  readonly isUnaligned: boolean;
  readonly syncDurationMs: number;
  readonly syncEndMonoMs: number;
  alignmentDurationMs: number;
  processedBytes: number;
}

export class SubtaskCheckpoints {
  readonly #options: SubtaskCheckpointsOptions;
  readonly #heard = new Map<number, Heard>();
  readonly #snapshots: SnapshotInProgress[] = [];
  /** Whole, and waiting for what they point to. */
  readonly #waiting = new Set<SnapshotInProgress>();
  readonly #measured = new Map<number, Measured>();
  /** Triggers that wait for an older one. */
  readonly #heldTriggers: CheckpointTrigger[] = [];
  #snapshottedId = 0;
  #areSourcesBlocked = false;
  #dueMonoMs = Number.POSITIVE_INFINITY;

  constructor(options: SubtaskCheckpointsOptions) {
    this.#options = options;
  }

  /** Whether the subtask's own sources wait for barriers. */
  get areSourcesBlocked(): boolean {
    return this.#areSourcesBlocked;
  }

  /** The channels that an alignment waits for, by the handler's numbers. */
  get missing(): BarrierHandler["missing"] {
    return this.#options.handler.missing;
  }

  /** When an alignment has lasted long enough; Infinity for never. */
  get dueMonoMs(): number {
    return this.#dueMonoMs;
  }

  onTrigger(trigger: CheckpointTrigger): void {
    const { handler, sourceChannel } = this.#options;
    const { checkpointId } = trigger;
    // Sources that wait for the barriers of an older checkpoint have its barrier first.
    if (this.#areSourcesBlocked) {
      this.#heldTriggers.push(trigger);
      return;
    }
    const isUnaligned = trigger.unalignedAfterMs === 0;
    this.#hear(trigger);
    if (sourceChannel !== undefined) {
      this.#startAlignment(checkpointId);
      this.#perform(handler.onBarrier(sourceChannel, checkpointId, isUnaligned));
    } else if (isUnaligned) this.#perform(handler.onUnaligned(checkpointId));
  }

  /** @param channel - The handler's number. */
  onBarrier(channel: number, barrier: CheckpointBarrier): void {
    const { checkpointId, unalignedAfterMs } = barrier;
    this.#hear(barrier);
    this.#startAlignment(checkpointId);
    this.#perform(this.#options.handler.onBarrier(channel, checkpointId, unalignedAfterMs === 0));
  }

  onAborted(checkpointId: number): void {
    this.#perform(this.#options.handler.onAborted(checkpointId));
    this.#forget(checkpointId);
  }

  /** The subtask has ended: nobody takes what it has not handed over. What is not whole, its tables discard (V6). */
  close(): void {
    for (const snapshot of this.#waiting) snapshot.discard();
    this.#waiting.clear();
  }

  /** Goes on with what is under way, before the next element is taken; true when it did something. */
  step(nowMonoMs: number): boolean {
    if (nowMonoMs >= this.#dueMonoMs) this.#onDue(nowMonoMs);
    const snapshot = this.#snapshots[0];
    if (snapshot === undefined) return false;
    for (const { capture } of this.#snapshots) this.#look(capture);
    if (!snapshot.step()) return true;
    if (!snapshot.capture.isComplete) return false;
    this.#snapshots.shift();
    if (snapshot.isDiscarded) return true;
    this.#handOver(snapshot);
    return true;
  }

  #look(capture: ChannelCapture): void {
    if (capture.isComplete) return;
    capture.look((channel, checkpointId) => this.#perform(this.#options.handler.onBarrierAhead(channel, checkpointId)));
  }

  #handOver(snapshot: SnapshotInProgress): void {
    const { onSnapshot, clock } = this.#options;
    const { checkpointId } = snapshot;
    const operators = snapshot.encode();
    const { heard, syncEndMonoMs, ...measured } = this.#measured.get(checkpointId)!;
    this.#measured.delete(checkpointId);
    const persistedBytes = operators.reduce((sum, { channels }) => sum + (channels?.bytes.length ?? 0), 0);
    this.#waiting.add(snapshot);
    snapshot.durable.then(
      () => {
        this.#waiting.delete(snapshot);
        const asyncDurationMs = clock.monoMs() - syncEndMonoMs;
        const metrics = { ...measured, startDelayMs: heard.startDelayMs, asyncDurationMs, persistedBytes };
        if (!onSnapshot(checkpointId, { operators, metrics })) snapshot.discard();
      },
      // V5: the failure has been heard of.
      () => {
        this.#waiting.delete(snapshot);
        snapshot.discard();
      },
    );
  }

  #perform(actions: readonly AlignmentAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case "block":
          this.#block(action.channel);
          break;
        case "abort":
          this.#unblock();
          this.#forget(action.checkpointId);
          break;
        case "discard":
          this.#snapshots.find(({ checkpointId }) => checkpointId === action.checkpointId)?.discard();
          this.#measured.delete(action.checkpointId);
          break;
        case "snapshot":
          this.#takeSnapshot(action.checkpointId, action.isUnaligned, action.capture);
          this.#unblock();
          break;
        case "captured":
          this.#endCapture(action.checkpointId, action.channel);
      }
    }
  }

  // V1.
  #takeSnapshot(checkpointId: number, isUnaligned: boolean, channels: readonly number[]): void {
    const { writers, snapshot, clock, entries, onFailed } = this.#options;
    const heard = this.#heard.get(checkpointId)!;
    const { timestampMs, unalignedAfterMs, format } = heard.trigger;
    const startMonoMs = clock.monoMs();
    this.#startAlignment(checkpointId);
    const state = snapshot(checkpointId, format);
    const barrier: CheckpointBarrier = {
      kind: "barrier",
      checkpointId,
      timestampMs,
      unalignedAfterMs: isUnaligned ? 0 : unalignedAfterMs,
      ...(format === undefined ? {} : { format }),
    };
    for (const writer of writers) writer.broadcastEvent(barrier);
    const capture = new ChannelCapture(checkpointId);
    for (const entry of entries) if (entry.reader.restoredCount > 0) capture.take(entry);
    for (const channel of channels) capture.begin(channel, this.#options.channels[channel]!);
    const inProgress = new SnapshotInProgress(checkpointId, state, capture);
    inProgress.durable.catch(onFailed);
    this.#snapshots.push(inProgress);
    const syncEndMonoMs = clock.monoMs();
    const measured = {
      heard,
      isUnaligned,
      syncDurationMs: syncEndMonoMs - startMonoMs,
      syncEndMonoMs,
      alignmentDurationMs: 0,
      processedBytes: 0,
    };
    this.#measured.set(checkpointId, measured);
    this.#measureAlignment(measured, startMonoMs);
    this.#snapshottedId = checkpointId;
    for (const id of [...this.#heard.keys()]) if (id <= checkpointId) this.#forget(id);
    this.#look(capture);
  }

  #endCapture(checkpointId: number, channel: number): void {
    const snapshot = this.#snapshots.find((each) => each.checkpointId === checkpointId)!;
    snapshot.capture.end(channel);
    if (snapshot.capture.isComplete)
      this.#measureAlignment(this.#measured.get(checkpointId)!, this.#options.clock.monoMs());
  }

  /** Remembers when the subtask first heard of the checkpoint. */
  #hear({ checkpointId, timestampMs, unalignedAfterMs, format }: CheckpointTrigger): void {
    if (checkpointId <= this.#snapshottedId || this.#heard.has(checkpointId)) return;
    const { clock } = this.#options;
    this.#heard.set(checkpointId, {
      trigger: { checkpointId, timestampMs, unalignedAfterMs, ...(format === undefined ? {} : { format }) },
      heardMonoMs: clock.monoMs(),
      startDelayMs: Math.max(0, clock.wallMs() - timestampMs),
      alignmentStart: undefined,
    });
    this.#setDue();
  }

  #forget(checkpointId: number): void {
    this.#heard.delete(checkpointId);
    this.#setDue();
  }

  #startAlignment(checkpointId: number): void {
    const heard = this.#heard.get(checkpointId);
    if (heard === undefined) return;
    heard.alignmentStart ??= { monoMs: this.#options.clock.monoMs(), takenBytes: this.#takenBytes() };
  }

  #measureAlignment(measured: Measured, endMonoMs: number): void {
    const start = measured.heard.alignmentStart!;
    measured.alignmentDurationMs = endMonoMs - start.monoMs;
    measured.processedBytes = this.#takenBytes() - start.takenBytes;
  }

  #takenBytes(): number {
    let bytes = 0;
    for (const { channels } of this.#options.gates) for (const channel of channels) bytes += channel.takenBytes;
    return bytes;
  }

  #setDue(): void {
    const due = [...this.#heard.values()].map(({ heardMonoMs, trigger }) => heardMonoMs + trigger.unalignedAfterMs);
    this.#dueMonoMs = Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  #onDue(nowMonoMs: number): void {
    for (const [checkpointId, { heardMonoMs, trigger }] of [...this.#heard]) {
      if (heardMonoMs + trigger.unalignedAfterMs > nowMonoMs) continue;
      this.#perform(this.#options.handler.onUnaligned(checkpointId));
      // Whether a snapshot came of it or barriers are still waited for: the time is over once.
      const heard = this.#heard.get(checkpointId);
      if (heard !== undefined) {
        this.#heard.set(checkpointId, {
          ...heard,
          trigger: { ...trigger, unalignedAfterMs: Number.POSITIVE_INFINITY },
        });
      }
    }
    this.#setDue();
  }

  #block(channel: number): void {
    if (channel === this.#options.sourceChannel) this.#areSourcesBlocked = true;
    else this.#setBlocked(channel);
  }

  #setBlocked(channel: number): void {
    let first = 0;
    for (const gate of this.#options.gates) {
      if (channel < first + gate.channels.length) {
        gate.blocked[channel - first] = true;
        return;
      }
      first += gate.channels.length;
    }
  }

  #unblock(): void {
    this.#areSourcesBlocked = false;
    for (const gate of this.#options.gates) gate.unblockAll();
    const held = this.#heldTriggers.shift();
    // Between two records, like the one before it.
    if (held !== undefined) this.#options.mail(() => this.onTrigger(held));
  }
}
