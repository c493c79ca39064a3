/**
 * Splits over the indices of a finite, replayable sequence: `next, next + step, next + 2 step, …` below `end`.
 * A contiguous range has step 1.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import type { Serializer } from "../types/type.ts";
import type { SourceSplit } from "./source.ts";

/** @public */
export interface StridedSplit extends SourceSplit {
  readonly splitId: string;
  /** The first index that has not been emitted. */
  readonly next: number;
  readonly step: number;
  /** The first index that does not belong to the split any more. */
  readonly end: number;
}

/** @internal */
export const stridedSplitSerializer: Serializer<StridedSplit> = {
  schema: {
    kind: "object",
    fields: [
      { name: "splitId", optional: false, schema: { kind: "string" } },
      { name: "next", optional: false, schema: { kind: "float64" } },
      { name: "step", optional: false, schema: { kind: "float64" } },
      { name: "end", optional: false, schema: { kind: "float64" } },
    ],
  },
  write(split: StridedSplit, out: BinaryWriter): void {
    out.string(split.splitId);
    out.f64(split.next);
    out.f64(split.step);
    out.f64(split.end);
  },
  read(input: BinaryReader): StridedSplit {
    return { splitId: input.string(), next: input.f64(), step: input.f64(), end: input.f64() };
  },
};

/** Contiguous ranges of nearly equal size, one a subtask; empty ones are left out. @internal */
export function contiguousSplits(count: number, parallelism: number): StridedSplit[] {
  const splits: StridedSplit[] = [];
  for (let part = 0; part < parallelism; part++) {
    const next = Math.floor((count * part) / parallelism);
    const end = Math.floor((count * (part + 1)) / parallelism);
    if (next < end) splits.push({ splitId: `range-${part}`, next, step: 1, end });
  }
  return splits;
}

/** Interleaved strides, so that all subtasks advance through the sequence together. @internal */
export function stridedSplits(count: number, parallelism: number): StridedSplit[] {
  const splits: StridedSplit[] = [];
  for (let part = 0; part < Math.min(parallelism, count); part++) {
    splits.push({ splitId: `stride-${part}`, next: part, step: parallelism, end: count });
  }
  return splits;
}
