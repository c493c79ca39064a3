/**
 * Decides when one subtask may snapshot when records may count twice after a failure (`AT_LEAST_ONCE`): when the barrier of a
 * checkpoint has come on every channel. Nothing is blocked meanwhile, so the snapshot shows records from behind some of the
 * barriers, which are read again after a restore. With one channel it is exact.
 *
 * - B1. Ids rise: a checkpoint that is older than one taken is never taken.
 * - B2. At most `TRACKED_MAX` checkpoints are followed; the oldest is forgotten for a newer one.
 */
import { invariant } from "../base/errors.ts";
import type { AlignmentAction, BarrierHandler } from "./barrier-handler.ts";

/** Flink's limit. */
const TRACKED_MAX = 50;

/** @internal */
export class BarrierTracker implements BarrierHandler {
  readonly #open: Set<number>;
  /** Channels whose barrier has come, by checkpoint, oldest first. */
  readonly #arrived = new Map<number, Set<number>>();
  /** The newest one that is over. */
  #overId = 0;
  readonly #abortedIds = new Set<number>();

  /** @param channelCount - Inputs that deliver barriers, numbered from 0. */
  constructor(channelCount: number) {
    this.#open = new Set(Array.from({ length: channelCount }, (_, channel) => channel));
  }

  get missing(): { readonly checkpointId: number; readonly channels: readonly number[] } | undefined {
    const [oldest] = this.#arrived;
    if (oldest === undefined) return undefined;
    return { checkpointId: oldest[0], channels: [...this.#open].filter((channel) => !oldest[1].has(channel)) };
  }

  onBarrier(channel: number, checkpointId: number): readonly AlignmentAction[] {
    invariant(this.#open.has(channel), `barrier ${checkpointId} on channel ${channel}, which is closed or unknown`);
    if (checkpointId <= this.#overId || this.#abortedIds.has(checkpointId)) return [];
    const arrived = this.#arrived.get(checkpointId) ?? this.#track(checkpointId);
    arrived.add(channel);
    return this.#snapshotWhenReady(checkpointId);
  }

  onBarrierAhead(): readonly AlignmentAction[] {
    return [];
  }

  onUnaligned(): readonly AlignmentAction[] {
    return [];
  }

  onAborted(checkpointId: number): readonly AlignmentAction[] {
    if (checkpointId <= this.#overId) return [];
    this.#abortedIds.add(checkpointId);
    return this.#arrived.delete(checkpointId) ? [{ kind: "abort", checkpointId }] : [];
  }

  onChannelClosed(channel: number): readonly AlignmentAction[] {
    invariant(this.#open.delete(channel), `channel ${channel} was closed twice or is unknown`);
    return [...this.#arrived.keys()].flatMap((checkpointId) => this.#snapshotWhenReady(checkpointId));
  }

  #track(checkpointId: number): Set<number> {
    const arrived = new Set<number>();
    this.#arrived.set(checkpointId, arrived);
    const [oldest] = this.#arrived.keys();
    if (this.#arrived.size > TRACKED_MAX) this.#arrived.delete(oldest!);
    return arrived;
  }

  #snapshotWhenReady(checkpointId: number): readonly AlignmentAction[] {
    const arrived = this.#arrived.get(checkpointId);
    if (arrived === undefined) return [];
    for (const channel of this.#open) {
      if (!arrived.has(channel)) return [];
    }
    this.#overId = checkpointId;
    const older = [...this.#arrived.keys()].filter((id) => id < checkpointId);
    for (const id of [...older, checkpointId]) this.#arrived.delete(id);
    for (const id of this.#abortedIds) if (id <= checkpointId) this.#abortedIds.delete(id);
    return [
      ...older.map((id): AlignmentAction => ({ kind: "abort", checkpointId: id })),
      { kind: "snapshot", checkpointId, isUnaligned: false, capture: [] },
    ];
  }
}
