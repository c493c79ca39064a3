/**
 * The end of an edge in one producing subtask: chooses the channel of every record and puts events on all channels.
 * One class a partitioning, so that the choice costs no branch per record.
 */
import { unreachable } from "../base/errors.ts";
import type { Random } from "../platform/platform.ts";
import { hashKey, keyGroup, subtaskForKeyGroup } from "../types/key-encoding.ts";
import type { ChannelEvent } from "./channel-events.ts";
import type { LocalChannel } from "./local-channel.ts";

export abstract class RecordWriter {
  protected readonly channels: readonly LocalChannel[];

  constructor(channels: readonly LocalChannel[]) {
    this.channels = channels;
  }

  abstract emit(value: unknown, timestampMs: number): void;

  broadcastEvent(event: ChannelEvent): void {
    for (const channel of this.channels) channel.pushEvent(event);
  }

  /** False while any channel is full. */
  isAvailable(): boolean {
    for (const channel of this.channels) {
      if (!channel.isAvailable) return false;
    }
    return true;
  }
}

class SingleWriter extends RecordWriter {
  readonly #channel: LocalChannel;

  constructor(channels: readonly LocalChannel[], index: number) {
    super(channels);
    this.#channel = channels[index]!;
  }

  emit(value: unknown, timestampMs: number): void {
    this.#channel.push(value, timestampMs);
  }
}

class HashWriter extends RecordWriter {
  readonly #key: (value: unknown) => unknown;
  readonly #maxParallelism: number;

  constructor(channels: readonly LocalChannel[], key: (value: unknown) => unknown, maxParallelism: number) {
    super(channels);
    this.#key = key;
    this.#maxParallelism = maxParallelism;
  }

  emit(value: unknown, timestampMs: number): void {
    const group = keyGroup(hashKey(this.#key(value)), this.#maxParallelism);
    const index = subtaskForKeyGroup(group, this.#maxParallelism, this.channels.length);
    this.channels[index]!.push(value, timestampMs);
  }
}

class RoundRobinWriter extends RecordWriter {
  #next: number;

  constructor(channels: readonly LocalChannel[], first: number) {
    super(channels);
    this.#next = first % channels.length;
  }

  emit(value: unknown, timestampMs: number): void {
    this.channels[this.#next]!.push(value, timestampMs);
    this.#next = this.#next + 1 === this.channels.length ? 0 : this.#next + 1;
  }
}

class ShuffleWriter extends RecordWriter {
  readonly #random: Random;

  constructor(channels: readonly LocalChannel[], random: Random) {
    super(channels);
    this.#random = random;
  }

  emit(value: unknown, timestampMs: number): void {
    this.channels[this.#random.u32() % this.channels.length]!.push(value, timestampMs);
  }
}

class BroadcastWriter extends RecordWriter {
  emit(value: unknown, timestampMs: number): void {
    for (const channel of this.channels) channel.push(value, timestampMs);
  }
}

/** How an edge spreads its records; the names are those of the API. */
export type WriterPartitioning =
  | { readonly kind: "forward" | "rebalance" | "rescale" | "shuffle" | "broadcast" | "global" }
  | { readonly kind: "hash"; readonly key: (value: unknown) => unknown };

export interface WriterPlace {
  readonly subtaskIndex: number;
  readonly maxParallelism: number;
  readonly random: Random;
}

/**
 * @param channels - The channels this subtask writes to, by consuming subtask. For `rescale` these are the consumers
 *   of its own group only, for `forward` the one consumer.
 */
export function createRecordWriter(
  channels: readonly LocalChannel[],
  partitioning: WriterPartitioning,
  place: WriterPlace,
): RecordWriter {
  switch (partitioning.kind) {
    case "forward":
    case "global":
      return new SingleWriter(channels, 0);
    case "hash":
      return new HashWriter(channels, partitioning.key, place.maxParallelism);
    case "rebalance":
    case "rescale":
      return new RoundRobinWriter(channels, place.subtaskIndex);
    case "shuffle":
      return new ShuffleWriter(channels, place.random.fork(`shuffle-${place.subtaskIndex}`));
    case "broadcast":
      return new BroadcastWriter(channels);
    default:
      return unreachable(partitioning);
  }
}

/**
 * Which consumers a producer is connected to: `[first, end)` of the consuming subtasks.
 * Rescale connects neighbours only: with 2 producers and 4 consumers, producer 0 writes to 0 and 1.
 */
export function consumersOf(
  kind: WriterPartitioning["kind"],
  producer: { readonly index: number; readonly parallelism: number },
  consumerParallelism: number,
): { readonly first: number; readonly end: number } {
  if (kind === "forward") return { first: producer.index, end: producer.index + 1 };
  if (kind !== "rescale") return { first: 0, end: consumerParallelism };
  if (consumerParallelism >= producer.parallelism) {
    const first = Math.floor((producer.index * consumerParallelism) / producer.parallelism);
    return { first, end: Math.floor(((producer.index + 1) * consumerParallelism) / producer.parallelism) };
  }
  const only = Math.floor((producer.index * consumerParallelism) / producer.parallelism);
  return { first: only, end: only + 1 };
}
