/** One client's way to a JobManager: requests over HTTP that may be repeated, and failures as they were on the other side. */

import type { Clock, ErrorMessage } from "millrace/internal";
import { formatAddress, fromErrorMessage } from "millrace/internal";
import type { ErrorBody } from "./rest-bodies.ts";
import { answerInvalid, refused, unreachable } from "./rest-errors.ts";

/** First pause between two attempts, and how it grows. */
const RETRY_MS = 50;
const RETRY_FACTOR = 2;
const RETRY_MS_MAX = 1000;

/** Longer failures of something that is no JobManager are cut. */
const FOUND_MAX = 300;

/** @internal */
export interface RestConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** How long one request may take, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long requests are repeated while nobody answers, in milliseconds. */
  readonly retryTimeoutMs: number;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/** @internal */
export interface RestRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH" | "DELETE";
  /** Below the version, with its parts encoded: `/jobs/0123`. */
  readonly path: string;
  /** Sent as JSON, except a form. */
  readonly body?: FormData | Readonly<Record<string, unknown>>;
}

export class RestConnection {
  readonly #options: RestConnectionOptions;

  constructor(options: RestConnectionOptions) {
    this.#options = options;
  }

  /** `host:port`, as people write it. */
  get address(): string {
    return formatAddress(this.#options);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  /**
   * The answer's body. Every request here may be repeated: those that begin something carry an id that the client has chosen.
   *
   * @throws MillraceError what the JobManager answers, `MR_REST_UNREACHABLE`, `MR_REST_ANSWER_INVALID`, `MR_REST_REFUSED`
   */
  async json<Body>(request: RestRequest): Promise<Body> {
    const answer = await this.#send(request);
    const body = parsed(answer.text);
    if (body === undefined) throw this.#invalid(request, answer);
    // The bodies are what this package itself answers with.
    return body as Body;
  }

  /** Whether what the path names is there. */
  async exists(path: string): Promise<boolean> {
    const request = { method: "HEAD", path } as const;
    return (await this.#send(request, [404])).status !== 404;
  }

  async #send(request: RestRequest, accepted: readonly number[] = []): Promise<Answer> {
    const { clock, retryTimeoutMs } = this.#options;
    const deadlineMs = clock.monoMs() + retryTimeoutMs;
    for (let pauseMs = RETRY_MS; ; pauseMs = Math.min(pauseMs * RETRY_FACTOR, RETRY_MS_MAX)) {
      const outcome = await this.#attempt(request, accepted);
      if (outcome.kind === "answer") return outcome.answer;
      if (!outcome.mayRepeat || clock.monoMs() + pauseMs > deadlineMs) throw outcome.error;
      await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
    }
  }

  async #attempt(
    request: RestRequest,
    accepted: readonly number[],
  ): Promise<
    | { readonly kind: "answer"; readonly answer: Answer }
    | { readonly kind: "failure"; readonly error: Error; readonly mayRepeat: boolean }
  > {
    let answer: Answer;
    try {
      answer = await this.#fetch(request);
    } catch (cause) {
      return { kind: "failure", error: unreachable(this.address, cause), mayRepeat: true };
    }
    const { status } = answer;
    if ((status >= 200 && status < 300) || accepted.includes(status)) return { kind: "answer", answer };
    return { kind: "failure", error: this.#failureOf(request, answer), mayRepeat: status === 503 };
  }

  async #fetch({ method, path, body }: RestRequest): Promise<Answer> {
    const { clock, requestTimeoutMs, fetch } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(requestTimeoutMs, () =>
      abort.abort(new Error(`no answer within ${requestTimeoutMs} ms`)),
    );
    try {
      const response = await fetch(`http://${this.address}/v1${path}`, {
        method,
        redirect: "error",
        signal: abort.signal,
        ...(body === undefined ? {} : contentOf(body)),
      });
      // The time is for all of the answer, not for its beginning only.
      return { status: response.status, text: await response.text() };
    } finally {
      cancel();
    }
  }

  #failureOf(request: RestRequest, answer: Answer): Error {
    const body = parsed(answer.text) as Partial<ErrorBody> | undefined;
    if (isErrorMessage(body?.error)) return fromErrorMessage(body.error);
    const errors = body?.errors;
    if (!Array.isArray(errors)) return this.#invalid(request, answer);
    return refused(this.address, nameOf(request), `status ${answer.status}: ${errors.join("; ").slice(0, FOUND_MAX)}`);
  }

  #invalid(request: RestRequest, { status, text }: Answer): Error {
    const beginning = text.length > FOUND_MAX ? `${text.slice(0, FOUND_MAX)}…` : text;
    return answerInvalid(this.address, nameOf(request), `status ${status}: ${JSON.stringify(beginning)}`);
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function contentOf(body: NonNullable<RestRequest["body"]>): Pick<RequestInit, "body" | "headers"> {
  if (body instanceof FormData) return { body };
  return { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
}

function nameOf({ method, path }: RestRequest): string {
  return `${method} ${path}`;
}

/** An object or a list; undefined when it is neither. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isErrorMessage(value: unknown): value is ErrorMessage {
  if (typeof value !== "object" || value === null) return false;
  const { name, message } = value as Partial<ErrorMessage>;
  return typeof name === "string" && typeof message === "string";
}
