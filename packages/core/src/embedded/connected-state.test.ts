/** State that both inputs of connected streams share, in whole jobs over restarts. */
import { describe, expect, test } from "vitest";
import type {
  CoFlatMapFunction,
  Collector,
  CoMapFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import type { MapState, ValueState } from "../state/keyed-state.ts";
import { mapState, valueState } from "../state/state-descriptors.ts";
import { byText, counted, numbers, RECORDS, range, rowsOfFailingJob } from "../testing/failing-jobs.ts";
import { t } from "../types/declared-types.ts";

const parallelisms = [1, 2] as const;

describe("S12: connected keyed streams", () => {
  class CoCounting implements CoMapFunction<number, string, [string, number]> {
    private counts!: MapState<string, number>;
    open(context: RuntimeContext): void {
      this.counts = context.getMapState(mapState("counts", t.string, t.int32));
    }

    map1(n: number): [string, number] {
      return this.count(`n${n % 3}`);
    }

    map2(text: string): [string, number] {
      return this.count(`n${Number(text) % 3}`);
    }

    private count(key: string): [string, number] {
      const count = (this.counts.get(key) ?? 0) + 1;
      this.counts.put(key, count);
      return [key, count];
    }
  }

  class CoSumming implements CoFlatMapFunction<number, string, string> {
    private total!: ValueState<number>;
    open(context: RuntimeContext): void {
      this.total = context.getState(valueState("total", t.int32));
    }

    flatMap1(_n: number, out: Collector<string>): void {
      this.flatMap2("", out);
    }

    flatMap2(_text: string, out: Collector<string>): void {
      const total = (this.total.value() ?? 0) + 1;
      this.total.update(total);
      if (total % 10 === 0) out.collect(`total ${total}`);
    }
  }

  /** Counts both inputs of a key; a timer behind the last record tells how many of each there were. */
  class CoProcessing implements KeyedCoProcessFunction<number, number, string, string> {
    private counts!: MapState<string, number>;
    open(context: RuntimeContext): void {
      this.counts = context.getMapState(mapState("counts", t.string, t.int32));
    }

    processElement1(_n: number, context: KeyedProcessContext<number>): void {
      this.count("left", context);
    }

    processElement2(_text: string, context: KeyedProcessContext<number>): void {
      this.count("right", context);
    }

    onTimer(timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
      out.collect(`${context.currentKey}: ${this.counts.get("left")} ${this.counts.get("right")} at ${timeMs}`);
    }

    private count(side: string, { timerService }: KeyedProcessContext<number>): void {
      this.counts.put(side, (this.counts.get(side) ?? 0) + 1);
      timerService.registerEventTimeTimer(RECORDS);
    }
  }

  test.each(parallelisms)(
    "S12: both inputs of a process function share keyed state and timers, over restarts, at p = %i",
    async (p) => {
      const rows = await rowsOfFailingJob(p, (env, fails, target) => {
        const left = numbers(env)
          .map(fails)
          .keyBy((n) => n % 3);
        const right = numbers(env)
          .filter((n) => n % 2 === 0)
          .map((n) => `${n}`)
          .keyBy((text) => Number(text) % 3);
        left.connect(right).process(new CoProcessing()).uid("co-process").sinkTo(target.sink()).uid("rows");
      });
      const of = (key: number, step: number): number =>
        range(RECORDS).filter((n) => n % 3 === key && n % step === 0).length;
      expect(rows.toSorted()).toEqual([0, 1, 2].map((key) => `${key}: ${of(key, 1)} ${of(key, 2)} at ${RECORDS}`));
    },
  );

  test.each(parallelisms)(
    "S12: both inputs of map1/map2 and flatMap1/flatMap2 share keyed state, at p = %i",
    async (p) => {
      const rows = await rowsOfFailingJob(p, (env, fails, target) => {
        const left = numbers(env)
          .map(fails)
          .keyBy((n) => n % 3);
        const right = numbers(env)
          .map((n) => `${n}`)
          .keyBy((text) => Number(text) % 3);
        left.connect(right).map(new CoCounting()).uid("co-map").sinkTo(target.sink()).uid("rows-map");
        left.connect(right).flatMap(new CoSumming()).uid("co-flat-map").sinkTo(target.sink()).uid("rows-flat");
      });
      const counts = counted(RECORDS, 3).flatMap(([key, count]) => [
        [`n${key}`, 2 * count - 1],
        [`n${key}`, 2 * count],
      ]);
      expect(rows.filter((row) => typeof row !== "string").toSorted(byText)).toEqual(counts.toSorted(byText));
      const totals = [134, 134, 132].flatMap((n) =>
        range(Math.floor(n / 10)).map((each) => `total ${(each + 1) * 10}`),
      );
      expect(rows.filter((row) => typeof row === "string").toSorted()).toEqual(totals.toSorted());
    },
  );
});
