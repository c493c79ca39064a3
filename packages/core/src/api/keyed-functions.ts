import { isCheckpointed } from "../operators/checkpointed-function.ts";
import type { KeySelector } from "../operators/functions.ts";

/**
 * The key under which a function's operator runs: that of a keyed stream, when the function is an object that is told of its
 * runtime context and so may ask for keyed state. A plain function cannot, and is spared the look-up of the key.
 *
 * @internal
 */
export function stateKeyOf(stream: object, fn: unknown): { readonly key?: KeySelector<unknown, unknown> } {
  if (!("key" in stream) || typeof fn !== "object" || fn === null) return {};
  // Only keyed streams have a key, and it is their selector.
  return "open" in fn || isCheckpointed(fn) ? { key: stream.key as KeySelector<unknown, unknown> } : {};
}
