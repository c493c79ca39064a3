/**
 * Adds something up beside the records: every subtask has its own, which its functions fill; when the job has ended, and
 * whenever somebody asks, they are merged into one result.
 *
 * The subtasks of a job may run in several threads, and a class is known only where the job's module was loaded. So an
 * accumulator goes from thread to thread as its own fields: all that it knows has to be in fields that are plain data, as
 * records are; fields that hold functions stay behind. `clone` and `resetLocal` make the instance that gets the fields
 * there. What `getLocalValue` returns has to be plain data as well.
 *
 * All methods are called on the thread of their subtask, between records. An accumulator in a field of a function object is
 * copied for every subtask and attempt, with `clone`, like the function itself.
 *
 * @example
 * class Longest implements Accumulator<string, string> {
 *   private text = "";
 *   add(text: string): void {
 *     if (text.length > this.text.length) this.text = text;
 *   }
 *   getLocalValue(): string {
 *     return this.text;
 *   }
 *   resetLocal(): void {
 *     this.text = "";
 *   }
 *   merge(other: Longest): void {
 *     this.add(other.text);
 *   }
 *   clone(): Longest {
 *     return Object.assign(new Longest(), this);
 *   }
 * }
 * @public
 */
export interface Accumulator<V, R> {
  add(value: V): void;
  /** What has been added, as the result shows it; later additions must not change it. */
  getLocalValue(): R;
  /** As if nothing had been added. */
  resetLocal(): void;
  /**
   * Adds all that another one of the same class has been given. The order in which accumulators are merged, and which of
   * them first, must not matter.
   */
  merge(other: Accumulator<V, R>): void;
  /** A copy that shares nothing with this one that `add` or `merge` would change. */
  clone(): Accumulator<V, R>;
}

/** An accumulator whose result is of the kind of what is added. @public */
export interface SimpleAccumulator<T> extends Accumulator<T, T> {
  clone(): SimpleAccumulator<T>;
}

/** What users may call an accumulator, whatever it adds up. @internal */
export type AnyAccumulator = Accumulator<unknown, unknown>;

const METHODS = ["add", "getLocalValue", "resetLocal", "merge", "clone"] as const;

/** What an object lacks to be an accumulator. @internal */
export function missingMethods(value: object): readonly string[] {
  const owner = value as Readonly<Record<string, unknown>>;
  return METHODS.filter((method) => typeof owner[method] !== "function");
}

/** @internal */
export function isAccumulator(value: unknown): value is AnyAccumulator {
  return typeof value === "object" && value !== null && missingMethods(value).length === 0;
}

/** The class of an accumulator, as messages and other threads know it. @internal */
export function accumulatorType(accumulator: object): string {
  const name: unknown = (accumulator as { readonly constructor?: { readonly name?: unknown } }).constructor?.name;
  return typeof name === "string" && name !== "" ? name : "?";
}
