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
  /** Of the checkpoints after the restored one, the last that it has committed for. */
  committedCheckpointId: number;
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
  /** By subtask, in the order in which they began. */
  readonly #attempts: Map<string, Attempt[]> = new Map();
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

  /** A new attempt of the subtask. */
  open(context: WriterInitContext): number {
    const attempts = this.#attemptsOf(context);
    const restoredCheckpointId = context.restoredCheckpointId ?? 0;
    const number = attempts.length + 1;
    attempts.push({ number, restoredCheckpointId, committedCheckpointId: restoredCheckpointId });
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
   * I6. Where nobody can stand still for long, only the newest attempt commits.
   *
   * In a cluster somebody can: nothing keeps a process from going on with a commit in the middle, or from beginning a
   * deployment that was given up long ago, so who began last is not always the newest. But the newest goes on from what the
   * others have committed: no two attempts of a subtask commit work of their own for the same stretch of checkpoints.
   */
  #checkAttempt(id: string, context: WriterInitContext, number: number): void {
    const world = this.#world;
    const attempts = this.#attemptsOf(context);
    const checkpointId = this.#staged.get(id)?.checkpointId ?? 0;
    const found = `attempt ${number} of a subtask commits ${id} of checkpoint ${checkpointId}`;
    const own = attempts[number - 1]!;
    own.committedCheckpointId = Math.max(own.committedCheckpointId, checkpointId);
    for (const other of attempts) {
      if (other === own) continue;
      const isReplaced = world.plan.hosts === "cluster" ? overlap(own, other) : other.number > number;
      if (!isReplaced) continue;
      const { restoredCheckpointId, committedCheckpointId } = other;
      const range = `from ${restoredCheckpointId}, and has committed for ${committedCheckpointId}`;
      world.violated("I6", `${found}, and attempt ${other.number} has gone on ${range}`);
      return;
    }
  }

  #attemptsOf({ uid, subtaskIndex }: WriterInitContext): Attempt[] {
    const subtask = `${uid}/${subtaskIndex}`;
    const attempts = this.#attempts.get(subtask) ?? [];
    this.#attempts.set(subtask, attempts);
    return attempts;
  }
}

/** Whether there is a checkpoint that both have committed for, after the ones that they were restored from. */
function overlap(a: Attempt, b: Attempt): boolean {
  const first = Math.max(a.restoredCheckpointId, b.restoredCheckpointId);
  return first < Math.min(a.committedCheckpointId, b.committedCheckpointId);
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
