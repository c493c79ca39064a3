/**
 * Calls a function that returns a Promise for every record, several at a time, and emits the results.
 *
 * - A4. Everything happens on the subtask's thread. A promise settles between two turns: its result is noted, the loop is
 *   woken, and what may leave is emitted in the next turn.
 * - A5. A record is in a checkpoint until its results have left. After a restore its function is called again, before that
 *   of any newer record.
 * - A6. At most `capacity` records are worked on. What the turn at hand still brings waits and is in the state, too.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { formatDuration } from "../../base/duration.ts";
import { MillraceError } from "../../base/errors.ts";
import { learnedType } from "../../types/learned-type.ts";
import { cloneFunction, invokeClose, invokeOpen } from "../clone-function.ts";
import type { OperatorHost, OperatorSnapshot, RestoredLists } from "../operator-runtime.ts";
import { StreamOperator } from "../stream-operator.ts";
import type { OperatorWaiting } from "../waiting.ts";
import type { AsyncContext } from "./async-functions.ts";
import { AsyncRequest, type RequestPolicy } from "./async-request.ts";
import type { AsyncRetryStrategy } from "./async-retry.ts";
import { InFlightQueue, type InFlightRecord, type Mark } from "./in-flight-queue.ts";

/** What a job says about one asynchronous operator. */
export interface AsyncSettings {
  /** A plain function, or an object with `method`. */
  readonly fn: unknown;
  readonly method: "mapAsync" | "flatMapAsync" | "asyncInvoke";
  readonly capacity: number;
  /** Infinity: never. */
  readonly timeoutMs: number;
  readonly isOrdered: boolean;
  readonly retry: AsyncRetryStrategy<unknown> | undefined;
  readonly onTimeout: ((value: unknown) => unknown) | undefined;
  readonly callSite: string;
}

type AsyncCall = (value: unknown, context: AsyncContext) => PromiseLike<unknown>;

const ELEMENTS = "elements";

