/**
 * What is different between two snapshots: operators by uid, their states by name, and the entries of states by what they
 * belong to: key, entry of a map, window, timer.
 *
 * - D1. Of keyed state one key group of each snapshot is in memory, of operator state one list of each.
 * - D2. The elements of split and union lists have no identity: they are added or removed, never changed.
 */
import { hashKey, keyGroup } from "../types/key-encoding.ts";
import { type FieldDifference, schemaDifferences, valueDifferences } from "./field-differences.ts";
import type { OperatorSnapshot, StateSummary } from "./operator-snapshot.ts";
import { toReadableJson } from "./readable-json.ts";
import type { StateEntry } from "./state-entry.ts";
import type { StateReader } from "./state-reader.ts";
import type { StateSnapshot } from "./state-snapshot.ts";

/** How many entries are alike, and how many are not. @internal */
export interface EntryCounts {
  added: number;
  removed: number;
  changed: number;
  same: number;
}

/** @internal */
export type SnapshotDifference =
  | { readonly kind: "operator"; readonly uid: string; readonly name: string; readonly change: "added" | "removed" }
  | {
      /** Its name, parallelism or maximum parallelism. */
      readonly kind: "operator";
      readonly uid: string;
      readonly name: string;
      readonly change: "changed";
      readonly fields: readonly FieldDifference[];
    }
  | { readonly kind: "state"; readonly uid: string; readonly state: string; readonly change: "added" | "removed" }
  | {
      /** Its kind or schema. */
      readonly kind: "state";
      readonly uid: string;
      readonly state: string;
      readonly change: "changed";
      readonly fields: readonly FieldDifference[];
    }
  | {
      readonly kind: "entry";
      readonly uid: string;
      readonly state: string;
      readonly change: "added" | "removed" | "changed";
      /** Of the second snapshot; of the first when it was removed. */
      readonly entry: StateEntry;
      /** What of the value has changed. */
      readonly fields: readonly FieldDifference[];
    }
  | { readonly kind: "counts"; readonly uid: string; readonly state: string; readonly counts: EntryCounts };

/**
 * Compares all state of two snapshots. After the entries of a state that both have, their counts follow; states that only one
 * of them has are named, and their entries are not.
 *
 * @throws MillraceError when one of them cannot be read
 * @internal
 */
export async function* diffSnapshots(from: StateSnapshot, to: StateSnapshot): AsyncIterable<SnapshotDifference> {
  const after = new Map(to.operators.map((operator) => [operator.metadata.uid, operator]));
  const before = new Set(from.operators.map(({ metadata }) => metadata.uid));
  for (const operator of from.operators) {
    const { uid, name } = operator.metadata;
    const other = after.get(uid);
    if (other === undefined) yield { kind: "operator", uid, name, change: "removed" };
    else yield* diffOperators(operator, other);
  }
  for (const { metadata } of to.operators) {
    const { uid, name } = metadata;
    if (!before.has(uid)) yield { kind: "operator", uid, name, change: "added" };
  }
}

async function* diffOperators(from: OperatorSnapshot, to: OperatorSnapshot): AsyncIterable<SnapshotDifference> {
  const { uid, name } = to.metadata;
  const outline = ({ metadata }: OperatorSnapshot): object => {
    const { parallelism, maxParallelism } = metadata;
    return { name: metadata.name, parallelism, maxParallelism };
  };
  const fields = valueDifferences(outline(from), outline(to));
  if (fields.length > 0) yield { kind: "operator", uid, name, change: "changed", fields };
  const after = new Map((await to.states()).map((state) => [state.storedName, state]));
  for (const state of await from.states()) {
    const other = after.get(state.storedName);
    after.delete(state.storedName);
    if (other === undefined) yield { kind: "state", uid, state: state.name, change: "removed" };
    else yield* diffStates({ uid, from, to }, state, other);
  }
  for (const state of after.values()) yield { kind: "state", uid, state: state.name, change: "added" };
}

interface OperatorPair {
  readonly uid: string;
  readonly from: OperatorSnapshot;
  readonly to: OperatorSnapshot;
}

async function* diffStates(
  { uid, from, to }: OperatorPair,
  state: StateSummary,
  other: StateSummary,
): AsyncIterable<SnapshotDifference> {
  const fields: FieldDifference[] = [...schemaDifferences(state.schema, other.schema)];
  if (state.kind !== other.kind) fields.unshift({ path: "kind", from: state.kind, to: other.kind });
  if (fields.length > 0) yield { kind: "state", uid, state: other.name, change: "changed", fields };
  const counts: EntryCounts = { added: 0, removed: 0, changed: 0, same: 0 };
  const left = from.readerOf(state);
  const right = to.readerOf(other);
  try {
    for (let part = 0; part < left.partCount; part++) {
      const unmatched = new Map<string, StateEntry>();
      const oldName = entryNames();
      for await (const entry of left.entriesOfPart(part)) unmatched.set(oldName(entry), entry);
      const newName = entryNames();
      for await (const entry of partOf(right, part, left.partCount)) {
        const name = newName(entry);
        const old = unmatched.get(name);
        unmatched.delete(name);
        const fields = old === undefined ? [] : valueDifferences(old.value, entry.value);
        const change = old === undefined ? "added" : fields.length === 0 ? "same" : "changed";
        counts[change]++;
        if (change !== "same") yield { kind: "entry", uid, state: other.name, change, entry, fields };
      }
      for (const entry of unmatched.values()) {
        counts.removed++;
        yield { kind: "entry", uid, state: other.name, change: "removed", entry, fields: [] };
      }
    }
  } finally {
    await left.close();
    await right.close();
  }
  yield { kind: "counts", uid, state: other.name, counts };
}

/** One part of another snapshot, which may deal its keys out to more or fewer key groups. */
async function* partOf(state: StateReader, part: number, partCount: number): AsyncIterable<StateEntry> {
  if (state.partCount === partCount) {
    yield* state.entriesOfPart(part);
    return;
  }
  for await (const entry of state.entries()) if (keyGroup(hashKey(entry.key), partCount) === part) yield entry;
}

/** Names entries by what they belong to; elements of lists, which belong to nothing, by what they are and how often (D2). */
function entryNames(): (entry: StateEntry) => string {
  const counts = new Map<string, number>();
  return (entry) => {
    const { key, mapKey, window, slice, windowNumber, timer, timeMs } = entry;
    if ("key" in entry) {
      return JSON.stringify([key, mapKey, slice ?? window ?? windowNumber, timer, timeMs].map(toReadableJson));
    }
    const text = JSON.stringify(toReadableJson(entry.value));
    const count = counts.get(text) ?? 0;
    counts.set(text, count + 1);
    return `${count} ${text}`;
  };
}
