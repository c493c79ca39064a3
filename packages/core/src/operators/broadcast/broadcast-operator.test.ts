import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import type { ValueState } from "../../state/keyed-state.ts";
import type { BroadcastState } from "../../state/operator-state.ts";
import { listState, mapState, valueState } from "../../state/state-descriptors.ts";
import { type HarnessSnapshot, OperatorHarness } from "../../testing/operator-harness.ts";
import { t } from "../../types/declared-types.ts";
import type { Collector, RuntimeContext } from "../functions.ts";
import type { TransformSpec } from "../operator-spec.ts";
import { OutputTag } from "../output-tag.ts";
import type {
  BroadcastContext,
  BroadcastOnTimerContext,
  BroadcastProcessFunction,
  KeyedBroadcastContext,
  KeyedBroadcastProcessFunction,
  KeyedReadOnlyContext,
  ReadOnlyContext,
} from "./broadcast-functions.ts";
import { BroadcastOperator } from "./broadcast-operator.ts";
import { KeyedBroadcastOperator } from "./keyed-broadcast-operator.ts";

interface Rule {
  readonly name: string;
  readonly limit: number;
}

interface Order {
  readonly user: string;
  readonly price: number;
}

const rules = mapState("rules", t.string, t.float64);
const applied = new OutputTag<string>("applied");
const states = [rules] as unknown as ConstructorParameters<typeof BroadcastOperator>[2];
const platform = createSimulatedPlatform({ seed: 1 });

function specOf(create: TransformSpec["create"], isKeyed: boolean): TransformSpec {
  const key = (order: unknown): string => (order as Order).user;
  const none = { isStateful: true, details: {}, hasSideOutput: () => true, label: "broadcast" };
  return { kind: "transform", keys: [isKeyed ? key : undefined, undefined], create, ...none };
}

function unkeyed(fn: BroadcastProcessFunction<Order, Rule, unknown>, restore?: HarnessSnapshot): OperatorHarness {
  const spec = specOf(
    (host) => new BroadcastOperator(host, fn as BroadcastProcessFunction<unknown, unknown, unknown>, states),
    false,
  );
  return new OperatorHarness(spec, {
    platform,
    sideOutputs: ["applied"],
    ...(restore === undefined ? {} : { restore }),
  });
}

function keyed(
  fn: KeyedBroadcastProcessFunction<string, Order, Rule, unknown>,
  restore?: HarnessSnapshot,
): OperatorHarness {
  const untyped = fn as KeyedBroadcastProcessFunction<unknown, unknown, unknown, unknown>;
  const spec = specOf((host) => new KeyedBroadcastOperator(host, untyped, states), true);
  return new OperatorHarness(spec, {
    platform,
    sideOutputs: ["applied"],
    ...(restore === undefined ? {} : { restore }),
  });
}

const values = (of: OperatorHarness, tag?: string): unknown[] => of.output(tag).map(({ value }) => value);

class OverTheLimit implements BroadcastProcessFunction<Order, Rule, string> {
  processElement(order: Order, context: ReadOnlyContext, out: Collector<string>): void {
    for (const [name, limit] of context.getBroadcastState(rules).immutableEntries()) {
      if (order.price <= limit) continue;
      out.collect(`${name} ${order.user} ${order.price}`);
    }
  }

  processBroadcastElement(rule: Rule, context: BroadcastContext): void {
    const state = context.getBroadcastState(rules);
    if (rule.limit < 0) state.remove(rule.name);
    else state.put(rule.name, rule.limit);
    context.output(applied, rule.name);
  }
}

/** Counts orders per user; a rule named "reset" sets all counts to its limit; a timer forgets them. */
class Counting implements KeyedBroadcastProcessFunction<string, Order, Rule, string> {
  private counts!: ValueState<number>;
  private readonly descriptor = valueState("counts", t.int32);

  open(context: RuntimeContext): void {
    this.counts = context.getState(this.descriptor);
  }

  processElement(order: Order, context: KeyedReadOnlyContext<string>, out: Collector<string>): void {
    const count = (this.counts.value() ?? 0) + 1;
    this.counts.update(count);
    context.timerService.registerEventTimeTimer(1000);
    const limit = context.getBroadcastState(rules).get("limit");
    out.collect(`${order.user} ${count} of ${limit}`);
    context.output(applied, context.currentKey);
  }

  processBroadcastElement(rule: Rule, context: KeyedBroadcastContext<string>): void {
    context.getBroadcastState(rules).put(rule.name, rule.limit);
    if (rule.name !== "reset") return;
    context.applyToKeyedState(this.descriptor, (key, counts) => {
      if (key === "gone") counts.clear();
      else {
        // Cleared and written again: a new entry, which must not be visited twice.
        counts.clear();
        counts.update(rule.limit);
      }
    });
  }

  onTimer(timeMs: number, context: BroadcastOnTimerContext<string>, out: Collector<string>): void {
    const limit = context.getBroadcastState(rules).get("limit");
    out.collect(`${context.currentKey} ${this.counts.value()} at ${timeMs} of ${limit} in ${context.timeDomain}`);
    context.output(applied, "timer");
    this.counts.clear();
  }
}

