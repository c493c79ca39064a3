/** Savepoints that are made, read and changed by a program, and the jobs that go on from them. */
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { encodeOperatorLists } from "../checkpoint/operator-lists.ts";
import { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { CheckpointedFunction, FunctionInitializationContext } from "../operators/checkpointed-function.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  KeyedStateStore,
  MapFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import { listState, mapState, reducingState, valueState } from "../state/state-descriptors.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { at, checkpointed, counted, environmentOn, from, halfway, numbers } from "../testing/upgrade-jobs.ts";
import { t } from "../types/declared-types.ts";
import type {
  BroadcastStateBootstrapContext,
  BroadcastStateBootstrapFunction,
  KeyedStateBootstrapContext,
  KeyedStateBootstrapFunction,
  StateBootstrapFunction,
} from "./bootstrap-functions.ts";
import { OperatorTransformation } from "./operator-transformation.ts";
import { SavepointReader } from "./savepoint-reader.ts";
import { SavepointWriter } from "./savepoint-writer.ts";
import type { KeyedStateReaderContext, KeyedStateReaderFunction } from "./state-reader-functions.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Runs in a simulation, whose disk nobody waits for. */
async function simulated(run: (platform: SimulatedPlatform) => Promise<void>): Promise<void> {
  const platform = createSimulatedPlatform({ seed: 71 });
  await platform.run(() => run(platform), 600_000);
}

interface Account {
  readonly id: number;
  readonly amount: number;
}

const total = valueState("total", t.float64);
const amounts = listState("amounts", t.float64);
const byId = mapState("byId", t.int32, t.string);
const highest = reducingState("highest", Math.max, t.float64);
const seen = valueState("seen", t.boolean).enableTimeToLive("1 d");

/** The states of an account, as the job and the programs around it have them. */
abstract class AccountStates {
  protected total!: ValueState<number>;
  protected amounts!: ListState<number>;
  protected byId!: MapState<number, string>;
  protected highest!: ReducingState<number>;
  protected seen!: ValueState<boolean>;

  open(states: KeyedStateStore): void {
    this.total = states.getState(total);
    this.amounts = states.getListState(amounts);
    this.byId = states.getMapState(byId);
    this.highest = states.getReducingState(highest);
    this.seen = states.getState(seen);
  }
}

class Bootstrap extends AccountStates implements KeyedStateBootstrapFunction<number, Account> {
  processElement({ id, amount }: Account, context: KeyedStateBootstrapContext<number>): void {
    this.total.update((this.total.value() ?? 0) + amount);
    this.amounts.add(amount);
    this.byId.put(id, `account ${context.currentKey}`);
    this.highest.add(amount);
    this.seen.update(true);
    context.timerService.registerEventTimeTimer(1_000 + id);
    context.timerService.registerProcessingTimeTimer(9_000_000_000_000);
  }
}

interface AccountRow {
  readonly key: number;
  readonly total: number | undefined;
  readonly amounts: readonly number[];
  readonly byId: readonly (readonly [number, string])[];
  readonly highest: number | undefined;
  readonly seen: boolean | undefined;
  readonly timers: readonly number[];
}

class Reading extends AccountStates implements KeyedStateReaderFunction<number, AccountRow> {
  readKey(key: number, context: KeyedStateReaderContext, out: Collector<AccountRow>): void {
    out.collect({
      key,
      total: this.total.value(),
      amounts: [...this.amounts.get()],
      byId: [...this.byId.entries()],
      highest: this.highest.get(),
      seen: this.seen.value(),
      timers: [...context.registeredEventTimeTimers(), ...context.registeredProcessingTimeTimers()],
    });
  }
}

/** Asks for a state when it is too late to read it. */
class Late extends Reading {
  private states!: KeyedStateStore;
  override open(states: KeyedStateStore): void {
    this.states = states;
  }
  override readKey(): void {
    this.states.getState(total);
  }
}

/** Emits what it finds for its key, and when a timer fires. */
class Accounts extends AccountStates implements KeyedProcessFunction<number, number, string> {
  declare open: (context: RuntimeContext) => void;

  processElement(n: number, context: KeyedProcessContext<number>, out: Collector<string>): void {
    this.total.update((this.total.value() ?? 0) + 1);
    if (n < 40) return;
    const found = [this.total.value(), [...this.amounts.get()], [...this.byId.entries()], this.highest.get()];
    out.collect(JSON.stringify([context.currentKey, ...found, this.seen.value()]));
  }

  onTimer(timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
    out.collect(`${context.timeDomain} timer of ${context.currentKey} at ${timeMs}`);
  }
}

const accounts = (count: number): Account[] =>
  Array.from({ length: count }, (_, index) => ({ id: index, amount: index * 10 }));

const keyed = (elements: Iterable<Account> | AsyncIterable<Account>, keys: number) =>
  OperatorTransformation.bootstrapWith(elements)
    .keyBy(({ id }) => id % keys)
    .transform(new Bootstrap());

/** What the states of all accounts are, put together without the engine. */
function expectedRows(elements: readonly Account[], keys: number): AccountRow[] {
  return Array.from({ length: keys }, (_, key) => {
    const own = elements.filter(({ id }) => id % keys === key);
    return {
      key,
      total: own.reduce((sum, { amount }) => sum + amount, 0),
      amounts: own.map(({ amount }) => amount),
      byId: own.map(({ id }) => [id, `account ${key}`] as const),
      highest: Math.max(...own.map(({ amount }) => amount)),
      seen: true,
      timers: [...new Set(own.map(({ id }) => 1_000 + id))].sort((a, b) => a - b).concat(9_000_000_000_000),
    };
  }).filter(({ amounts: found }) => found.length > 0);
}

const byKey = <T extends { readonly key: number }>(rows: T[]): T[] => rows.sort((a, b) => a.key - b.key);

describe("F19: State Processor API", () => {
  test("F19: keyed states of every kind and timers that a program makes are what a program reads", async () => {
    const elements = fc.array(fc.record({ id: fc.integer({ min: 0, max: 20 }), amount: fc.integer() }), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(elements, fc.integer({ min: 1, max: 200 }), async (made, maxParallelism) => {
        await simulated(async (platform) => {
          const path = await SavepointWriter.newSavepointOn(platform, maxParallelism)
            .withOperator("accounts", keyed(made, 5))
            .write("/made");
          const reader = await SavepointReader.on(platform, path);
          if (made.length === 0) return;
          const expected = expectedRows(made, 5).map((row) => ({ ...row, byId: [...new Map(row.byId)] }));
          expect(byKey(await all(reader.readKeyedState("accounts", new Reading())))).toEqual(expected);
        });
      }),
      { numRuns: 30 },
    );
  });

  test.each([1, 3])(
    "F19: a job at parallelism %i goes on from keyed state and timers that a program has made",
    async (parallelism) => {
      await simulated(async (platform) => {
        const path = await SavepointWriter.newSavepointOn(platform, 128)
          .withOperator("accounts", keyed(accounts(8), 4))
          .write("/made");
        const rows = new CommittedRows();
        const env = environmentOn(platform, { ...checkpointed, ...at(parallelism), ...from(path) });
        numbers(env)
          .filter((n) => n < 44)
          .keyBy((n) => n % 4)
          .process(new Accounts())
          .uid("accounts")
          .sinkTo(rows.sink());
        await env.execute("accounts");
        const expected = expectedRows(accounts(8), 4).flatMap((row) => [
          JSON.stringify([row.key, row.total! + 11, row.amounts, row.byId, row.highest, true]),
          ...row.timers.slice(0, -1).map((timeMs) => `event timer of ${row.key} at ${timeMs}`),
        ]);
        expect(rows.rows.map((row) => JSON.parse(row) as string).sort()).toEqual(expected.sort());
      });
    },
  );

  test("F19: a job's savepoint is read, an operator of it is made anew in another unit, and the job goes on from there", async () => {
    await simulated(async (platform) => {
      const rows = new CommittedRows();
      const build = (label: string, uid: string) => (env: Parameters<Parameters<typeof halfway>[2]>[0]) => {
        counted(numbers(env), label, uid).sinkTo(rows.sink()).uid("rows");
      };
      const client = await halfway(platform, { ...checkpointed, ...at(2) }, build("a", "counts"));
      const taken = await client.stopWithSavepoint(false, "/savepoints");
      const before = rows.rows.length;

      interface Count {
        readonly key: number;
        readonly count: number;
      }
      class Counts implements KeyedStateReaderFunction<number, Count> {
        private count!: ValueState<Count>;
        open(states: KeyedStateStore): void {
          this.count = states.getState(valueState<Count>("_reduce"));
        }
        readKey(_key: number, _context: KeyedStateReaderContext, out: Collector<Count>): void {
          out.collect(this.count.value()!);
        }
      }
      class Thousands implements KeyedStateBootstrapFunction<number, Count> {
        private count!: ValueState<Count>;
        open(states: KeyedStateStore): void {
          this.count = states.getState(valueState<Count>("_reduce"));
        }
        processElement({ key, count }: Count): void {
          this.count.update({ key, count: count + 1000 });
        }
      }
      const old = await SavepointReader.on(platform, taken);
      const counts = await all(old.readKeyedState("counts", new Counts()));
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(before);
      const writer = await SavepointWriter.fromExistingSavepointOn(platform, taken);
      const changed = await writer
        .removeOperator("counts")
        .withOperator(
          "thousands",
          OperatorTransformation.bootstrapWith(old.readKeyedState("counts", new Counts()))
            .keyBy(({ key }) => key)
            .transform(new Thousands()),
        )
        .write("/changed");
      const env = environmentOn(platform, { ...checkpointed, ...at(3), ...from(changed) });
      build("b", "thousands")(env);
      await env.execute("upgraded");
      const later = rows.rows.filter((row) => row.startsWith('"b'));
      // The source goes on where it was: its positions were kept.
      expect(later).toHaveLength(200 - before);
      for (const { key, count } of counts) {
        const own = later.filter((row) => row.startsWith(`"b ${key} `)).map((row) => Number(row.slice(5, -1)));
        expect(own.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 - count }, (_, i) => 1000 + count + i + 1));
      }
    });
  });

  test("F19: an operator keeps its state under another uid; the savepoint it came from stays as it is", async () => {
    await simulated(async (platform) => {
      const rows = new CommittedRows();
      const client = await halfway(platform, { ...checkpointed, ...at(2) }, (env) => {
        counted(numbers(env), "a", "old").sinkTo(rows.sink()).uid("rows");
      });
      const taken = await client.stopWithSavepoint(false, "/savepoints");
      const before = await platform.fs.list(taken);
      const writer = await SavepointWriter.fromExistingSavepointOn(platform, taken);
      const renamed = await writer.changeOperatorIdentifier("old", "new").write("/renamed");
      expect(await platform.fs.list(taken)).toEqual(before);
      // It has all it needs: the first one may go.
      await platform.fs.removeTree(taken);
      const env = environmentOn(platform, { ...checkpointed, ...at(1), ...from(renamed) });
      counted(numbers(env), "a", "new").sinkTo(rows.sink()).uid("rows");
      await env.execute("upgraded");
      expect(rows.rows).toHaveLength(200);
      expect(rows.rows).toContain('"a 3 50"');
    });
  });
});

