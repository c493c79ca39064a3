/**
 * Partial matches. The events that a run has accepted are a path from its newest one back to its first, and runs that
 * began alike share the path up to where they part: a tree whose leaves are the runs. A node has one predecessor, so a
 * run needs no version to find its way, and what no run reaches any more is gone without being counted.
 */
import type { NfaState } from "./nfa-state.ts";

/** An event that was taken by at least one run. */
export interface BufferedEvent {
  /** Counts up per key: the order in which events were looked at. */
  readonly seq: number;
  readonly timestampMs: number;
  readonly value: unknown;
}

export interface PathNode {
  readonly stage: string;
  readonly event: BufferedEvent;
  readonly previous: PathNode | undefined;
}

/** Never changes: a run that goes on is a new one. */
export interface Run {
  readonly state: NfaState;
  /** Undefined for the run that waits for a match to begin; there is always one of them. */
  readonly path: PathNode | undefined;
  /** Of the first event; Infinity without one. */
  readonly startSeq: number;
  readonly startMs: number;
}

export function startRun(state: NfaState): Run {
  return { state, path: undefined, startSeq: Number.POSITIVE_INFINITY, startMs: Number.POSITIVE_INFINITY };
}

/** When the time of a run is over; Infinity for never. */
export function deadlineOf(run: Run, windowMs: number): number {
  return Math.min(run.startMs + windowMs, gapDeadlineOf(run));
}

/** As `deadlineOf`, of the limit since the last event alone. */
export function gapDeadlineOf({ path, state }: Run): number {
  return path === undefined ? Number.POSITIVE_INFINITY : path.event.timestampMs + state.timeoutMs;
}

/** The nodes of a path, first to last. */
export function nodesOf(path: PathNode | undefined): readonly PathNode[] {
  const nodes: PathNode[] = [];
  for (let node = path; node !== undefined; node = node.previous) nodes.push(node);
  return nodes.reverse();
}
