/**
 * Reads the values of states that a restore would migrate: where no type was declared when they were written, or a function of
 * the job migrates them, every value decides for itself.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { MillraceError } from "../base/errors.ts";
import { readState } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { decodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import type { OperatorStateMetadata } from "../checkpoint/state-handles.ts";
import { decodeKeyedState, type KeyedSection, readerOf } from "../state/keyed-snapshot-format.ts";
import { typeOfSchema } from "../types/declared-types.ts";
import { decodeKey } from "../types/key-encoding.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Schema } from "../types/type.ts";
import type { ProbedList, ProbedOperator } from "./probed-states.ts";
import type { StateCheck } from "./state-check.ts";

/** The states, those of them refused that have a value which cannot be migrated. */
export async function withMigratedValues(
  fs: FileSystems,
  directory: string,
  { subtasks }: OperatorStateMetadata,
  current: ProbedOperator,
  states: readonly StateCheck[],
): Promise<readonly StateCheck[]> {
  const migrated = new Set(states.filter(({ verdict }) => verdict === "migrated").map(({ name }) => name));
  if (migrated.size === 0) return states;
  const problems = new Map<string, string>();
  const tryOut = (name: string, read: () => void): void => {
    if (!migrated.has(name) || problems.has(name)) return;
    try {
      read();
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      problems.set(name, differenceOf(error));
    }
  };
  for (const { keyed, lists } of subtasks) {
    for (const list of decodeOperatorLists(await readState(fs, directory, lists))) {
      tryOut(list.name, () => readElements(list, current));
    }
    // What is in a store is read when the job restores it.
    if (keyed === undefined || keyed.kind === "store") continue;
    const blob = await readState(fs, directory, keyed);
    for (const section of decodeKeyedState(blob, 0, Number.POSITIVE_INFINITY)) {
      tryOut(section.name, () => readValues(section, current));
    }
  }
  return states.map((state) => {
    const problem = problems.get(state.name);
    return problem === undefined ? state : { ...state, verdict: "incompatible", problem };
  });
}

/** Field by field, what was written and what the job reads. */
export function differenceOf(error: MillraceError): string {
  const field = error.where["field"];
  const path = field === undefined ? "" : `${field} `;
  return `${path}${error.found ?? error.message}, read as ${error.expected ?? "something else"}`;
}

function readValues(section: KeyedSection, { operator, keyed }: ProbedOperator): void {
  const codec = keyed.find(({ name }) => name === section.name)!;
  const { read } = readerOf(codec, section, { operatorName: operator.name, uid: operator.uid });
  for (const { count, bytes } of section.groups) {
    const input = new BinaryReader(bytes);
    for (let left = count; left > 0; left--) {
      decodeKey(input);
      read(input);
    }
  }
}

function readElements(list: OperatorList, { lists }: ProbedOperator): void {
  const read = elementReader(list.schema ?? { kind: "bytes" }, lists.find(({ name }) => name === list.name)!);
  for (const element of list.elements) read(new BinaryReader(element));
}

function elementReader(written: Schema, { name, mode, schema }: ProbedList): (input: BinaryReader) => void {
  const reader = (from: Schema, to: Schema): ((input: BinaryReader) => void) => {
    const serializer = migratingSerializer(from, typeOfSchema(to).serializer, { state: name });
    return (input) => void serializer.read(input);
  };
  if (mode !== "broadcast" || written.kind !== "map" || schema.kind !== "map") return reader(written, schema);
  const readKey = reader(written.key, schema.key);
  const readValue = reader(written.value, schema.value);
  return (input) => {
    readKey(input);
    readValue(input);
  };
}
