/**
 * Runs the enumerators of a hybrid source, one after the other.
 *
 * - H1. No reader is switched to source n + 1 before all readers have said that they have read all of source n. A reader
 *   says so after its last record of n has gone through its chain.
 * - H2. Whoever restores or registers is told which source is read before anything else, so who has finished is not state:
 *   after a restore every reader says it again.
 * - H3. Between two sources no split exists; a checkpoint then holds the next source and where the last one ended.
 */
import type { BinaryReader } from "../../base/binary-reader.ts";
import type { BinaryWriter } from "../../base/binary-writer.ts";
import { invariant } from "../../base/errors.ts";
import type { Serializer } from "../../types/type.ts";
import type { SourceSplit, SplitEnumerator, SplitEnumeratorContext } from "../source.ts";
import { decoded, encoded, type HybridReaderEvent, type HybridSplit, hybridSplitId } from "./hybrid-split.ts";
import { type AnySource, encodedPosition, type SourceSequence } from "./source-sequence.ts";

/** Which source is read, and where. @public */
export interface HybridEnumeratorState {
  /** From 0. */
  readonly sourceIndex: number;
  /** Where the source before has ended, encoded. */
  readonly previousEndPosition: Uint8Array;
  /** The state of the source's own enumerator, encoded; undefined when it has not started yet. */
  readonly enumerator: Uint8Array | undefined;
}

/** varint sourceIndex, bytes previousEndPosition, u8 whether there is state, bytes of it. @internal */
export const hybridEnumeratorStateSerializer: Serializer<HybridEnumeratorState> = {
  schema: { kind: "any" },
  write(state: HybridEnumeratorState, out: BinaryWriter): void {
    out.varint(state.sourceIndex);
    out.bytes(state.previousEndPosition);
    out.u8(state.enumerator === undefined ? 0 : 1);
    if (state.enumerator !== undefined) out.bytes(state.enumerator);
  },
  read(input: BinaryReader): HybridEnumeratorState {
    const sourceIndex = input.varint();
    const previousEndPosition = input.bytes();
    return { sourceIndex, previousEndPosition, enumerator: input.u8() === 0 ? undefined : input.bytes() };
  },
};

interface Enumerating {
  readonly sourceIndex: number;
  readonly previousEndPosition: Uint8Array;
  readonly source: AnySource<unknown>;
  readonly enumerator: SplitEnumerator<SourceSplit, unknown>;
}

/** @internal */
export class HybridEnumerator implements SplitEnumerator<HybridSplit, HybridEnumeratorState> {
  readonly #sequence: SourceSequence<unknown>;
  readonly #context: SplitEnumeratorContext<HybridSplit>;
  readonly #finishedReaders: Set<number> = new Set();
  #current: Enumerating;
  #isSwitching = false;
  #isClosed = false;
  #previousClosed: Promise<void> = Promise.resolve();

