import type { StateWish } from "./draw-state.ts";
import type { ShapeName, SimulationPlan } from "./plan.ts";

/** A small wrong edit of the engine: what the simulation must notice. */
export interface Mutant {
  readonly name: string;
  /** Below `packages/`, or of the simulation: `../tests/simulation/...`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly original: string;
  readonly mutated: string;
  /** More edits of the same file, where one alone would not run. */
  readonly also?: readonly Edit[];
  /** What it breaks. */
  readonly breaks: string;
  /** Shapes in which it shows; all of them when left out. */
  readonly shapes?: readonly ShapeName[];
  readonly hosts?: SimulationPlan["hosts"];
  /** Where the job's keyed state has to be for it to show. */
  readonly state?: StateWish;
}

export interface Edit {
  readonly original: string;
  readonly mutated: string;
}

/** The text of the file with the edits. @throws when the original text is not there, or there more than once */
export function applyMutant(mutant: Mutant, source: string): string {
  const { name, file, original, mutated, also = [] } = mutant;
  return [{ original, mutated }, ...also].reduce((text, edit) => {
    const count = text.split(edit.original).length - 1;
    if (count !== 1) {
      throw new Error(`mutant "${name}": its original text occurs ${count} times in packages/${file}, not once`);
    }
    return text.replace(edit.original, () => edit.mutated);
  }, source);
}
