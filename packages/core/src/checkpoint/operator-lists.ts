/**
 * The list states of one operator in one subtask as bytes: a container with one section a list; its payload is a varint
 * count and then, for each element, a varint length and the bytes.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { type ContainerSection, decodeContainer, encodeContainer } from "../types/container.ts";
import type { Schema } from "../types/type.ts";

/** How a list is dealt out to the subtasks of another parallelism. @internal */
export type ListMode = "split" | "union" | "broadcast";

/** One list state of one subtask; the elements are opaque here. @internal */
export interface OperatorList {
  readonly name: string;
  readonly mode: ListMode;
  /** Of the elements; `bytes` when their owner does not say. */
  readonly schema?: Schema;
  readonly elements: readonly Uint8Array[];
}

const BYTES: Schema = { kind: "bytes" };

/** By name, what lists are besides their elements. Every subtask runs the same job, so all lists of a name are alike. @internal */
export function listHeadersOf(
  lists: readonly OperatorList[],
): ReadonlyMap<string, Required<Pick<OperatorList, "mode" | "schema">>> {
  return new Map(lists.map(({ name, mode, schema }) => [name, { mode, schema: schema ?? BYTES }]));
}

/** @internal */
export function encodeOperatorLists(lists: readonly OperatorList[]): Uint8Array {
  return encodeContainer(
    lists.map((list): ContainerSection => {
      const writer = new BinaryWriter();
      writer.varint(list.elements.length);
      for (const element of list.elements) {
        writer.varint(element.length);
        writer.rawBytes(element);
      }
      return { name: list.name, kind: list.mode, schema: list.schema ?? BYTES, bytes: writer.finish() };
    }),
  );
}

/** The elements are views of `bytes`. @throws MillraceError `MR_DATA_CORRUPT` @internal */
export function decodeOperatorLists(bytes: Uint8Array): readonly OperatorList[] {
  return decodeContainer(bytes).map((section) => {
    const input = new BinaryReader(section.bytes);
    const count = input.varint();
    const elements: Uint8Array[] = [];
    for (let index = 0; index < count; index++) elements.push(input.rawBytes(input.varint()));
    // Only encodeOperatorLists writes these containers.
    return { name: section.name, mode: section.kind as ListMode, schema: section.schema, elements };
  });
}

/**
 * Deals the lists of all old subtasks out to the new ones: split lists round robin, union and broadcast lists whole to
 * everybody. At equal parallelism every subtask gets its own split lists back.
 *
 * A broadcast list is the same in every subtask; the first one's is taken. Every new subtask gets every name, if only with
 * an empty list.
 *
 * @param old - By old subtask index.
 * @returns Elements by list name, by new subtask index.
 * @internal
 */
export function redistributeLists(
  old: readonly (readonly OperatorList[])[],
  parallelism: number,
): readonly ReadonlyMap<string, readonly Uint8Array[]>[] {
  const dealt = Array.from({ length: parallelism }, () => new Map<string, Uint8Array[]>());
  const listOf = (subtask: number, name: string): Uint8Array[] => {
    const lists = dealt[subtask]!;
    const list = lists.get(name) ?? [];
    lists.set(name, list);
    return list;
  };
  const toAll = (name: string, element: Uint8Array): void => {
    for (let subtask = 0; subtask < parallelism; subtask++) listOf(subtask, name).push(element);
  };
  const next = new Map<string, number>();
  old.forEach((lists, oldSubtask) => {
    for (const { name, mode, elements } of lists) {
      for (let subtask = 0; subtask < parallelism; subtask++) listOf(subtask, name);
      for (const element of elements) {
        if (mode === "union") toAll(name, element);
        else if (mode === "broadcast") {
          if (oldSubtask === 0) toAll(name, element);
        } else if (old.length === parallelism) listOf(oldSubtask, name).push(element);
        else {
          const subtask = next.get(name) ?? 0;
          listOf(subtask, name).push(element);
          next.set(name, (subtask + 1) % parallelism);
        }
      }
    }
  });
  return dealt;
}
