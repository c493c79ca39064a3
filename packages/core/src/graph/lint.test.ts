import { describe, expect, test } from "vitest";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import type { Collector, KeyedProcessContext, KeyedProcessFunction, RuntimeContext } from "../operators/functions.ts";
import { CountEvictor } from "../operators/window/evictors/count-evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { buildJobGraph } from "./build-job-graph.ts";
import type { PlanWarning } from "./lint.ts";

type Env = StreamExecutionEnvironment;
const none = WatermarkStrategy.noWatermarks<number>();
const bounded = WatermarkStrategy.forMonotonousTimestamps<number>();

function numbers(
  boundedness: "bounded" | "continuous-unbounded" = "continuous-unbounded",
): DataGeneratorSource<number> {
  return Object.defineProperty(
    DataGeneratorSource.of((index: number) => index, 10),
    "boundedness",
    { value: boundedness },
  );
}

function lint(build: (env: Env) => void): readonly PlanWarning[] {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  build(env);
  return buildJobGraph(env.getTransformations(), {
    name: "test",
    parallelism: 1,
    maxParallelism: undefined,
    isChainingEnabled: true,
    copiesRecords: false,
    autoGenerateUids: true,
  }).warnings;
}

/** The codes without those about uids, which other tests are about. */
function codes(build: (env: Env) => void): readonly string[] {
  return lint(build)
    .map((warning) => warning.code)
    .filter((code) => code !== "MR_LINT_UID_MISSING");
}

class Totals implements KeyedProcessFunction<number, number, number> {
  private total!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.total = context.getState(valueState<number>("total"));
  }

  processElement(n: number, _context: KeyedProcessContext<number>, out: Collector<number>): void {
    this.total.update((this.total.value() ?? 0) + n);
    out.collect(this.total.value() ?? 0);
  }
}

class DeclaredTotals extends Totals {
  readonly state = valueState<number>("declared");
}

class ExpiringTotals extends Totals {
  readonly state = valueState<number>("declared").enableTimeToLive("1 h");

  override open(context: RuntimeContext): void {
    context.getState(this.state.enableTimeToLive("1 h"));
  }
}

class ClearedTotals extends Totals {
  onTimer(): void {}
}

const keyed = (env: Env, fn: Totals, boundedness?: "bounded") =>
  env
    .fromSource(numbers(boundedness), none, "numbers")
    .keyBy((n) => n % 2)
    .process(fn)
    .uid("totals")
    .print();

describe("U18: MR_LINT_STATE_UNBOUNDED", () => {
  test("is given for keyed state without TTL, timer or removal in a job without end, by name and place", () => {
    const [warning, ...others] = lint((env) => void keyed(env, new DeclaredTotals()));
    expect(others).toEqual([]);
    expect(warning).toMatchObject({
      code: "MR_LINT_STATE_UNBOUNDED",
      operator: "KeyedProcess",
      at: expect.stringMatching(/lint\.test\.ts:\d+:\d+$/) as string,
    });
    expect(warning!.message).toMatch(/^keeps "declared", "total" for every key .*\.enableTimeToLive\(…\)/);
  });

  test("is not given where values expire, a timer is there, the input ends, or no state is seen", () => {
    expect(codes((env) => void keyed(env, new ExpiringTotals()))).toEqual([]);
    expect(codes((env) => void keyed(env, new ClearedTotals()))).toEqual([]);
    expect(codes((env) => void keyed(env, new Totals(), "bounded"))).toEqual([]);
    const none = { processElement: () => {} };
    expect(
      codes((env) => {
        env
          .fromSource(numbers(), bounded, "numbers")
          .keyBy((n) => n)
          .process(none)
          .uid("p")
          .print();
      }),
    ).toEqual([]);
  });
});

const windowed = (env: Env, strategy: WatermarkStrategy<number>, boundedness?: "bounded") =>
  env
    .fromSource(numbers(boundedness), strategy, "numbers")
    .keyBy((n) => n)
    .window(TumblingEventTimeWindows.of("1 s"))
    .reduce((left) => left)
    .uid("window")
    .print();

