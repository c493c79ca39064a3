/** What matches look like to the compiler. Every stage of a pattern is a property with the events that it matched. */

/** A stage that matched at least one event. @public */
export type Some<N extends string, F> = { readonly [K in N]: string extends N ? readonly F[] : readonly [F, ...F[]] };

/** The same stages, each with any number of events. @public */
export type Maybe<C> = { readonly [K in keyof C]: C[K] extends readonly (infer F)[] ? readonly F[] : never };

/** The same stages, with events of another type. @public */
export type Narrowed<C, F> = {
  readonly [K in keyof C]: C[K] extends readonly [unknown, ...unknown[]] ? readonly [F, ...F[]] : readonly F[];
};

/** One object type of several, which is what messages of the compiler show. @public */
export type Simplified<M> = [M] extends [infer All] ? { readonly [K in keyof All]: All[K] } : never;

/** As much of a match as had come when its time was over. @public */
export type PartialMatch<M> = Simplified<Maybe<M>>;
