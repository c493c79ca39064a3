/**
 * Does the I/O of a writer, one operation after the other, away from the data path.
 *
 * - Q1. Operations happen in the order they were added; after a failure none happens any more.
 * - Q2. The bytes that wait are counted; above `WAITING_BYTES_MAX` the writer is not available.
 */
import type { OpenFile } from "millrace";
import { Availability } from "millrace/internal";
import { writeFailure } from "./sink-errors.ts";

const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** @internal */
export class PartQueue {
  readonly #availability: Availability = new Availability();
  #tail: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #isStarted = false;
  #file: OpenFile | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** False until the first operation is done, while too much waits, and after a failure. */
  get isAvailable(): boolean {
    return this.#isStarted && this.#waitingBytes < WAITING_BYTES_MAX && this.#failure === undefined;
  }

  whenAvailable(): Promise<void> {
    return this.#availability.whenAvailable();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Settles when everything added so far is done; rejects with the first failure. */
  async drained(): Promise<void> {
    await this.#tail;
    this.throwIfFailed();
  }

  /** Before anything else: what must be in order before parts are written. */
  start(action: () => Promise<void>): void {
    this.#add(0, async () => {
      await action();
      this.#isStarted = true;
    });
  }

  /** The part that the following writes go to. */
  open(open: () => Promise<OpenFile>): void {
    this.#add(0, async () => {
      this.#file = await open();
    });
  }

  /** The bytes belong to the queue from now on. */
  write(bytes: Uint8Array, position: number): void {
    this.#add(bytes.length, async () => this.#file?.write(bytes, position));
  }

  sync(): void {
    this.#add(0, async () => this.#file?.sync());
  }

  /** Makes the part durable and closes it. */
  finishPart(): void {
    this.#add(0, async () => {
      await this.#file?.sync();
      await this.#closeFile();
    });
  }

  run(action: () => Promise<void>): void {
    this.#add(0, action);
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#closeFile();
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #add(byteCount: number, action: () => Promise<void>): void {
    this.#waitingBytes += byteCount;
    this.#tail = this.#tail.then(() => this.#run(byteCount, action));
    if (this.isAvailable) this.#availability.set();
    else this.#availability.clear();
  }

  async #run(byteCount: number, action: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.#failure = { error: writeFailure(error) };
      this.#availability.fail(this.#failure.error);
      return;
    }
    this.#waitingBytes -= byteCount;
    if (this.isAvailable) this.#availability.set();
  }
}
