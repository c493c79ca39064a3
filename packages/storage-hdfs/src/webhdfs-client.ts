/**
 * WebHDFS: requests to the active NameNode, and to the DataNodes that it names.
 *
 * - W1. Of several NameNodes the one that has answered is asked first; one that is not active or not there makes way for the next.
 * - W2. What is tried again may have been carried out the first time: whoever asks for something that must not happen twice looks
 *   afterwards.
 * - W3. HTTP 200 is not success: RENAME, DELETE and MKDIRS say `{"boolean": false}` with it.
 */
import type { ByteSource, Clock, Random } from "millrace";
import { retrying } from "millrace/internal";
import { errorOf, fieldOf, HdfsAnswerError, isPassing } from "./hdfs-error.ts";
import { type HdfsSettings, placeOf } from "./hdfs-settings.ts";
import { type WebAnswer, WebRequests } from "./web-request.ts";

/** What a NameNode knows of one path. @internal */
export interface HdfsStatus {
  readonly type: "FILE" | "DIRECTORY";
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** Stays the same when it is renamed; of no other file. */
  readonly fileId: number;
  /** Its name, of one in a listing. */
  readonly name: string;
}

interface Operation {
  readonly method: "GET" | "PUT" | "DELETE";
  readonly op: string;
  readonly parameters?: Readonly<Record<string, string>>;
}

/** @internal */
export class WebHdfsClient {
  readonly #settings: HdfsSettings;
  readonly #world: { readonly clock: Clock; readonly random: Random };
  readonly #requests: WebRequests;
  /** W1. By all addresses of a cluster. */
  readonly #active = new Map<string, number>();

  constructor(settings: HdfsSettings, world: { readonly clock: Clock; readonly random: Random }) {
    this.#settings = settings;
    this.#world = world;
    this.#requests = new WebRequests(world.clock, settings.requestTimeoutMs);
  }

  /** @throws HdfsError, HdfsAnswerError, as all methods */
  async status(uri: string): Promise<HdfsStatus> {
    const answer = await this.#json(uri, { method: "GET", op: "GETFILESTATUS" });
    return statusOf(fieldOf(answer, "FileStatus"));
  }

  async list(uri: string): Promise<readonly HdfsStatus[]> {
    const answer = await this.#json(uri, { method: "GET", op: "LISTSTATUS" });
    const statuses = fieldOf(fieldOf(answer, "FileStatuses"), "FileStatus");
    if (!Array.isArray(statuses)) throw new HdfsAnswerError("no FileStatuses in the answer");
    return statuses.map(statusOf);
  }

  makeDirectories(uri: string): Promise<boolean> {
    return this.#boolean(uri, { method: "PUT", op: "MKDIRS" });
  }

  /** False when there is nothing to delete. */
  delete(uri: string, isRecursive: boolean): Promise<boolean> {
    return this.#boolean(uri, { method: "DELETE", op: "DELETE", parameters: { recursive: String(isRecursive) } });
  }

  /** False when it was not renamed: something is at `to`, or nothing at `from` (any more). */
  rename(from: string, to: string): Promise<boolean> {
    const { path } = placeOf(to, this.#settings);
    return this.#boolean(from, { method: "PUT", op: "RENAME", parameters: { destination: path } });
  }

  /** Writes a whole file, in the place of another. */
  create(uri: string, body: Uint8Array | ByteSource): Promise<void> {
    const operation: Operation = { method: "PUT", op: "CREATE", parameters: { overwrite: "true", noredirect: "true" } };
    return this.#retrying(uri, async (nameNode, path) => {
      const url = locationOf(await this.#ask(nameNode, path, operation));
      const answer = await this.#requests.send({ method: "PUT", url, body });
      if (answer.status !== 201) throw errorOf(answer.status, answer.body);
    });
  }

  /** The bytes from `offset` on; so many are there. */
  read(uri: string, offset: number, length: number): Promise<Uint8Array> {
    const parameters = { offset: String(offset), length: String(length), noredirect: "true" };
    return this.#retrying(uri, async (nameNode, path) => {
      const url = locationOf(await this.#ask(nameNode, path, { method: "GET", op: "OPEN", parameters }));
      const { status, body } = await this.#requests.send({ method: "GET", url });
      if (status !== 200) throw errorOf(status, body);
      if (body.length !== length) throw new HdfsAnswerError(`${body.length} of ${length} bytes`);
      return body;
    });
  }

  async #boolean(uri: string, operation: Operation): Promise<boolean> {
    const answer = fieldOf(await this.#json(uri, operation), "boolean");
    if (typeof answer !== "boolean") throw new HdfsAnswerError("no boolean in the answer");
    return answer;
  }

  #json(uri: string, operation: Operation): Promise<unknown> {
    return this.#retrying(uri, async (nameNode, path) => jsonOf(await this.#ask(nameNode, path, operation)));
  }

  async #ask(nameNode: URL, path: string, { method, op, parameters = {} }: Operation): Promise<WebAnswer> {
    const url = new URL(`/webhdfs/v1${encodedPath(path)}`, nameNode);
    const { user } = this.#settings;
    const all = { op, ...parameters, ...(user === undefined ? {} : { "user.name": user }) };
    url.search = Object.entries(all)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join("&");
    const answer = await this.#requests.send({ method, url });
    if (answer.status < 200 || answer.status > 399) throw errorOf(answer.status, answer.body);
    return answer;
  }

  #retrying<T>(uri: string, attempt: (nameNode: URL, path: string) => Promise<T>): Promise<T> {
    const { addresses, path } = placeOf(uri, this.#settings);
    const cluster = addresses.join();
    return retrying(
      this.#world,
      { attemptsMax: this.#settings.attemptsMax },
      async () => {
        const active = this.#active.get(cluster) ?? 0;
        try {
          return await attempt(addresses[active]!, path);
        } catch (error) {
          if (isPassing(error)) this.#active.set(cluster, (active + 1) % addresses.length);
          throw error;
        }
      },
      isPassing,
    );
  }
}

/** Where the DataNode is that has the bytes, or gets them: in the answer, or as a redirect of an older NameNode. */
function locationOf(answer: WebAnswer): URL {
  const location = answer.location ?? fieldOf(jsonOf(answer), "Location");
  if (typeof location !== "string" || !URL.canParse(location)) throw new HdfsAnswerError("no Location in the answer");
  return new URL(location);
}

function jsonOf({ body }: WebAnswer): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    throw new HdfsAnswerError("an answer that is no JSON", { cause });
  }
}

function statusOf(value: unknown): HdfsStatus {
  const type = fieldOf(value, "type");
  const name = fieldOf(value, "pathSuffix");
  const [sizeBytes, modifiedMs, fileId] = ["length", "modificationTime", "fileId"].map((field) =>
    fieldOf(value, field),
  );
  if ((type !== "FILE" && type !== "DIRECTORY") || typeof name !== "string" || typeof sizeBytes !== "number") {
    throw new HdfsAnswerError("no FileStatus in the answer");
  }
  return { type, name, sizeBytes, modifiedMs: Number(modifiedMs ?? 0), fileId: Number(fileId ?? 0) };
}

function encodedPath(path: string): string {
  return path === "" ? "/" : path.split("/").map(encodeURIComponent).join("/");
}
