/** What both kinds of channels, within a thread and between threads, have in common. */
import type { ChannelEvent } from "./channel-events.ts";

/** Takes a record. */
export type TakeRecord = (value: unknown, timestampMs: number) => void;

/** The writing end of a channel. */
export interface ChannelWriter {
  /** False while the channel has so much that its producer must not be run; writing what is at hand is still allowed. */
  readonly isAvailable: boolean;
  /** Segments' worth of records that wait here, for metrics. */
  readonly buffersInUse: number;
  push(value: unknown, timestampMs: number): void;
  pushEvent(event: ChannelEvent): void;
  /** Lets the consumer see what was written. */
  flush(): void;
}

/** The reading end of a channel. */
export interface ChannelReader {
  /** Hands over records in order until `limit` is reached, an event is next or nothing is there; returns how many. */
  takeRecords(take: TakeRecord, limit: number): number;
  /** The event at the head of the channel, removed; undefined when a record or nothing is next. */
  takeEvent(): ChannelEvent | undefined;
  /** Whether a record or an event is there. */
  readonly hasNext: boolean;
}
