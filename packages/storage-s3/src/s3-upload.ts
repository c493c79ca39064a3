/**
 * Whole objects into S3: small ones in one request, larger ones in parts.
 *
 * - U1. Nothing is seen of an object before all of it is there.
 * - U2. Every request carries the MD5 of its bytes, so that the service refuses what has changed on the way; what it says it has
 *   stored is compared again.
 * - U3. An upload that fails is aborted: its parts cost room until then.
 */
import { createHash } from "node:crypto";
import { type ByteSource, FileSystemError } from "millrace";
import type { S3Answer, S3Client } from "./s3-client.ts";
import { errorOf, S3AnswerError, S3Error } from "./s3-error.ts";
import type { S3Path } from "./s3-path.ts";
import { escapeXml, parseXml, textOf } from "./xml.ts";

/** Of one upload, as S3 has it. */
const PARTS_MAX = 10_000;

/** @internal */
export interface UploadLimits {
  /** Larger objects are uploaded in parts of this size. */
  readonly partBytes: number;
  readonly concurrentParts: number;
}

/** @internal */
export async function upload(
  client: S3Client,
  path: S3Path,
  source: Uint8Array | ByteSource,
  limits: UploadLimits,
): Promise<void> {
  const sizeBytes = source instanceof Uint8Array ? source.length : source.sizeBytes;
  if (sizeBytes <= limits.partBytes) await put(client, path, await bytesOf(source, 0, sizeBytes));
  else await new PartedUpload(client, path, source, sizeBytes, limits).run();
}

/** One object in one request. @internal */
export async function put(
  client: S3Client,
  path: S3Path,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const md5 = md5Of(body);
  const request = {
    method: "PUT",
    path,
    body,
    headers: { ...headers, "content-md5": md5.toString("base64") },
  } as const;
  await client.request(request, (answer) => checkStored(answer, md5));
}

class PartedUpload {
  readonly #client: S3Client;
  readonly #path: S3Path;
  readonly #source: Uint8Array | ByteSource;
  readonly #sizeBytes: number;
  readonly #partBytes: number;
  readonly #concurrentParts: number;

  constructor(
    client: S3Client,
    path: S3Path,
    source: Uint8Array | ByteSource,
    sizeBytes: number,
    { partBytes, concurrentParts }: UploadLimits,
  ) {
    this.#client = client;
    this.#path = path;
    this.#source = source;
    this.#sizeBytes = sizeBytes;
    this.#partBytes = Math.max(partBytes, Math.ceil(sizeBytes / PARTS_MAX));
    this.#concurrentParts = concurrentParts;
  }

