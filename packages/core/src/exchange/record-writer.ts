/**
 * The end of an edge in one producing subtask: chooses the channel of every record and puts events on all channels.
 * One class a partitioning, so that the choice costs no branch per record.
 */
import { MillraceError, unreachable } from "../base/errors.ts";
import type { Random } from "../platform/platform.ts";
import { hashKey, keyGroup, subtaskForKeyGroup } from "../types/key-encoding.ts";
import type { ChannelWriter } from "./channel.ts";
import type { ChannelEvent } from "./channel-events.ts";

export abstract class RecordWriter {
  protected readonly channels: readonly ChannelWriter[];

  constructor(channels: readonly ChannelWriter[]) {
    this.channels = channels;
  }

  abstract emit(value: unknown, timestampMs: number): void;

  broadcastEvent(event: ChannelEvent): void {
    for (const channel of this.channels) channel.pushEvent(event);
  }

  /** Lets the consumers see everything that was emitted. */
  flush(): void {
    for (const channel of this.channels) channel.flush();
  }

  /** Segments' worth of records that wait in the channels. */
  get buffersInUse(): number {
    let count = 0;
    for (const channel of this.channels) count += channel.buffersInUse;
    return count;
  }

  /** The channels that are full, by their place in what the writer was made with. */
  get fullChannels(): readonly number[] {
    return this.channels.flatMap((channel, index) => (channel.isAvailable ? [] : [index]));
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
  readonly #channel: ChannelWriter;

  constructor(channels: readonly ChannelWriter[], index: number) {
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
  readonly #channelOfGroup: readonly ChannelWriter[];

  constructor(channels: readonly ChannelWriter[], key: (value: unknown) => unknown, maxParallelism: number) {
    super(channels);
    this.#key = key;
    this.#maxParallelism = maxParallelism;
    this.#channelOfGroup = Array.from(
      { length: maxParallelism },
      (_, group) => channels[subtaskForKeyGroup(group, maxParallelism, channels.length)]!,
    );
  }

  emit(value: unknown, timestampMs: number): void {
    const group = keyGroup(hashKey(this.#key(value)), this.#maxParallelism);
    this.#channelOfGroup[group]!.push(value, timestampMs);
  }
}

/** The user chooses: a number from 0 up to the number of channels. */
class CustomWriter extends RecordWriter {
  readonly #key: (value: unknown) => unknown;
  readonly #partition: (key: unknown, count: number) => number;

  constructor(channels: readonly ChannelWriter[], custom: CustomPartitioning) {
    super(channels);
    this.#key = custom.key;
    this.#partition = custom.partition;
  }

  emit(value: unknown, timestampMs: number): void {
    const count = this.channels.length;
    const key = this.#key(value);
    // JavaScript may return what is no number.
    const chosen: unknown = this.#partition(key, count);
    const channel = typeof chosen === "number" ? this.channels[chosen] : undefined;
    if (channel === undefined) throw wrongPartition(key, chosen, count);
    channel.push(value, timestampMs);
  }
}

function wrongPartition(key: unknown, chosen: unknown, count: number): MillraceError {
  return new MillraceError("MR_PARTITION_INVALID", {
    what: "A custom partitioner chose a partition that does not exist",
    where: { key: typeof key === "string" || typeof key === "number" ? `${key}` : typeof key },
    found: typeof chosen === "number" ? `${chosen}` : typeof chosen,
    expected: `a whole number from 0 to ${count - 1}`,
    todo: "Let the partitioner return a number below its second argument",
  });
}

class RoundRobinWriter extends RecordWriter {
  #next: number;

  constructor(channels: readonly ChannelWriter[], first: number) {
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

  constructor(channels: readonly ChannelWriter[], random: Random) {
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
  | { readonly kind: "hash"; readonly key: (value: unknown) => unknown }
  | CustomPartitioning;

export interface CustomPartitioning {
  readonly kind: "custom";
  readonly key: (value: unknown) => unknown;
  readonly partition: (key: unknown, count: number) => number;
}

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
  channels: readonly ChannelWriter[],
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
    case "custom":
      return new CustomWriter(channels, partitioning);
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
  // The groups are Flink's, also where one parallelism is no multiple of the other.
  const boundary = (index: number): number => Math.ceil((index * consumerParallelism) / producer.parallelism);
  const end = boundary(producer.index + 1);
  return { first: Math.min(boundary(producer.index), end - 1), end };
}
