/** Some faults of a plan wait for an effect of one kind, at a place where much depends on what comes after it. */
import type { SeededRandom } from "millrace/internal";
import type { AwaitedEffect, Fault, SimulationPlan } from "./plan.ts";
import { pick } from "./random-picks.ts";

type Place = NonNullable<AwaitedEffect["of"]>;

const PLACES: readonly Place[] = [
  ["rename", "/_metadata"],
  ["sync directory", "/checkpoints"],
  ["remove", "/checkpoints"],
];
const PLACES_OF_FILES: readonly Place[] = [["write", "/out"], ["rename", "/out"], ["/out"]];
const PLACES_OF_CLUSTERS: readonly Place[] = [
  ["/jobs"],
  ["/jobs", "/job-"],
  ["/jobs", "/checkpoint-"],
  ["/jobs", "/checkpoint-"],
  ["/jobs", "/end-"],
];

/** Of the faults that wait for an effect. */
const PLACED_ONE_IN = 3;
const NUMBER_MAX = 6;

export function placeFaults(
  random: SeededRandom,
  { hosts, shape }: Pick<SimulationPlan, "hosts" | "shape">,
  faults: readonly Fault[],
): readonly Fault[] {
  const places = [
    ...PLACES,
    ...(shape === "files" ? PLACES_OF_FILES : []),
    ...(hosts === "cluster" ? PLACES_OF_CLUSTERS : []),
  ];
  return faults.map((fault) => {
    const { effect } = fault.at;
    if (effect === undefined || random.below(PLACED_ONE_IN) > 0) return fault;
    const placed = { number: 1 + random.below(NUMBER_MAX), phase: effect.phase, of: pick(random, places) };
    return { ...fault, at: { ...fault.at, effect: placed } };
  });
}
