import { KvEntryCursor } from "../kv/kv-packing.ts";
import { KV_PAGE_HEADER_BYTES, type SortedKv } from "../kv/sorted-kv.ts";

const PAGE_BYTES = 64 * 1024;

/** Goes along a family a page at a time. */
export class FamilyScan {
  readonly cursor: KvEntryCursor = new KvEntryCursor();
  page: Uint8Array;
  readonly #kv: SortedKv;
  readonly #family: number;
  readonly #end: Uint8Array;
  #from: Uint8Array;
  #isResumed = false;
  #isAtEnd = false;

  /** @param end - Empty: to the end. */
  constructor(
    kv: SortedKv,
    family: number,
    start: Uint8Array = new Uint8Array(0),
    end: Uint8Array = start,
    pageBytes: number = PAGE_BYTES,
  ) {
    this.page = new Uint8Array(pageBytes);
    this.#kv = kv;
    this.#family = family;
    this.#from = start;
    this.#end = end;
  }

  /** Reads a page; false when there is none any more. `cursor` goes along its entries, in `page`. */
  nextPage(): boolean {
    if (this.#isAtEnd) return false;
    let length = this.#kv.scan(this.#family, this.#from, this.#end, this.page, this.#isResumed);
    this.cursor.startPage(this.page, length);
    if (length === KV_PAGE_HEADER_BYTES && this.cursor.nextBytes > 0) {
      this.page = new Uint8Array(KV_PAGE_HEADER_BYTES + this.cursor.nextBytes);
      length = this.#kv.scan(this.#family, this.#from, this.#end, this.page, this.#isResumed);
      this.cursor.startPage(this.page, length);
    }
    if (this.cursor.nextBytes === 0) this.#isAtEnd = true;
    else this.#from = this.#lastKey(length);
    this.#isResumed = true;
    return length > KV_PAGE_HEADER_BYTES;
  }

  #lastKey(length: number): Uint8Array {
    const walk = new KvEntryCursor();
    walk.startPage(this.page, length);
    let last = this.#from;
    while (walk.next()) last = this.page.subarray(walk.keyStart, walk.keyEnd);
    return last.slice();
  }
}
