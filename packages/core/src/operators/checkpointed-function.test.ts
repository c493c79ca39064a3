import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState } from "../state/keyed-state.ts";
import type { BroadcastState } from "../state/operator-state.ts";
import { listState, mapState, valueState } from "../state/state-descriptors.ts";
import { type HarnessSnapshot, OperatorHarness } from "../testing/operator-harness.ts";
import { t } from "../types/declared-types.ts";
import type {
  CheckpointedFunction,
  FunctionInitializationContext,
  FunctionSnapshotContext,
  ListCheckpointed,
} from "./checkpointed-function.ts";
import type { MapFunction, RuntimeContext } from "./functions.ts";
import type { OperatorSpec } from "./operator-spec.ts";

const platform = createSimulatedPlatform({ seed: 1 });

function harness(fn: MapFunction<never, unknown>, restore?: HarnessSnapshot): OperatorHarness {
  const spec: OperatorSpec = { kind: "map", fn: fn as MapFunction<unknown, unknown> };
  return new OperatorHarness(spec, { platform, ...(restore === undefined ? {} : { restore }) });
}

const values = (of: OperatorHarness): unknown[] => of.output().map(({ value }) => value);

/** Says how many records it has seen, and what it was told at the start. */
class Counter implements MapFunction<number, number>, CheckpointedFunction {
  private count = 0;
  private counts!: ListState<number>;
  private seen!: BroadcastState<string, number>;

  initializeState(context: FunctionInitializationContext): void {
    log.push(`initializeState ${context.isRestored}`);
    this.counts = context.operatorStateStore.getListState(listState("counts", t.int64));
    this.seen = context.operatorStateStore.getBroadcastState(mapState("seen", t.string, t.int64));
    this.count = this.counts.get().reduce((sum, count) => sum + count, 0);
  }

  open(_context: RuntimeContext): void {
    log.push("open");
  }

  map(value: number): number {
    this.seen.put(`n${value}`, (this.seen.get(`n${value}`) ?? 0) + 1);
    return ++this.count;
  }

  snapshotState(context: FunctionSnapshotContext): void {
    log.push(`snapshotState ${context.checkpointId}`);
    expect(context.checkpointTimestamp).toBe(platform.clock.wallMs());
    this.counts.update([this.count]);
    this.seen.put("snapshots", (this.seen.get("snapshots") ?? 0) + 1);
  }

  close(): void {
    log.push("close");
  }
}

let log: string[] = [];

