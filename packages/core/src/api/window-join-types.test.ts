/** Window joins and co-groups as the compiler sees them, and what they refuse without it. */
import { expect, expectTypeOf, test } from "vitest";
import type { TaggedUnion } from "../operators/window/co-group-window-function.ts";
import type { TimestampedValue } from "../operators/window/evictors/evictor.ts";
import { CountTrigger } from "../operators/window/triggers/count-trigger.ts";
import { DeltaTrigger } from "../operators/window/triggers/delta-trigger.ts";
import { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { GlobalWindows } from "../time/global-windows.ts";
import { EventTimeSessionWindows } from "../time/session-windows.ts";
import type { TimeWindow } from "../time/time-window.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import type { GlobalWindow } from "../time/window.ts";
import type { DataStream, SingleOutputStreamOperator } from "./data-stream.ts";
import type { JoinedWithWindow } from "./joined-streams.ts";

interface Left {
  readonly key: string;
  readonly id: number;
}

interface Right {
  readonly of: string;
  readonly cents: number;
}

const env = StreamExecutionEnvironment.getExecutionEnvironment();
const lefts: DataStream<Left> = env.fromData<Left>([]);
const rights: DataStream<Right> = env.fromData<Right>([]);
/** What a program without type checks passes. */
const untyped = (value: unknown): never => value as never;

test("S10: the types of sides, keys and results are inferred", () => {
  const windows = lefts
    .join(rights)
    .where((left) => left.key)
    .equalTo((right) => right.of)
    .window(TumblingEventTimeWindows.of(1));
  expectTypeOf(windows.apply((left, right) => [left.id, right.of] as const)).toEqualTypeOf<
    SingleOutputStreamOperator<readonly [number, string]>
  >();
  const joined = windows.apply({ join: (left, right) => left.id + right.cents });
  expectTypeOf(joined).toEqualTypeOf<SingleOutputStreamOperator<number>>();
  const grouped = lefts
    .coGroup(rights)
    .where((left) => [left.key, 1])
    .equalTo((right) => [right.of, 1])
    .window(EventTimeSessionWindows.withGap(1))
    .apply(function* (first, second) {
      expectTypeOf(first).toEqualTypeOf<readonly Left[]>();
      expectTypeOf(second).toEqualTypeOf<readonly Right[]>();
      yield first.length;
    });
  expectTypeOf(grouped).toEqualTypeOf<SingleOutputStreamOperator<number>>();
  const told = windows.trigger(CountTrigger.of(2)).evictor({
    evictBefore(elements, size, window) {
      expectTypeOf(elements).toEqualTypeOf<TimestampedValue<TaggedUnion<Left, Right>>[]>();
      expectTypeOf(size).toEqualTypeOf<number>();
      expectTypeOf(window).toEqualTypeOf<TimeWindow>();
    },
    evictAfter() {},
  });
  expectTypeOf(told).toEqualTypeOf<JoinedWithWindow<Left, Right, TumblingEventTimeWindows>>();
  pair.window(GlobalWindows.create()).evictor({
    evictBefore: (_elements, _size, window) => void expectTypeOf(window).toEqualTypeOf<GlobalWindow>(),
    evictAfter() {},
  });
  pair.window(
    EventTimeSessionWindows.withDynamicGap((element: TaggedUnion<Left, Right>) =>
      "first" in element ? element.first.id : element.second.cents,
    ),
  );
  expect(misuses).toBeTypeOf("function");
});

/** Never called: each statement is an error that the compiler must report. */
export function misuses(): void {
  const where = lefts.join(rights).where((left) => left.key);
  // @ts-expect-error the keys have different types
  where.equalTo((right) => right.cents);
  // @ts-expect-error a Date is no key
  lefts.join(rights).where(() => new Date());
  // @ts-expect-error the windows come first
  where.equalTo((right) => right.of).apply(() => 1);
  const windows = where.equalTo((right) => right.of).window(TumblingEventTimeWindows.of(1));
  // @ts-expect-error a gap of other records
  where.equalTo((right) => right.of).window(EventTimeSessionWindows.withDynamicGap((left: Left) => left.id));
  // @ts-expect-error a trigger of other records
  windows.trigger(DeltaTrigger.of<number>(1, (left, right) => right - left));
  // @ts-expect-error a Promise has no place in a join
  windows.apply(async () => 1);
  const grouped = lefts.coGroup(rights).where(String).equalTo(String).window(TumblingEventTimeWindows.of(1));
  // @ts-expect-error a co-group returns all its results
  grouped.apply(() => 1);
}

const pair = lefts
  .join(rights)
  .where((left) => left.key)
  .equalTo((right) => right.of);
const refused: readonly (readonly [what: string, build: () => unknown, code: string, message: string])[] = [
  ["no stream", () => lefts.join(untyped(7)), "MR_ARGUMENT_INVALID", "a stream"],
  ["no selector", () => lefts.coGroup(rights).where(untyped("key")), "MR_ARGUMENT_INVALID", "where"],
  ["no second selector", () => lefts.join(rights).where(String).equalTo(untyped(1)), "MR_ARGUMENT_INVALID", "equalTo"],
  ["no windows", () => pair.window(untyped("1 h")), "MR_ARGUMENT_INVALID", "window"],
  [
    "no trigger",
    () => pair.window(TumblingEventTimeWindows.of(1)).trigger(untyped(5)),
    "MR_ARGUMENT_INVALID",
    "trigger",
  ],
  [
    "no evictor",
    () => pair.window(TumblingEventTimeWindows.of(1)).evictor(untyped({})),
    "MR_ARGUMENT_INVALID",
    "evict",
  ],
  [
    "an async join",
    () => pair.window(TumblingEventTimeWindows.of(1)).apply(untyped(async () => 1)),
    "MR_ASYNC_NOT_ALLOWED",
    "async",
  ],
];

test.each(refused)("S10: %s is refused while the pipeline is built", (_what, build, code, message) => {
  expect(build).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});
