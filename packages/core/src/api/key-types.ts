/** What an error message shows for a key selector that returns something that cannot be a key. @public */
export interface KeyNotAllowed {
  readonly "a key is a string, number, bigint, boolean, or a tuple or object of them": never;
}

/**
 * `K` when records can be keyed by it: strings, finite numbers, bigints, booleans, tuples and plain objects of them.
 * Anything else (a Date, a Promise, `undefined`, a class with methods) becomes {@link KeyNotAllowed}, which no value is.
 *
 * @example
 * type Pair = KeyOf<readonly [string, number]>; // the tuple
 * type When = KeyOf<Date>; // KeyNotAllowed
 * @public
 */
export type KeyOf<K> = [NonKey<K>] extends [never] ? K : KeyNotAllowed;

/** The parts of `K` that cannot be in a key; `never` when there are none. `any` is let through. */
type NonKey<K> = 0 extends 1 & K
  ? never
  : K extends string | number | bigint | boolean
    ? never
    : K extends readonly unknown[]
      ? NonKey<K[number]>
      : K extends (...args: never) => unknown
        ? K
        : K extends object
          ? NonKey<K[keyof K]>
          : K;