interface Rule {
  readonly name: string;
  readonly limit: number;
}
const ruleType = t.object({ name: t.string, limit: t.float64 });

/** Both kinds of lists. */
class Lists implements StateBootstrapFunction<Rule> {
  private split!: ListState<Rule>;
  private union!: ListState<string>;
  private last: string = "";

  initializeState({ operatorStateStore }: FunctionInitializationContext): void {
    this.split = operatorStateStore.getListState(listState("rules", ruleType));
    this.union = operatorStateStore.getUnionListState(listState("last", t.string));
  }

  processElement(rule: Rule): void {
    this.split.add(rule);
    this.last = rule.name;
  }

  snapshotState(): void {
    this.union.update([this.last]);
  }
}

const limits = mapState("limits", t.string, t.float64);
class Limits implements BroadcastStateBootstrapFunction<Rule> {
  processElement({ name, limit }: Rule, context: BroadcastStateBootstrapContext): void {
    context.getBroadcastState(limits).put(name, limit);
  }
}

/** Tells with every number what rules its subtask has. */
class Ruled implements MapFunction<number, string>, CheckpointedFunction {
  private rules: readonly Rule[] = [];
  private last: readonly string[] = [];

  initializeState({ operatorStateStore }: FunctionInitializationContext): void {
    this.rules = [...operatorStateStore.getListState(listState("rules", ruleType)).get()];
    this.last = [...operatorStateStore.getUnionListState(listState("last", t.string)).get()];
  }

