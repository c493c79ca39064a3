/**
 * What joins and co-groups have in common. It imports no stream but for its type, so it is there before the kinds of
 * streams, which make each other, extend it.
 */
import type { Duration } from "../base/duration.ts";
import {
  CoGroupWindowFunction,
  type TaggedUnion,
  type WindowJoining,
} from "../operators/window/co-group-window-function.ts";
import type { SpanAssigner } from "../time/window-assigner.ts";
import type { SingleOutputStreamOperator } from "./data-stream.ts";
import { erased } from "./erased.ts";
import type { WindowedStream } from "./windowed-stream.ts";

/** A record of either stream. @internal */
export type Tagged = TaggedUnion<unknown, unknown>;
/** The records of both streams, keyed and windowed. @internal */
export type Windows = WindowedStream<Tagged, unknown>;

/**
 * What the windows of two streams can be told before their function is applied.
 *
 * @public
 */
export abstract class PairedWindows {
  /** @internal */
  protected readonly assigner: SpanAssigner;
  /** @internal */
  protected readonly windows: Windows;

  /** @internal */
  constructor(assigner: SpanAssigner, windows: Windows) {
    this.assigner = assigner;
    this.windows = windows;
  }

  /** @internal */
  protected abstract changed(windows: Windows): this;

  /**
   * Keeps windows for a while after they have emitted; a record that comes in that time fires its window again. Records
   * that are later still are dropped and counted.
   *
   * @param lateness - 0 or more; 0 by default.
   * @throws MillraceError `MR_ARGUMENT_INVALID` when it is negative, `MR_DURATION_INVALID` when it is no duration
   */
  allowedLateness(lateness: Duration): this {
    return this.changed(this.windows.allowedLateness(lateness));
  }

  /** @internal */
  protected applied<R>(joining: WindowJoining): SingleOutputStreamOperator<R> {
    const stream = this.windows.process<R>(erased(new CoGroupWindowFunction(joining)));
    return stream.name(`Window(${this.assigner}, ${joining.kind})`);
  }
}
