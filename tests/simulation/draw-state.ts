/** Draws where a plan's job keeps its keyed state: on the heap, unless stores on the machine's disk are drawn. */
import type { SeededRandom } from "millrace/internal";
import type { ShapeName, SimulationPlan } from "./plan.ts";
import { pick } from "./random-picks.ts";

export type StateWish = "hashmap" | "rocksdb";

/** Of the plans whose job has keyed state. */
const STORED_ONE_IN = 3;

/** More keys than the cache has room for at least (16), in some plans. */
const KEYS_FACTOR = 6;

export interface DrawnState extends Pick<SimulationPlan, "savepointFormat"> {
  readonly settings: Readonly<Record<string, string>>;
  readonly keysFactor: number;
}

const ON_THE_HEAP: DrawnState = { settings: {}, keysFactor: 1 };

/** @param given - What has been drawn before; the new settings take the place of some of them. */
export function drawState(
  random: SeededRandom,
  shape: ShapeName,
  given: SimulationPlan["settings"],
  wish: StateWish | undefined,
): DrawnState {
  const isDrawn = random.below(STORED_ONE_IN) === 0;
  const isStored = wish === undefined ? isDrawn : wish === "rocksdb";
  if (!isStored || shape === "pipelines") return ON_THE_HEAP;
  const isIncremental = random.below(4) > 0;
  const isInline = random.below(4) === 0;
  const isClaimed = random.below(4) === 0;
  return {
    keysFactor: pick(random, [1, KEYS_FACTOR]),
    ...(random.below(2) === 0 ? { savepointFormat: "NATIVE" } : {}),
    settings: {
      "state.backend.type": "rocksdb",
      "state.backend.rocksdb.object-cache.max-entries": pick(random, ["16", "16", "1000"]),
      ...(isIncremental ? { "execution.checkpointing.incremental": "true" } : {}),
      // Files of small stores are small: as files, not within the metadata.
      ...(isInline ? {} : { "execution.checkpointing.data-inline-threshold": pick(random, ["0 b", "0 b", "100 b"]) }),
      // What is written for every store takes a healthy disk longer than this.
      ...(given["execution.checkpointing.timeout"] === "30 ms" ? { "execution.checkpointing.timeout": "150 ms" } : {}),
      ...(isClaimed ? { "execution.state-recovery.claim-mode": "CLAIM" } : {}),
    },
  };
}
