import { createHash } from "node:crypto";
import {
  type ByteSource,
  type FileStat,
  type FileSystem,
  FileSystemError,
  type Random,
  type ReadableFile,
} from "millrace";
import type { S3Client } from "./s3-client.ts";
import { fileSystemError, S3AnswerError, S3Error } from "./s3-error.ts";
import { listBelow } from "./s3-listing.ts";
import { type S3Path, s3PathOf } from "./s3-path.ts";
import { isStored, put, type UploadLimits, upload } from "./s3-upload.ts";
import { escapeXml, parseXml, textOf } from "./xml.ts";

/** @internal */
export interface S3Limits extends UploadLimits {
  /** That one request removes, and one answer lists; S3 has at most 1000. */
  readonly objectsAtOnceMax: number;
}

/** Who has written an object: the answer to whether a request without an answer was carried out. */
const WRITER_HEADER = "x-amz-meta-millrace-write";

/**
 * Snapshots as objects of a bucket: `s3://bucket/prefix/…`. There are no directories, only objects with a "/" in their keys, and
 * no renames: `_metadata` is written with `If-None-Match: *`.
 * @internal
 */
export class S3FileSystem implements FileSystem {
  readonly #client: S3Client;
  readonly #random: Random;
  readonly #limits: S3Limits;
  /** That somebody has looked for. */
  readonly #buckets = new Map<string, Promise<void>>();

  constructor(client: S3Client, random: Random, limits: S3Limits) {
    this.#client = client;
    this.#random = random;
    this.#limits = limits;
  }

  write(path: string, source: Uint8Array | ByteSource): Promise<void> {
    return explained("write", path, (at) => upload(this.#client, at, source, this.#limits));
  }

  writeNew(path: string, bytes: Uint8Array): Promise<void> {
    return explained("create", path, async (at) => {
      const writer = this.#random.uuid();
      try {
        await put(this.#client, at, bytes, { "if-none-match": "*", [WRITER_HEADER]: writer });
      } catch (error) {
        if (!(error instanceof S3Error) || error.status !== 412) throw error;
        // It may be there from an earlier try of this very write, whose answer was lost, or was that of other bytes.
        const stored = await this.#client.request({ method: "HEAD", path: at });
        if (stored.headers.get(WRITER_HEADER) !== writer) throw error;
        if (isStored(stored, bytes)) return;
        const tag = stored.headers.get("etag") ?? "";
        await put(this.#client, at, bytes, { "if-match": tag, [WRITER_HEADER]: writer });
      }
    });
  }

  open(path: string): Promise<ReadableFile> {
    return explained("open", path, async (at) => {
      const { headers } = await this.#client.request({ method: "HEAD", path: at });
      const sizeBytes = Number(headers.get("content-length"));
      const tag = headers.get("etag");
      if (tag === null || !Number.isSafeInteger(sizeBytes)) throw new S3AnswerError("no ETag or no length");
      return {
        sizeBytes,
        read: (target, position) => this.#read(path, { sizeBytes, tag }, target, position),
        close: () => Promise.resolve(),
      };
    });
  }

  stat(path: string): Promise<FileStat | undefined> {
    return explained("stat", path, async (at) => {
      try {
        const { headers } = await this.#client.request({ method: "HEAD", path: at });
        const modifiedMs = Date.parse(headers.get("last-modified") ?? "");
        if (at.key === "") return directory();
        return {
          kind: "file",
          sizeBytes: Number(headers.get("content-length")),
          modifiedMs: Number.isNaN(modifiedMs) ? 0 : modifiedMs,
        };
      } catch (error) {
        if (!(error instanceof S3Error) || error.status !== 404) throw error;
      }
      if (at.key === "") return undefined;
      try {
        for await (const { keys } of listBelow(this.#client, at, { isFolded: false, countMax: 1 })) {
          if (keys.length > 0) return directory();
        }
      } catch (error) {
        if (!(error instanceof S3Error) || error.status !== 404) throw error;
      }
      return undefined;
    });
  }

  list(path: string): Promise<readonly string[]> {
    return explained("list", path, async (at) => {
      const start = at.key === "" ? 0 : at.key.length + 1;
      const names = new Set<string>();
      for await (const { keys, prefixes } of listBelow(this.#client, at, {
        isFolded: true,
        countMax: this.#limits.objectsAtOnceMax,
      })) {
        for (const each of [...keys, ...prefixes]) names.add(each.slice(start).replace(/\/$/, ""));
      }
      // What some tools write as the directory itself.
      names.delete("");
      return [...names].sort();
    });
  }

  makeDirectory(path: string): Promise<void> {
    return explained("look for the bucket of", path, ({ bucket }) => {
      const known = this.#buckets.get(bucket);
      if (known !== undefined) return known;
      const looking = this.#client.request({ method: "HEAD", path: { bucket, key: "" } }).then(() => {});
      this.#buckets.set(bucket, looking);
      looking.catch(() => this.#buckets.delete(bucket));
      return looking;
    });
  }

  removeFiles(directoryPath: string, names: readonly string[]): Promise<void> {
    return explained("remove", directoryPath, ({ bucket, key }) =>
      this.#removeAll(
        bucket,
        names.map((name) => (key === "" ? name : `${key}/${name}`)),
      ),
    );
  }

  removeTree(path: string): Promise<void> {
    return explained("remove", path, async (at) => {
      for await (const { keys } of listBelow(this.#client, at, {
        isFolded: false,
        countMax: this.#limits.objectsAtOnceMax,
      })) {
        await this.#removeAll(at.bucket, keys);
      }
    });
  }

  /** What was answered is durable, and everybody sees it. */
  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  #read(
    path: string,
    { sizeBytes, tag }: { readonly sizeBytes: number; readonly tag: string },
    target: Uint8Array,
    position: number,
  ): Promise<number> {
    const end = Math.min(position + target.length, sizeBytes);
    if (end <= position) return Promise.resolve(0);
    return explained("read", path, async (at) => {
      const range = `bytes=${position}-${end - 1}`;
      const headers = { range, "if-match": tag };
      const answerBytes = end - position;
      try {
        const { body } = await this.#client.request({ method: "GET", path: at, headers, answerBytes }, (answer) => {
          const expected = `bytes ${position}-${end - 1}/${sizeBytes}`;
          const found = answer.headers.get("content-range");
          // Some services answer a range that is all of the object with all of it.
          if (found !== expected && !(answer.status === 200 && answerBytes === sizeBytes)) {
            throw new S3AnswerError(`${found ?? "all of it"} instead of ${expected}`);
          }
        });
        target.set(body);
        return body.length;
      } catch (error) {
        if (!(error instanceof S3Error) || error.status !== 412) throw error;
        throw new FileSystemError("EIO", "read (the object has changed since it was opened)", path, error);
      }
    });
  }

