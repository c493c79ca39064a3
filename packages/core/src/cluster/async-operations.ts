/**
 * Requests that take longer than whoever asks wants to wait: their results are kept to be asked for.
 *
 * - A1. An id is one request: who begins it again changes nothing, so that a request whose answer was lost may be repeated.
 * - A2. What is under way is not forgotten while there is room; a result is, when it is older than the time it is kept for.
 */
import { toErrorMessage } from "../base/error-message.ts";
import { toHex } from "../base/hex.ts";
import type { Clock, Random } from "../platform/platform.ts";
import type { AsyncOperation, AsyncResult } from "./job-manager-api.ts";

/** Requests that are remembered in each scope; the oldest is forgotten first. */
const OPERATIONS_MAX = 64;

export interface AsyncOperationsOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** How long results are kept. */
  readonly keptMs: number;
}

interface Kept {
  readonly operation: AsyncOperation;
  /** Monotonic milliseconds; undefined while it is under way. */
  readonly endedMs: number | undefined;
}

export class AsyncOperations {
  readonly #options: AsyncOperationsOptions;
  /** By scope, such as a job, then by request. */
  readonly #scopes = new Map<string, Map<string, Kept>>();

  constructor(options: AsyncOperationsOptions) {
    this.#options = options;
  }

  /**
   * Begins an operation and follows it; returns the id to ask for it with.
   *
   * @param action - Not called when the request is known (A1). What it throws before it returns is thrown here.
   * @param requestId - 32 hexadecimal digits; undefined: random ones.
   */
  begin(scope: string, action: () => Promise<AsyncResult>, requestId?: string): string {
    const { clock, random } = this.#options;
    const id = requestId ?? toHex(random.bytes(16));
    if (this.get(scope, id) !== undefined) return id;
    const running = action();
    const operations = this.#scopes.get(scope) ?? new Map<string, Kept>();
    this.#scopes.set(scope, operations.set(id, { operation: { status: "IN_PROGRESS" }, endedMs: undefined }));
    for (const oldest of operations.keys()) {
      if (operations.size <= OPERATIONS_MAX) break;
      operations.delete(oldest);
    }
    const settle = (operation: AsyncOperation): void => {
      if (operations.has(id)) operations.set(id, { operation, endedMs: clock.monoMs() });
    };
    running.then(
      (result) => settle({ status: "COMPLETED", ...result }),
      (error: unknown) => settle({ status: "FAILED", error: toErrorMessage(error) }),
    );
    return id;
  }

  get(scope: string, requestId: string): AsyncOperation | undefined {
    const operations = this.#scopes.get(scope);
    if (operations === undefined) return undefined;
    const { clock, keptMs } = this.#options;
    for (const [id, { endedMs }] of operations) {
      if (endedMs !== undefined && clock.monoMs() - endedMs >= keptMs) operations.delete(id);
    }
    return operations.get(requestId)?.operation;
  }

  forget(scope: string): void {
    this.#scopes.delete(scope);
  }
}