export class AsyncOperator extends StreamOperator {
  override readonly holdsWatermarks: boolean = true;
  override readonly holdsStatus: boolean = true;
  readonly #settings: AsyncSettings;
  readonly #fn: unknown;
  readonly #policy: RequestPolicy;
  readonly #queue: InFlightQueue;
  /** A6: not yet started, oldest first. */
  readonly #waiting: InFlightRecord[] = [];
  readonly #requests = new Map<AsyncRequest, InFlightRecord>();
  // Tagged, so that a later change of the declared type cannot misread what was in flight.
  readonly #serializer = learnedType<unknown>().serializer;
  readonly #output = {
    emit: (value: unknown, timestampMs: number) => this.emit(value, timestampMs),
    pass: (mark: Mark) => this.#pass(mark),
  };
  readonly #listener = {
    onResult: (request: AsyncRequest, result: unknown) => this.#complete(request, result),
    onFailure: (request: AsyncRequest, error: unknown) => this.#onFailure(request, error),
    onTimeout: (request: AsyncRequest) => this.#onTimeout(request),
  };
  #available: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  constructor(host: OperatorHost, settings: AsyncSettings) {
    super(host);
    this.#settings = settings;
    this.#fn = cloneFunction(settings.fn, host.operatorName);
    this.#policy = {
      clock: host.clock,
      call: callOf(this.#fn, settings.method),
      timeoutMs: settings.timeoutMs,
      retry: settings.retry,
      resultOf: (returned) => this.#resultOf(returned),
    };
    this.#queue = new InFlightQueue(settings.isOrdered);
  }

  override restoreLists(lists: RestoredLists): void {
    for (const bytes of lists.get(ELEMENTS) ?? []) {
      const input = new BinaryReader(bytes);
      const timestampMs = input.f64();
      this.#waiting.push(this.#queue.put(this.#serializer.read(input), timestampMs));
    }
  }

  override open(): void {
    invokeOpen(this.#fn, this.host.context);
    this.#startWaiting();
  }

  processElement(value: unknown, timestampMs: number): void {
    const record = this.#queue.put(value, timestampMs);
    if (this.#waiting.length === 0 && this.#queue.size <= this.#settings.capacity) this.#start(record);
    else this.#waiting.push(record);
  }

  override onWatermark(timestampMs: number): void {
    this.#hold({ watermarkMs: timestampMs });
  }

  override onStatus(isIdle: boolean): void {
    this.#hold({ isIdle });
  }

  override nextProcessingTimeMs(): number {
    return this.#queue.hasReady ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  override onProcessingTime(): void {
    if (!this.#queue.hasReady) return;
    this.#queue.drain(this.#output);
    this.#startWaiting();
    if (this.#available === undefined || this.#queue.size >= this.#settings.capacity) return;
    this.#available.resolve();
    this.#available = undefined;
  }

  override snapshot(_checkpointId: number): OperatorSnapshot {
    const elements: Uint8Array[] = [];
    for (const { value, timestampMs } of this.#queue.records()) {
      const writer = new BinaryWriter();
      writer.f64(timestampMs);
      this.#serializer.write(value, writer);
      elements.push(writer.finish());
    }
    return { keyed: undefined, lists: [{ name: ELEMENTS, mode: "split", elements }], durable: undefined };
  }

  override describeWaiting(): OperatorWaiting {
    const { size } = this.#queue;
    return size === 0 ? {} : { requests: { count: size, capacity: this.#settings.capacity } };
  }

  override hasPending(): boolean {
    return this.#queue.size > 0;
  }

  override whenAvailable(): Promise<void> | undefined {
    if (this.#queue.size < this.#settings.capacity) return undefined;
    if (this.#available === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#available = { promise, resolve };
    }
    return this.#available.promise;
  }

  override async close(): Promise<void> {
    for (const request of this.#requests.keys()) request.abandon();
    this.#requests.clear();
    invokeClose(this.#fn);
  }

  #hold(mark: Mark): void {
    if (!this.#queue.hold(mark)) this.#pass(mark);
  }

  #pass({ watermarkMs, isIdle }: Mark): void {
    if (isIdle === false) this.passStatus(false);
    if (watermarkMs !== undefined) {
      this.currentWatermark = watermarkMs;
      this.passWatermark(watermarkMs);
    }
    if (isIdle === true) this.passStatus(true);
  }

  #startWaiting(): void {
    while (this.#waiting.length > 0 && this.#queue.size - this.#waiting.length < this.#settings.capacity) {
      this.#start(this.#waiting.shift()!);
    }
  }

  #start(record: InFlightRecord): void {
    const request = new AsyncRequest(record.value, this.#policy, this.#listener);
    this.#requests.set(request, record);
    request.start();
  }

  #complete(request: AsyncRequest, result: unknown): void {
    const record = this.#requests.get(request)!;
    this.#requests.delete(request);
    this.#queue.complete(record, this.#settings.method === "mapAsync" ? [result] : (result as readonly unknown[]));
    if (this.#queue.hasReady) this.host.wake();
  }

  #onFailure(request: AsyncRequest, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.host.fail(
      new MillraceError("MR_ASYNC_FAILED", {
        what: `A request of operator "${this.host.operatorName}" failed: ${message}`,
        where: this.#where(),
        found: `a rejection at attempt ${request.attempt}`,
        todo: "Catch the error in the function and return a result, or retry with AsyncRetryStrategies; the original error is in the cause",
        cause: error,
      }),
    );
  }

  #onTimeout(request: AsyncRequest): void {
    const error = new MillraceError("MR_ASYNC_TIMEOUT", {
      what: `A request of operator "${this.host.operatorName}" took too long`,
      where: this.#where(),
      found: `no result after ${formatDuration(this.#settings.timeoutMs)}, at attempt ${request.attempt}`,
      expected: "a result within the timeout, retries included",
      todo: "Raise the timeout, or return a result for such records from onTimeout",
    });
    request.abort(error);
    const { onTimeout } = this.#settings;
    const instead = onTimeout ?? timeoutMethodOf(this.#fn);
    if (instead === undefined) {
      this.host.fail(error);
      return;
    }
    try {
      this.#complete(request, this.#resultOf(instead(request.value)));
    } catch (failure) {
      this.#onFailure(request, failure);
    }
  }

  /** What a call gave: one result, or a list of them. */
  #resultOf(returned: unknown): unknown {
    if (this.#settings.method === "mapAsync") return returned;
    if (typeof returned === "object" && returned !== null && Symbol.iterator in returned) {
      return Array.from(returned as Iterable<unknown>);
    }
    throw new MillraceError("MR_ASYNC_RESULT_INVALID", {
      what: `The function of operator "${this.host.operatorName}" gave no list of results`,
      where: this.#where(),
      found: typeof returned === "object" ? "an object that is not iterable" : typeof returned,
      expected: "an iterable, such as an array; an empty one for no result",
      todo: "Return a list, or use mapAsync for functions with one result",
    });
  }

  #where(): Readonly<Record<string, string | number>> {
    const { context, operatorName, uid } = this.host;
    const subtask = `${context.indexOfThisSubtask + 1}/${context.numberOfParallelSubtasks}`;
    return { operator: operatorName, uid, at: this.#settings.callSite, subtask };
  }
}

function callOf(fn: unknown, method: AsyncSettings["method"]): AsyncCall {
  if (typeof fn === "function") return fn as AsyncCall;
  const owner = fn as Readonly<Record<string, AsyncCall>>;
  return (value, context) => owner[method]!(value, context);
}

function timeoutMethodOf(fn: unknown): ((value: unknown) => unknown) | undefined {
  const owner = fn as { timeout?(value: unknown): unknown };
  if (typeof fn !== "object" || owner.timeout === undefined) return undefined;
  return (value) => owner.timeout!(value);
}
