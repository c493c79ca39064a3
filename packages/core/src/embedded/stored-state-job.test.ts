import { describe, expect, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { loadCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import type {
  Collector,
  KeyedProcessContext,
  KeyedProcessFunction,
  OnTimerContext,
  RuntimeContext,
} from "../operators/functions.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { MapState } from "../state/keyed-state.ts";
import { mapState } from "../state/state-descriptors.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import {
  at,
  type BuildJob,
  checkpointed,
  counted,
  environmentOn,
  from,
  halfway,
  numbers,
  rowsOfUpgrade,
  type Settings,
} from "../testing/upgrade-jobs.ts";
import { TumblingEventTimeWindows } from "../time/tumbling-windows.ts";
import { t } from "../types/declared-types.ts";

const heap: Settings = { "state.backend.type": "hashmap" };
/** So few that entries leave and come back all the time. */
const stored: Settings = {
  "state.backend.type": "rocksdb",
  "state.backend.rocksdb.object-cache.max-entries": "16",
  "execution.checkpointing.incremental": "true",
  // Nothing is in the metadata: files are what is looked at.
  "state.storage.fs.memory-threshold": "0",
};

/** Remembers the numbers of its key, and says how many of them there are up to the time of a timer when it comes. */
class Remembering implements KeyedProcessFunction<number, number, string> {
  private seen!: MapState<number, number>;

  open(context: RuntimeContext): void {
    this.seen = context.getMapState(mapState("seen", t.int32, t.int32));
  }

  processElement(n: number, context: KeyedProcessContext<number>): void {
    this.seen.put(n, n);
    context.timerService.registerEventTimeTimer(n * 10 + 300);
  }

  onTimer(timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
    out.collect(
      `seen ${context.currentKey} ${[...this.seen.keys()].filter((n) => n * 10 <= timeMs).length} at ${timeMs}`,
    );
  }
}

/** Values, maps with timers, and windows, of forty keys. */
const build: BuildJob = (env, rows) => {
  const stream = numbers(env);
  counted(stream, "a", "counts").sinkTo(rows.sink()).uid("counted");
  stream
    .keyBy((n) => n % 40)
    .process(new Remembering())
    .uid("remembering")
    .sinkTo(rows.sink())
    .uid("remembered");
  stream
    .map((n) => ({ key: n % 40, sum: n }))
    .keyBy((value) => value.key)
    .window(TumblingEventTimeWindows.of(700))
    .reduce((left, right) => ({ key: left.key, sum: left.sum + right.sum }))
    .uid("windows")
    .map(({ key, sum }) => `sum ${key} ${sum}`)
    .sinkTo(rows.sink())
    .uid("summed");
};

async function undisturbed(): Promise<readonly string[]> {
  const platform = createSimulatedPlatform({ seed: 31 });
  const rows = new CommittedRows();
  await platform.run(async () => {
    const env = environmentOn(platform, { ...checkpointed, ...heap });
    build(env, rows);
    await env.execute();
  }, 600_000);
  return rows.rows;
}

describe("S30: a job whose state is stored", () => {
  test.each([1, 3])("has the results of one on the heap, through failures, at parallelism %i", async (parallelism) => {
    const platform = createSimulatedPlatform({ seed: 32 });
    const rows = new CommittedRows();
    let count = 0;
    const failing = (env: StreamExecutionEnvironment): void => {
      build(env, rows);
      numbers(env, "other")
        .map((n) => {
          if (++count === 60 || count === 190) throw new Error("on purpose");
          return n;
        })
        .filter(() => false)
        .map(String)
        .sinkTo(rows.sink());
    };
    await platform.run(async () => {
      const env = environmentOn(platform, {
        ...checkpointed,
        ...stored,
        ...at(parallelism),
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": "10",
        "jobmanager.execution.failover-strategy": "full",
      });
      failing(env);
      await env.execute();
    }, 600_000);
    expect(rows.rows).toEqual(await undisturbed());
    expect(count).toBeGreaterThan(190);
    expect(await leftBehind(platform)).toEqual([]);
  });
});

describe("S30, S47, S51: a savepoint goes on", () => {
  const expected = undisturbed();

  test.each([
    ["from the heap to the store, at a higher parallelism", heap, stored, 1, 3],
    ["from the store to the heap, at a lower parallelism", stored, heap, 3, 2],
    ["from the store to the store, at another parallelism", stored, stored, 2, 3],
  ] as const)("%s", async (_title, first, second, before, then) => {
    const settings = { first: { ...first, ...at(before) }, second: { ...second, ...at(then) } };
    expect(await rowsOfUpgrade(build, build, settings)).toEqual(await expected);
  });

  test.each([
    [2, 2],
    [1, 3],
    [3, 1],
    [3, 2],
  ])(
    "S31: in the terms of the store, from parallelism %i to %i, with nothing of the job's directory left",
    async (before, then) => {
      const platform = createSimulatedPlatform({ seed: 33 });
      const rows = new CommittedRows();
      await platform.run(async () => {
        const client = await halfway(platform, { ...checkpointed, ...stored, ...at(before) }, (env) =>
          build(env, rows),
        );
        const path = await client.stopWithSavepoint(false, "/savepoints", "NATIVE");
        await platform.fs.removeTree("/checkpoints");
        await platform.fs.rename(path, "/moved");
        const env = environmentOn(platform, { ...checkpointed, ...stored, ...at(then), ...from("/moved") });
        build(env, rows);
        await env.execute();
      }, 600_000);
      expect(rows.rows).toEqual(await expected);
      expect(await leftBehind(platform)).toEqual([]);
    },
  );

  test("S31: not in the terms of the store to the heap: refused by name before anything is lost", async () => {
    const platform = createSimulatedPlatform({ seed: 34 });
    const rows = new CommittedRows();
    const failure = await platform.run(async () => {
      const client = await halfway(platform, { ...checkpointed, ...stored }, (env) => build(env, rows));
      const path = await client.stopWithSavepoint(false, "/savepoints", "NATIVE");
      const env = environmentOn(platform, { ...checkpointed, ...heap, ...from(path) });
      build(env, rows);
      return env.execute().then(
        () => "",
        (error: unknown) => String(error),
      );
    }, 600_000);
    expect(failure).toMatch(/MR_STATE_BACKEND_DIFFERS/);
  });
});

test("S31: a checkpoint writes only the files that are new, and refers to those of checkpoints before", async () => {
  const platform = createSimulatedPlatform({ seed: 35 });
  const rows = new CommittedRows();
  const shared: (readonly string[])[] = [];
  const files = FileSystems.local(platform.fs);
  await platform.run(async () => {
    const settings = {
      ...checkpointed,
      ...stored,
      "execution.checkpointing.num-retained": "20",
      "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    };
    const client = await halfway(platform, settings, (env) => build(env, rows));
    await client.cancel();
    const path = client.getProgress().checkpoints.lastPath!;
    const job = platform.fs.resolve(path, "..");
    for (const name of (await platform.fs.list(job)).filter((each) => each.startsWith("chk-"))) {
      const { metadata } = await loadCheckpoint(files, platform.fs.resolve(job, name));
      const keyed = metadata.operators.flatMap(({ subtasks }) => subtasks.flatMap((subtask) => subtask.keyed ?? []));
      expect(keyed.map(({ kind }) => kind)).toEqual(["store", "store", "store"]);
      const names = keyed
        .flatMap((each) => (each.kind === "store" ? each.files : []))
        .flatMap(({ handle }) => {
          return handle.kind === "file" && handle.name.startsWith("../shared/") ? handle.name : [];
        });
      for (const each of names) expect(await platform.fs.stat(platform.fs.resolve(job, name, each))).toBeDefined();
      shared.push(names);
    }
  }, 600_000);
  expect(shared.length).toBeGreaterThanOrEqual(4);
  const kept = shared.slice(1).map((names, index) => names.filter((name) => shared[index]!.includes(name)).length);
  expect(Math.min(...kept)).toBeGreaterThan(0);
  expect(new Set(shared.flat()).size).toBeLessThan(shared.flat().length / 2);
});

/** Directories of local state: what a job that has ended leaves none of. */
async function leftBehind(platform: SimulatedPlatform): Promise<readonly string[]> {
  return platform.run(async () =>
    (await platform.fs.stat("/tmp")) === undefined ? [] : await platform.fs.list("/tmp"),
  );
}

test("S30: a job whose stores cannot be opened ends at once, whatever its restart strategy", async () => {
  const platform = createSimulatedPlatform({ seed: 95 });
  const missing = new MillraceError("MR_ROCKSDB_UNAVAILABLE", { what: "no store", todo: "install it" });
  platform.stores.load = () => Promise.reject(missing);
  const rows = new CommittedRows();
  const env = environmentOn(platform, { ...stored, "restart-strategy.type": "exponential-delay" });
  counted(numbers(env), "a", "counts").sinkTo(rows.sink());
  await expect(platform.run(() => env.execute(), 600_000)).rejects.toThrow(/MR_ROCKSDB_UNAVAILABLE/);
  expect(rows.rows).toEqual([]);
});
