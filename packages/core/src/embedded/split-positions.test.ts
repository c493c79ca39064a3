/** Splits that are assigned, and readers that die, at every place of a checkpoint: every number is written once. */
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import type { Source, SourceReader, SplitEnumerator } from "../connectors/source.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { type PulledSplit, pulledSource } from "../testing/pulled-source.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";

type Reader = SourceReader<number, PulledSplit>;
type Enumerator = SplitEnumerator<PulledSplit, readonly PulledSplit[]>;

const SPLITS = 10;
const PER_SPLIT = 4;
const ALL = Array.from({ length: SPLITS * PER_SPLIT }, (_, n) => n);

/** The places of a checkpoint, in their order when nothing disturbs it. */
const PLACES = [
  "before the enumerator's snapshot",
  "behind the enumerator's snapshot",
  "before the barrier",
  "behind the barrier",
  "when it is complete",
  "until the next one",
] as const;
type Place = (typeof PLACES)[number];

/** The first checkpoint at which the reader may die. */
const DEADLY_CHECKPOINT = 3;

/** Has splits assigned at one place of every checkpoint only, and the first reader die at one place of one of them. */
class Moments {
  readonly reached: Set<Place> = new Set();
  deaths = 0;
  readonly #platform: SimulatedPlatform;
  readonly #assigned: Place;
  readonly #deadly: Place;
  #assign: () => void = () => {};
  #isDoomed = false;
  #wake: () => void = () => {};

  constructor(platform: SimulatedPlatform, assigned: Place, deadly: Place) {
    this.#platform = platform;
    this.#assigned = assigned;
    this.#deadly = deadly;
  }

  source(): Source<number, PulledSplit, readonly PulledSplit[]> {
    const inner = pulledSource({ splits: SPLITS, numbersPerSplit: PER_SPLIT, pauseMs: 7 });
    return {
      ...inner,
      createReader: (context) => this.#reader(inner.createReader(context), context.subtaskIndex === 0),
      createEnumerator: (context) => this.#enumerator(inner.createEnumerator(context)),
      restoreEnumerator: (context, state) => this.#enumerator(inner.restoreEnumerator(context, state)),
    };
  }

  #reach(place: Place, checkpointId: number): void {
    this.reached.add(place);
    if (place === this.#assigned) this.#assign();
    if (place !== this.#deadly || checkpointId < DEADLY_CHECKPOINT || this.deaths > 0) return;
    this.#isDoomed = true;
    this.#wake();
  }

  #enumerator(inner: Enumerator): Enumerator {
    const asking = new Set<number>();
    this.#assign = () => {
      for (const subtaskIndex of asking) inner.handleSplitRequest(subtaskIndex);
      asking.clear();
    };
    return {
      start: () => inner.start(),
      addReader: (subtaskIndex) => inner.addReader(subtaskIndex),
      // A reader that is lost since is given splits all the same.
      handleSplitRequest: (subtaskIndex) => void asking.add(subtaskIndex),
      addSplitsBack: (splits, subtaskIndex) => inner.addSplitsBack(splits, subtaskIndex),
      snapshotState: (checkpointId) => {
        this.#reach("before the enumerator's snapshot", checkpointId);
        queueMicrotask(() => this.#reach("behind the enumerator's snapshot", checkpointId));
        return inner.snapshotState(checkpointId);
      },
      close: () => inner.close(),
    };
  }

  #reader(inner: Reader, isMortal: boolean): Reader {
    const woken = new Promise<void>((resolve) => {
      if (isMortal) this.#wake = resolve;
    });
    const dieIfDoomed = (): void => {
      if (!isMortal || !this.#isDoomed) return;
      this.#isDoomed = false;
      this.deaths++;
      throw new Error("the reader dies");
    };
    return {
      start: () => inner.start(),
      pollNext: (output) => {
        dieIfDoomed();
        return inner.pollNext(output);
      },
      snapshotState: (checkpointId) => {
        this.#reach("before the barrier", checkpointId);
        dieIfDoomed();
        queueMicrotask(() => this.#reach("behind the barrier", checkpointId));
        return inner.snapshotState(checkpointId);
      },
      isAvailable: () => Promise.race([inner.isAvailable(), woken]),
      addSplits: (splits) => inner.addSplits(splits),
      notifyNoMoreSplits: () => inner.notifyNoMoreSplits(),
      notifyCheckpointComplete: (checkpointId) => {
        this.#reach("when it is complete", checkpointId);
        this.#platform.clock.after(10, () => this.#reach("until the next one", checkpointId));
      },
      close: () => inner.close(),
    };
  }
}

interface Run {
  readonly assigned: Place;
  readonly deadly: Place;
  /** All tasks are one region, so that all of them go back with the reader. */
  readonly isShuffled: boolean;
}

async function run({ assigned, deadly, isShuffled }: Run): Promise<unknown> {
  const platform = createSimulatedPlatform({ seed: `${assigned}, ${deadly}` });
  const settings = {
    "parallelism.default": "2",
    "execution.checkpointing.interval": "30 ms",
    "execution.checkpointing.dir": "/checkpoints",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1",
    "restart-strategy.fixed-delay.delay": "20 ms",
  };
  const configuration = Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
  const env = StreamExecutionEnvironment.on(platform, configuration);
  const moments = new Moments(platform, assigned, deadly);
  const rows = new CommittedRows();
  const numbers = env.fromSource(moments.source(), WatermarkStrategy.noWatermarks(), "numbers");
  (isShuffled ? numbers.keyBy((n) => n % 5).map((n) => n) : numbers.map((n) => n)).sinkTo(rows.sink());
  await platform.run(() => env.execute(), 60_000);
  return {
    reached: PLACES.filter((place) => moments.reached.has(place)),
    deaths: moments.deaths,
    numbers: rows.rows.map(Number).toSorted((left, right) => left - right),
  };
}

describe("FLINK-16986: each split is read once, wherever in a checkpoint it was assigned and its reader died", () => {
  test.each(PLACES)("S53: assigned %s", async (assigned) => {
    for (const isShuffled of [true, false])
      for (const deadly of PLACES)
        expect(await run({ assigned, deadly, isShuffled }), `death ${deadly}, ${isShuffled}`).toEqual({
          reached: PLACES,
          deaths: 1,
          numbers: ALL,
        });
  });
});
