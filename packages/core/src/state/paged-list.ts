import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { type PagedPlace, PagedValue } from "./paged-value.ts";
import type { ListParts } from "./slot-codec.ts";

/** A row has more than one element only as long as it is shorter. */
const ROW_BYTES = 8 * 1024;
const ROW_NUMBER_BYTES = 4;

/** A list in rows of some elements each, which are numbered. To add is not to read. */
export class PagedList extends PagedValue {
  readonly #parts: ListParts;
  #rowCount: number;
  /** Elements behind those of the rows. */
  #tail: unknown[];
  /** All elements, when they are in memory. */
  #all: unknown[] | undefined = undefined;

  private constructor(place: PagedPlace, parts: ListParts, rowCount: number, tail: unknown[]) {
    super(place, rowCount > 0);
    this.#parts = parts;
    this.#rowCount = rowCount;
    this.#tail = tail;
  }

  /** @param rowCount - As its mark says. */
  static stored(place: PagedPlace, parts: ListParts, rowCount: number): PagedList {
    return new PagedList(place, parts, rowCount, []);
  }

  /** Takes the elements over. Whoever has made it tells the memory. */
  static of(place: PagedPlace, parts: ListParts, elements: unknown[]): PagedList {
    return new PagedList(place, parts, 0, elements);
  }

  get heldCount(): number {
    return this.#tail.length + (this.#all?.length ?? 0);
  }

  push(element: unknown): void {
    this.#tail.push(element);
    this.#all?.push(element);
    this.place.memory.grown(this, this.#all === undefined ? 1 : 2);
  }

  /** All elements, in memory: not to be changed. */
  all(): readonly unknown[] {
    if (this.#rowCount === 0) return this.#tail;
    if (this.#all !== undefined) return this.#all;
    const all = [...elementsOf(this.place.rows.rows(this.place.prefix), this.#parts), ...this.#tail];
    this.#all = all;
    this.place.memory.grown(this, all.length);
    return all;
  }

  age(): void {
    this.#all = undefined;
    this.#tail = [];
  }

  protected writeRows(): void {
    const tail = this.#tail;
    if (tail.length === 0) return;
    if (this.#rowCount === 0) this.#all = tail;
    this.#tail = [];
    for (const row of rowsWith(tail, this.#parts)) {
      this.place.rows.put(this.place.prefix, rowNumber(this.#rowCount), row);
      this.#rowCount++;
    }
  }

  protected countForMark(): number {
    return this.#rowCount;
  }
}

/** Ascending numbers have ascending bytes. */
export function rowNumber(number: number): Uint8Array {
  const bytes = new Uint8Array(ROW_NUMBER_BYTES);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function* elementsOf(rows: Iterable<{ readonly value: Uint8Array }>, parts: ListParts): Generator<unknown> {
  const input = new BinaryReader(new Uint8Array(0));
  for (const { value } of rows) {
    input.reset(value);
    for (let left = input.varint(); left > 0; left--) yield parts.element.read(input);
  }
}

/** The elements in rows; each is valid until the next one. */
export function* rowsWith(elements: Iterable<unknown>, { element }: ListParts): Generator<Uint8Array> {
  const items = new BinaryWriter(1024);
  const row = new BinaryWriter(1024);
  let count = 0;
  const end = (): Uint8Array => {
    row.reset();
    row.varint(count);
    row.rawBytes(items.written());
    items.reset();
    count = 0;
    return row.written();
  };
  for (const each of elements) {
    element.write(each, items);
    count++;
    if (items.position >= ROW_BYTES) yield end();
  }
  if (count > 0) yield end();
}
