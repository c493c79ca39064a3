import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import type { Serializer } from "../types/type.ts";
import type { SplitEnumerator, SplitEnumeratorContext } from "./source.ts";
import { type StridedSplit, stridedSplitSerializer } from "./strided-split.ts";

/** The splits that no reader holds. @public */
export interface StridedEnumeratorState {
  readonly unassigned: readonly StridedSplit[];
}

/** @internal */
export const stridedEnumeratorStateSerializer: Serializer<StridedEnumeratorState> = {
  schema: {
    kind: "object",
    fields: [{ name: "unassigned", optional: false, schema: { kind: "array", item: stridedSplitSerializer.schema } }],
  },
  write(state: StridedEnumeratorState, out: BinaryWriter): void {
    out.varint(state.unassigned.length);
    for (const split of state.unassigned) stridedSplitSerializer.write(split, out);
  },
  read(input: BinaryReader): StridedEnumeratorState {
    const count = input.count(25);
    const unassigned: StridedSplit[] = [];
    for (let index = 0; index < count; index++) unassigned.push(stridedSplitSerializer.read(input));
    return { unassigned };
  },
};

/**
 * Gives every reader its share of the splits when it registers, and nothing later: split `i` of a fresh start belongs
 * to subtask `i`. Splits that come back go to whoever registers or asks next, in the order they came.
 *
 * @internal
 */
export class StridedEnumerator implements SplitEnumerator<StridedSplit, StridedEnumeratorState> {
  readonly #context: SplitEnumeratorContext<StridedSplit>;
  readonly #endPosition: number;
  #unassigned: StridedSplit[];

  /** @param endPosition - Where the source ends, for the source that follows it. */
  constructor(context: SplitEnumeratorContext<StridedSplit>, splits: readonly StridedSplit[], endPosition: number) {
    this.#context = context;
    this.#endPosition = endPosition;
    this.#unassigned = [...splits];
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  // The position of a split in the list says whose it is, so the assignment does not depend on who registers first.
  addReader(subtaskIndex: number): void {
    const parallelism = this.#context.currentParallelism;
    const mine = this.#unassigned.filter((split) => ordinalOf(split) % parallelism === subtaskIndex);
    this.#unassigned = this.#unassigned.filter((split) => ordinalOf(split) % parallelism !== subtaskIndex);
    for (const split of mine) this.#context.assignSplit(split, subtaskIndex);
    this.#context.signalNoMoreSplits(subtaskIndex);
  }

  handleSplitRequest(subtaskIndex: number): void {
    this.addReader(subtaskIndex);
  }

  addSplitsBack(splits: readonly StridedSplit[]): void {
    this.#unassigned = [...splits, ...this.#unassigned];
  }

  snapshotState(): StridedEnumeratorState {
    return { unassigned: [...this.#unassigned] };
  }

  endPosition(): number {
    return this.#endPosition;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function ordinalOf(split: StridedSplit): number {
  return Number(split.splitId.slice(split.splitId.lastIndexOf("-") + 1));
}
