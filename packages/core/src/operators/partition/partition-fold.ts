/** What a full window over a partition keeps of its records, and what it makes of them at the end. */
import { unreachable } from "../../base/errors.ts";
import { listSerializer } from "../../state/state-handles.ts";
import { learnedType } from "../../types/learned-type.ts";
import type { Serializer, Type } from "../../types/type.ts";
import type { AggregateFunction, Collector, MapPartitionFunction, ReduceFunction } from "../functions.ts";

type U = unknown;

/** How two sort keys compare: below, at or above zero. */
export type Comparison = (left: U, right: U) => number;

export type PartitionFold =
  | { readonly kind: "map"; readonly fn: ((values: Iterable<U>) => Iterable<U>) | MapPartitionFunction<U, U> }
  | { readonly kind: "sort"; readonly keyOf: (value: U) => U; readonly compare: Comparison }
  | { readonly kind: "reduce"; readonly fn: ((accumulated: U, value: U) => U) | ReduceFunction<U> }
  | { readonly kind: "aggregate"; readonly fn: AggregateFunction<U, U, U> };

/** A fold with functions of its own, for one subtask. */
export interface PartitionFolding {
  /** What is kept after one more record; `kept` is undefined before the first one. */
  add(kept: U, value: U): U;
  emit(kept: U, out: Collector<U>): void;
  readonly serializer: Serializer<U>;
}

/** The user's part of a fold, for lifecycle and copies. */
export function functionOf(fold: PartitionFold): unknown {
  return fold.kind === "sort" ? undefined : fold.fn;
}

/**
 * @param fn - The subtask's own copy of `functionOf(fold)`.
 * @param type - Of the records; of the accumulator for an aggregation.
 */
export function foldingOf(fold: PartitionFold, fn: unknown, type: Type<U> | undefined): PartitionFolding {
  const serializer = (type ?? learnedType<U>()).serializer;
  switch (fold.kind) {
    case "map":
      return { ...collecting(serializer), emit: (kept, out) => mapPartition(fn, kept as readonly U[], out) };
    case "sort":
      return { ...collecting(serializer), emit: (kept, out) => emitSorted(kept as readonly U[], fold, out) };
    case "reduce": {
      const reduce = reducerOf(fn);
      return {
        serializer,
        add: (kept, value) => (kept === undefined ? value : reduce(kept, value)),
        emit: (kept, out) => out.collect(kept),
      };
    }
    case "aggregate": {
      const aggregate = fn as AggregateFunction<U, U, U>;
      return {
        serializer,
        add: (kept, value) => aggregate.add(value, kept === undefined ? aggregate.createAccumulator() : kept),
        emit: (kept, out) => out.collect(aggregate.getResult(kept)),
      };
    }
    default:
      return unreachable(fold);
  }
}

function collecting(element: Serializer<U>): Pick<PartitionFolding, "add" | "serializer"> {
  return {
    serializer: listSerializer(element),
    add: (kept, value) => {
      if (kept === undefined) return [value];
      (kept as U[]).push(value);
      return kept;
    },
  };
}

function mapPartition(fn: unknown, values: readonly U[], out: Collector<U>): void {
  if (typeof fn === "object") {
    (fn as MapPartitionFunction<U, U>).mapPartition(values, out);
    return;
  }
  for (const result of (fn as (values: Iterable<U>) => Iterable<U>)(values)) out.collect(result);
}

// Sorting is stable: records with equal keys keep the order they came in.
function emitSorted(values: readonly U[], sort: Extract<PartitionFold, { kind: "sort" }>, out: Collector<U>): void {
  const keyed = values.map((value) => ({ key: sort.keyOf(value), value }));
  keyed.sort((left, right) => sort.compare(left.key, right.key));
  for (const { value } of keyed) out.collect(value);
}

function reducerOf(fn: unknown): (accumulated: U, value: U) => U {
  if (typeof fn === "function") return fn as (accumulated: U, value: U) => U;
  const owner = fn as ReduceFunction<U>;
  return (accumulated, value) => owner.reduce(accumulated, value);
}