describe("F01: BroadcastProcessFunction", () => {
  test("F01: every record is seen with the rules that came before it, over restores at every step", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ name: fc.constantFrom("a", "b"), limit: fc.integer({ min: -1, max: 5 }) }),
        fc.record({ user: fc.constantFrom("x", "y"), price: fc.integer({ min: 0, max: 6 }) }),
        fc.constant("restore" as const),
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (todo) => {
        let running = unkeyed(new OverTheLimit());
        const limits = new Map<string, number>();
        const expected: string[] = [];
        const found: unknown[] = [];
        for (const step of todo) {
          if (step === "restore") running = unkeyed(new OverTheLimit(), running.snapshot());
          else if ("name" in step) {
            running.element(step, 1, 1);
            if (step.limit < 0) limits.delete(step.name);
            else limits.set(step.name, step.limit);
          } else {
            running.element(step, 1, 0);
            for (const [name, limit] of limits)
              if (step.price > limit) expected.push(`${name} ${step.user} ${step.price}`);
          }
          found.push(...values(running));
        }
        expect(found).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  test("results and side outputs have the time of their record", () => {
    const running = unkeyed(new OverTheLimit());
    running.element({ name: "a", limit: 0 }, 7, 1);
    running.element({ user: "x", price: 1 }, 9, 0);
    expect(running.output("applied")).toEqual([{ value: "a", timestampMs: 7 }]);
    expect(running.output()).toEqual([{ value: "a x 1", timestampMs: 9 }]);
  });

  test("S22: the side of the records cannot change broadcast state, whatever the types are made to say", () => {
    const changes: ((state: BroadcastState<string, number>) => void)[] = [
      (state) => state.put("a", 1),
      (state) => state.putAll([["a", 1]]),
      (state) => state.remove("a"),
      (state) => state.clear(),
    ];
    for (const change of changes) {
      const running = unkeyed({
        processElement: (_order, context) =>
          change(context.getBroadcastState(rules) as unknown as BroadcastState<string, number>),
        processBroadcastElement: () => {},
      });
      expect(() => running.element({ user: "x", price: 1 }, 0, 0)).toThrow(/MR_BROADCAST_STATE_READ_ONLY.*state rules/);
    }
  });

  test("a state that the stream was not broadcast with is refused by name", () => {
    const other = mapState<string, number>("other");
    const running = unkeyed({
      processElement: () => {},
      processBroadcastElement: (_rule, context) => void context.getBroadcastState(other),
    });
    expect(() => running.element({ name: "a", limit: 1 }, 0, 1)).toThrow(
      /MR_BROADCAST_STATE_UNKNOWN.*Found: "other"\. Expected: "rules"/,
    );
  });
});

describe("F01: KeyedBroadcastProcessFunction", () => {
  test("F01: keyed state and timers belong to the records' keys, broadcast state to all", () => {
    let running = keyed(new Counting());
    running.element({ name: "limit", limit: 5 }, 0, 1);
    running.element({ user: "x", price: 1 }, 1, 0);
    running.element({ user: "y", price: 1 }, 2, 0);
    running.element({ user: "x", price: 1 }, 3, 0);
    expect(values(running)).toEqual(["x 1 of 5", "y 1 of 5", "x 2 of 5"]);
    expect(values(running, "applied")).toEqual(["x", "y", "x"]);
    running = keyed(new Counting(), running.snapshot());
    running.watermark(2000, 0);
    expect(values(running)).toEqual([]);
    running.watermark(2000, 1);
    expect(running.output()).toEqual([
      { value: "x 2 at 1000 of 5 in event", timestampMs: 1000 },
      { value: "y 1 at 1000 of 5 in event", timestampMs: 1000 },
    ]);
    expect(values(running, "applied")).toEqual(["timer", "timer"]);
    running.element({ user: "x", price: 1 }, 2001, 0);
    expect(values(running)).toEqual(["x 1 of 5"]);
  });

  test("F01: applyToKeyedState visits every key with a value once, and may change and clear it", () => {
    const running = keyed(new Counting());
    for (const user of ["x", "y", "gone"]) running.element({ user, price: 1 }, 1, 0);
    running.element({ name: "reset", limit: 10 }, 0, 1);
    for (const user of ["x", "y", "gone"]) running.element({ user, price: 1 }, 1, 0);
    expect(values(running).slice(3)).toEqual(["x 11 of undefined", "y 11 of undefined", "gone 1 of undefined"]);
  });

  test.each<[string, (context: KeyedBroadcastContext<string>, counts: ValueState<number>) => void]>([
    ["reading keyed state", (_context, counts) => void counts.value()],
    ["writing keyed state", (_context, counts) => counts.update(1)],
    ["clearing keyed state", (_context, counts) => counts.clear()],
    [
      "a timer",
      (context) => (context as unknown as KeyedReadOnlyContext<string>).timerService.registerEventTimeTimer(5),
    ],
  ])("%s for a broadcast record is an error: it has no key", (_what, misuse) => {
    let counts!: ValueState<number>;
    const running = keyed({
      open: (context) => {
        counts = context.getState(valueState("counts", t.int32));
      },
      processElement: () => counts.update(3),
      processBroadcastElement: (_rule, context) => misuse(context, counts),
    });
    running.element({ user: "x", price: 1 }, 1, 0);
    expect(() => running.element({ name: "a", limit: 1 }, 1, 1)).toThrow(/MR_STATE_NO_KEY.*operator harness/);
  });

  test("a record cannot reach the state of other keys", () => {
    const running = keyed({
      processElement: (_order, context) =>
        (context as unknown as KeyedBroadcastContext<string>).applyToKeyedState(listState("list"), () => {}),
      processBroadcastElement: () => {},
    });
    expect(() => running.element({ user: "x", price: 1 }, 1, 0)).toThrow(/MR_BROADCAST_STATE_READ_ONLY/);
  });
});
