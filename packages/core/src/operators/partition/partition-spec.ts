import type { Type } from "../../types/type.ts";
import type { KeySelector } from "../functions.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import type { TransformSpec } from "../operator-spec.ts";
import { functionOf, type PartitionFold } from "./partition-fold.ts";
import { KeyPartitionOperator, LastResultOperator, SubtaskPartitionOperator } from "./partition-operator.ts";

type U = unknown;

/** One partition a key; `type` is that of what is kept: of the records, or of the accumulator. */
export function keyPartitionSpec(
  label: string,
  key: KeySelector<U, U>,
  fold: PartitionFold,
  type: Type<U> | undefined,
): TransformSpec {
  const create = (host: OperatorHost): KeyPartitionOperator => new KeyPartitionOperator(host, fold, type);
  return { ...shared, label, keys: [key], details: { partition: "key" }, functions: functionsOf(fold), create };
}

/** The last result of a rolling reduce, one a key; for batch jobs. */
export function lastResultSpec(
  label: string,
  key: KeySelector<U, U>,
  fold: PartitionFold,
  type: Type<U> | undefined,
): TransformSpec {
  return { ...keyPartitionSpec(label, key, fold, type), create: (host) => new LastResultOperator(host, fold, type) };
}

/** One partition a subtask. */
export function subtaskPartitionSpec(label: string, fold: PartitionFold, type: Type<U> | undefined): TransformSpec {
  const create = (host: OperatorHost): SubtaskPartitionOperator => new SubtaskPartitionOperator(host, fold, type);
  return {
    ...shared,
    label,
    keys: [undefined],
    details: { partition: "subtask" },
    functions: functionsOf(fold),
    create,
  };
}

function functionsOf(fold: PartitionFold): readonly unknown[] {
  return [fold.kind === "sort" ? fold.keyOf : functionOf(fold)];
}

const shared = { kind: "transform", isStateful: true, hasSideOutput: () => false } as const;
