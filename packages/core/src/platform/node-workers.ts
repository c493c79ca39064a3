import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { MillraceError } from "../base/errors.ts";
import { MessageBox } from "./message-box.ts";
import { threadCallStack } from "./node-thread-stack.ts";
import type { SpawnOptions, StackFrame, WorkerHandle, Workers } from "./platform.ts";

/** Lies in the package beside src and dist, so the same relative URL holds for the sources and for the build. */
const BOOT_URL = new URL("../../boot/worker-boot.mjs", import.meta.url);

/** What a thread starts with; `boot/worker-boot.mjs` and `node-worker-thread.ts` read it. @internal */
export interface WorkerThreadInput {
  readonly moduleUrl: string;
  readonly input: unknown;
  readonly threadUrl: string;
  readonly needsTypeScript: boolean;
  readonly runsFromSource: boolean;
}

/**
 * Worker threads of Node. Every thread starts in `boot/worker-boot.mjs`, which registers the TypeScript loader when the
 * module, or the engine itself, is TypeScript.
 * @internal
 */
export class NodeWorkers implements Workers {
  readonly #bootUrl: URL;

  constructor(bootUrl: URL = BOOT_URL) {
    this.#bootUrl = bootUrl;
  }

  /**
   * @throws MillraceError `MR_TYPESCRIPT_LOADER_MISSING` when the thread needs `tsx` and it is not installed.
   * @throws DOMException `DataCloneError` when the input cannot be cloned.
   */
  spawn(moduleUrl: string, input: unknown, options: SpawnOptions = {}): WorkerHandle {
    const { name, heapBytesMax, isSelfContained = false, willImport = [] } = options;
    const typeScript = [moduleUrl, ...willImport].find(isTypeScript);
    const runsFromSource = import.meta.url.endsWith(".ts") && !isSelfContained;
    const threadInput: WorkerThreadInput = {
      moduleUrl,
      input,
      runsFromSource,
      needsTypeScript: runsFromSource || typeScript !== undefined,
      threadUrl: isSelfContained
        ? moduleUrl
        : new URL(`./node-worker-thread.${runsFromSource ? "ts" : "js"}`, import.meta.url).href,
    };
    if (threadInput.needsTypeScript) requireTypeScriptLoader(this.#bootUrl, typeScript ?? moduleUrl);
    // Flags of this process, such as a test runner's loader, are not meant for the thread.
    const worker = new Worker(this.#bootUrl, {
      workerData: threadInput,
      execArgv: [],
      ...(name === undefined ? {} : { name }),
      ...(heapBytesMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapBytesMax / 2 ** 20 } }),
    });
    return new NodeWorkerHandle(worker);
  }
}

class NodeWorkerHandle implements WorkerHandle {
  readonly #worker: Worker;
  readonly #messages: MessageBox<[message: unknown]> = new MessageBox();
  readonly #exits: MessageBox<[exitCode: number, failure: Error | undefined]> = new MessageBox();
  #failure: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: unknown) => this.#messages.put(message));
    worker.on("error", (error: unknown) => {
      this.#failure = toError(error);
    });
    worker.on("messageerror", (error) => {
      this.#failure = error;
      void worker.terminate();
    });
    worker.on("exit", (exitCode) => this.#exits.put(exitCode, this.#failure));
  }

  postMessage(message: unknown): void {
    this.#worker.postMessage(message);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#messages.listen(listener);
  }

  onExit(listener: (exitCode: number, failure: Error | undefined) => void): void {
    this.#exits.listen(listener);
  }

  callStack(): Promise<readonly StackFrame[]> {
    return threadCallStack(this.#worker.threadId);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}

function isTypeScript(moduleUrl: string): boolean {
  return /\.[cm]?tsx?$/.test(new URL(moduleUrl).pathname);
}

function requireTypeScriptLoader(bootUrl: URL, moduleUrl: string): void {
  try {
    createRequire(bootUrl).resolve("tsx/esm/api");
  } catch (error) {
    throw new MillraceError("MR_TYPESCRIPT_LOADER_MISSING", {
      what: "A worker thread cannot load a TypeScript module",
      where: { module: moduleUrl },
      found: "the package tsx is not installed",
      todo: "Install tsx (npm install tsx), or compile the job to JavaScript first",
      cause: error,
    });
  }
}

/** A thread may throw anything, and what crosses the threads is a clone. */
function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`the worker threw ${String(thrown)}`);
}