  async run(): Promise<void> {
    const uploadId = await this.#begin();
    try {
      await this.#complete(uploadId, await this.#uploadParts(uploadId));
    } catch (error) {
      // U3. Whoever uploads hears of what has failed, not of the parts that nobody can remove either.
      await this.#client
        .request({ method: "DELETE", path: this.#path, query: { uploadId }, attemptsMax: 2 })
        .catch(() => {});
      throw error;
    }
  }

  async #begin(): Promise<string> {
    let uploadId = "";
    await this.#client.request({ method: "POST", path: this.#path, query: { uploads: "" } }, ({ body }) => {
      const root = parseXml(new TextDecoder().decode(body));
      uploadId = textOf(root, "UploadId") ?? "";
      if (uploadId === "") throw new S3AnswerError("no UploadId in the answer");
    });
    return uploadId;
  }

  /** The tags of all parts, in their order. */
  async #uploadParts(uploadId: string): Promise<readonly string[]> {
    const count = Math.ceil(this.#sizeBytes / this.#partBytes);
    const tags: string[] = [];
    let next = 0;
    let isFailed = false;
    const work = async (): Promise<void> => {
      while (next < count && !isFailed) {
        const index = next++;
        try {
          tags[index] = await this.#uploadPart(uploadId, index);
        } catch (error) {
          isFailed = true;
          throw error;
        }
      }
    };
    const workers = Array.from({ length: Math.min(this.#concurrentParts, count) }, work);
    const settled = await Promise.allSettled(workers);
    for (const each of settled) if (each.status === "rejected") throw each.reason;
    return tags;
  }

  async #uploadPart(uploadId: string, index: number): Promise<string> {
    const start = index * this.#partBytes;
    const body = await bytesOf(this.#source, start, Math.min(start + this.#partBytes, this.#sizeBytes));
    const md5 = md5Of(body);
    let tag = "";
    await this.#client.request(
      {
        method: "PUT",
        path: this.#path,
        query: { partNumber: String(index + 1), uploadId },
        headers: { "content-md5": md5.toString("base64") },
        body,
      },
      (answer) => {
        checkStored(answer, md5);
        tag = answer.headers.get("etag")!;
      },
    );
    return tag;
  }

  async #complete(uploadId: string, tags: readonly string[]): Promise<void> {
    const parts = tags.map(
      (tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(tag)}</ETag></Part>`,
    );
    const document = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
    const body = new TextEncoder().encode(document);
    try {
      await this.#client.request({ method: "POST", path: this.#path, query: { uploadId }, body }, (answer) => {
        // A refusal may come with status 200: the answer begins before it is known.
        const text = new TextDecoder().decode(answer.body);
        const root = parseXml(text);
        if (root.name === "Error") throw refusalIn(text);
      });
    } catch (error) {
      // An earlier try, whose answer was lost, has done it.
      if (!(error instanceof S3Error && error.code === "NoSuchUpload")) throw error;
    }
    const { headers } = await this.#client.request({ method: "HEAD", path: this.#path });
    if (Number(headers.get("content-length")) !== this.#sizeBytes) {
      throw new S3AnswerError(`an object of ${headers.get("content-length")} bytes instead of ${this.#sizeBytes}`);
    }
  }
}

/** A refusal in an answer with status 200: what S3 fails of in the middle of it may pass. */
function refusalIn(text: string): Error {
  const error = errorOf(200, text);
  return error.code === "InternalError" || error.code === "" ? new S3AnswerError(error.message) : error;
}

/** Whether what the answer is about has these bytes, as far as it says. @internal */
export function isStored(answer: S3Answer, bytes: Uint8Array): boolean {
  return Number(answer.headers.get("content-length")) === bytes.length && hasMd5(answer, md5Of(bytes));
}

/** U2. */
function checkStored(answer: S3Answer, md5: Buffer): void {
  const tag = answer.headers.get("etag");
  if (tag === null) throw new S3AnswerError("no ETag in the answer");
  if (!hasMd5(answer, md5)) throw new S3AnswerError(`other bytes were stored than were sent: ETag ${tag}`);
}

/** With some kinds of encryption the tag is another thing than the MD5 of the bytes: then nobody can say. */
function hasMd5({ headers }: S3Answer, md5: Buffer): boolean {
  const isOther =
    headers.get("x-amz-server-side-encryption")?.startsWith("aws:") === true ||
    headers.has("x-amz-server-side-encryption-customer-algorithm");
  const stored = /^"?([0-9a-f]{32})"?$/i.exec(headers.get("etag") ?? "")?.[1]?.toLowerCase();
  return isOther || stored === undefined || stored === md5.toString("hex");
}

function md5Of(bytes: Uint8Array): Buffer {
  return createHash("md5").update(bytes).digest();
}

async function bytesOf(source: Uint8Array | ByteSource, start: number, end: number): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.subarray(start, end);
  const bytes = new Uint8Array(end - start);
  for (let filled = 0; filled < bytes.length; ) {
    const count = await source.read(bytes.subarray(filled), start + filled);
    if (count === 0) throw new FileSystemError("EIO", "read", "what is uploaded: it has become shorter");
    filled += count;
  }
  return bytes;
}
