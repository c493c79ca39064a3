/**
 * The same value with its type parameters forgotten. Specs are untyped: what flows between two operators was checked
 * when the stream's methods were called, and the pipeline connects them in no other way.
 *
 * @internal
 */
export function erased<S>(value: unknown): S {
  return value as S;
}
