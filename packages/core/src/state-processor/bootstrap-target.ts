import type { TableOwner } from "./table-states.ts";

/** What the state of an operator is made of, element by element: an array, a generator, or the rows of a job. @public */
export type BootstrapElements<T> = Iterable<T> | AsyncIterable<T>;

/** Whose state is made. @internal */
export interface BootstrapTarget extends TableOwner {
  readonly maxParallelism: number;
  readonly checkpointId: number;
}
