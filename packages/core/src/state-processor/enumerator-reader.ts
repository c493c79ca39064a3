import type { StateEntry } from "./state-entry.ts";
import type { StateReader } from "./state-reader.ts";

/** What the enumerator of a source keeps, as one entry: bytes, since only the source knows what is in them. @internal */
export class EnumeratorReader implements StateReader {
  readonly partCount = 1;
  readonly #read: () => Promise<Uint8Array>;

  constructor(read: () => Promise<Uint8Array>) {
    this.#read = read;
  }

  async *entries(): AsyncIterable<StateEntry> {
    yield { value: await this.#read() };
  }

  entriesOfPart(): AsyncIterable<StateEntry> {
    return this.entries();
  }

  /** It has no keys. */
  async *entriesOfKey(): AsyncIterable<StateEntry> {}

  async close(): Promise<void> {}
}
