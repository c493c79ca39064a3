import { MillraceError } from "../base/errors.ts";

/**
 * Where a {@link MemorySortedKv} keeps its files: whole, small and synchronous. A simulation puts its disk behind this.
 * @internal
 */
export interface KvFiles {
  /** Undefined when there is no such file. The bytes are not changed by anybody. */
  read(path: string): Uint8Array | undefined;
  /** Writes a whole file, durably and at once; replaces the one that is there. Keeps `bytes`. */
  write(path: string, bytes: Uint8Array): void;
  /** Gives a file a second name. */
  link(from: string, to: string): void;
  remove(path: string): void;
  /** Throws `MR_STATE_STORE_FAILED` when it exists. */
  makeDirectory(path: string): void;
  /** Names of the files in the directory, sorted; undefined when there is no such directory. */
  list(path: string): readonly string[] | undefined;
}

/** Files in a map. @internal */
export class MemoryKvFiles implements KvFiles {
  readonly #files = new Map<string, Uint8Array>();
  readonly #directories = new Set<string>();

  read(path: string): Uint8Array | undefined {
    return this.#files.get(path);
  }

  write(path: string, bytes: Uint8Array): void {
    this.#files.set(path, bytes);
  }

  link(from: string, to: string): void {
    const bytes = this.#files.get(from);
    if (bytes === undefined) throw failed("A file of a state store cannot be linked", from, "no such file");
    this.#files.set(to, bytes);
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  makeDirectory(path: string): void {
    if (this.#directories.has(path)) {
      throw failed("A directory of a state store cannot be made", path, "it exists already");
    }
    this.#directories.add(path);
  }

  list(path: string): readonly string[] | undefined {
    if (!this.#directories.has(path)) return undefined;
    const prefix = `${path}/`;
    return [...this.#files.keys()]
      .filter((file) => file.startsWith(prefix))
      .map((file) => file.slice(prefix.length))
      .sort();
  }
}

function failed(what: string, path: string, found: string): MillraceError {
  return new MillraceError("MR_STATE_STORE_FAILED", {
    what,
    where: { path },
    found,
    todo: "Look at the disk of the working directory; the job restarts from its last checkpoint",
  });
}
