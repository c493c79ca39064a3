import type { ShapeName, SimulationPlan } from "./plan.ts";

/** A small wrong edit of the engine: what the simulation must notice. */
export interface Mutant {
  readonly name: string;
  /** Below `packages/`. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly original: string;
  readonly mutated: string;
  /** What it breaks. */
  readonly breaks: string;
  /** Shapes in which it shows; all of them when left out. */
  readonly shapes?: readonly ShapeName[];
  readonly hosts?: SimulationPlan["hosts"];
}

/** The text of the file with the edit. @throws when the original text is not there, or there more than once */
export function applyMutant(mutant: Mutant, source: string): string {
  const count = source.split(mutant.original).length - 1;
  if (count !== 1) {
    throw new Error(
      `mutant "${mutant.name}": its original text occurs ${count} times in packages/${mutant.file}, not once`,
    );
  }
  return source.replace(mutant.original, () => mutant.mutated);
}
