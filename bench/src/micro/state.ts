import { t } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { OperatorHarness } from "millrace/testing";
import type { KeyedProcessFunction, RuntimeContext } from "../../../packages/core/src/operators/functions.ts";
import type { ValueState } from "../../../packages/core/src/state/keyed-state.ts";
import { KeyedStateTable } from "../../../packages/core/src/state/keyed-state-table.ts";
import { valueState } from "../../../packages/core/src/state/state-descriptors.ts";
import { createStateHandle } from "../../../packages/core/src/state/state-handles.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";
import { scrambled } from "./sequence.ts";

interface Sums {
  count: number;
  sum: number;
}

const SumsType = t.object({ count: t.int32, sum: t.int64 });
const ACCESSES = 65_536;
const keyCounts = [1000, 100_000];

/** Read, change and update one key's value: in a Map, in keyed state, and in keyed state behind generated code. @internal */
export const stateBenchmarks: readonly MicroBenchmark[] = keyCounts.flatMap((keys) => [
  { name: `state/map, ${keys} keys`, prepare: () => inMap(keys) },
  { name: `state/table, ${keys} keys`, prepare: () => inTable(keys) },
  { name: `state/chain, ${keys} keys`, prepare: () => inChain(keys) },
]);

function inMap(keys: number): (count: number) => number {
  const accesses = scrambled(ACCESSES, keys);
  const map = new Map<number, Sums>();
  return (count) => {
    let result = 0;
    for (let index = 0; index < count; index++) {
      const key = accesses[index & (ACCESSES - 1)]!;
      let sums = map.get(key);
      if (sums === undefined) {
        sums = { count: 0, sum: 0 };
        map.set(key, sums);
      }
      sums.count++;
      sums.sum += key;
      result += sums.count;
    }
    return result;
  };
}

function inTable(keys: number): (count: number) => number {
  const accesses = scrambled(ACCESSES, keys);
  const table = new KeyedStateTable({ operatorName: "bench", uid: "bench" }, 128);
  // A value descriptor gives a value handle.
  const state = createStateHandle(table, valueState("sums", SumsType)) as ValueState<Sums>;
  return (count) => {
    let result = 0;
    for (let index = 0; index < count; index++) {
      const key = accesses[index & (ACCESSES - 1)]!;
      table.select(key);
      const sums = state.value() ?? { count: 0, sum: 0 };
      sums.count++;
      sums.sum += key;
      state.update(sums);
      result += sums.count;
    }
    return result;
  };
}

/** Shared by all copies of a function, as instances of classes are. */
class Total {
  counts = 0;
}

class Sum implements KeyedProcessFunction<unknown, unknown, unknown> {
  private readonly total: Total;
  private sums!: ValueState<Sums>;

  constructor(total: Total) {
    this.total = total;
  }

  open(context: RuntimeContext): void {
    this.sums = context.getState(valueState("sums", SumsType));
  }

  processElement(key: unknown): void {
    const sums = this.sums.value() ?? { count: 0, sum: 0 };
    sums.count++;
    sums.sum += key as number;
    this.sums.update(sums);
    this.total.counts += sums.count;
  }
}

function inChain(keys: number): (count: number) => number {
  const accesses = scrambled(ACCESSES, keys);
  const total = new Total();
  const harness = new OperatorHarness(
    { kind: "keyedProcess", key: (value) => value, fn: new Sum(total) },
    { platform: createNodePlatform() },
  );
  return (count) => {
    for (let index = 0; index < count; index++) harness.element(accesses[index & (ACCESSES - 1)], index);
    return total.counts;
  };
}
