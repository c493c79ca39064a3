/** Whole jobs whose slots are in two processes, with data on wires between them and one disk. */
import { describe, expect, test } from "vitest";
import { PipelineEnvironment } from "../api/environment.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { Configuration } from "../config/configuration.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { WireEndpoint } from "../exchange/wire/wire-endpoint.ts";
import type { KeyedProcessContext, RuntimeContext } from "../operators/functions.ts";
import { SimulatedCluster } from "../platform/simulated-cluster.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import type { ValueState } from "../state/keyed-state.ts";
import { valueState } from "../state/state-descriptors.ts";
import { slotCountOf } from "../taskmanager/slot-layout.ts";
import { JobWire } from "../taskmanager/threads/job-wire.ts";
import { runSlotThread } from "../taskmanager/threads/slot-thread-main.ts";
import { SlotThreads } from "../taskmanager/threads/slot-threads.ts";
import { ThreadsExecutor } from "../taskmanager/threads/threads-executor.ts";
import { CommittedRows } from "../testing/committed-rows.ts";
import { ExecutorsAttempt } from "./executors-attempt.ts";
import { JobRunner } from "./job-runner.ts";
import { ringSegmentsOf } from "./job-settings.ts";
import type { JobOfSlots, JobSlots, SlotsOfJob } from "./job-slots.ts";
import { readRestoredState } from "./restored-state.ts";
import { type StoreDownloads, storeDownloadsOf } from "./store-downloads.ts";

const SLOT_MAIN = "slot-main";
const HOSTS = ["a", "b"] as const;

type Job = (env: PipelineEnvironment) => void;

/** A JobMaster and two processes with slots, on machines of their own. */
class TwoProcesses {
  readonly cluster: SimulatedCluster;
  readonly jobMaster: SimulatedPlatform;
  readonly #processes: readonly SimulatedPlatform[];
  readonly #job: Job;
  attempts = 0;

  constructor(seed: number, job: Job) {
    this.cluster = new SimulatedCluster({ seed });
    this.#job = job;
    const { scheduler, network } = this.cluster;
    const { storage } = this.cluster.host("disk");
    const start = (name: string, host: string): SimulatedPlatform =>
      createSimulatedPlatform({ seed, name, host, scheduler, network, storage });
    this.jobMaster = start("job master", "m");
    this.#processes = HOSTS.map((host) => start(`process ${host}`, host));
    for (const { workers } of this.#processes) {
      workers.register(SLOT_MAIN, (scope) =>
        runSlotThread(scope, async (_module, configuration) => this.#build(configuration)),
      );
    }
  }

  run<T>(action: () => Promise<T>): Promise<T> {
    return this.cluster.run(action, 3_600_000);
  }

  async start(settings: Readonly<Record<string, string>>): Promise<JobRunner> {
    const configuration = Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value })));
    const endpoints = await Promise.all(
      this.#processes.map((platform, index) =>
        WireEndpoint.listen({
          platform,
          bind: { host: HOSTS[index]!, port: 0 },
          allowNonLoopback: true,
          heartbeatIntervalMs: 1000,
          heartbeatTimeoutMs: 4000,
        }),
      ),
    );
    return JobRunner.start({
      ...this.#build(configuration),
      name: "wired",
      platform: this.jobMaster,
      onWarning: () => {},
      slots: this.#slots(endpoints),
    });
  }

  #build(configuration: Configuration) {
    const executor = { executeAsync: () => Promise.reject(new Error("a job is only built here")) };
    const env = new PipelineEnvironment({ configuration, executor });
    this.#job(env);
    return { transformations: env.getTransformations(), configuration: env.configuration };
  }

  /** Every second slot of the job in the same process, so that most channels cross. */
  #slots(endpoints: readonly WireEndpoint[]): SlotsOfJob {
    return (job: JobOfSlots): JobSlots => {
      const { graph, jobId, configuration } = job;
      const all = Array.from({ length: slotCountOf(graph) }, (_, slot) => slot);
      const parts = this.#processes.map((platform, index) => {
        const slots = all.filter((slot) => slot % this.#processes.length === index);
        const wire = new JobWire({ endpoint: endpoints[index]!, jobId, session: "1", bells: platform.bells });
        const threads = new SlotThreads({
          graph,
          jobId,
          module: { url: "job", args: [] },
          mainUrl: SLOT_MAIN,
          isSelfContained: false,
          given: configuration,
          configuration,
          slots,
          platform,
          onWarning: () => {},
        });
        const executor = new ThreadsExecutor({
          graph,
          threads,
          ringSegments: ringSegmentsOf(configuration),
          storage: job.storage,
          localFs: platform.fs,
          readRestore: async (checkpoint) => {
            const state = await readRestoredState(sourcesOf(platform), checkpoint, graph);
            return ({ vertexId, subtaskIndex }) => state.of(vertexId, subtaskIndex);
          },
          wire,
        });
        return { threads, wire, executor };
      });
      const dataAddresses = all.map((slot) => endpoints[slot % endpoints.length]!.address);
      const executors = parts.map(({ executor }) => executor);
      return {
        deploy: (options) => {
          this.attempts++;
          return ExecutorsAttempt.deploy({ graph, ...options, executors, dataAddresses });
        },
        metrics: async () => (await Promise.all(parts.map(({ threads }) => threads.metrics()))).flat(),
        close: async () => {
          await Promise.all(parts.map(({ threads }) => threads.close()));
          for (const { wire } of parts) wire.close();
          await Promise.all(endpoints.map((endpoint) => endpoint.close()));
        },
      };
    };
  }
}

