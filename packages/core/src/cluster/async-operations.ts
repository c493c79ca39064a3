/** Requests that take longer than whoever asks wants to wait: their results are kept to be asked for. */

import { toErrorMessage } from "../base/error-message.ts";
import { toHex } from "../base/hex.ts";
import type { Random } from "../platform/platform.ts";
import type { AsyncOperation } from "./job-manager-api.ts";

/** Results that are kept of each job; the oldest is forgotten first. */
const OPERATIONS_MAX = 64;

export class AsyncOperations {
  readonly #random: Random;
  /** By job, then by request. */
  readonly #operations = new Map<string, Map<string, AsyncOperation>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Follows an operation; returns the id to ask for it with. */
  begin(jobId: string, running: Promise<string | undefined>): string {
    const requestId = toHex(this.#random.bytes(16));
    const operations = this.#operations.get(jobId) ?? new Map<string, AsyncOperation>();
    this.#operations.set(jobId, operations.set(requestId, { status: "IN_PROGRESS" }));
    for (const oldest of operations.keys()) {
      if (operations.size <= OPERATIONS_MAX) break;
      operations.delete(oldest);
    }
    const settle = (outcome: AsyncOperation): void => {
      if (operations.has(requestId)) operations.set(requestId, outcome);
    };
    running.then(
      (location) => settle({ status: "COMPLETED", location }),
      (error: unknown) => settle({ status: "FAILED", error: toErrorMessage(error) }),
    );
    return requestId;
  }

  get(jobId: string, requestId: string): AsyncOperation | undefined {
    return this.#operations.get(jobId)?.get(requestId);
  }

  forget(jobId: string): void {
    this.#operations.delete(jobId);
  }
}
