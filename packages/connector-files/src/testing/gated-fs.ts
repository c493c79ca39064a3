/** A file system whose operations wait for permission: a process that hangs between any two of them. Imported by tests only. */
import type { FileStat, LocalFs, OpenFile, OpenMode } from "millrace";

/** @internal */
export class GatedFs implements LocalFs {
  readonly #fs: LocalFs;
  #permits: number = Number.POSITIVE_INFINITY;
  #waiting: (() => void)[] = [];

  constructor(fs: LocalFs) {
    this.#fs = fs;
  }

  /** Nothing happens from now on until it is let through. */
  hang(): void {
    this.#permits = 0;
  }

  /** Lets so many operations through, those that wait first. */
  letThrough(count: number): void {
    this.#permits += count;
    while (this.#permits > 0 && this.#waiting.length > 0) {
      this.#permits--;
      this.#waiting.shift()!();
    }
  }

  async open(path: string, mode: OpenMode): Promise<OpenFile> {
    await this.#pass();
    const file = await this.#fs.open(path, mode);
    const gated = <A extends unknown[], R>(operation: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        await this.#pass();
        return operation(...args);
      };
    };
    return {
      read: gated((target: Uint8Array, position: number) => file.read(target, position)),
      write: gated((source: Uint8Array, position: number) => file.write(source, position)),
      truncate: gated((sizeBytes: number) => file.truncate(sizeBytes)),
      sizeBytes: gated(() => file.sizeBytes()),
      sync: gated(() => file.sync()),
      close: gated(() => file.close()),
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#pass();
    await this.#fs.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    await this.#pass();
    await this.#fs.remove(path);
  }

  async removeTree(path: string): Promise<void> {
    await this.#pass();
    await this.#fs.removeTree(path);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#pass();
    await this.#fs.makeDirectory(path);
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#pass();
    return this.#fs.list(path);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    await this.#pass();
    return this.#fs.stat(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#pass();
    await this.#fs.syncDirectory(path);
  }

  async freeBytes(path: string): Promise<number> {
    await this.#pass();
    return this.#fs.freeBytes(path);
  }

  resolve(...parts: readonly string[]): string {
    return this.#fs.resolve(...parts);
  }

  #pass(): Promise<void> | undefined {
    if (this.#permits === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#permits--;
    return undefined;
  }
}