  async #removeAll(bucket: string, keys: readonly string[]): Promise<void> {
    for (let start = 0; start < keys.length; start += this.#limits.objectsAtOnceMax) {
      await this.#removeSome(bucket, keys.slice(start, start + this.#limits.objectsAtOnceMax));
    }
  }

  async #removeSome(bucket: string, keys: readonly string[]): Promise<void> {
    const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`);
    const document = `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects.join("")}</Delete>`;
    const body = new TextEncoder().encode(document);
    const headers = { "content-md5": createHash("md5").update(body).digest("base64") };
    await this.#client.request(
      { method: "POST", path: { bucket, key: "" }, query: { delete: "" }, headers, body },
      (answer) => {
        const root = parseXml(new TextDecoder().decode(answer.body));
        const failed = root.children.find(({ name }) => name === "Error");
        if (failed === undefined) return;
        const code = textOf(failed, "Code") ?? "";
        // There is no status for one object of several.
        const status = code === "AccessDenied" ? 403 : 400;
        throw new S3Error(status, code, `${textOf(failed, "Message") ?? ""} (${textOf(failed, "Key") ?? ""})`);
      },
    );
  }
}

function directory(): FileStat {
  return { kind: "directory", sizeBytes: 0, modifiedMs: 0 };
}

/** Failures in the words of file systems. */
async function explained<T>(operation: string, path: string, action: (at: S3Path) => Promise<T>): Promise<T> {
  try {
    return await action(s3PathOf(path));
  } catch (error) {
    throw fileSystemError(error, operation, path);
  }
}
