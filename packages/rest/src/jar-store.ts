/**
 * The files of jobs that clients have brought, in a directory, by what is in them.
 *
 * - B1. A name in the directory is made of a hash and a checked name: nothing of a path comes from outside.
 * - B2. What is read is what its hash says, or it is not there.
 */
import { type LocalFs, makeDirectoryDurably, replaceFileDurably, sha256Hex } from "millrace/internal";
import { jarIdOf, parseJarId } from "./jar-id.ts";

/** Files that are kept; the oldest goes first. Who needs it again brings it again. */
const FILES_MAX = 100;

export interface StoredJar {
  readonly id: string;
  readonly hash: string;
  readonly name: string;
  /** Epoch ms. */
  readonly uploadedMs: number;
}

export class JarStore {
  readonly #fs: LocalFs;
  readonly #directory: string;
  /** One change after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(fs: LocalFs, directory: string) {
    this.#fs = fs;
    this.#directory = fs.resolve(directory);
  }

  /** The newest first. */
  async list(): Promise<readonly StoredJar[]> {
    if ((await this.#fs.stat(this.#directory)) === undefined) return [];
    const jars: StoredJar[] = [];
    for (const id of await this.#fs.list(this.#directory)) {
      const jar = await this.get(id);
      if (jar !== undefined) jars.push(jar);
    }
    return jars.sort((left, right) => right.uploadedMs - left.uploadedMs || (left.id < right.id ? -1 : 1));
  }

  /** Undefined when there is none. */
  async get(id: string): Promise<StoredJar | undefined> {
    const parts = parseJarId(id);
    if (parts === undefined) return undefined;
    const stat = await this.#fs.stat(this.#path(id));
    return stat?.kind === "file" ? { id, ...parts, uploadedMs: Math.round(stat.modifiedMs) } : undefined;
  }

  /** @throws MillraceError `MR_JAR_INVALID` */
  put(name: string, bytes: Uint8Array): Promise<string> {
    const id = jarIdOf(sha256Hex(bytes), name);
    return this.#inTurn(async () => {
      await makeDirectoryDurably(this.#fs, this.#directory);
      await replaceFileDurably(this.#fs, this.#path(id), bytes);
      for (const { id: oldest } of (await this.list()).slice(FILES_MAX)) await this.#fs.remove(this.#path(oldest));
      return id;
    });
  }

  /** The file's bytes; undefined when there is none, or it is not what it was (B2). */
  async read(id: string): Promise<Uint8Array | undefined> {
    const jar = await this.get(id);
    if (jar === undefined) return undefined;
    const file = await this.#fs.open(this.#path(id), "read");
    try {
      const bytes = new Uint8Array(await file.sizeBytes());
      await file.read(bytes, 0);
      return sha256Hex(bytes) === jar.hash ? bytes : undefined;
    } finally {
      await file.close();
    }
  }

  /** Whether it was there. */
  remove(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      if ((await this.get(id)) === undefined) return false;
      await this.#fs.remove(this.#path(id));
      return true;
    });
  }

  // B1: only ids that have been parsed come here.
  #path(id: string): string {
    return this.#fs.resolve(this.#directory, id);
  }

  #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    const done = this.#changes.then(action);
    this.#changes = done.catch(() => {});
    return done;
  }
}
