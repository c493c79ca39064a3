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
  /** The input is the first message instead; the module is loaded before it comes. */
  readonly isWarm: boolean;
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
    return new NodeWorkerHandle(this.#start(moduleUrl, input, false, options));
  }

  /** Starts a thread that loads the module and waits for its input, without keeping the process alive. */
  warm(moduleUrl: string, options: SpawnOptions = {}): WarmThread {
    const worker = this.#start(moduleUrl, undefined, true, options);
    worker.unref();
    const handle = new NodeWorkerHandle(worker);
    return {
      onExit: (listener) => handle.onExit(listener),
      run(input) {
        handle.postMessage(input);
        worker.ref();
        return handle;
      },
      terminate: () => handle.terminate(),
    };
  }

  #start(moduleUrl: string, input: unknown, isWarm: boolean, options: SpawnOptions): Worker {
    const { name, heapBytesMax, isSelfContained = false, willImport = [] } = options;
    const typeScript = [moduleUrl, ...willImport].find(isTypeScript);
    const runsFromSource = import.meta.url.endsWith(".ts") && !isSelfContained;
    const threadInput: WorkerThreadInput = {
      moduleUrl,
      input,
      isWarm,
      runsFromSource,
      needsTypeScript: runsFromSource || typeScript !== undefined,
      threadUrl: isSelfContained
        ? moduleUrl
        : new URL(`./node-worker-thread.${runsFromSource ? "ts" : "js"}`, import.meta.url).href,
    };
    if (threadInput.needsTypeScript) requireTypeScriptLoader(this.#bootUrl, typeScript ?? moduleUrl);
    // Flags of this process, such as a test runner's loader, are not meant for the thread.
    return new Worker(this.#bootUrl, {
      workerData: threadInput,
      execArgv: [],
      ...(name === undefined ? {} : { name }),
      ...(heapBytesMax === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: heapBytesMax / 2 ** 20 } }),
    });
  }
}

/** A thread that waits for its input. @internal */
export interface WarmThread {
  onExit(listener: () => void): void;
  /**
   * Gives it the input, once: from now on it is as any other.
   * @throws DOMException `DataCloneError` when the input cannot be cloned; the thread still waits then.
   */
  run(input: unknown): WorkerHandle;
  terminate(): Promise<void>;
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

  postMessage(message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
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
