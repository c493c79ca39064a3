import {
  BinaryWriter,
  KV_ABSENT,
  KV_PAGE_HEADER_BYTES,
  KvBatch,
  KvEntryCursor,
  packEntry,
  packKey,
  type SortedKv,
} from "millrace/internal";

/** Bytes are written as hexadecimal text in tests, entries as "key=value". */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));

export function getValue(store: SortedKv, family: number, key: Uint8Array): string | undefined {
  const length = store.get(family, key, key.length, new Uint8Array(0));
  if (length < 0) return undefined;
  const out = new Uint8Array(length);
  store.get(family, key, key.length, out);
  return hex(out);
}

export function getValues(store: SortedKv, family: number, keys: readonly Uint8Array[]): readonly (string | undefined)[] {
  const writer = new BinaryWriter();
  for (const key of keys) packKey(writer, key);
  const packed = writer.finish();
  const out = new Uint8Array(store.multiGet(family, packed, packed.length, new Uint8Array(0)));
  const length = store.multiGet(family, packed, packed.length, out);
  const view = new DataView(out.buffer);
  const values: (string | undefined)[] = [];
  for (let at = 0; at < length; ) {
    const bytes = view.getUint32(at, true);
    at += 4;
    values.push(bytes === KV_ABSENT ? undefined : hex(out.subarray(at, at + bytes)));
    if (bytes !== KV_ABSENT) at += bytes;
  }
  return values;
}

/** All entries of the range, read page by page; a page grows when an entry has no room in it. */
export function scanAll(
  store: SortedKv,
  family: number,
  { from = "", to = "", pageBytes = 64 }: { from?: string; to?: string; pageBytes?: number } = {},
): readonly string[] {
  const entries: string[] = [];
  const cursor = new KvEntryCursor();
  let page = new Uint8Array(pageBytes);
  let first = unhex(from);
  let isResumed = false;
  for (;;) {
    cursor.startPage(page, store.scan(family, first, unhex(to), page, isResumed));
    let found = false;
    while (cursor.next()) {
      found = true;
      isResumed = true;
      first = page.slice(cursor.keyStart, cursor.keyEnd);
      entries.push(`${hex(first)}=${hex(page.subarray(cursor.valueStart, cursor.valueEnd))}`);
    }
    if (cursor.nextBytes === 0) return entries;
    if (!found) page = new Uint8Array(KV_PAGE_HEADER_BYTES + cursor.nextBytes);
  }
}

export function write(store: SortedKv, add: (batch: KvBatch) => void): void {
  const batch = new KvBatch();
  add(batch);
  store.writeBatch(batch.packed(), batch.length);
}

export function put(store: SortedKv, family: number, key: string, value: string): void {
  write(store, (batch) => batch.put(family, unhex(key), unhex(value)));
}

export function packEntries(entries: readonly (readonly [key: string, value: string])[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [key, value] of entries) packEntry(writer, unhex(key), unhex(value));
  return writer.finish();
}
