/**
 * A sink that commits in two phases into memory: rows are visible only when their transaction is committed, and committing
 * a transaction again changes nothing. What it holds survives attempts, like a database beside the job.
 */
import type { Committer, Sink, SinkWriter } from "../connectors/sink.ts";
import { t } from "../types/declared-types.ts";
import type { Serializer } from "../types/type.ts";

const transactionType = t.object({ id: t.string, rows: t.array(t.string) });

interface Transaction {
  readonly id: string;
  readonly rows: readonly string[];
}

/** Rows that reach a sink's committer, kept in memory: what a job with exactly-once output has written. @public */
export class CommittedRows {
  readonly #committed = new Map<string, readonly string[]>();
  /** Commits that were asked for, repeated ones included. */
  commitCount = 0;

  /** All visible rows, sorted. */
  get rows(): readonly string[] {
    return [...this.#committed.values()].flat().sort();
  }

  /** All visible rows, in the order of their first commits: rows of one subtask are in the order they were written. */
  get inOrder(): readonly string[] {
    return [...this.#committed.values()].flat();
  }

  commit(transaction: Transaction): void {
    this.commitCount++;
    this.#committed.set(transaction.id, transaction.rows);
  }

  sink<T>(): Sink<T, Transaction> {
    return {
      description: { kind: "committed-rows", options: {} },
      createWriter: (context) => new RowsWriter<T>(context.platform.random.uuid()),
      createCommitter: () => new RowsCommitter(this),
      // The declared type is mutable, a transaction is not; nobody writes to what is read.
      committableSerializer: transactionType.serializer as unknown as Serializer<Transaction>,
    };
  }
}

class RowsWriter<T> implements SinkWriter<T, Transaction> {
  readonly #id: string;
  #rows: string[] = [];
  #count = 0;

  constructor(id: string) {
    this.#id = id;
  }

  write(value: T): void {
    this.#rows.push(JSON.stringify(value));
  }

  isAvailable(): boolean {
    return true;
  }

  async whenAvailable(): Promise<void> {}

  prepareCommit(): readonly Transaction[] {
    if (this.#rows.length === 0) return [];
    const transaction = { id: `${this.#id}-${this.#count++}`, rows: this.#rows };
    this.#rows = [];
    return [transaction];
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

class RowsCommitter implements Committer<Transaction> {
  readonly #target: CommittedRows;

  constructor(target: CommittedRows) {
    this.#target = target;
  }

  async commit(transactions: readonly Transaction[]): Promise<void> {
    for (const transaction of transactions) this.#target.commit(transaction);
  }

  async close(): Promise<void> {}
}