  snapshotState(): void {}

  map(): string {
    return `${this.rules.map(({ name }) => name).join(",")} ${this.last.join(",")}`;
  }
}

describe("F19: operator state", () => {
  const rules: readonly Rule[] = Array.from({ length: 5 }, (_, index) => ({ name: `r${index}`, limit: index }));
  const write = (platform: SimulatedPlatform): Promise<string> =>
    SavepointWriter.newSavepointOn(platform, 16)
      .withOperator("lists", OperatorTransformation.bootstrapWith(rules).transform(new Lists()))
      .withOperator("limits", OperatorTransformation.bootstrapWith(rules).transform(new Limits()))
      .write("/made");

  test("F19: lists, union lists and broadcast states that a program makes are read, with and without their types", async () => {
    await simulated(async (platform) => {
      const reader = await SavepointReader.on(platform, await write(platform));
      const typed = reader.readListState("lists", "rules", ruleType);
      expectTypeOf(typed).toEqualTypeOf<AsyncIterable<{ name: string; limit: number }>>();
      expect(await all(typed)).toEqual(rules);
      expect(await all(reader.readListState("lists", "rules"))).toEqual(rules);
      expect(await all(reader.readUnionState("lists", "last", t.string))).toEqual(["r4"]);
      const entries = rules.map(({ name, limit }) => [name, limit]);
      expect(await all(reader.readBroadcastState("limits", "limits", t.string, t.float64))).toEqual(entries);
      expect(await all(reader.readBroadcastState("limits", "limits"))).toEqual(entries);
    });
  });

  test("F19: a job deals lists that a program has made out to its subtasks", async () => {
    await simulated(async (platform) => {
      const rows = new CommittedRows();
      const writer = await SavepointWriter.fromExistingSavepointOn(platform, await write(platform));
      const path = await writer.removeOperator("limits").write("/lists");
      const env = environmentOn(platform, { ...checkpointed, ...at(2), ...from(path) });
      numbers(env).rebalance().map(new Ruled()).uid("lists").sinkTo(rows.sink());
      await env.execute("lists");
      expect(new Set(rows.rows)).toEqual(new Set(['"r0,r2,r4 r4"', '"r1,r3 r4"']));
    });
  });
});

