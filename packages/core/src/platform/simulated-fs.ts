import { posix } from "node:path";
import { unreachable } from "../base/errors.ts";
import { type DiskOperation, type EffectVerdict, FaultDice } from "./disk-faults.ts";
import { checkFileOffset } from "./io-arguments.ts";
import { type FileStat, FileSystemError, type LocalFs, type OpenFile, type OpenMode } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { SimulatedFile, UnsyncedFate } from "./simulated-file.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedStorage } from "./simulated-storage.ts";

/** Whom a file system belongs to and what it can do to them. @internal */
export interface SimulatedFsHost {
  readonly process: SimulatedProcess;
  readonly clock: SimulatedClock;
  readonly storage: SimulatedStorage;
  kill(): void;
  powerOff(unsynced: UnsyncedFate): void;
}

/**
 * One process' view of the disk. Every operation takes effect at one moment between its call and its completion, a
 * seeded time later; operations that overlap may therefore overtake each other, as they do on a thread pool.
 * @internal
 */
export class SimulatedFs implements LocalFs {
  readonly #effects: EffectRunner;
  readonly #host: SimulatedFsHost;

  constructor(host: SimulatedFsHost, random: SeededRandom) {
    this.#host = host;
    this.#effects = new EffectRunner(host, random);
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const file = await this.#effects.run("open", path, () => this.#disk.open(path, mode, this.#nowMs()));
    return new SimulatedOpenFile({ host: this.#host, effects: this.#effects, file, path, mode });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#effects.run("rename", `${from} to ${to}`, () => this.#disk.rename(from, to, this.#nowMs()));
  }

  remove(path: string): Promise<void> {
    return this.#effects.run("remove", path, () => this.#disk.remove(path, this.#nowMs()));
  }

  removeTree(path: string): Promise<void> {
    return this.#effects.run("remove tree", path, () => this.#disk.removeTree(path, this.#nowMs()));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#effects.run("make directory", path, () => this.#disk.makeDirectory(path, this.#nowMs()));
  }

  list(path: string): Promise<readonly string[]> {
    return this.#effects.run("list", path, () => this.#disk.list(path));
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#effects.run("stat", path, () => this.#disk.stat(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#effects.run("sync directory", path, () => this.#disk.syncDirectory(path));
  }

  freeBytes(path: string): Promise<number> {
    return this.#effects.run("free space", path, () => {
      if (this.#disk.stat(path) === undefined) throw new FileSystemError("ENOENT", "free space", path);
      return this.#disk.freeBytes;
    });
  }

  resolve(...parts: readonly string[]): string {
    return posix.resolve("/", ...parts);
  }

  get #disk(): SimulatedStorage["disk"] {
    return this.#host.storage.disk;
  }

  #nowMs(): number {
    return this.#host.clock.wallMs();
  }
}

/** Puts latency, faults and crash points around an effect. */
class EffectRunner {
  readonly dice: FaultDice;
  readonly #host: SimulatedFsHost;

  constructor(host: SimulatedFsHost, random: SeededRandom) {
    this.#host = host;
    this.dice = new FaultDice(random, () => host.storage.faults);
  }

