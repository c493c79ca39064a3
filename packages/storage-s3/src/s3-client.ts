/**
 * Requests to an S3 service, signed, tried again where that helps, and with answers that are whole.
 *
 * - Q1. Every request has an end: it is given up when it takes longer than the timeout, its answer's last byte included.
 * - Q2. An answer is whole: its length is the one that was announced.
 * - Q3. What is tried again may have been carried out the first time: whoever asks for something that must not happen twice
 *   looks afterwards.
 */
import { AwsClient } from "aws4fetch";
import type { Clock, Random } from "millrace";
import { retrying } from "millrace/internal";
import { errorOf, isPassing, S3AnswerError } from "./s3-error.ts";
import type { S3Path } from "./s3-path.ts";
import type { S3Settings } from "./s3-settings.ts";

/** @internal */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly path: S3Path;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of the answer; other lengths are an answer that is not whole. Default: what the answer says. */
  readonly answerBytes?: number;
  /** Default: that of the settings. */
  readonly attemptsMax?: number;
}

/** @internal */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** @internal */
export class S3Client {
  readonly #settings: S3Settings;
  readonly #signer: AwsClient;
  readonly #world: { readonly clock: Clock; readonly random: Random };

  constructor(settings: S3Settings, world: { readonly clock: Clock; readonly random: Random }) {
    this.#settings = settings;
    this.#world = world;
    const { credentials, region } = settings;
    this.#signer = new AwsClient({ ...credentials, region, service: "s3", retries: 0 });
  }

  /**
   * @param check - Looks at the answer; what it throws counts as a failure of the request.
   * @throws S3Error for a refusal, S3AnswerError when there is no answer after all tries
   */
  request(request: S3Request, check: (answer: S3Answer) => void = () => {}): Promise<S3Answer> {
    return retrying(
      this.#world,
      { attemptsMax: request.attemptsMax ?? this.#settings.attemptsMax },
      async () => {
        const answer = await this.#ask(request);
        check(answer);
        return answer;
      },
      isPassing,
    );
  }

  async #ask(request: S3Request): Promise<S3Answer> {
    const { method, body, headers, answerBytes } = request;
    const signed = await this.#signer.sign(this.#urlOf(request), {
      method,
      headers: { ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const aborted = new AbortController();
    const cancel = this.#world.clock.after(this.#settings.requestTimeoutMs, () => aborted.abort());
    let status: number;
    let answered: Headers;
    let bytes: Uint8Array;
    try {
      // What is compressed has another length. Not signed: a proxy may have its own idea.
      signed.headers.set("accept-encoding", "identity");
      // The signature is for this host: it is no good at another one.
      const response = await fetch(signed, { signal: aborted.signal, redirect: "manual" });
      ({ status, headers: answered } = response);
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch (error) {
      const { requestTimeoutMs } = this.#settings;
      const why = aborted.signal.aborted ? `no whole answer within ${requestTimeoutMs} ms` : reasonOf(error);
      throw new S3AnswerError(why, { cause: error });
    } finally {
      cancel();
    }
    if (status < 200 || status > 299) throw errorOf(status, new TextDecoder().decode(bytes));
    const announced = answered.get("content-length");
    const expected = method === "HEAD" ? 0 : (answerBytes ?? (announced === null ? undefined : Number(announced)));
    if (expected !== undefined && bytes.length !== expected) {
      throw new S3AnswerError(`${bytes.length} of ${expected} bytes of an answer`);
    }
    return { status, headers: answered, body: bytes };
  }

  #urlOf({ path: { bucket, key }, query }: S3Request): string {
    const { endpoint, isPathStyle } = this.#settings;
    const host = isPathStyle ? endpoint.host : `${bucket}.${endpoint.host}`;
    const segments = [...(isPathStyle ? [bucket] : []), ...(key === "" ? [] : key.split("/"))];
    const search = Object.entries(query ?? {}).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
    return `${endpoint.protocol}//${host}/${segments.map(encoded).join("/")}${search.length === 0 ? "" : `?${search.join("&")}`}`;
  }
}

/** As the signature has it: everything but the unreserved characters of RFC 3986. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** What is behind "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  return "code" in cause && typeof cause.code === "string" ? `${cause.code} ${cause.message}` : cause.message;
}