describe("F19: misuse", () => {
  const failure = async (run: () => Promise<unknown>): Promise<unknown> =>
    run().then(
      () => undefined,
      (error: unknown) => error,
    );
  const made = (platform: SimulatedPlatform): SavepointWriter =>
    SavepointWriter.newSavepointOn(platform, 4).withOperator("accounts", keyed(accounts(3), 2));

  test("F19: what the writer refuses says why, and nothing is left behind", async () => {
    await simulated(async (platform) => {
      const { fs } = platform;
      const path = await made(platform).write("/made");
      await expect(made(platform).write("/made")).rejects.toMatchObject({ code: "MR_SAVEPOINT_DIRECTORY_NOT_EMPTY" });
      expect((await fs.list(path)).length).toBeGreaterThan(0);
      const code = { code: "MR_SAVEPOINT_OPERATOR_EXISTS", where: { uid: "accounts" } };
      expect(() => made(platform).withOperator("accounts", keyed([], 1))).toThrow(expect.objectContaining(code));
      const existing = await SavepointWriter.fromExistingSavepointOn(platform, path);
      expect(() => existing.removeOperator("acounts")).toThrow(
        expect.objectContaining({ code: "MR_STATE_OPERATOR_NOT_FOUND", found: "accounts" }),
      );
      await expect(existing.removeOperator("accounts").write("/none")).rejects.toMatchObject({
        code: "MR_ARGUMENT_INVALID",
      });
      expect(() => SavepointWriter.newSavepointOn(platform, 0)).toThrow(/a whole number from 1 to 32768/);
      class Failing extends Bootstrap {
        override processElement(): void {
          throw new Error("no such account");
        }
      }
      const failing = OperatorTransformation.bootstrapWith(accounts(1))
        .keyBy(({ id }) => id)
        .transform(new Failing());
      const writing = SavepointWriter.newSavepointOn(platform, 4).withOperator("a", failing);
      await expect(writing.write("/failing")).rejects.toThrow("no such account");
      expect(await fs.stat("/failing")).toBeUndefined();
    });
  });

  test("F19: what the reader refuses says why", async () => {
    await simulated(async (platform) => {
      const reader = await SavepointReader.on(platform, await made(platform).write("/made"));
      expect(() => reader.readKeyedState("acounts", new Reading())).toThrow(/MR_STATE_OPERATOR_NOT_FOUND/);
      const reading = (open: (states: KeyedStateStore) => unknown): Promise<unknown> =>
        failure(() => all(reader.readKeyedState("accounts", { open, readKey: () => {} })));
      expect(await reading((states) => states.getState(valueState("totl", t.float64)))).toMatchObject({
        code: "MR_STATE_NOT_FOUND",
        found: "total, amounts, byId, highest, seen",
      });
      expect(await reading((states) => states.getState(valueState("total", t.string)))).toMatchObject({
        code: "MR_STATE_SCHEMA_INCOMPATIBLE",
        where: { state: "total", uid: "accounts" },
      });
      const late = await failure(() => all(reader.readKeyedState("accounts", new Late())));
      expect(late).toMatchObject({ code: "MR_ARGUMENT_INVALID", where: { state: "total" } });
      expect(await failure(() => all(reader.readListState("accounts", "list")))).toMatchObject({
        code: "MR_STATE_NOT_FOUND",
      });
    });
  });

  test("F19: records on their way between operators belong to the job: such a checkpoint is no beginning", async () => {
    await simulated(async (platform) => {
      const { random } = platform;
      const fs = FileSystems.local(platform.fs);
      const limits = { inlineBelowBytes: 0, stateBytesMax: Number.POSITIVE_INFINITY };
      const setting = "execution.checkpointing.dir";
      const directory = new SnapshotDirectory({ fs, random, path: "/chk-3", limits, setting });
      const handle = await directory.write(3, new Uint8Array(7));
      const lists = await directory.write(3, encodeOperatorLists([]));
      const subtasks = [{ uid: "sum", keyed: undefined, lists, channels: { handle, edges: ["a"] } }];
      await directory.storeMetadata({
        jobId: "5a".repeat(16),
        jobName: "unaligned",
        checkpointId: 3,
        timestampMs: 0,
        graphHash: "",
        operators: [{ uid: "sum", name: "Sum", parallelism: 1, maxParallelism: 4, isStateful: true, subtasks }],
        coordinators: [],
      });
      const begin = SavepointWriter.fromExistingSavepointOn(platform, "/chk-3");
      await expect(begin).rejects.toMatchObject({ code: "MR_SAVEPOINT_IN_FLIGHT_RECORDS" });
    });
  });

  test("F19: functions that cannot make state are refused where they are given", () => {
    const elements = OperatorTransformation.bootstrapWith(accounts(1));
    expect(() => OperatorTransformation.bootstrapWith(7 as never)).toThrow(/an iterable or async iterable/);
    expect(() => elements.transform({} as never)).toThrow(/an object with processElement\(\)/);
    const asynchronous = { processElement: async () => {} } as never;
    expect(() => elements.keyBy(({ id }) => id).transform(asynchronous)).toThrow(/MR_ASYNC_NOT_ALLOWED/);
    const wrongKey = { processElement: (_: Account, context: KeyedStateBootstrapContext<string>) => void context };
    // @ts-expect-error the keys are numbers
    elements.keyBy(({ id }) => id).transform(wrongKey);
  });
});
