/** Reads lists and broadcast states of an operator as values of the caller's types. */
import { BinaryReader } from "../base/binary-reader.ts";
import type { MillraceError } from "../base/errors.ts";
import type { ListMode, OperatorList } from "../checkpoint/operator-lists.ts";
import { kindChanged } from "../state/state-codecs.ts";
import { compileType } from "../types/compiled-type.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Schema, Serializer, Type } from "../types/type.ts";
import { FUNCTION_PREFIX, type OperatorSnapshot, stateNamesOf } from "./operator-snapshot.ts";

/** Which list of which operator. */
export interface ListOfOperator {
  readonly operator: OperatorSnapshot;
  /** As the job calls it. */
  readonly name: string;
  readonly mode: ListMode;
}

/**
 * The elements of all subtasks, one subtask after the other.
 *
 * @param type - Of the elements; left out: that of the snapshot.
 * @throws MillraceError `MR_STATE_NOT_FOUND`, `MR_STATE_SCHEMA_INCOMPATIBLE`
 */
export async function* readList<T>(list: ListOfOperator, type: Type<T> | undefined): AsyncIterable<T> {
  let isFound = false;
  for (const subtask of list.operator.metadata.subtasks.keys()) {
    const written = await listOf(list, subtask);
    if (written === undefined) continue;
    isFound = true;
    const read = readerFor<T>(written.schema ?? { kind: "bytes" }, type, whereOf(list));
    for (const element of written.elements) yield read(new BinaryReader(element));
  }
  if (!isFound) throw await notFound(list);
}

/**
 * The entries of a broadcast state, which every subtask has a copy of: the first one's.
 *
 * @throws as `readList`
 */
export async function* readBroadcast<K, V>(
  list: ListOfOperator,
  keyType: Type<K> | undefined,
  valueType: Type<V> | undefined,
): AsyncIterable<[K, V]> {
  const written = await listOf(list, 0);
  if (written === undefined) throw await notFound(list);
  const { schema } = written;
  if (schema?.kind !== "map") throw kindChanged(schema ?? { kind: "bytes" }, "map", whereOf(list));
  const readKey = readerFor<K>(schema.key, keyType, whereOf(list));
  const readValue = readerFor<V>(schema.value, valueType, whereOf(list));
  for (const element of written.elements) {
    const input = new BinaryReader(element);
    yield [readKey(input), readValue(input)];
  }
}

function readerFor<T>(
  written: Schema,
  type: Type<T> | undefined,
  where: Readonly<Record<string, string>>,
): (input: BinaryReader) => T {
  // Who gives no type says what the snapshot has.
  if (type === undefined) return compileType(written).read as (input: BinaryReader) => T;
  const serializer: Serializer<T> = migratingSerializer(written, type.serializer, where);
  return (input) => serializer.read(input);
}

async function listOf(list: ListOfOperator, subtask: number): Promise<OperatorList | undefined> {
  const lists = await list.operator.lists(subtask);
  const found =
    lists.find(({ name }) => name === `${FUNCTION_PREFIX}${list.name}`) ?? lists.find(({ name }) => name === list.name);
  if (found !== undefined && found.mode !== list.mode)
    throw kindChanged({ kind: found.mode }, list.mode, whereOf(list));
  return found;
}

function whereOf({ operator, name }: ListOfOperator): Readonly<Record<string, string>> {
  return { operator: operator.metadata.name, uid: operator.metadata.uid, state: name };
}

async function notFound({ operator, name }: ListOfOperator): Promise<MillraceError> {
  const lists = operator.metadata.subtasks.length === 0 ? [] : await operator.lists(0);
  return operator.stateNotFound(name, stateNamesOf(lists.map((list) => list.name)));
}
