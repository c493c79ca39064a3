/**
 * What the subtasks of a benchmark's job tell the process that measures them. They may run in its thread or in their own,
 * so it goes through a broadcast channel, and moments are taken where they happen.
 */
import { BroadcastChannel } from "node:worker_threads";
import type { Instant } from "./monotonic-clock.ts";

/** @internal */
export type BenchMessage =
  /** The source is about to emit event 0. */
  | { readonly kind: "first"; readonly at: Instant }
  /** The source has emitted the warm share of the events. */
  | { readonly kind: "mark"; readonly at: Instant }
  | SinkClosed;

/** A subtask of the sink has seen its last row. @internal */
export interface SinkClosed {
  readonly kind: "closed";
  readonly subtaskIndex: number;
  readonly rows: number;
  /** The rows as lines, when they were asked for. */
  readonly lines?: readonly string[];
  /** Counts of a latency histogram, when latencies were measured. */
  readonly latencies?: Float64Array;
  /** Garbage collection of the subtask's thread while the subtask ran. */
  readonly gcMs: number;
}

/** Sends one message; nothing stays open. @internal */
export function tellBench(channelName: string, message: BenchMessage): void {
  const channel = new BroadcastChannel(channelName);
  channel.postMessage(message);
  channel.close();
}

/** Calls `onMessage` for every message until the returned function is called. @internal */
export function listenToBench(channelName: string, onMessage: (message: BenchMessage) => void): () => void {
  const channel = new BroadcastChannel(channelName);
  channel.onmessage = (event: unknown) => {
    // Only tellBench writes to the channel, and a broadcast channel delivers a MessageEvent.
    onMessage((event as { readonly data: BenchMessage }).data);
  };
  // A run that fails must not keep the process alive.
  channel.unref();
  return () => channel.close();
}
