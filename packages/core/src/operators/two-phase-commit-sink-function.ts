/**
 * Flink's base class of sinks that write into transactions, on top of the contract of connectors/sink.ts.
 *
 * - T1. A transaction begins at the barrier before its records, and is in that checkpoint's state: whatever becomes of the job,
 *   a restore knows of it and aborts it, unless a later checkpoint holds it as pre-committed.
 * - T2. A pre-committed transaction is committed when its checkpoint is complete; a restore from that checkpoint commits it again.
 * - T3. Writer and committer of a subtask are one copy of the function, which is opened once and closed once.
 */
import type { Committer, Sink, SinkWriteContext, SinkWriter, WriterInitContext } from "../connectors/sink.ts";
import type { Serializer, Type } from "../types/type.ts";
import { cloneFunction } from "./clone-function.ts";

/** A transaction that waits for its commit. @public */
export interface PreCommittedTransaction<TXN> {
  readonly transaction: TXN;
  /** Whether it comes from a checkpoint, so that it may have been committed already. */
  readonly isRecovered: boolean;
}

/**
 * Writes records into transactions of a store, and commits each when the checkpoint behind its records is complete: readers
 * that see only what is committed see every record once. Give it to `sinkTo`.
 *
 * For every subtask and every attempt there is a copy of the object, so fields of the class belong to one subtask; a field with
 * `#` cannot be copied (`MR_FUNCTION_NOT_COPYABLE`).
 *
 * After a failure `commit` and `abort` may come again for the same transaction, also for one that the store does not know
 * any more. A transaction that was pre-committed and is gone has lost records: throw a `MillraceError` with the code
 * `MR_COMMIT_LOST`, which ends the job; any other error restarts it. Flink's `ignoreFailuresAfterTransactionTimeout` does
 * not exist, since it loses records silently. Keep the store's timeout of transactions longer than the longest time from one
 * checkpoint to the commit of the next, restarts included.
 *
 * @example
 * class Orders extends TwoPhaseCommitSinkFunction<Order, string> {
 *   constructor() {
 *     super(t.string);
 *   }
 *   beginTransaction(): string {
 *     return orderStore.begin();
 *   }
 *   invoke(id: string, order: Order): void {
 *     orderStore.put(id, order);
 *   }
 *   preCommit(id: string): Promise<void> {
 *     return orderStore.flush(id);
 *   }
 *   commit(id: string): Promise<void> {
 *     return orderStore.commit(id);
 *   }
 *   abort(id: string): Promise<void> {
 *     return orderStore.abort(id);
 *   }
 * }
 * @public
 */
export abstract class TwoPhaseCommitSinkFunction<IN, TXN> implements Sink<IN, PreCommittedTransaction<TXN>, TXN> {
  readonly description: Sink<IN>["description"];
  readonly committableSerializer: Serializer<PreCommittedTransaction<TXN>>;
  readonly writerStateSerializer: Serializer<TXN>;
  // By subtask (T3). An ordinary field: objects with private ones cannot be copied.
  private readonly copies = new WeakMap<WriterInitContext, TwoPhaseCommitSinkFunction<IN, TXN>>();

  /**
   * @param transactionType - What a transaction is known by, as checkpoints keep it. `invoke` and `preCommit` may add to it: what
   *   is committed after a restore is what `preCommit` has left.
   */
  constructor(transactionType: Type<TXN>) {
    const { serializer } = transactionType;
    this.description = { kind: this.constructor.name, options: {} };
    this.writerStateSerializer = serializer;
    this.committableSerializer = {
      schema: serializer.schema,
      write: ({ transaction }, out) => serializer.write(transaction, out),
      read: (input) => ({ transaction: serializer.read(input), isRecovered: true }),
    };
  }

  /** Begins a transaction: before a subtask's first record, and at every barrier for the records behind it. */
  abstract beginTransaction(): TXN;

  /** Writes a record. A promise holds the next record back until it settles. */
  abstract invoke(transaction: TXN, value: IN, context: SinkWriteContext): void | Promise<void>;

  /** At a barrier: makes what was written durable, so that `commit` cannot fail for want of it. */
  abstract preCommit(transaction: TXN): void | Promise<void>;

  /** Makes the transaction visible. Its checkpoint is complete. */
  abstract commit(transaction: TXN): void | Promise<void>;

  /** Drops the transaction. */
  abstract abort(transaction: TXN): void | Promise<void>;

  /** After a restore: commits what may have been committed before. */
  recoverAndCommit(transaction: TXN): void | Promise<void> {
    return this.commit(transaction);
  }

