import { posix } from "node:path";
import { unreachable } from "../base/errors.ts";
import { type DiskOperation, type EffectVerdict, FaultDice } from "./disk-faults.ts";
import { checkFileOffset } from "./io-arguments.ts";
import { type FileStat, FileSystemError, type LocalFs, type OpenFile, type OpenMode } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedClock } from "./simulated-clock.ts";
import type { SimulatedFile, UnsyncedFate } from "./simulated-file.ts";
import type { SimulatedMount } from "./simulated-mount.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { SimulatedStorage } from "./simulated-storage.ts";

/** Whom a file system belongs to and what it can do to them. @internal */
export interface SimulatedFsHost {
  readonly process: SimulatedProcess;
  readonly clock: SimulatedClock;
  /** The machine. */
  readonly host: string;
  readonly storage: SimulatedStorage;
  readonly mounts: readonly SimulatedMount[];
  kill(): void;
  powerOff(unsynced: UnsyncedFate): void;
}

/**
 * One process' view of the disk. Every operation takes effect at one moment between its call and its completion, a
 * seeded time later; operations that overlap may therefore overtake each other, as they do on a thread pool.
 * @internal
 */
export class SimulatedFs implements LocalFs {
  readonly #own: EffectRunner;
  readonly #mounted: readonly { readonly path: string; readonly effects: EffectRunner }[];

  constructor(host: SimulatedFsHost, random: SeededRandom) {
    this.#own = new EffectRunner(host, host.storage, random);
    this.#mounted = host.mounts.map(({ path, storage }) => ({
      path,
      effects: new EffectRunner(host, storage, random.fork(`mount ${path}`)),
    }));
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    const effects = this.#at(path);
    const { disk, host } = effects;
    const file = await effects.run("open", path, () => disk.open(path, mode, host.clock.wallMs(), host.host));
    return new SimulatedOpenFile({ effects, file, path, mode });
  }

  rename(from: string, to: string): Promise<void> {
    const effects = this.#at(from);
    if (effects !== this.#at(to)) return Promise.reject(new FileSystemError("EXDEV", "rename", `${from} to ${to}`));
    return effects.run("rename", `${from} to ${to}`, () => effects.disk.rename(from, to, effects.nowMs()));
  }

  remove(path: string): Promise<void> {
    const effects = this.#at(path);
    return effects.run("remove", path, () => effects.disk.remove(path, effects.nowMs()));
  }

  removeTree(path: string): Promise<void> {
    const effects = this.#at(path);
    return effects.run("remove tree", path, () => effects.disk.removeTree(path, effects.nowMs()));
  }

  makeDirectory(path: string): Promise<void> {
    const effects = this.#at(path);
    return effects.run("make directory", path, () => effects.disk.makeDirectory(path, effects.nowMs()));
  }

  list(path: string): Promise<readonly string[]> {
    const effects = this.#at(path);
    return effects.run("list", path, () => effects.disk.list(path));
  }

  stat(path: string): Promise<FileStat | undefined> {
    const effects = this.#at(path);
    return effects.run("stat", path, () => effects.disk.stat(path));
  }

  syncDirectory(path: string): Promise<void> {
    const effects = this.#at(path);
    return effects.run("sync directory", path, () => effects.disk.syncDirectory(path));
  }

  freeBytes(path: string): Promise<number> {
    const effects = this.#at(path);
    return effects.run("free space", path, () => {
      if (effects.disk.stat(path) === undefined) throw new FileSystemError("ENOENT", "free space", path);
      return effects.disk.freeBytes;
    });
  }

  resolve(...parts: readonly string[]): string {
    return posix.resolve("/", ...parts);
  }

  /** Where the path is: on the machine's own disk, or behind a mount. */
  #at(path: string): EffectRunner {
    if (this.#mounted.length === 0) return this.#own;
    const full = posix.resolve("/", path);
    return (
      this.#mounted.find((mount) => full === mount.path || full.startsWith(`${mount.path}/`))?.effects ?? this.#own
    );
  }
}

/** Puts latency, faults and crash points around an effect. */
class EffectRunner {
  readonly dice: FaultDice;
  readonly host: SimulatedFsHost;
  readonly #storage: SimulatedStorage;

  constructor(host: SimulatedFsHost, storage: SimulatedStorage, random: SeededRandom) {
    this.host = host;
    this.#storage = storage;
    this.dice = new FaultDice(random, () => storage.faults);
  }

  get disk(): SimulatedStorage["disk"] {
    return this.#storage.disk;
  }

  nowMs(): number {
    return this.host.clock.wallMs();
  }

  /** `onFailedBefore` runs when a fault keeps the effect from happening. Never settles when the process dies. */
  run<T>(operation: DiskOperation, path: string, effect: () => T, onFailedBefore?: () => void): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#schedule(this.dice.latencyMs(), operation, path, () => {
        const storage = this.#storage;
        const described = { index: storage.nextEffectIndex(), operation, path, host: this.host.host };
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
        this.host.kill();
        return;
      case "powerOff":
        this.host.powerOff(verdict.unsynced ?? "seeded");
        return;
      default:
        unreachable(verdict);
    }
  }

  #schedule(delayMs: number, operation: DiskOperation, path: string, action: () => void): void {
    this.host.process.schedule(delayMs, `fs ${operation} ${path}`, action);
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
    const { file, path, mode, effects } = this.#parts;
    const client = effects.host.host;
    for (let written = 0; written < source.length; ) {
      const piece = source.subarray(written, written + effects.dice.cut(source.length - written));
      await this.#run("write", () => {
        if (mode === "read") throw this.#error("EBADF", "write");
        const nowMs = effects.nowMs();
        effects.disk.write(file, path, { source: piece, position: position + written, nowMs, client });
      });
      written += piece.length;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    checkFileOffset("size", sizeBytes);
    const { file, path, mode, effects } = this.#parts;
    await this.#run("truncate", () => {
      if (mode === "read") throw this.#error("EINVAL", "truncate");
      effects.disk.truncate(file, path, { sizeBytes, nowMs: effects.nowMs(), client: effects.host.host });
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
    const { file, path, effects } = this.#parts;
    await effects.run("close", path, () => effects.disk.close(file));
  }

  #run<T>(operation: DiskOperation, effect: () => T, onFailedBefore?: () => void): Promise<T> {
    if (this.#isClosed) return Promise.reject(this.#error("EBADF", operation));
    return this.#parts.effects.run(operation, this.#parts.path, effect, onFailedBefore);
  }

  #error(errno: string, operation: DiskOperation): FileSystemError {
    return new FileSystemError(errno, operation, this.#parts.path);
  }
}