describe("S25: CheckpointedFunction", () => {
  test("S25: initializeState comes before open, isRestored tells a restore from a start", async () => {
    log = [];
    const first = harness(new Counter());
    first.element(5, 0);
    const snapshot = first.snapshot();
    await first.chain.close();
    expect(log).toEqual(["initializeState false", "open", "snapshotState 1", "close"]);
    log = [];
    harness(new Counter(), snapshot);
    expect(log).toEqual(["initializeState true", "open"]);
  });

  test("S25: the state survives a snapshot and a restore after every step", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 20 }), (restarts) => {
        let running = harness(new Counter());
        const seen: unknown[] = [];
        for (const [index, restart] of restarts.entries()) {
          running.element(index, 0);
          seen.push(...values(running));
          if (restart) running = harness(new Counter(), running.snapshot());
        }
        expect(seen).toEqual(restarts.map((_, index) => index + 1));
      }),
      { numRuns: 30 },
    );
  });

  test("S25: ListCheckpointed is a list that is restored only when there was a checkpoint", () => {
    const restored: unknown[] = [];
    class Kept implements MapFunction<string, string>, ListCheckpointed<string> {
      private values: readonly string[] = [];

      map(value: string): string {
        this.values = [...this.values, value];
        return this.values.join();
      }

      snapshotState(checkpointId: number): readonly string[] {
        return [...this.values, `chk${checkpointId}`];
      }

      restoreState(elements: readonly string[]): void {
        restored.push(elements);
        this.values = elements;
      }
    }
    const first = harness(new Kept());
    first.element("a", 0);
    expect(restored).toEqual([]);
    const second = harness(new Kept(), first.snapshot());
    second.element("b", 0);
    expect(restored).toEqual([["a", "chk1"]]);
    expect(values(second)).toEqual(["a,chk1,b"]);
  });

  test("S22: raw state is bytes that come back as they were given, and are not kept for the next checkpoint", () => {
    class Raw implements MapFunction<number, string>, CheckpointedFunction {
      private restored: string[] = [];
      private next: number[] = [];

      initializeState(context: FunctionInitializationContext): void {
        this.restored = context.getRawOperatorStateInputs().map((bytes) => bytes.join("."));
      }

      map(value: number): string {
        this.next.push(value);
        return this.restored.join(" ");
      }

      snapshotState(context: FunctionSnapshotContext): void {
        const reused = new Uint8Array(2);
        for (const value of this.next) {
          reused.fill(value);
          context.addRawOperatorState(reused);
        }
      }
    }
    const first = harness(new Raw());
    first.element(1, 0);
    first.element(2, 0);
    const second = harness(new Raw(), first.snapshot());
    second.element(9, 0);
    expect(values(second)).toEqual(["1.1 2.2"]);
    const third = harness(new Raw(), second.snapshot());
    third.element(0, 0);
    expect(values(third)).toEqual(["9.9"]);
  });

  test("operator state that nobody asks for is carried over", () => {
    const first = harness(new Counter());
    first.element(5, 0);
    const without = harness({ map: (value: number) => value }, first.snapshot());
    const again = harness(new Counter(), without.snapshot());
    again.element(5, 0);
    expect(values(again)).toEqual([2]);
  });

  /** A map function that only registers operator state. */
  function registering(register: (context: FunctionInitializationContext) => void): MapFunction<number, number> {
    const fn = { map: (value: number) => value, initializeState: register, snapshotState: () => {} };
    return fn;
  }

  test("operator state follows a type that has become wider, and refuses others with the state's name", () => {
    const write = harness(
      registering((context) => context.operatorStateStore.getListState(listState("sums", t.int32)).update([7])),
    );
    const snapshot = write.snapshot();
    let read: unknown;
    harness(
      registering((context) => {
        read = context.operatorStateStore.getListState(listState("sums", t.float64)).get();
      }),
      snapshot,
    );
    expect(read).toEqual([7]);
    for (const other of [
      registering((context) => context.operatorStateStore.getListState(listState("sums", t.string))),
      registering((context) => context.operatorStateStore.getUnionListState(listState("sums", t.int32))),
      registering((context) => context.operatorStateStore.getBroadcastState(mapState("sums", t.string, t.int32))),
    ]) {
      expect(() => harness(other, snapshot)).toThrow(/MR_STATE_SCHEMA_INCOMPATIBLE.*operator harness.*state sums/);
    }
  });

  test("a name is one state, whoever asks for it", () => {
    harness(
      registering(({ operatorStateStore }) => {
        const list = operatorStateStore.getListState(listState<number>("one"));
        list.addAll([1, 2]);
        expect(operatorStateStore.getListState(listState<number>("one")).get()).toEqual([1, 2]);
        list.clear();
        const map = operatorStateStore.getBroadcastState(mapState<string, number>("map"));
        map.putAll([
          ["a", 1],
          ["b", 2],
        ]);
        map.remove("a");
        expect([...map.entries()]).toEqual([["b", 2]]);
        map.clear();
        expect([...map.immutableEntries()]).toEqual([]);
        expect([...operatorStateStore.getRegisteredStateNames()]).toEqual(["one"]);
        expect([...operatorStateStore.getRegisteredBroadcastStateNames()]).toEqual(["map"]);
        expect(() => operatorStateStore.getUnionListState(listState<number>("one"))).toThrow(
          /MR_STATE_SCHEMA_INCOMPATIBLE/,
        );
      }),
    );
  });

  test("operator state has no time to live, and a function without a key no keyed state", () => {
    const expiring = registering((context) =>
      context.operatorStateStore.getListState(listState("sums", t.int32).enableTimeToLive("1 h")),
    );
    expect(() => harness(expiring)).toThrow(/MR_STATE_TTL_UNSUPPORTED.*state sums/);
    const keyed = registering((context) => context.keyedStateStore.getState(valueState("sum")));
    expect(() => harness(keyed)).toThrow(/MR_STATE_NOT_KEYED/);
  });
});
