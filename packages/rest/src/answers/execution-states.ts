/** Flink's states of subtasks, and what is told by name of each of them. */
import type { ExecutionState } from "../rest-bodies.ts";

export const EXECUTION_STATES: readonly ExecutionState[] = [
  "CREATED",
  "SCHEDULED",
  "DEPLOYING",
  "INITIALIZING",
  "RUNNING",
  "FINISHED",
  "CANCELING",
  "CANCELED",
  "FAILED",
  "RECONCILING",
];

export function byName<Name extends string, Value>(
  names: readonly Name[],
  of: (name: Name) => Value,
): Readonly<Record<Name, Value>> {
  // Every name of the type is in the list.
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, Value>;
}