  constructor(
    sequence: SourceSequence<unknown>,
    context: SplitEnumeratorContext<HybridSplit>,
    state: HybridEnumeratorState | undefined,
  ) {
    this.#sequence = sequence;
    this.#context = context;
    this.#current = this.#create(
      state ?? { sourceIndex: 0, previousEndPosition: encodedPosition(undefined), enumerator: undefined },
    );
  }

  start(): Promise<void> {
    return this.#current.enumerator.start();
  }

  // H2. During a switch nobody can be told yet; everybody is when it is done.
  addReader(subtaskIndex: number): void {
    if (this.#isSwitching) return;
    const { sourceIndex, previousEndPosition, enumerator } = this.#current;
    this.#tell(subtaskIndex, "switch", sourceIndex, previousEndPosition);
    enumerator.addReader(subtaskIndex);
  }

  handleSplitRequest(subtaskIndex: number): void {
    invariant(!this.#isSwitching, "H1: a reader asked for a split after all readers had finished the source");
    this.#current.enumerator.handleSplitRequest(subtaskIndex);
  }

  handleSourceEvent(subtaskIndex: number, event: unknown): void | Promise<void> {
    // Only the readers of hybrid sources send events here.
    const said = event as HybridReaderEvent;
    if (said.kind === "event") return this.#current.enumerator.handleSourceEvent?.(subtaskIndex, said.event);
    invariant(said.sourceIndex === this.#current.sourceIndex, "H1: a reader finished a source that is not read");
    this.#finishedReaders.add(subtaskIndex);
    if (this.#finishedReaders.size === this.#context.currentParallelism) return this.#switch();
  }

  addSplitsBack(splits: readonly HybridSplit[], subtaskIndex: number): void {
    const { source, enumerator, sourceIndex } = this.#current;
    invariant(
      splits.every((split) => split.sourceIndex === sourceIndex),
      "H1: splits came back of a source that is not read",
    );
    const own = splits.filter(({ kind }) => kind === "split");
    enumerator.addSplitsBack(
      own.map(({ content }) => decoded(source.splitSerializer, content)),
      subtaskIndex,
    );
  }

  snapshotState(checkpointId: number): HybridEnumeratorState {
    const { sourceIndex, previousEndPosition, source, enumerator } = this.#current;
    return {
      sourceIndex,
      previousEndPosition,
      enumerator: this.#isSwitching
        ? undefined
        : encoded(source.enumeratorStateSerializer, enumerator.snapshotState(checkpointId)),
    };
  }

  endPosition(): unknown {
    return this.#current.enumerator.endPosition?.();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([this.#previousClosed, this.#current.enumerator.close()]);
  }

  // H3 holds from the first line on: the snapshots of a switch are of the next source.
  async #switch(): Promise<void> {
    const { sourceIndex, enumerator } = this.#current;
    const previousEndPosition = encodedPosition(enumerator.endPosition?.());
    this.#current = this.#create({ sourceIndex: sourceIndex + 1, previousEndPosition, enumerator: undefined });
    this.#isSwitching = true;
    this.#finishedReaders.clear();
    this.#previousClosed = enumerator.close();
    await this.#previousClosed;
    if (this.#isClosed) return;
    await this.#current.enumerator.start();
    if (this.#isClosed) return;
    this.#isSwitching = false;
    for (let subtaskIndex = 0; subtaskIndex < this.#context.currentParallelism; subtaskIndex++)
      this.addReader(subtaskIndex);
  }

  #create({ sourceIndex, previousEndPosition, enumerator: state }: HybridEnumeratorState): Enumerating {
    const source = this.#sequence.sourceAt(sourceIndex, previousEndPosition);
    const context: SplitEnumeratorContext<SourceSplit> = {
      platform: this.#context.platform,
      currentParallelism: this.#context.currentParallelism,
      assignSplit: (split, subtaskIndex) =>
        this.#context.assignSplit(
          {
            splitId: hybridSplitId(sourceIndex, split.splitId),
            kind: "split",
            sourceIndex,
            content: encoded(source.splitSerializer, split),
          },
          subtaskIndex,
        ),
      signalNoMoreSplits: (subtaskIndex) => {
        if (sourceIndex === this.#sequence.lastIndex) this.#context.signalNoMoreSplits(subtaskIndex);
        else this.#tell(subtaskIndex, "no-more-splits", sourceIndex, new Uint8Array(0));
      },
    };
    const enumerator =
      state === undefined
        ? source.createEnumerator(context)
        : source.restoreEnumerator(context, decoded(source.enumeratorStateSerializer, state));
    return { sourceIndex, previousEndPosition, source, enumerator };
  }

  #tell(subtaskIndex: number, kind: "switch" | "no-more-splits", sourceIndex: number, content: Uint8Array): void {
    this.#context.assignSplit({ splitId: hybridSplitId(sourceIndex, kind), kind, sourceIndex, content }, subtaskIndex);
  }
}
