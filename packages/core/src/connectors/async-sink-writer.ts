/**
 * The writer of an asynchronous sink.
 *
 * - A1. An entry is in the buffer or in one request on its way, from `write` until the service has taken it. Both are the
 *   writer's state, so a restored writer sends again what nobody has confirmed: at least once.
 * - A2. Entries that a service did not take go back to the front of the buffer, in their order.
 * - A3. With one request at a time entries reach the service in the order in which they were written.
 */
import { MillraceError } from "../base/errors.ts";
import type { Cancel, Clock } from "../platform/platform.ts";
import { Availability } from "./availability.ts";
import type { RateLimitingStrategy } from "./rate-limiting.ts";
import type { SinkWriteContext, SinkWriter } from "./sink.ts";

/** A writer's connection to the service that takes its entries. @public */
export interface AsyncSinkClient<EntryT> {
  /**
   * Sends a batch. Resolves with the entries that the service did not take and that are worth another try, in their order; a
   * rejection fails the job.
   *
   * @param signal - Aborted when the job ends before the request does.
   */
  submit(entries: readonly EntryT[], signal: AbortSignal): Promise<readonly EntryT[]>;
  close?(): Promise<void>;
}

/** How an asynchronous sink makes batches; Flink's names. @public */
export interface AsyncSinkLimits {
  /** Entries in a batch; 500 by default. */
  readonly maxBatchSize: number;
  /** Bytes in a batch; 5 MiB by default. A larger entry is a batch of its own. */
  readonly maxBatchSizeInBytes: number;
  /** Requests on their way at the same time; 50 by default. With 1 entries keep their order. */
  readonly maxInFlightRequests: number;
  /** Entries that wait before the writer asks for a pause; 10,000 by default. */
  readonly maxBufferedRequests: number;
  /** After this time a batch is sent although it is not full; 5000 by default. */
  readonly maxTimeInBufferMs: number;
  /** A larger entry fails the job; 1 MiB by default. */
  readonly maxRecordSizeInBytes: number;
}

/** @internal */
export interface AsyncSinkWriterOptions<T, EntryT> {
  readonly uid: string;
  readonly clock: Clock;
  readonly limits: AsyncSinkLimits;
  readonly client: AsyncSinkClient<EntryT>;
  readonly rateLimiting: RateLimitingStrategy;
  toEntry(value: T, context: SinkWriteContext): EntryT;
  sizeInBytes(entry: EntryT): number;
}

interface Waiting<EntryT> {
  readonly entry: EntryT;
  readonly bytes: number;
}

/**
 * The writer of an asynchronous sink: collects records into batches, sends them, and sends again what was refused.
 *
 * @internal
 */
export class AsyncSinkWriter<T, EntryT> implements SinkWriter<T, never, EntryT> {
  readonly #options: AsyncSinkWriterOptions<T, EntryT>;
  readonly #room: Availability = new Availability(true);
  readonly #onItsWay = new Set<readonly Waiting<EntryT>[]>();
  readonly #abort = new AbortController();
  #buffer: Waiting<EntryT>[] = [];
  #bytes = 0;
  #timer: Cancel | undefined;
  /** Whether what is in the buffer is sent without waiting for a full batch. */
  #isDue = false;
  #hasEnded = false;
  #completed: Availability = new Availability();

  constructor(options: AsyncSinkWriterOptions<T, EntryT>, restored: readonly EntryT[]) {
    this.#options = options;
    for (const entry of restored) this.#add(entry);
    this.#send();
  }

  write(value: T, context: SinkWriteContext): void {
    this.#room.throwIfFailed();
    this.#add(this.#options.toEntry(value, context));
    this.#send();
  }

  isAvailable(): boolean {
    return !this.#completed.hasFailed && this.#buffer.length < this.#options.limits.maxBufferedRequests;
  }

  whenAvailable(): Promise<void> {
    return this.#room.whenAvailable();
  }

  prepareCommit(endOfInput: boolean): readonly never[] {
    this.#hasEnded ||= endOfInput;
    return [];
  }

