/** What the kit needs of fast-check. Core depends on no package, so whoever checks a job passes the library in. */

/** The namespace of the package `fast-check`: `import fc from "fast-check"`. @public */
export interface FastCheck {
  readonly array: (...args: never) => unknown;
  readonly integer: (...args: never) => unknown;
  readonly record: (...args: never) => unknown;
  readonly subarray: (...args: never) => unknown;
  readonly asyncProperty: (...args: never) => unknown;
  readonly check: (...args: never) => unknown;
}

/** One of fast-check's arbitraries. @public */
export interface ArbitraryOf<T> {
  generate(...args: never): { readonly value: T };
}

/** @internal */
export interface CheckDetails<T> {
  readonly failed: boolean;
  readonly seed: number;
  readonly numRuns: number;
  readonly numShrinks: number;
  readonly counterexamplePath: string | null;
  readonly counterexample: readonly [T] | null;
  readonly errorInstance?: unknown;
}

/** The part of fast-check that is used, with the types it is used at. @internal */
export interface Generators {
  array<T>(item: ArbitraryOf<T>, constraints: { readonly maxLength: number }): ArbitraryOf<T[]>;
  integer(constraints: { readonly min: number; readonly max: number }): ArbitraryOf<number>;
  record<T>(fields: { readonly [K in keyof T]: ArbitraryOf<T[K]> }): ArbitraryOf<T>;
  subarray<T>(values: readonly T[]): ArbitraryOf<T[]>;
  asyncProperty<T>(arbitrary: ArbitraryOf<T>, predicate: (value: T) => Promise<void>): unknown;
  check<T>(property: unknown, parameters: Readonly<Record<string, unknown>>): Promise<CheckDetails<T>>;
}

/** @internal */
export function generatorsOf(fastCheck: FastCheck): Generators {
  // Generators is a part of fast-check's own types, without its overloads.
  return fastCheck as unknown as Generators;
}