describe("U18: MR_LINT_WATERMARKS_MISSING, event time without watermarks", () => {
  test("is given for a window without watermarks upstream, and names the source", () => {
    const [warning] = lint((env) => void windowed(env, none));
    expect(warning).toMatchObject({ code: "MR_LINT_WATERMARKS_MISSING" });
    expect(warning!.message).toMatch(/^fires its windows .*"Source: numbers" \(.*lint\.test\.ts:\d+:\d+\)/);
  });

  test("is given when one of several inputs has none, for interval joins and for event-time timers", () => {
    const both = (env: Env, other: WatermarkStrategy<number>): void => {
      const left = env.fromSource(numbers(), bounded, "left").keyBy((n) => n);
      const right = env.fromSource(numbers(), other, "right").keyBy((n) => n);
      left
        .intervalJoin(right)
        .between("-1 s", "1 s")
        .process({ processElement: (l: number, r: number, _context, out: Collector<number>) => out.collect(l + r) })
        .uid("join")
        .print();
    };
    expect(codes((env) => both(env, none))).toEqual(["MR_LINT_WATERMARKS_MISSING"]);
    expect(codes((env) => both(env, bounded))).toEqual([]);
    const timers = {
      processElement: (n: number, context: KeyedProcessContext<number>) =>
        context.timerService.registerEventTimeTimer(n),
    };
    const withTimers = (env: Env, strategy: WatermarkStrategy<number>): void => {
      const stream = env.fromSource(numbers(), strategy, "numbers").keyBy((n) => n);
      stream.process(timers).uid("timers").print();
    };
    expect(codes((env) => withTimers(env, none))).toEqual(["MR_LINT_WATERMARKS_MISSING"]);
    expect(codes((env) => withTimers(env, bounded))).toEqual([]);
  });

  test("is given for windows with an evictor, unless a trigger fires them without event time", () => {
    const counted = (env: Env, strategy: WatermarkStrategy<number>, trigger?: CountTrigger): void => {
      const windows = env
        .fromSource(numbers(), strategy, "numbers")
        .keyBy((n) => n)
        .window(TumblingEventTimeWindows.of("1 s"))
        .evictor(CountEvictor.of(3));
      const fired = trigger === undefined ? windows : windows.trigger(trigger);
      fired
        .reduce((left) => left)
        .uid("window")
        .print();
    };
    expect(codes((env) => counted(env, none))).toEqual(["MR_LINT_WATERMARKS_MISSING"]);
    expect(codes((env) => counted(env, bounded))).toEqual([]);
    expect(codes((env) => counted(env, none, CountTrigger.of(2)))).toEqual([]);
  });

  test("is not given when watermarks are made above, the input ends, or the silent input counts as idle", () => {
    expect(codes((env) => void windowed(env, bounded))).toEqual([]);
    expect(codes((env) => void windowed(env, none, "bounded"))).toEqual([]);
    expect(
      codes((env) => {
        const silent = env.fromSource(numbers(), none.withIdleness("1 s"), "silent");
        env
          .fromSource(numbers(), bounded, "numbers")
          .union(silent)
          .keyBy((n) => n)
          .window(TumblingEventTimeWindows.of("1 s"))
          .reduce((left) => left)
          .uid("window")
          .print();
      }),
    ).toEqual([]);
    expect(
      codes((env) => {
        env
          .fromSource(numbers(), none, "numbers")
          .assignTimestampsAndWatermarks(bounded)
          .keyBy((n) => n)
          .window(TumblingEventTimeWindows.of("1 s"))
          .reduce((left) => left)
          .uid("window")
          .print();
      }),
    ).toEqual([]);
  });
});

describe("U18: MR_LINT_NOT_REPEATABLE", () => {
  const reduced = (env: Env, fn: (left: number, right: number) => number) =>
    env
      .fromSource(numbers(), bounded, "numbers")
      .keyBy((n) => n)
      .reduce(fn)
      .uid("reduce")
      .print();

  test("is given for Date.now, new Date() and Math.random in functions of keyed operators", () => {
    expect(codes((env) => void reduced(env, () => Date.now()))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    expect(codes((env) => void reduced(env, () => new Date().getDay()))).toEqual(["MR_LINT_NOT_REPEATABLE"]);
    const [warning] = lint((env) => void reduced(env, () => Math.random() + Date.now()));
    expect(warning!.message).toContain("uses Date.now and Math.random in keyed code");
  });

  test("is not given for dates of the record, for text and comments, or outside of keyed operators", () => {
    expect(codes((env) => void reduced(env, (left, right) => new Date(left).getTime() + right))).toEqual([]);
    expect(codes((env) => void reduced(env, (left) => (String(left) === "Date.now()" ? 1 : 2)))).toEqual([]);
    const commented = new Function("left", "/* Date.now() */ // Math.random()\nreturn left;");
    expect(codes((env) => void reduced(env, (left) => commented(left) as number))).toEqual([]);
    expect(codes((env) => void reduced(env, commented as () => number))).toEqual([]);
    expect(
      codes(
        (env) =>
          void env
            .fromSource(numbers(), bounded, "numbers")
            .map(() => Date.now())
            .print(),
      ),
    ).toEqual([]);
  });
});

test("U18: warnings come once, before the job runs, and stop nothing", () => {
  const warnings = lint((env) => {
    const stream = keyed(env, new Totals());
    void stream;
    windowed(env, none);
  });
  expect(warnings.map((warning) => warning.code)).toEqual(["MR_LINT_STATE_UNBOUNDED", "MR_LINT_WATERMARKS_MISSING"]);
});
