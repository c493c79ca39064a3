/** What a window keeps of its elements, and what its function gets of it. */
import { unreachable } from "../../base/errors.ts";
import { listSerializer } from "../../state/state-handles.ts";
import { learnedType } from "../../types/learned-type.ts";
import type { Serializer, Type } from "../../types/type.ts";
import { cloneFunction } from "../clone-function.ts";
import type { WindowFold } from "../operator-spec.ts";
import type { TimestampedValue } from "./evictors/evictor.ts";

/** Contents are never undefined: that is a window without any. */
export interface WindowContents {
  readonly serializer: Serializer<unknown>;
  /** Adds an element to contents, or to undefined; may change them. */
  add(contents: unknown, element: unknown, timestampMs: number): unknown;
  /** Joins contents, those of the older window first; may change the first. */
  merge(left: unknown, right: unknown): unknown;
  /** The result of an aggregation, or the list of the elements. */
  resultOf(contents: unknown): unknown;
}

/** @param operatorName - Whose instance of the aggregation it is. */
export function contentsOf(fold: WindowFold, operatorName: string): WindowContents {
  switch (fold.kind) {
    case "aggregate": {
      const aggregate = cloneFunction(fold.aggregate, operatorName);
      return {
        serializer: serializerOf(fold.accumulatorType),
        add: (contents, element) =>
          aggregate.add(element, contents === undefined ? aggregate.createAccumulator() : contents),
        // Streams of windows that merge refuse an aggregation that cannot.
        merge: (left, right) => aggregate.merge!(left, right),
        resultOf: (contents) => aggregate.getResult(contents),
      };
    }
    case "reduce":
      return {
        serializer: serializerOf(fold.type),
        add: (contents, element) => (contents === undefined ? element : fold.fn(contents, element)),
        merge: (left, right) => fold.fn(left, right),
        resultOf: (contents) => contents,
      };
    case "list":
      return listContents(serializerOf(fold.type));
    default:
      return unreachable(fold);
  }
}

/** Elements in the order in which they came. */
function listContents(element: Serializer<unknown>): WindowContents {
  return {
    serializer: listSerializer(element),
    add: (contents, value) => {
      if (contents === undefined) return [value];
      (contents as unknown[]).push(value);
      return contents;
    },
    merge: (left, right) => {
      for (const value of right as unknown[]) (left as unknown[]).push(value);
      return left;
    },
    resultOf: (contents) => contents,
  };
}

/**
 * What a window with an evictor keeps: all elements with their timestamps. Its result is computed when it fires; that of
 * a reduce is undefined when the evictor has left nothing.
 */
export function evictableContents(
  fold: WindowFold,
  elementType: Type<unknown> | undefined,
  operatorName: string,
): WindowContents {
  const element = serializerOf(elementType);
  const folded = contentsOf(fold, operatorName);
  const timestamped: Serializer<unknown> = {
    schema: { kind: "tuple", items: [{ kind: "timestamp" }, element.schema] },
    write: (value, out) => {
      const { timestamp, value: inner } = value as TimestampedValue<unknown>;
      out.f64(timestamp);
      element.write(inner, out);
    },
    read: (input) => {
      const timestamp = input.f64();
      return { value: element.read(input), timestamp };
    },
  };
  const list = listContents(timestamped);
  return {
    ...list,
    add: (contents, value, timestamp) => list.add(contents, { value, timestamp }, timestamp),
    resultOf: (contents) => resultOfAll(contents as readonly TimestampedValue<unknown>[], fold, folded),
  };
}

function resultOfAll(
  elements: readonly TimestampedValue<unknown>[],
  fold: WindowFold,
  folded: WindowContents,
): unknown {
  if (fold.kind === "list") return elements.map(({ value }) => value);
  let contents = fold.kind === "aggregate" ? fold.aggregate.createAccumulator() : undefined;
  for (const { value, timestamp } of elements) contents = folded.add(contents, value, timestamp);
  return contents === undefined ? undefined : folded.resultOf(contents);
}

function serializerOf(type: Type<unknown> | undefined): Serializer<unknown> {
  return (type ?? learnedType<unknown>()).serializer;
}
