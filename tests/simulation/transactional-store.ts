/**
 * A database beside the job, with transactions: rows are staged, durable but invisible, and become visible when their
 * transaction is committed; committing again changes nothing. It holds writers to the contract of sinks and watches that a
 * transaction is committed only after its checkpoint is complete.
 */
import type { Committer, Serializer, Sink, SinkWriter, WriterInitContext } from "millrace";
import { t } from "millrace";
import type { World } from "./world.ts";

interface Transaction {
  readonly id: string;
}

/** Of one subtask. */
interface Attempt {
  readonly number: number;
  readonly restoredCheckpointId: number;
}

interface Staged {
  readonly rows: readonly string[];
  /** The checkpoint it belongs to. */
  readonly checkpointId: number;
}

const transactionType = t.object({ id: t.string });

export class TransactionalStore {
  readonly #world: World;
  readonly #staged: Map<string, Staged> = new Map();
  readonly #committed: Map<string, readonly string[]> = new Map();
  /** By subtask: of its committers, the newest. */
  readonly #newest: Map<string, Attempt> = new Map();
  #commitCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** All visible rows, sorted. */
  get rows(): readonly string[] {
    return [...this.#committed.values()].flat().sort();
  }

  sink(): Sink<string, Transaction> {
    return {
      description: { kind: "transactional-store", options: {} },
      createWriter: (context) => new StoreWriter(this, context),
      createCommitter: (context) => new StoreCommitter(this, context),
      // The declared type is mutable, a transaction is not; nobody writes to what is read.
      committableSerializer: transactionType.serializer as unknown as Serializer<Transaction>,
    };
  }

  /** A new attempt of the subtask: the older one must not be heard of again. */
  open({ uid, subtaskIndex, restoredCheckpointId }: WriterInitContext): number {
    const subtask = `${uid}/${subtaskIndex}`;
    const number = (this.#newest.get(subtask)?.number ?? 0) + 1;
    this.#newest.set(subtask, { number, restoredCheckpointId: restoredCheckpointId ?? 0 });
    return number;
  }

  stage(id: string, staged: Staged): void {
    this.#staged.set(id, staged);
  }

  commit(id: string, context: WriterInitContext, epoch: number): void {
    const world = this.#world;
    const staged = this.#staged.get(id);
    this.#checkAttempt(id, context, epoch);
    if (staged === undefined) {
      world.violated("I2", `transaction ${id} is committed before its rows are staged`);
      return;
    }
    const isCovered = [...world.completed.values()].some((completedId) => completedId >= staged.checkpointId);
    if (!isCovered) world.violated("I2", `${id} is committed before checkpoint ${staged.checkpointId} is complete`);
    this.#commitCount++;
    const isFailing = world.isStoreDown;
    if (isFailing && this.#commitCount % 2 === 0) throw new Error("injected: the store is down");
    this.#committed.set(id, staged.rows);
    if (isFailing) throw new Error("injected: the store has committed, and does not answer");
  }

  /**
   * I6. Nothing can keep a process that has stood still from going on with a commit in the middle; what it commits then is
   * what the newer attempt has been restored with, and commits, too.
   */
  #checkAttempt(id: string, { uid, subtaskIndex }: WriterInitContext, number: number): void {
    const world = this.#world;
    const newest = this.#newest.get(`${uid}/${subtaskIndex}`);
    if (newest === undefined || newest.number === number) return;
    const checkpointId = this.#staged.get(id)?.checkpointId ?? 0;
    if (world.plan.hosts === "cluster" && checkpointId <= newest.restoredCheckpointId) return;
    const found = `attempt ${number} of a subtask commits ${id} of checkpoint ${checkpointId}`;
    world.violated("I6", `${found}, and attempt ${newest.number} goes on from ${newest.restoredCheckpointId}`);
  }
}

class StoreWriter implements SinkWriter<string, Transaction, never> {
  readonly #store: TransactionalStore;
  readonly #context: WriterInitContext;
  readonly #id: string;
  #rows: string[] = [];
  #prepared: { readonly id: string; readonly rows: readonly string[] } | undefined;
  #closed: { readonly id: string; readonly staged: Staged }[] = [];
  #count = 0;

  constructor(store: TransactionalStore, context: WriterInitContext) {
    this.#store = store;
    this.#context = context;
    this.#id = `${context.uid}-${context.subtaskIndex}-${context.platform.random.uuid()}`;
  }

  write(row: string): void {
    this.#rows.push(row);
  }

  isAvailable(): boolean {
    return true;
  }

  async whenAvailable(): Promise<void> {}

  prepareCommit(): readonly Transaction[] {
    if (this.#rows.length === 0) return [];
    const id = `${this.#id}-${this.#count++}`;
    this.#prepared = { id, rows: this.#rows };
    this.#rows = [];
    return [{ id }];
  }

  snapshotState(checkpointId: number): readonly never[] {
    if (this.#prepared === undefined) return [];
    const { id, rows } = this.#prepared;
    this.#closed.push({ id, staged: { rows, checkpointId } });
    this.#prepared = undefined;
    return [];
  }

  async flush(): Promise<void> {
    const closed = this.#closed;
    if (closed.length === 0) return;
    await pause(this.#context);
    for (const { id, staged } of closed) this.#store.stage(id, staged);
    this.#closed = this.#closed.filter((each) => !closed.includes(each));
  }

  async close(): Promise<void> {}
}

class StoreCommitter implements Committer<Transaction> {
  readonly #store: TransactionalStore;
  readonly #context: WriterInitContext;
  readonly #epoch: number;

  constructor(store: TransactionalStore, context: WriterInitContext) {
    this.#store = store;
    this.#context = context;
    this.#epoch = store.open(context);
  }

  async commit(transactions: readonly Transaction[]): Promise<void> {
    await pause(this.#context);
    for (const { id } of transactions) this.#store.commit(id, this.#context, this.#epoch);
  }

  async close(): Promise<void> {}
}

/** One way to the store in so many takes ten times as long: long enough for whoever is on it to be replaced. */
const SLOW_ONE_IN = 8;

/** The way to the store. */
function pause({ platform }: WriterInitContext): Promise<void> {
  const draw = platform.random.u32();
  const usualMs = 0.5 + (draw % 1000) / 250;
  const ms = (draw >>> 16) % SLOW_ONE_IN === 0 ? usualMs * 10 : usualMs;
  return new Promise((resolve) => {
    platform.clock.after(ms, resolve);
  });
}