  /** After a restore: drops what was begun after the checkpoint. It may have been dropped before, or never have got there. */
  recoverAndAbort(transaction: TXN): void | Promise<void> {
    return this.abort(transaction);
  }

  /** Behind the last record, before the last transaction is pre-committed. */
  finishProcessing(_transaction: TXN): void {}

  /** Before everything else, in each subtask. */
  open(_context: WriterInitContext): void {}

  /** Behind everything else, also when the job has failed. The transaction that was not pre-committed has been aborted. */
  close(): void | Promise<void> {}

  /** @internal */
  createWriter(
    context: WriterInitContext,
    restored: readonly TXN[],
  ): SinkWriter<IN, PreCommittedTransaction<TXN>, TXN> {
    return new TransactionWriter(this.copyOf(context), restored);
  }

  /** @internal */
  createCommitter(context: WriterInitContext): Committer<PreCommittedTransaction<TXN>> {
    const fn = this.copyOf(context);
    return {
      commit: async (committables) => {
        for (const { transaction, isRecovered } of committables) {
          await (isRecovered ? fn.recoverAndCommit(transaction) : fn.commit(transaction));
        }
      },
      // Closed behind the writer.
      close: async () => fn.close(),
    };
  }

  private copyOf(context: WriterInitContext): TwoPhaseCommitSinkFunction<IN, TXN> {
    const known = this.copies.get(context);
    if (known !== undefined) return known;
    const copy = cloneFunction<TwoPhaseCommitSinkFunction<IN, TXN>>(this, context.uid);
    this.copies.set(context, copy);
    copy.open(context);
    return copy;
  }
}

class TransactionWriter<IN, TXN> implements SinkWriter<IN, PreCommittedTransaction<TXN>, TXN> {
  readonly #fn: TwoPhaseCommitSinkFunction<IN, TXN>;
  /** Restored, and not aborted yet. */
  #toAbort: readonly TXN[];
  #current: { readonly transaction: TXN } | undefined;
  #isFinished = false;
  /** What is under way; the writer takes nothing until it has settled. */
  #busy: Promise<void> | undefined;

  constructor(fn: TwoPhaseCommitSinkFunction<IN, TXN>, restored: readonly TXN[]) {
    this.#fn = fn;
    this.#toAbort = restored;
    if (restored.length > 0) this.#await(this.#abortRestored());
  }

  write(value: IN, context: SinkWriteContext): void {
    const { transaction } = this.#begun();
    if (this.#busy !== undefined) {
      const { timestamp, currentWatermark } = context;
      this.#await(this.#busy.then(() => this.#fn.invoke(transaction, value, { timestamp, currentWatermark })));
      return;
    }
    const written = this.#fn.invoke(transaction, value, context);
    if (written !== undefined) this.#await(written);
  }

  isAvailable(): boolean {
    return this.#busy === undefined;
  }

  whenAvailable(): Promise<void> {
    return this.#busy ?? Promise.resolve();
  }

  prepareCommit(endOfInput: boolean): readonly PreCommittedTransaction<TXN>[] {
    const ending = this.#current;
    if (endOfInput && ending !== undefined && !this.#isFinished) this.#fn.finishProcessing(ending.transaction);
    this.#isFinished = endOfInput;
    this.#current = undefined;
    if (!endOfInput) this.#begun();
    if (ending === undefined) return [];
    const { transaction } = ending;
    this.#await((this.#busy ?? Promise.resolve()).then(() => this.#fn.preCommit(transaction)));
    return [{ transaction, isRecovered: false }];
  }

  // T1.
  snapshotState(): readonly TXN[] {
    return this.#current === undefined ? this.#toAbort : [...this.#toAbort, this.#current.transaction];
  }

  flush(): Promise<void> {
    return this.whenAvailable();
  }

  async close(): Promise<void> {
    const ending = this.#current;
    this.#current = undefined;
    await this.#busy?.catch(() => {
      // Whoever asked for it was told.
    });
    if (ending !== undefined) await this.#fn.abort(ending.transaction);
  }

  #begun(): { readonly transaction: TXN } {
    this.#current ??= { transaction: this.#fn.beginTransaction() };
    return this.#current;
  }

  async #abortRestored(): Promise<void> {
    for (const transaction of this.#toAbort) await this.#fn.recoverAndAbort(transaction);
    this.#toAbort = [];
  }

  // A rejection stays: the writer is never available again, and says why to the next who waits.
  #await(work: Promise<void>): void {
    this.#busy = work;
    work.then(
      () => {
        if (this.#busy === work) this.#busy = undefined;
      },
      () => {},
    );
  }
}
