import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { type HarnessSnapshot, OperatorHarness } from "../testing/operator-harness.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";
import { t } from "../types/declared-types.ts";
import type {
  Collector,
  CoProcessFunction,
  KeyedCoProcessFunction,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  ProcessContext,
  ProcessFunction,
  ProcessJoinContext,
  RuntimeContext,
} from "./functions.ts";
import type { OperatorSpec } from "./operator-spec.ts";
import { OutputTag } from "./output-tag.ts";

const seen = new OutputTag<string>("seen");
const keyOf = (value: unknown): string => String(value)[0]!;

function harness(spec: OperatorSpec, restore?: HarnessSnapshot, platform = simulated()): OperatorHarness {
  return new OperatorHarness(spec, { platform, sideOutputs: ["seen"], ...(restore === undefined ? {} : { restore }) });
}

function simulated(): ReturnType<typeof createSimulatedPlatform> {
  return createSimulatedPlatform({ seed: 1 });
}

interface TimerStep {
  readonly key: string;
  readonly what: "register" | "delete" | "advance" | "restore";
  readonly time: number;
}

/** A record is an instruction: which timer to register or to delete. */
class Timers implements KeyedProcessFunction<string, string, string> {
  private readonly domain: "event" | "processing";

  constructor(domain: "event" | "processing") {
    this.domain = domain;
  }

  processElement(step: string, { timerService }: KeyedProcessContext<string>): void {
    const [, what, time] = step.split(" ");
    const at = Number(time);
    if (this.domain === "event") {
      if (what === "register") timerService.registerEventTimeTimer(at);
      else timerService.deleteEventTimeTimer(at);
    } else if (what === "register") timerService.registerProcessingTimeTimer(at);
    else timerService.deleteProcessingTimeTimer(at);
  }

  onTimer(timeMs: number, context: OnTimerContext<string>, out: Collector<string>): void {
    out.collect(`${context.currentKey} ${timeMs} ${context.timeDomain}`);
    context.output(seen, context.currentKey);
  }
}

describe("S28: timers", () => {
  const steps = fc.array(
    fc.record<TimerStep>({
      key: fc.constantFrom("a", "b"),
      what: fc.constantFrom("register", "register", "delete", "advance", "restore"),
      time: fc.integer({ min: 1, max: 12 }),
    }),
    { maxLength: 40 },
  );

  test.each(["event", "processing"] as const)(
    "S28: %s-time timers fire once for each key and time, in order, unless deleted, over restores at every step",
    (domain) => {
      fc.assert(
        fc.property(steps, (todo) => {
          const spec: OperatorSpec = { kind: "keyedProcess", key: keyOf, fn: untyped(new Timers(domain)) };
          let running = harness(spec);
          let pending: { key: string; time: number; seq: number }[] = [];
          let now = 0;
          const found: unknown[] = [];
          const expected: string[] = [];
          for (const [seq, { key, what, time }] of todo.entries()) {
            const isSame = (timer: { key: string; time: number }): boolean => timer.key === key && timer.time === time;
            if (what === "restore") running = harness(spec, running.snapshot());
            if (what === "register") {
              running.element(`${key} register ${time}`, 0);
              if (!pending.some(isSame)) pending.push({ key, time, seq });
            }
            if (what === "delete") {
              running.element(`${key} delete ${time}`, 0);
              pending = pending.filter((timer) => !isSame(timer));
            }
            // What is registered behind the watermark fires when the next one comes.
            if (what === "advance" && (domain === "processing" || time > now)) {
              now = Math.max(now, time);
              if (domain === "event") running.watermark(now);
              else running.chain.onProcessingTime(now);
              const due = pending.filter((timer) => timer.time <= now);
              pending = pending.filter((timer) => timer.time > now);
              due.sort((left, right) => left.time - right.time || left.seq - right.seq);
              expected.push(...due.map((timer) => `${timer.key} ${timer.time} ${domain}`));
            }
            found.push(...running.output().map(({ value }) => value));
          }
          expect(found).toEqual(expected);
        }),
        { numRuns: 100 },
      );
    },
  );

  test("S28: an event-time timer's results have its time, a processing-time timer's have none", () => {
    for (const domain of ["event", "processing"] as const) {
      const running = harness({ kind: "keyedProcess", key: keyOf, fn: untyped(new Timers(domain)) });
      running.element("a register 10", 3);
      if (domain === "event") running.watermark(50);
      else running.chain.onProcessingTime(50);
      const timestampMs = domain === "event" ? 10 : NO_TIMESTAMP;
      expect(running.output()).toEqual([{ value: `a 10 ${domain}`, timestampMs }]);
      expect(running.output("seen")).toEqual([{ value: "a", timestampMs }]);
    }
  });

  test("S28: processing-time timers that became due while nothing ran fire after the restore", () => {
    const spec: OperatorSpec = { kind: "keyedProcess", key: keyOf, fn: untyped(new Timers("processing")) };
    const first = harness(spec);
    first.element("a register 10", 0);
    first.element("b register 20", 0);
    const second = harness(spec, first.snapshot());
    expect(second.chain.nextProcessingTimeMs()).toBe(10);
    second.chain.onProcessingTime(1_000_000);
    expect(second.output().map(({ value }) => value)).toEqual(["a 10 processing", "b 20 processing"]);
  });

  test("S28: a timer that clears its state and writes it again keeps what it wrote", () => {
    class Rewriting implements KeyedProcessFunction<string, string, number> {
      private count!: ValueState<number>;

      open(context: RuntimeContext): void {
        this.count = context.getState(valueState("count", t.int32));
      }

      processElement(_value: string, context: KeyedProcessContext<string>, out: Collector<number>): void {
        out.collect(this.count.value() ?? 0);
        context.timerService.registerEventTimeTimer(context.timestamp + 1);
      }

      onTimer(): void {
        const count = this.count.value() ?? 0;
        this.count.clear();
        this.count.update(count + 1);
      }
    }
    const running = harness({ kind: "keyedProcess", key: keyOf, fn: untyped(new Rewriting()) });
    for (let time = 0; time < 3; time++) {
      running.element("a", time * 10);
      running.watermark(time * 10 + 5);
    }
    expect(running.output().map(({ value }) => value)).toEqual([0, 1, 2]);
  });
});

