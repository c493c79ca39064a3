import { fromErrorMessage } from "../../base/error-message.ts";
import { type MergedAccumulator, mergedValue } from "./merged-accumulators.ts";

/** What the accumulators of a job have come to, by name. @internal */
export class AccumulatorResults {
  static readonly none: AccumulatorResults = new AccumulatorResults([]);
  readonly #outcomes: ReadonlyMap<string, MergedAccumulator["outcome"]>;
  readonly #lost: Error | undefined;

  private constructor(merged: readonly MergedAccumulator[], lost?: Error) {
    this.#outcomes = new Map(merged.map(({ name, outcome }) => [name, outcome]));
    this.#lost = lost;
  }

  static of(merged: readonly MergedAccumulator[]): AccumulatorResults {
    return new AccumulatorResults(merged);
  }

  /** They are not known, and asking for them throws why. */
  static lost(error: Error): AccumulatorResults {
    return new AccumulatorResults([], error);
  }

  /** Undefined when the job has no accumulator of this name. @throws MillraceError when it could not be merged */
  get(name: string): unknown {
    if (this.#lost !== undefined) throw this.#lost;
    const outcome = this.#outcomes.get(name);
    if (outcome?.kind === "failed") throw fromErrorMessage(outcome.error);
    return outcome === undefined ? undefined : mergedValue(outcome.value);
  }

  /** @throws MillraceError when one of them could not be merged */
  all(): ReadonlyMap<string, unknown> {
    if (this.#lost !== undefined) throw this.#lost;
    return new Map([...this.#outcomes.keys()].map((name) => [name, this.get(name)]));
  }
}
