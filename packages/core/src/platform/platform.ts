/**
 * The outside world as core sees it. Everything that has time, randomness, disk, network, threads or a process in it comes
 * through one `Platform` value, so that a whole cluster can run on a simulated one. The network is in `transport.ts`.
 *
 * `node-platform.ts` is the real implementation, `simulated-platform.ts` the seeded one; the `*-contract.test.ts` files
 * hold the tests that both pass.
 */

import type { Stores } from "./stores.ts";
import type { Transport } from "./transport.ts";

/** Cancels what it was returned for; calling it twice is harmless. @public */
export type Cancel = () => void;

/** Wall time is for people and for processing time; `monoMs` never goes back and is what timeouts are measured with. @public */
export interface Clock {
  /** Epoch milliseconds. */
  wallMs(): number;
  /** Milliseconds since some fixed moment, with a fraction. */
  monoMs(): number;
  /** Calls `action` once, `delayMs` from now or later, from the event loop. Keeps the process alive until then. */
  after(delayMs: number, action: () => void): Cancel;
  /** Calls `action` as soon as the event loop has served its sockets and timers once. */
  soon(action: () => void): Cancel;
}

/** Randomness that a seed can repeat. @public */
export interface Random {
  /** A uniformly distributed unsigned 32-bit integer. */
  u32(): number;
  bytes(count: number): Uint8Array;
  /** A version 4 UUID in lower case. */
  uuid(): string;
  /** An independent generator; the same label on the same seed gives the same numbers. */
  fork(label: string): Random;
}

/** How a file is opened: read; write from scratch; write, must not exist; read and write, must exist. @public */
export type OpenMode = "read" | "create" | "createNew" | "update";

/** What a directory knows of one file. @public */
export interface FileStat {
  readonly kind: "file" | "directory";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** An open file. Positions and sizes are bytes. Calls may overlap; `close` waits for none of them. @public */
export interface OpenFile {
  /** Fills `target` from `position`; returns the number of bytes read, less than asked only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Writes all of `source` at `position`. Durable only after {@link OpenFile.sync}. */
  write(source: Uint8Array, position: number): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sizeBytes(): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * A local (or NFS) file system. Failures are `FileSystemError` with the operating system's code.
 * A created, renamed or removed name is durable only after `syncDirectory` of its parent.
 * @public
 */
export interface LocalFs {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Replaces `to` atomically when it is a file. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; a missing one is not an error. */
  remove(path: string): Promise<void>;
  /** Removes a directory with all it holds; a missing one is not an error. */
  removeTree(path: string): Promise<void>;
  /** Creates the directory and its parents; existing ones are not an error. */
  makeDirectory(path: string): Promise<void>;
  /** Names in the directory, sorted by UTF-16 code unit. */
  list(path: string): Promise<readonly string[]>;
  /** Undefined when nothing is there. */
  stat(path: string): Promise<FileStat | undefined>;
  syncDirectory(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
  /** Absolute, normalized path. */
  resolve(...parts: readonly string[]): string;
}

/** A failed file operation: `errno` is the operating system's name, such as ENOENT, ENOSPC, EIO, EEXIST. @public */
export class FileSystemError extends Error {
  readonly errno: string;
  readonly path: string;

  constructor(errno: string, operation: string, path: string, cause?: unknown) {
    super(`${errno}: ${operation} ${path}`, cause === undefined ? undefined : { cause });
    this.name = "FileSystemError";
    this.errno = errno;
    this.path = path;
  }
}

/**
 * A thread that runs one module, seen from the thread that spawned it. Messages are structured clones, arrive in the
 * order they were posted, and wait for the first listener.
 * @public
 */
export interface WorkerHandle {
  /** @param transfer - Memory in the message that is given to the other side instead of copied; here it is empty afterwards. */
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** `failure` is set when the thread died of an error. */
  onExit(listener: (exitCode: number, failure: Error | undefined) => void): void;
  /**
   * What the thread is doing right now, innermost call first, also while its event loop is blocked. Stops it for a moment.
   * Empty when the thread has ended or cannot be looked into.
   */
  callStack(): Promise<readonly StackFrame[]>;
  terminate(): Promise<void>;
}

/** One call on a thread's stack. @public */
export interface StackFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 1. */
  readonly line: number;
}

/** @public */
export interface SpawnOptions {
  /** Appears in diagnostics. */
  readonly name?: string;
  /** The thread dies of an error when its JavaScript heap grows above this. Undefined: Node's own limit. */
  readonly heapBytesMax?: number;
  /**
   * The module is JavaScript and has the thread's first module in it, under the name that the platform asks for; nothing
   * else has to be loaded or compiled.
   */
  readonly isSelfContained?: boolean;
  /** URLs of what the module will import besides: with TypeScript among it the thread needs a loader. */
  readonly willImport?: readonly string[];
}

/**
 * Waiting for a change of a word in shared memory without blocking.
 * @public
 */
export interface Bells {
  /**
   * Calls `action` once, from the event loop, after a `notify` for the word, or soon when it is not `expected` already.
   * May be called without reason. Does not keep the thread alive.
   */
  wait(words: Int32Array, index: number, expected: number, action: () => void): Cancel;
  /** Wakes all waits for the word, on all threads; called after the word was changed. */
  notify(words: Int32Array, index: number): void;
}

/** The thread seen from inside. It lives until it calls `exit`, throws, or is terminated. @public */
export interface WorkerScope {
  readonly platform: Platform;
  /** The clone of what was passed to `spawn`. */
  readonly input: unknown;
  /** See {@link WorkerHandle.postMessage}. */
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Ends the thread; messages posted before still arrive. */
  exit(exitCode: number): void;
}

/** What a worker module exports under the name `main`. A rejection ends the thread as a failure. @public */
export type WorkerMain = (scope: WorkerScope) => void | Promise<void>;

/** Starts threads. @public */
export interface Workers {
  /** Starts a thread on the module, which exports `main` (a `WorkerMain`). */
  spawn(moduleUrl: string, input: unknown, options?: SpawnOptions): WorkerHandle;
}

/** The process around the job. @public */
export interface Proc {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostName: string;
  readonly processId: number;
  /** How many threads can run at once. */
  readonly availableParallelism: number;
  /** Absolute; for files that nobody misses when the process has ended. */
  readonly temporaryDirectory: string;
  writeOut(text: string): void;
  writeError(text: string): void;
  /** Bytes of the JavaScript heap in use, and of the whole process. */
  memory(): { readonly heapUsedBytes: number; readonly residentBytes: number };
  /** Whether a process of this machine is there; true also for one that this process may not ask. */
  isAlive(processId: number): boolean;
  /** CPU time of the whole process, user and system, in milliseconds. */
  cpuMs(): number;
}

/** Packages that are installed beside this one and that nothing here depends on. @public */
export interface Packages {
  /**
   * Loads a package and returns what it exports; undefined when it is not installed, beside this package or in the working
   * directory. Rejects with what the package itself fails with.
   */
  load(name: string): Promise<unknown>;
}

/** The only way from core to the outside. @public */
export interface Platform {
  readonly clock: Clock;
  readonly random: Random;
  readonly fs: LocalFs;
  readonly workers: Workers;
  readonly bells: Bells;
  readonly proc: Proc;
  readonly transport: Transport;
  readonly packages: Packages;
  readonly stores: Stores;
}
