import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import { OperatorHarness } from "../testing/operator-harness.ts";
import type { OperatorHost } from "./operator-runtime.ts";
import type { TransformSpec } from "./operator-spec.ts";
import { OutputTag } from "./output-tag.ts";
import { StreamOperator } from "./stream-operator.ts";

const odd = new OutputTag<number>("odd");

class Doubler extends StreamOperator {
  processElement(value: unknown, timestampMs: number): void {
    this.context.timestamp = timestampMs;
    if ((value as number) % 2 === 1) this.context.output(odd, value);
    this.emit((value as number) * 2, timestampMs + 1);
  }
}

/** Emits a record with the watermark after it, and only then the watermark. */
class Holder extends StreamOperator {
  override readonly holdsWatermarks: boolean = true;
  #held: number[] = [];

  processElement(value: unknown): void {
    this.#held.push(value as number);
  }

  override onWatermark(timestampMs: number): void {
    for (const value of this.#held.splice(0)) this.emit(value, timestampMs);
    this.currentWatermark = timestampMs - 1;
    this.passWatermark(timestampMs - 1);
  }
}

class KeyedPair extends StreamOperator {
  override readonly table: KeyedStateTable;

  constructor(host: OperatorHost) {
    super(host);
    this.table = host.stateBackend.createTable(host, host.maxParallelism);
  }

  processElement(value: unknown, timestampMs: number): void {
    this.emit(`1:${String(this.table.currentKey)}:${JSON.stringify(value)}`, timestampMs);
  }

  override processElement2(value: unknown, timestampMs: number): void {
    this.emit(`2:${String(this.table.currentKey)}:${JSON.stringify(value)}`, timestampMs);
  }
}

function spec(parts: Pick<TransformSpec, "create"> & Partial<TransformSpec>): TransformSpec {
  const none = { isStateful: false, details: {}, hasSideOutput: () => true, keys: [undefined] };
  return { kind: "transform", label: "test", ...none, ...parts };
}

function harness(of: TransformSpec, sideOutputs: readonly string[] = []): OperatorHarness {
  return new OperatorHarness(of, { platform: createSimulatedPlatform({ seed: 1 }), sideOutputs });
}

describe("StreamOperator", () => {
  test("O1: results and side outputs leave with the timestamps that the operator gives them", () => {
    const doubler = harness(spec({ create: (host) => new Doubler(host) }), ["odd"]);
    doubler.element(3, 10);
    doubler.element(4, 20);
    expect(doubler.output()).toEqual([
      { value: 6, timestampMs: 11 },
      { value: 8, timestampMs: 21 },
    ]);
    expect(doubler.output("odd")).toEqual([{ value: 3, timestampMs: 10 }]);
  });

  test("O2: a watermark leaves an operator that holds it when the operator says so", () => {
    const holder = harness(spec({ create: (host) => new Holder(host) }));
    holder.element(1, 5);
    expect(holder.output()).toEqual([]);
    holder.watermark(100);
    expect(holder.output()).toEqual([{ value: 1, timestampMs: 100 }]);
    expect(holder.chain.outputWatermarkMs()).toBe(99);
  });

  test("each keyed input has its own selector", () => {
    const keys = [(value: unknown) => (value as { a: string }).a, (value: unknown) => (value as { b: string }).b];
    const pair = harness(spec({ keys, isStateful: true, create: (host) => new KeyedPair(host) }));
    pair.element({ a: "x" }, 1, 0);
    pair.element({ b: "y" }, 2, 1);
    expect(pair.output().map((each) => each.value)).toEqual(['1:x:{"a":"x"}', '2:y:{"b":"y"}']);
  });
});
