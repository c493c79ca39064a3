/**
 * An object store that exists in memory only: no directories, no rename, whole objects, a request at a time.
 *
 * - O1. An object is there as a whole or not at all.
 * - O2. Of several that write a new object of one name, one succeeds.
 * - O3. What was answered is durable, and seen by everybody who asks afterwards.
 * - O4. A request that was not answered may have been carried out.
 */
import type { ByteSource, FileSystem, ReadableFile } from "./file-system.ts";
import { type Clock, type FileStat, FileSystemError, type Random } from "./platform.ts";
import { SeededRandom } from "./seeded-random.ts";

/** What a process asks of the store. @internal */
export interface ObjectRequest {
  readonly kind: "put" | "putNew" | "open" | "read" | "stat" | "list" | "remove";
  readonly path: string;
  /** Counts all requests of the store. */
  readonly index: number;
}

/**
 * What becomes of a request. `lost`: it is carried out, and its answer never comes; `short`: a read ends before its end. What
 * is retried by a client counts as one request here: a failure is what is left when it has given up.
 * @internal
 */
export type ObjectVerdict =
  | { readonly kind: "refused" | "lost" | "short" }
  | { readonly kind: "slow"; readonly delayMs: number };

/** A source is read in pieces of so many bytes at most. */
const PIECE_BYTES = 2 ** 20;

/** Of a request on a healthy store. */
const LATENCY_MS_MAX = 20;

/** Several processes share one, also after they were killed. @internal */
export class SimulatedObjectStore {
  /** By path. */
  readonly objects: Map<string, Uint8Array> = new Map();
  /** Decides about every request; undefined: it is healthy. */
  onRequest: (request: ObjectRequest) => ObjectVerdict | undefined = () => undefined;
  #requestCount = 0;

  get requestCount(): number {
    return this.#requestCount;
  }

  /** The client of one process: what is asked after its death has no effect. */
  connect(clock: Clock, random: Random = new SeededRandom("object store")): FileSystem {
    return new ObjectStoreClient(this, clock, random);
  }

  /** What a simulated platform has as the package of its scheme. */
  get package(): unknown {
    return {
      fileSystemFactory: {
        create: ({ clock, random }: { readonly clock: Clock; readonly random: Random }) => this.connect(clock, random),
      },
    };
  }

  /** @internal */
  judge(kind: ObjectRequest["kind"], path: string): ObjectVerdict | undefined {
    return this.onRequest({ kind, path, index: this.#requestCount++ });
  }
}

class ObjectStoreClient implements FileSystem {
  readonly #store: SimulatedObjectStore;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(store: SimulatedObjectStore, clock: Clock, random: Random) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
  }

  async write(path: string, source: Uint8Array | ByteSource): Promise<void> {
    const bytes = await allOf(source);
    await this.#request("put", path, () => this.#store.objects.set(path, bytes));
  }

  async writeNew(path: string, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    await this.#request("putNew", path, () => {
      if (this.#store.objects.has(path)) throw new FileSystemError("EEXIST", "put", path);
      this.#store.objects.set(path, copy);
    });
  }

  async open(path: string): Promise<ReadableFile> {
    const { bytes } = await this.#request("open", path, () => ({ bytes: this.#existing(path) }));
    return {
      sizeBytes: bytes.length,
      read: (target, position) => this.#read(path, bytes, target, position),
      close: () => Promise.resolve(),
    };
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.#request("stat", path, () => {
      const bytes = this.#store.objects.get(path);
      if (bytes !== undefined) return { kind: "file", sizeBytes: bytes.length, modifiedMs: 0 };
      return this.#below(path).length > 0 ? { kind: "directory", sizeBytes: 0, modifiedMs: 0 } : undefined;
    });
  }

  async list(path: string): Promise<readonly string[]> {
    return this.#request("list", path, () => {
      const names = this.#below(path).map((each) => each.slice(path.length + 1).split("/")[0]!);
      return [...new Set(names)].sort();
    });
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#request("list", path, () => {});
  }

  async removeFiles(directory: string, names: readonly string[]): Promise<void> {
    for (const name of names) await this.#remove(`${directory}/${name}`);
  }

  /** Object by object: who asks meanwhile sees a part of the tree. */
  async removeTree(path: string): Promise<void> {
    for (const each of await this.#request("list", path, () => this.#below(path))) await this.#remove(each);
  }

  syncDirectory(_path: string): Promise<void> {
    return Promise.resolve();
  }

  async #remove(path: string): Promise<void> {
    await this.#request("remove", path, () => this.#store.objects.delete(path));
  }

  async #read(path: string, bytes: Uint8Array, target: Uint8Array, position: number): Promise<number> {
    let isShort = false;
    const part = await this.#request(
      "read",
      path,
      () => bytes.subarray(position, position + target.length),
      () => {
        isShort = true;
      },
    );
    const read = isShort ? part.subarray(0, Math.floor(part.length / 2)) : part;
    target.set(read);
    return read.length;
  }

  #existing(path: string): Uint8Array {
    const bytes = this.#store.objects.get(path);
    if (bytes === undefined) throw new FileSystemError("ENOENT", "get", path);
    return bytes;
  }

  #below(path: string): readonly string[] {
    return [...this.#store.objects.keys()].filter((each) => each.startsWith(`${path}/`));
  }

  async #request<T>(kind: ObjectRequest["kind"], path: string, carryOut: () => T, onShort?: () => void): Promise<T> {
    const verdict = this.#store.judge(kind, path);
    const delayMs = verdict?.kind === "slow" ? verdict.delayMs : 1 + (this.#random.u32() % LATENCY_MS_MAX);
    const fails = (): FileSystemError => new FileSystemError("EREMOTEIO", kind, path);
    // O4: whoever dies while it waits does not know.
    const isCarriedOutFirst = this.#random.u32() % 2 === 0;
    const refused = verdict?.kind === "refused";
    const first = isCarriedOutFirst && !refused ? outcomeOf(carryOut) : undefined;
    await new Promise<void>((resolve) => this.#clock.after(delayMs, resolve));
    if (refused) throw fails();
    const outcome = first ?? outcomeOf(carryOut);
    if (verdict?.kind === "lost") throw fails();
    if (verdict?.kind === "short") onShort?.();
    if (outcome.isFailed) throw outcome.error;
    return outcome.value;
  }
}

type Outcome<T> =
  | { readonly isFailed: false; readonly value: T }
  | { readonly isFailed: true; readonly error: unknown };

function outcomeOf<T>(carryOut: () => T): Outcome<T> {
  try {
    return { isFailed: false, value: carryOut() };
  } catch (error) {
    return { isFailed: true, error };
  }
}

async function allOf(source: Uint8Array | ByteSource): Promise<Uint8Array> {
  if (source instanceof Uint8Array) return source.slice();
  const bytes = new Uint8Array(source.sizeBytes);
  for (let position = 0; position < bytes.length; ) {
    const count = await source.read(bytes.subarray(position, position + PIECE_BYTES), position);
    if (count === 0) throw new FileSystemError("EIO", "put", "its source has become shorter");
    position += count;
  }
  return bytes;
}
