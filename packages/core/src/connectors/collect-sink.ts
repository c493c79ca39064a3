import type { Sink, SinkWriter, WriterInitContext } from "./sink.ts";

/** Where a {@link CollectSink} delivers. Called on the subtask's thread. @public */
export interface CollectReceiver<T> {
  /** Takes one record. */
  accept(value: T, timestamp: number, subtaskIndex: number): void;
  /** False asks the subtask to pause until {@link CollectReceiver.whenReady} settles. */
  isReady(): boolean;
  whenReady(): Promise<void>;
}

/**
 * Hands every record to a receiver in this process, at once.
 *
 * Delivery does not wait for a checkpoint: after a restart inside the same run, records since the restored checkpoint
 * arrive again. It serves `executeAndCollect`; use a committing sink for results that must be exactly once.
 * @public
 */
export class CollectSink<T> implements Sink<T> {
  readonly description: Sink<T>["description"] = { kind: "collect", options: {} };
  readonly #receiver: CollectReceiver<T>;

  private constructor(receiver: CollectReceiver<T>) {
    this.#receiver = receiver;
  }

  /** @param receiver - A receiver with back-pressure, or a function that takes everything. */
  static to<T>(receiver: CollectReceiver<T> | ((value: T) => void)): CollectSink<T> {
    return new CollectSink(typeof receiver === "function" ? alwaysReady(receiver) : receiver);
  }

  createWriter(context: WriterInitContext): SinkWriter<T> {
    const receiver = this.#receiver;
    const { subtaskIndex } = context;
    return {
      write: (value, { timestamp }) => receiver.accept(value, timestamp, subtaskIndex),
      isAvailable: () => receiver.isReady(),
      whenAvailable: () => receiver.whenReady(),
      prepareCommit: () => [],
      flush: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
}

function alwaysReady<T>(accept: (value: T) => void): CollectReceiver<T> {
  return { accept, isReady: () => true, whenReady: () => Promise.resolve() };
}
