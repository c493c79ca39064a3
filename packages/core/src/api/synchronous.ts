/**
 * Makes `async` methods a compile error where a method returns nothing. TypeScript lets any function stand for one that
 * returns `void`, a Promise included; `void | undefined` does not.
 *
 * @example
 * declare function run(fn: { process(value: string): void } & Synchronous<"process">): void;
 * run({ process: (value) => console.log(value) }); // compiles
 * // @ts-expect-error: the result would be lost
 * run({ process: async () => {} }); // Type 'Promise<void>' is not assignable to type 'void'
 * @public
 */
export type Synchronous<Method extends string> = {
  // biome-ignore lint/suspicious/noConfusingVoidType: the union is the point; void alone would take a Promise.
  readonly [M in Method]?: (...args: never) => void | undefined;
};

/**
 * What a plain function without a result returns: not a Promise, see {@link Synchronous}.
 * @public
 */
// biome-ignore lint/suspicious/noConfusingVoidType: as above.
export type Nothing = void | undefined;

/**
 * An object and not a function: every function has a method `apply`, so it could stand for an object that needs one.
 * @public
 */
export interface ObjectOnly {
  readonly call?: never;
}
