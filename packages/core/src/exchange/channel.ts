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

/** Is shown elements of a channel that have not been taken yet. */
export interface ChannelVisitor {
  onRecord(value: unknown, timestampMs: number): void;
  /** False ends the look: the event is not behind it. */
  onEvent(event: ChannelEvent): boolean;
}

/** Looks at what is in a channel before it is taken, each element once. */
export interface ChannelLook {
  /** Shows everything that came since the last call, or since the look began. */
  look(visitor: ChannelVisitor): void;
  close(): void;
}

/** The reading end of a channel. */
export interface ChannelReader {
  /** Hands over records in order until `limit` is reached, an event is next or nothing is there; returns how many. */
  takeRecords(take: TakeRecord, limit: number): number;
  /** The event at the head of the channel, removed; undefined when a record or nothing is next. */
  takeEvent(): ChannelEvent | undefined;
  /** Whether a record or an event is there. */
  readonly hasNext: boolean;
  /** Bytes of other threads that were taken so far; 0 for a channel of references. */
  readonly takenBytes: number;
  /**
   * Begins to look at the channel from its head on. Until the look is closed nothing is taken that was not looked at, so it
   * has to be asked often.
   */
  beginLook(): ChannelLook;
  /** Puts a record to the head of the channel, behind those restored before it. Before the first element is taken. */
  restoreRecord(value: unknown, timestampMs: number): void;
  restoreWatermark(timestampMs: number): void;
  /** Elements at the head of the channel that were restored. */
  readonly restoredCount: number;
}