const KEYS = 7;
const COUNT = 500;

/** Numbers the records of each key. */
class Counting {
  private count!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.count = context.getState(valueState<number>("count"));
  }

  processElement(n: number, context: KeyedProcessContext<number>, out: { collect(value: string): void }): void {
    const count = (this.count.value() ?? 0) + 1;
    this.count.update(count);
    out.collect(`${context.currentKey}: ${count} ${n >= 0 ? "ok" : "bad"}`);
  }
}

/** Every record is counted by its key, at another subtask than it was read. */
function countingJob(rows: CommittedRows, count: number, onRecord: (n: number) => void = () => {}): Job {
  return (env) => {
    env
      .fromSource(
        DataGeneratorSource.of((i) => i, count, { ratePerSecond: 1000 }),
        { boundedOutOfOrderness: 0, timestamp: (n) => n },
        "numbers",
      )
      .rebalance()
      .map((n: number) => {
        onRecord(n);
        return n;
      })
      .uid("map")
      .keyBy((n) => n % KEYS)
      .process(new Counting())
      .uid("counts")
      .sinkTo(rows.sink())
      .uid("rows");
  };
}

function countsOf(count: number): string[] {
  const counts = new Map<number, number>();
  return Array.from({ length: count }, (_, n) => {
    const next = (counts.get(n % KEYS) ?? 0) + 1;
    counts.set(n % KEYS, next);
    return JSON.stringify(`${n % KEYS}: ${next} ok`);
  }).sort();
}

const settings = (parallelism: number): Record<string, string> => ({
  "parallelism.default": String(parallelism),
  "execution.checkpointing.interval": "50 ms",
  "execution.checkpointing.dir": "/checkpoints",
  "restart-strategy.type": "fixed-delay",
  "restart-strategy.fixed-delay.attempts": "20",
  "restart-strategy.fixed-delay.delay": "20 ms",
});

const after = (platform: SimulatedPlatform, ms: number): Promise<void> =>
  new Promise((resolve) => void platform.clock.after(ms, resolve));

async function until(platform: SimulatedPlatform, holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (holds()) return;
    await after(platform, 5);
  }
  throw new Error("waited for nothing");
}

