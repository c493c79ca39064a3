import { BinaryReader } from "../base/binary-reader.ts";
import type { OperatorList } from "../checkpoint/operator-lists.ts";
import { compileType } from "../types/compiled-type.ts";
import type { Schema } from "../types/type.ts";
import { toReadableJson } from "./readable-json.ts";
import type { StateEntry } from "./state-entry.ts";
import type { StateReader } from "./state-reader.ts";

/** Where the lists of an operator are, by old subtask, and what this one is. */
export interface OperatorLists {
  readonly kind: string;
  readonly schema: Schema;
  readonly parallelism: number;
  lists(subtask: number): Promise<readonly OperatorList[]>;
}

/** Reads an operator state. Elements whose owner has not said what they are, are bytes. @internal */
export class ListStateReader implements StateReader {
  readonly partCount = 1;
  readonly #name: string;
  readonly #source: OperatorLists;

  /** @param name - In the snapshot. */
  constructor(name: string, source: OperatorLists) {
    this.#name = name;
    this.#source = source;
  }

  async *entries(): AsyncIterable<StateEntry> {
    const { kind, schema, parallelism } = this.#source;
    if (kind === "broadcast" && schema.kind === "map") {
      // It is the same in every subtask.
      const key = compileType(schema.key);
      const value = compileType(schema.value);
      for (const element of await this.#elements(0)) {
        const input = new BinaryReader(element);
        yield { key: key.read(input), value: value.read(input) };
      }
      return;
    }
    const read = schema.kind === "bytes" ? undefined : compileType(schema).read;
    for (let subtask = 0; subtask < parallelism; subtask++) {
      for (const [index, element] of (await this.#elements(subtask)).entries()) {
        yield { subtask, index, value: read === undefined ? element : read(new BinaryReader(element)) };
      }
    }
  }

  entriesOfPart(): AsyncIterable<StateEntry> {
    return this.entries();
  }

  async *entriesOfKey(key: unknown): AsyncIterable<StateEntry> {
    const wanted = JSON.stringify(toReadableJson(key));
    for await (const entry of this.entries()) {
      if ("key" in entry && JSON.stringify(toReadableJson(entry.key)) === wanted) yield entry;
    }
  }

  async close(): Promise<void> {}

  async #elements(subtask: number): Promise<readonly Uint8Array[]> {
    const lists = await this.#source.lists(subtask);
    return lists.find(({ name }) => name === this.#name)?.elements ?? [];
  }
}