function untyped(fn: KeyedProcessFunction<string, string, unknown>): KeyedProcessFunction<unknown, unknown, unknown> {
  return fn as KeyedProcessFunction<unknown, unknown, unknown>;
}

/** Emits its input, and says to the side output which method got it. */
const plain: ProcessFunction<unknown, unknown> = {
  processElement(value, context: ProcessContext, out) {
    out.collect(value);
    context.output(seen, `processElement ${String(value)} at ${context.timestamp}`);
  },
};
const co: CoProcessFunction<unknown, unknown, unknown> & KeyedCoProcessFunction<unknown, unknown, unknown, unknown> = {
  processElement1(value, context: ProcessContext, out) {
    out.collect(value);
    context.output(seen, `processElement1 ${String(value)} at ${context.timestamp}`);
  },
  processElement2(value, context: ProcessContext, out) {
    out.collect(value);
    context.output(seen, `processElement2 ${String(value)} at ${context.timestamp}`);
  },
};

describe("F01: the process function family", () => {
  test.each<[string, OperatorSpec, string]>([
    ["ProcessFunction", { kind: "process", fn: plain }, "processElement"],
    ["KeyedProcessFunction", { kind: "keyedProcess", key: keyOf, fn: plain }, "processElement"],
    ["CoProcessFunction", { kind: "co", keys: undefined, fn: co, flavour: "process" }, "processElement1"],
    ["KeyedCoProcessFunction", { kind: "co", keys: [keyOf, keyOf], fn: co, flavour: "process" }, "processElement1"],
  ])("F01: %s emits to its stream and to side outputs, with the record's time", (_name, spec, method) => {
    const running = harness(spec);
    running.element("a1", 5);
    expect(running.output()).toEqual([{ value: "a1", timestampMs: 5 }]);
    expect(running.output("seen")).toEqual([{ value: `${method} a1 at 5`, timestampMs: 5 }]);
    if (spec.kind !== "co") return;
    running.element("a2", 6, 1);
    expect(running.output("seen")).toEqual([{ value: "processElement2 a2 at 6", timestampMs: 6 }]);
  });

  test("F01: KeyedCoProcessFunction has state and timers that both inputs share", () => {
    class Both implements KeyedCoProcessFunction<unknown, unknown, unknown, string> {
      private count!: ValueState<number>;

      open(context: RuntimeContext): void {
        this.count = context.getState(valueState("count", t.int32));
      }

      processElement1(_value: unknown, context: KeyedProcessContext<unknown>): void {
        this.count.update((this.count.value() ?? 0) + 1);
        context.timerService.registerEventTimeTimer(100);
      }

      processElement2(_value: unknown, context: KeyedProcessContext<unknown>): void {
        this.count.update((this.count.value() ?? 0) + 10);
        context.timerService.registerEventTimeTimer(100);
      }

      onTimer(_timeMs: number, context: OnTimerContext<unknown>, out: Collector<string>): void {
        out.collect(`${String(context.currentKey)} ${this.count.value()}`);
      }
    }
    const spec: OperatorSpec = { kind: "co", keys: [keyOf, keyOf], fn: new Both(), flavour: "process" };
    const first = harness(spec);
    first.element("a", 1, 0);
    first.element("a", 1, 1);
    first.element("b", 1, 1);
    const second = harness(spec, first.snapshot());
    second.element("b", 2, 0);
    second.watermark(100, 0);
    expect(second.output()).toEqual([]);
    second.watermark(100, 1);
    expect(second.output().map(({ value }) => value)).toEqual(["a 11", "b 11"]);
  });

  test("F01: ProcessJoinFunction emits to side outputs with the later of the two times", () => {
    const spec: OperatorSpec = {
      kind: "intervalJoin",
      keys: [keyOf, keyOf],
      lowerMs: -5,
      upperMs: 5,
      types: [undefined, undefined],
      lateTags: [undefined, undefined],
      fn: {
        processElement(left, right, context: ProcessJoinContext, out) {
          out.collect([left, right]);
          context.output(seen, `${context.leftTimestamp} ${context.rightTimestamp}`);
        },
      },
    };
    const running = harness(spec);
    running.element("a1", 10, 0);
    running.element("a2", 13, 1);
    expect(running.output()).toEqual([{ value: ["a1", "a2"], timestampMs: 13 }]);
    expect(running.output("seen")).toEqual([{ value: "10 13", timestampMs: 13 }]);
  });
});
