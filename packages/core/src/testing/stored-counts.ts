/**
 * Running counts by key in a small local store of files: immutable numbered runs and a manifest, as a log-structured merge tree
 * has them. What tests of incremental checkpoints count with, whatever state backends there are.
 */
import { addOperator } from "../api/add-operator.ts";
import { userCall } from "../api/call-site.ts";
import type { DataStream } from "../api/data-stream.ts";
import type { OperatorHost, OperatorSnapshot } from "../operators/operator-runtime.ts";
import { StreamOperator } from "../operators/stream-operator.ts";
import type { LocalFs } from "../platform/platform.ts";
import { encodeKeyedState } from "../state/keyed-snapshot-format.ts";
import { KeyedStateTable } from "../state/keyed-state-table.ts";
import type { RestoredStore, StoreSnapshot } from "../state/store-snapshot.ts";

const MANIFEST = "MANIFEST";
/** More runs than this are made one. */
const RUNS_MAX = 4;

/** Counts the records of each key, as rows `label key count`. */
export function storedCounts(
  stream: DataStream<number>,
  label: string,
  keyOf: (value: number) => number,
): DataStream<string> {
  const keyed = stream.keyBy(keyOf);
  return addOperator<string>(keyed, userCall("storedCounts"), "stored counts", {
    kind: "transform",
    label: "stored-counts",
    keys: [(value) => keyOf(value as number)],
    isStateful: true,
    details: {},
    hasSideOutput: () => false,
    create: (host) => new StoredCounts(host, label),
  }).uid(`stored-${label}`);
}

class StoresTable extends KeyedStateTable {
  stores: readonly RestoredStore[] = [];

  override restoreStores(stores: readonly RestoredStore[]): void {
    this.stores = stores;
  }
}

interface Run {
  readonly name: string;
  readonly bytes: Uint8Array;
}

class StoredCounts extends StreamOperator {
  override readonly table: StoresTable;
  readonly #label: string;
  readonly #counts = new Map<number, number>();
  readonly #changed = new Set<number>();
  #runs: Run[] = [];
  #nextNumber = 1;
  #storeId: string;

  constructor(host: OperatorHost, label: string) {
    super(host);
    this.#label = label;
    this.table = new StoresTable(host, host.maxParallelism);
    this.#storeId = host.platform.random.uuid();
  }

  override async initialize(): Promise<void> {
    const { fs } = this.host.platform;
    for (const { storeId, directory, files } of this.table.stores) {
      const names = jsonOf<string[]>(await read(fs, `${directory}/${MANIFEST}`));
      for (const name of names) this.#take({ name, bytes: await read(fs, `${directory}/${name}`) });
      if (files.length !== names.length + 1) throw new Error(`${files.length} files, ${names.length} in the manifest`);
      this.#storeId = storeId;
      await fs.removeTree(directory);
    }
  }

  processElement(_value: unknown, timestampMs: number): void {
    const key = this.table.currentKey as number;
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    this.#changed.add(key);
    this.emit(`${this.#label} ${key} ${count}`, timestampMs);
  }

  override snapshot(_checkpointId: number): OperatorSnapshot {
    if (this.#changed.size > 0) this.#flush();
    const { fs, random } = this.host.platform;
    const directory = `/local/${random.uuid()}`;
    const manifest = { name: MANIFEST, bytes: bytesOf(this.#runs.map(({ name }) => name)) };
    const files = [...this.#runs, manifest];
    const snapshot: StoreSnapshot = {
      storeId: this.#storeId,
      directory,
      files: files.map(({ name, bytes }) => ({ name, sizeBytes: bytes.length, isImmutable: name !== MANIFEST })),
      header: encodeKeyedState([]),
    };
    const keyed = { isWritten: true, step: () => true, encode: () => snapshot };
    return { keyed, lists: [], durable: writeAll(fs, directory, files) };
  }

  #take(run: Run): void {
    this.#runs.push(run);
    this.#nextNumber = Math.max(this.#nextNumber, Number.parseInt(run.name, 10) + 1);
    for (const [key, count] of jsonOf<[number, number][]>(run.bytes)) this.#counts.set(key, count);
  }

  #flush(): void {
    const isCompaction = this.#runs.length === RUNS_MAX;
    if (isCompaction) this.#runs = [];
    const changed = [...this.#counts].filter(([key]) => isCompaction || this.#changed.has(key));
    this.#runs.push({ name: `${this.#nextNumber++}.run`, bytes: bytesOf(changed) });
    this.#changed.clear();
  }
}

async function writeAll(fs: LocalFs, directory: string, files: readonly Run[]): Promise<void> {
  await fs.makeDirectory(directory);
  for (const { name, bytes } of files) {
    const file = await fs.open(`${directory}/${name}`, "create");
    await file.write(bytes, 0);
    await file.close();
  }
}

async function read(fs: LocalFs, path: string): Promise<Uint8Array> {
  const file = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(await file.sizeBytes());
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

function bytesOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function jsonOf<T>(bytes: Uint8Array): T {
  // What bytesOf has written.
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}
