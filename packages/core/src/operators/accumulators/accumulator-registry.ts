import { hasPrivateFields } from "../clone-function.ts";
import { type Accumulator, type AnyAccumulator, accumulatorType, missingMethods } from "./accumulator.ts";
import { alreadyThere, differentTypes, noAccumulator } from "./accumulator-errors.ts";

/** The accumulators of one subtask, which all operators of its chain share, as in Flink. @internal */
export class AccumulatorRegistry {
  readonly #accumulators = new Map<string, AnyAccumulator>();

  /** @throws MillraceError `MR_ACCUMULATOR_EXISTS`, `MR_ACCUMULATOR_INVALID` */
  add(name: string, accumulator: AnyAccumulator, operator: string): void {
    checkAccumulator(name, accumulator, operator);
    if (this.#accumulators.has(name)) throw alreadyThere(name, operator);
    this.#accumulators.set(name, accumulator);
  }

  get(name: string): AnyAccumulator | undefined {
    return this.#accumulators.get(name);
  }

  /** The one of this name, which is made when there is none. @throws MillraceError `MR_ACCUMULATOR_CONFLICT` */
  getOrAdd<A extends Accumulator<never, unknown>>(name: string, type: new () => A, operator: string): A {
    const known = this.#accumulators.get(name);
    if (known === undefined) {
      const created = new type();
      this.add(name, created as unknown as AnyAccumulator, operator);
      return created;
    }
    if (!(known instanceof type)) throw differentTypes(name, [accumulatorType(known), type.name], operator);
    return known;
  }

  /** In the order in which they were added. */
  entries(): Iterable<[string, AnyAccumulator]> {
    return this.#accumulators.entries();
  }
}

function checkAccumulator(name: unknown, accumulator: unknown, operator: string): void {
  if (typeof name !== "string" || name === "") throw noAccumulator(name, operator, "no name");
  if (typeof accumulator !== "object" || accumulator === null) {
    throw noAccumulator(name, operator, accumulator === null ? "null" : `a ${typeof accumulator}`);
  }
  const missing = missingMethods(accumulator);
  const type = accumulatorType(accumulator);
  if (missing.length > 0)
    throw noAccumulator(name, operator, `an object of class ${type} without ${missing.join(", ")}`);
  if (hasPrivateFields(Object.getPrototypeOf(accumulator))) {
    throw noAccumulator(name, operator, `an object of class ${type} with #private fields`);
  }
}
