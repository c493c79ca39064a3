import type {
  InputStatus,
  ReaderOutput,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
} from "millrace";
import { Pacing } from "./pacing.ts";
import type { RoundPlan } from "./round-plan.ts";

/** Lets the readers of another source work in bursts with idle phases between them, and ends them when the round is over. */
export class BurstSource<T, SplitT extends SourceSplit, StateT> implements Source<T, SplitT, StateT> {
  readonly description: Source<T>["description"];
  readonly boundedness: "bounded" = "bounded";
  readonly splitSerializer: Source<T, SplitT, StateT>["splitSerializer"];
  readonly enumeratorStateSerializer: Source<T, SplitT, StateT>["enumeratorStateSerializer"];
  readonly #inner: Source<T, SplitT, StateT>;
  readonly #plan: RoundPlan;

  constructor(inner: Source<T, SplitT, StateT>, plan: RoundPlan) {
    this.#inner = inner;
    this.#plan = plan;
    this.description = { kind: "bursts", options: { of: inner.description.kind } };
    this.splitSerializer = inner.splitSerializer;
    this.enumeratorStateSerializer = inner.enumeratorStateSerializer;
  }

  createReader(context: SourceReaderContext): SourceReader<T, SplitT> {
    return new BurstReader(this.#inner.createReader(context), context, this.#plan);
  }

  createEnumerator(context: SplitEnumeratorContext<SplitT>): SplitEnumerator<SplitT, StateT> {
    return this.#inner.createEnumerator(context);
  }

  restoreEnumerator(context: SplitEnumeratorContext<SplitT>, state: StateT): SplitEnumerator<SplitT, StateT> {
    return this.#inner.restoreEnumerator(context, state);
  }
}

class BurstReader<T, SplitT extends SourceSplit> implements SourceReader<T, SplitT> {
  readonly #inner: SourceReader<T, SplitT>;
  readonly #clock: SourceReaderContext["platform"]["clock"];
  readonly #pacing: Pacing;
  readonly #endMs: number;
  #idlePhase: Promise<void> | undefined;
  #endIdlePhase: () => void = () => {};

  constructor(inner: SourceReader<T, SplitT>, context: SourceReaderContext, { seed, bursts, ms }: RoundPlan) {
    this.#inner = inner;
    this.#clock = context.platform.clock;
    this.#pacing = new Pacing(`${seed}/source/${context.subtaskIndex}`, bursts, ms);
    this.#endMs = context.platform.clock.monoMs() + (ms ?? Number.POSITIVE_INFINITY);
  }

  start(): void {
    this.#inner.start();
  }

  pollNext(output: ReaderOutput<T>): InputStatus {
    if (this.#idlePhase !== undefined) return "nothing-available";
    if (this.#clock.monoMs() >= this.#endMs) return "end-of-input";
    const before = output.remaining;
    const status = this.#inner.pollNext(output);
    const pauseMs = this.#pacing.pauseAfter(before - output.remaining);
    if (status !== "more-available" || pauseMs === 0) return status;
    this.#startIdlePhase(pauseMs);
    return "nothing-available";
  }

  snapshotState(checkpointId: number): readonly SplitT[] {
    return this.#inner.snapshotState(checkpointId);
  }

  isAvailable(): Promise<void> {
    return this.#idlePhase ?? this.#inner.isAvailable();
  }

  addSplits(splits: readonly SplitT[]): void {
    this.#inner.addSplits(splits);
  }

  notifyNoMoreSplits(): void {
    this.#inner.notifyNoMoreSplits();
  }

  close(): Promise<void> {
    this.#endIdlePhase();
    return this.#inner.close();
  }

  #startIdlePhase(ms: number): void {
    this.#idlePhase = new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => this.#endIdlePhase());
      this.#endIdlePhase = () => {
        cancel();
        this.#idlePhase = undefined;
        this.#endIdlePhase = () => {};
        resolve();
      };
    });
  }
}