  /** `onFailedBefore` runs when a fault keeps the effect from happening. Never settles when the process dies. */
  run<T>(operation: DiskOperation, path: string, effect: () => T, onFailedBefore?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#schedule(this.dice.latencyMs(), operation, path, () => {
        const { storage } = this.#host;
        const described = { index: storage.nextEffectIndex(), operation, path };
        const follow = (verdict: EffectVerdict | undefined, proceed: () => void): void =>
          this.#follow(verdict, { operation, path, reject, proceed });

        let before = storage.judge(described, "before");
        const errno = this.dice.errno(operation);
        if (before === undefined && errno !== undefined) before = { kind: "fail", errno };
        if (before?.kind === "fail") onFailedBefore?.();
        follow(before, () => {
          const outcome = attempt(effect);
          follow(storage.judge(described, "after"), () => {
            if (outcome.kind === "done") resolve(outcome.value);
            else reject(outcome.error);
          });
        });
      });
    });
  }

  #follow(verdict: EffectVerdict | undefined, operation: FollowedOperation): void {
    switch (verdict?.kind) {
      case undefined:
        operation.proceed();
        return;
      case "fail":
        operation.reject(new FileSystemError(verdict.errno, operation.operation, operation.path));
        return;
      case "delay":
        this.#schedule(verdict.delayMs, operation.operation, operation.path, operation.proceed);
        return;
      case "kill":
        this.#host.kill();
        return;
      case "powerOff":
        this.#host.powerOff(verdict.unsynced ?? "seeded");
        return;
      default:
        unreachable(verdict);
    }
  }

  #schedule(delayMs: number, operation: DiskOperation, path: string, action: () => void): void {
    this.#host.process.schedule(delayMs, `fs ${operation} ${path}`, action);
  }
}

interface FollowedOperation {
  readonly operation: DiskOperation;
  readonly path: string;
  readonly reject: (error: unknown) => void;
  readonly proceed: () => void;
}

type Outcome<T> = { readonly kind: "done"; readonly value: T } | { readonly kind: "failed"; readonly error: unknown };

function attempt<T>(effect: () => T): Outcome<T> {
  try {
    return { kind: "done", value: effect() };
  } catch (error) {
    return { kind: "failed", error };
  }
}

interface SimulatedOpenFileParts {
  readonly host: SimulatedFsHost;
  readonly effects: EffectRunner;
  readonly file: SimulatedFile;
  readonly path: string;
  readonly mode: OpenMode;
}

class SimulatedOpenFile implements OpenFile {
  readonly #parts: SimulatedOpenFileParts;
  #isClosed = false;

  constructor(parts: SimulatedOpenFileParts) {
    this.#parts = parts;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    checkFileOffset("position", position);
    const { file, mode } = this.#parts;
    let filled = 0;
    while (filled < target.length) {
      const piece = target.subarray(filled, filled + this.#parts.effects.dice.cut(target.length - filled));
      const count = await this.#run("read", () => {
        if (mode === "create" || mode === "createNew") throw this.#error("EBADF", "read");
        return file.contents.read(piece, position + filled);
      });
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    checkFileOffset("position", position);
    const { file, path, mode, host } = this.#parts;
    for (let written = 0; written < source.length; ) {
      const piece = source.subarray(written, written + this.#parts.effects.dice.cut(source.length - written));
      await this.#run("write", () => {
        if (mode === "read") throw this.#error("EBADF", "write");
        host.storage.disk.write(file, path, piece, position + written, host.clock.wallMs());
      });
      written += piece.length;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    checkFileOffset("size", sizeBytes);
    const { file, path, mode, host } = this.#parts;
    await this.#run("truncate", () => {
      if (mode === "read") throw this.#error("EINVAL", "truncate");
      host.storage.disk.truncate(file, path, sizeBytes, host.clock.wallMs());
    });
  }

  sizeBytes(): Promise<number> {
    return this.#run("size", () => this.#parts.file.contents.sizeBytes);
  }

  sync(): Promise<void> {
    const { file } = this.#parts;
    return this.#run(
      "sync",
      () => file.sync(),
      () => file.failSync(),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    // Closed from the call on, so that a second close and later operations see it.
    this.#isClosed = true;
    const { file, path, effects, host } = this.#parts;
    await effects.run("close", path, () => host.storage.disk.close(file));
  }

  #run<T>(operation: DiskOperation, effect: () => T, onFailedBefore?: () => void): Promise<T> {
    if (this.#isClosed) return Promise.reject(this.#error("EBADF", operation));
    return this.#parts.effects.run(operation, this.#parts.path, effect, onFailedBefore);
  }

  #error(errno: string, operation: DiskOperation): FileSystemError {
    return new FileSystemError(errno, operation, this.#parts.path);
  }
}
