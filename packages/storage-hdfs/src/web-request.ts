/**
 * One request over HTTP, with its whole answer. Node's `fetch` cannot be used: a DataNode says `100 Continue` without having
 * been asked, which it takes for an error.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { ByteSource, Clock } from "millrace";
import { HdfsAnswerError } from "./hdfs-error.ts";

/** A source is sent in pieces of so many bytes. */
const PIECE_BYTES = 2 ** 20;

/** @internal */
export interface WebRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly url: URL;
  readonly body?: Uint8Array | ByteSource;
}

/** @internal */
export interface WebAnswer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Uint8Array;
}

/** Connections are kept open between requests; idle ones do not keep the process alive. @internal */
export class WebRequests {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #http = new HttpAgent({ keepAlive: true });
  readonly #https = new HttpsAgent({ keepAlive: true });

  /** @param timeoutMs - A request in which nothing moves for so long is given up. */
  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws HdfsAnswerError when there is no whole answer; what the body's source rejects with */
  send({ method, url, body }: WebRequest): Promise<WebAnswer> {
    const isSecure = url.protocol === "https:";
    const sizeBytes = body === undefined ? 0 : body instanceof Uint8Array ? body.length : body.sizeBytes;
    const headers = method === "PUT" ? { "content-length": sizeBytes, "content-type": "application/octet-stream" } : {};
    return new Promise<WebAnswer>((resolve, reject) => {
      const request = isSecure
        ? requestHttps(url, { method, headers, agent: this.#https })
        : requestHttp(url, { method, headers, agent: this.#http });
      let cancel = (): void => {};
      const fail = (error: unknown): void => {
        cancel();
        request.destroy();
        reject(error);
      };
      const moved = (): void => {
        cancel();
        const late = (): void => fail(new HdfsAnswerError(`nothing moved for ${this.#timeoutMs} ms`));
        cancel = this.#clock.after(this.#timeoutMs, late);
      };
      moved();
      request.once("error", (error) => fail(new HdfsAnswerError(error.message, { cause: error })));
      request.once("response", (answer) => {
        readAnswer(answer, moved).then(
          (whole) => {
            cancel();
            resolve(whole);
          },
          (error: unknown) => fail(error),
        );
      });
      sendBody(request, body, moved).catch(fail);
    });
  }
}

async function sendBody(
  request: ClientRequest,
  body: Uint8Array | ByteSource | undefined,
  moved: () => void,
): Promise<void> {
  if (body instanceof Uint8Array || body === undefined) {
    request.end(body);
    return;
  }
  for (let position = 0; position < body.sizeBytes && !request.destroyed; ) {
    // A piece of its own: the connection may not have sent the one before yet.
    const piece = new Uint8Array(Math.min(PIECE_BYTES, body.sizeBytes - position));
    const count = await body.read(piece, position);
    if (count === 0) throw new SourceTooShort();
    position += count;
    if (!request.write(piece.subarray(0, count))) await drained(request);
    moved();
  }
  request.end();
}

/** A source has ended before the size that it had announced. @internal */
export class SourceTooShort extends Error {
  override readonly name = "SourceTooShort";
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      request.off("drain", done);
      request.off("close", done);
      resolve();
    };
    request.once("drain", done);
    // Whoever has closed it has said why.
    request.once("close", done);
  });
}

async function readAnswer(answer: IncomingMessage, moved: () => void): Promise<WebAnswer> {
  const parts: Buffer[] = [];
  try {
    for await (const part of answer) {
      parts.push(part as Buffer);
      moved();
    }
  } catch (cause) {
    throw new HdfsAnswerError(`an answer that breaks off: ${(cause as Error).message}`, { cause });
  }
  const body = Buffer.concat(parts);
  const announced = answer.headers["content-length"];
  if (!answer.complete || (announced !== undefined && Number(announced) !== body.length)) {
    throw new HdfsAnswerError(`${body.length} of ${announced ?? "more"} bytes of an answer`);
  }
  return { status: answer.statusCode ?? 0, location: answer.headers.location, body };
}