describe("slots in two processes, parallelism 4", () => {
  test.each([1])("a keyed job gives what it gives in one process, seed %i", async (seed) => {
    const rows = new CommittedRows();
    const two = new TwoProcesses(seed, countingJob(rows, COUNT));
    const result = await two.run(async () => (await two.start(settings(4))).result);
    expect(result).toMatchObject({ status: "FINISHED" });
    expect(rows.rows).toEqual(countsOf(COUNT));
    expect(two.attempts).toBe(1);
  });

  test.each([4])(
    "a function that fails restarts the attempt in both processes; every record counts once, seed %i",
    async (seed) => {
      const rows = new CommittedRows();
      let failures = 0;
      const job = countingJob(rows, COUNT, (n) => {
        if (n === 222 + failures * 100 && failures < 2) {
          failures++;
          throw new Error("once more");
        }
      });
      const two = new TwoProcesses(seed, job);
      const result = await two.run(async () => (await two.start(settings(4))).result);
      expect(result).toMatchObject({ status: "FINISHED" });
      expect(rows.rows).toEqual(countsOf(COUNT));
      expect([failures, two.attempts]).toEqual([2, 3]);
    },
  );

  test.each([6, 7, 8])("connections that break again and again: every record counts once, seed %i", async (seed) => {
    const rows = new CommittedRows();
    const two = new TwoProcesses(seed, countingJob(rows, COUNT));
    const { faults } = two.cluster;
    const result = await two.run(async () => {
      const runner = await two.start(settings(4));
      for (let fault = 0; fault < 3; fault++) {
        const before = rows.rows.length;
        await until(two.jobMaster, () => rows.rows.length > before || runner.status === "FINISHED");
        await after(two.jobMaster, seed * 5);
        if ((seed + fault) % 3 === 0) faults.forget("a", "b");
        else if ((seed + fault) % 3 === 1) faults.reset("a", "b");
        else {
          faults.partition("a", "b");
          await after(two.jobMaster, 6000);
          faults.heal("a", "b");
        }
      }
      return runner.result;
    });
    expect(result).toMatchObject({ status: "FINISHED" });
    expect(rows.rows).toEqual(countsOf(COUNT));
    expect(two.attempts).toBeGreaterThan(1);
  });

  test.each([
    [4, 2],
    [2, 5],
  ])("a job that is stopped at parallelism %i goes on at parallelism %i", async (from, to) => {
    const rows = new CommittedRows();
    const first = new TwoProcesses(12, countingJob(rows, COUNT));
    await first.run(async () => {
      const runner = await first.start(settings(from));
      await until(first.jobMaster, () => rows.rows.length > 100);
      const path = await runner.stopWithSavepoint(false, "/savepoints", "CANONICAL");
      await runner.result;
      expect(rows.rows.length).toBeLessThan(COUNT);
      const again = await first.start({ ...settings(to), "execution.state-recovery.path": path });
      expect(await again.result).toMatchObject({ status: "FINISHED" });
    });
    expect(rows.rows).toEqual(countsOf(COUNT));
  });

  test("MR_CHANNEL_BROKEN ends a job that may not restart, and names both ends", async () => {
    const rows = new CommittedRows();
    const two = new TwoProcesses(13, countingJob(rows, COUNT));
    const result = await two.run(async () => {
      const runner = await two.start({ ...settings(4), "restart-strategy.type": "none" });
      await until(two.jobMaster, () => rows.rows.length > 0);
      two.cluster.faults.reset("a", "b");
      return runner.result;
    });
    expect(result.status).toBe("FAILED");
    const { cause } = result;
    expect(String(cause instanceof Error ? `${cause.message} ${String(cause.cause)}` : cause)).toMatch(
      /MR_CHANNEL_BROKEN.*from [ab]:\d+, to [ab]:\d+.*ECONNRESET/s,
    );
  });
});

function sourcesOf(platform: SimulatedPlatform): StoreDownloads {
  return storeDownloadsOf(FileSystems.local(platform.fs), platform, { localDirectory: undefined }, "job");
}