  // After the end of input `flush` waits for everything.
  snapshotState(): readonly EntryT[] {
    if (this.#hasEnded) return [];
    return [...[...this.#onItsWay].flat(), ...this.#buffer].map(({ entry }) => entry);
  }

  flush(): Promise<void> {
    const flushed = this.#drainAtEnd();
    // Nobody waits for the flush of a checkpoint that is given up; a failure is also told by `whenAvailable`.
    flushed.catch(() => {});
    return flushed;
  }

  async #drainAtEnd(): Promise<void> {
    this.#completed.throwIfFailed();
    // A checkpoint does not wait: what is on its way is in its state (A1).
    while (this.#hasEnded && this.#buffer.length + this.#onItsWay.size > 0) {
      this.#isDue = true;
      this.#completed.clear();
      this.#send();
      await this.#completed.whenAvailable();
    }
  }

  async close(): Promise<void> {
    this.#timer?.();
    this.#abort.abort();
    await this.#options.client.close?.();
  }

  #add(entry: EntryT): void {
    const { limits, sizeInBytes, uid } = this.#options;
    const bytes = sizeInBytes(entry);
    if (bytes > limits.maxRecordSizeInBytes) throw tooLarge(uid, bytes, limits.maxRecordSizeInBytes);
    this.#buffer.push({ entry, bytes });
    this.#bytes += bytes;
    if (this.#buffer.length >= limits.maxBufferedRequests) this.#room.clear();
    this.#startTimer();
  }

  #startTimer(): void {
    if (this.#timer !== undefined || this.#buffer.length === 0) return;
    this.#timer = this.#options.clock.after(this.#options.limits.maxTimeInBufferMs, () => {
      this.#timer = undefined;
      this.#isDue = true;
      this.#send();
    });
  }

  #send(): void {
    const { limits, rateLimiting } = this.#options;
    while (this.#buffer.length > 0) {
      const isFull = this.#buffer.length >= limits.maxBatchSize || this.#bytes >= limits.maxBatchSizeInBytes;
      if (!isFull && !this.#isDue) return;
      const count = this.#batchSize();
      if (rateLimiting.shouldBlock(count)) return;
      this.#submit(this.#buffer.splice(0, count));
    }
    this.#isDue = false;
  }

  #batchSize(): number {
    const { limits, rateLimiting } = this.#options;
    const max = Math.min(this.#buffer.length, limits.maxBatchSize, rateLimiting.getMaxBatchSize());
    let count = 0;
    for (let bytes = 0; count < max; count++) {
      bytes += this.#buffer[count]!.bytes;
      if (count > 0 && bytes > limits.maxBatchSizeInBytes) break;
    }
    return count;
  }

  #submit(batch: readonly Waiting<EntryT>[]): void {
    const { client, rateLimiting } = this.#options;
    this.#onItsWay.add(batch);
    for (const { bytes } of batch) this.#bytes -= bytes;
    rateLimiting.registerInFlightRequest(batch.length);
    client
      .submit(
        batch.map(({ entry }) => entry),
        this.#abort.signal,
      )
      .then(
        (refused) => this.#onCompleted(batch, refused),
        (error: unknown) => this.#onFailed(error),
      );
  }

  #onCompleted(batch: readonly Waiting<EntryT>[], refused: readonly EntryT[]): void {
    if (this.#abort.signal.aborted) return;
    const { limits, rateLimiting, sizeInBytes } = this.#options;
    this.#onItsWay.delete(batch);
    rateLimiting.registerCompletedRequest(batch.length, refused.length);
    const again = refused.map((entry) => ({ entry, bytes: sizeInBytes(entry) }));
    for (const { bytes } of again) this.#bytes += bytes;
    this.#buffer = [...again, ...this.#buffer];
    this.#startTimer();
    this.#send();
    if (this.#buffer.length < limits.maxBufferedRequests) this.#room.set();
    this.#completed.set();
  }

  #onFailed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#room.fail(error);
    this.#completed.fail(error);
  }
}

function tooLarge(uid: string, found: number, max: number): MillraceError {
  return new MillraceError("MR_SINK_ENTRY_TOO_LARGE", {
    what: "An asynchronous sink got a record that its service would not take",
    where: { uid },
    found: `an entry of ${found} bytes`,
    expected: `at most ${max} bytes`,
    todo: "Make records smaller, leave such records out, or raise maxRecordSizeInBytes",
  });
}
