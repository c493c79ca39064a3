import { invariant } from "../base/errors.ts";
import type { RunningKeyedSnapshot } from "../state/store-snapshot.ts";

/** A snapshot of keyed state on the heap, where tests know that it is there: one container of bytes, none without state. */
export function encodedBytes(keyed: RunningKeyedSnapshot | undefined): readonly Uint8Array[] {
  if (keyed === undefined) return [];
  const encoded = keyed.encode();
  invariant(encoded instanceof Uint8Array, "keyed state in a local store where a test has it on the heap");
  return [encoded];
}
