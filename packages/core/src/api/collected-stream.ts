import type { AsyncQueue } from "../connectors/async-queue.ts";
import type { JobClient } from "./job-client.ts";

/**
 * The records of a running job, for one consumer. Reading slower than the job produces makes the job wait; leaving the
 * loop early cancels it, and the loop is left only when the job has ended.
 *
 * A failure of the job is thrown by the loop, after the records that came before it. Records that were delivered before
 * a restart of the job arrive again after it.
 *
 * @example
 * for await (const total of totals.executeAndCollect()) {
 *   if (total.count > 100) break;
 * }
 * @public
 */
export class CollectedStream<T> implements AsyncIterable<T> {
  readonly #queue: AsyncQueue<T>;
  readonly #client: Promise<JobClient>;

  /** @internal */
  constructor(queue: AsyncQueue<T>, client: Promise<JobClient>) {
    this.#queue = queue;
    this.#client = client;
    // Every end of the job ends the loop; a rejection is thrown there, so it is never unhandled.
    client
      .then((started) => started.getJobExecutionResult())
      .then(
        () => queue.close(),
        (error: unknown) => queue.fail(error),
      );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    let isComplete = false;
    try {
      yield* this.#queue;
      isComplete = true;
    } finally {
      if (!isComplete) await this.close();
    }
  }

  /**
   * All records, or the first `limit`; the job is then cancelled.
   *
   * @param limit - At least 1; unlimited by default.
   */
  async toArray(limit: number = Number.POSITIVE_INFINITY): Promise<T[]> {
    const values: T[] = [];
    for await (const value of this) {
      values.push(value);
      if (values.length >= limit) break;
    }
    return values;
  }

  /** Cancels the job when it still runs; settles when it has ended. */
  async close(): Promise<void> {
    // A job that could not be started has nothing to cancel; the loop has thrown why.
    const client = await this.#client.catch(() => undefined);
    await client?.cancel();
  }
}
