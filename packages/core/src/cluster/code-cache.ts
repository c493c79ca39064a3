/** The code of jobs in a directory of this machine, each file once, whatever job and process need it and however often. */
import { sha256Hex } from "../base/sha256.ts";
import { makeDirectoryDurably, replaceFileDurably } from "../checkpoint/durable-directory.ts";
import type { LocalFs, Platform } from "../platform/platform.ts";
import { codeInvalid } from "./cluster-errors.ts";
import type { CodeFile } from "./job-code.ts";

export class CodeCache {
  readonly #fs: LocalFs;
  readonly #processId: number;
  readonly #directory: string;
  readonly #provided = new Map<string, Promise<CodeFile>>();

  /** @param directory - Packages that code imports are looked for from here upwards. */
  constructor({ fs, proc }: Pick<Platform, "fs" | "proc">, directory: string) {
    this.#fs = fs;
    this.#processId = proc.processId;
    this.#directory = fs.resolve(directory);
  }

  /**
   * The file with the code of this hash; it is fetched only when it is not there, or is not what it should be.
   * @throws MillraceError `MR_JOB_CODE_INVALID`, and what `fetch` throws
   */
  provide(hash: string, fetch: () => Promise<Uint8Array>): Promise<CodeFile> {
    const known = this.#provided.get(hash);
    if (known !== undefined) return known;
    const provided = this.#provide(hash, fetch);
    this.#provided.set(hash, provided);
    // The next one who needs it tries again.
    provided.catch(() => this.#provided.delete(hash));
    return provided;
  }

  async #provide(hash: string, fetch: () => Promise<Uint8Array>): Promise<CodeFile> {
    if (!/^[0-9a-f]{64}$/.test(hash)) throw codeInvalid(`a hash ${JSON.stringify(hash)}`, "64 hexadecimal digits");
    const path = this.#fs.resolve(this.#directory, `${hash}.mjs`);
    if (!(await this.#isThere(path, hash))) {
      const bytes = await fetch();
      checkCode(bytes, hash);
      await makeDirectoryDurably(this.#fs, this.#directory);
      await replaceFileDurably(this.#fs, path, bytes, `${path}.${this.#processId}.inprogress`);
    }
    return { hash, path };
  }

  async #isThere(path: string, hash: string): Promise<boolean> {
    if ((await this.#fs.stat(path)) === undefined) return false;
    const file = await this.#fs.open(path, "read");
    try {
      const bytes = new Uint8Array(await file.sizeBytes());
      await file.read(bytes, 0);
      return sha256Hex(bytes) === hash;
    } finally {
      await file.close();
    }
  }
}

/** @throws MillraceError `MR_JOB_CODE_INVALID` */
export function checkCode(bytes: Uint8Array, hash: string): void {
  const found = sha256Hex(bytes);
  if (found !== hash) throw codeInvalid(`${bytes.length} bytes with the hash ${found}`, `the hash ${hash}`);
}
