/** What a slot's thread owes when it is asked for accumulators, and where it was when it died. The thread itself is the test. */
import { describe, expect, test } from "vitest";
import type { JobGraph } from "../../graph/job-graph.ts";
import { AccumulatorResults } from "../../operators/accumulators/accumulator-results.ts";
import type { MergedAccumulator } from "../../operators/accumulators/merged-accumulators.ts";
import type { WorkerHandle } from "../../platform/platform.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../../platform/simulated-platform.ts";
import { accumulatorsLost } from "./slot-errors.ts";
import { SlotThread } from "./slot-thread.ts";
import type { FromSlot, ToSlot } from "./slot-thread-messages.ts";

class FakeWorker implements WorkerHandle {
  readonly received: ToSlot[] = [];
  say: (message: FromSlot) => void = () => {};
  exit: (exitCode: number, failure: Error | undefined) => void = () => {};

  postMessage(message: unknown): void {
    this.received.push(message as ToSlot);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.say = listener;
  }

  onExit(listener: (exitCode: number, failure: Error | undefined) => void): void {
    this.exit = listener;
  }

  callStack(): Promise<readonly []> {
    return Promise.resolve([]);
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }

  get requests(): readonly Extract<ToSlot, { kind: "mergeAccumulators" }>[] {
    return this.received.filter((message) => message.kind === "mergeAccumulators");
  }

  answer(request: number, merged: readonly MergedAccumulator[]): void {
    this.say({ kind: "accumulators", requestId: this.requests[request]!.requestId, merged });
  }
}

interface Situation {
  readonly slot?: number;
  readonly graph?: JobGraph;
  /** By slot, which of its subtasks is at work. */
  readonly currentTasks?: SharedArrayBuffer;
}

// Of the graph only the hash is looked at, and the vertices when the thread dies.
const empty = { hash: "hash", vertices: [] } as unknown as JobGraph;

function thread(
  platform: SimulatedPlatform,
  { slot: index = 0, graph = empty, currentTasks = new SharedArrayBuffer(4) }: Situation = {},
): { readonly worker: FakeWorker; readonly slot: SlotThread } {
  const worker = new FakeWorker();
  const slot = new SlotThread({
    input: {
      slot: index,
      jobId: "job",
      jobName: "job",
      module: { url: "job.ts", args: [] },
      configuration: [],
      doorbells: new SharedArrayBuffer(4),
      currentTasks,
    },
    mainUrl: "main.ts",
    isSelfContained: false,
    graph,
    platform: { ...platform, workers: { spawn: () => worker } },
    heapBytesMax: undefined,
    blockedWarningMs: 600_000,
    blockedTimeoutMs: 600_000,
    cancellationTimeoutMs: 600_000,
    listener: { onMessage: () => {}, onDead: () => {}, onWarning: () => {} },
  });
  return { worker, slot };
}

function loaded(platform: SimulatedPlatform): { readonly worker: FakeWorker; readonly slot: SlotThread } {
  const started = thread(platform);
  started.worker.say({ kind: "loaded", graphHash: "hash", plan: { vertices: [], edges: [] } as never });
  return started;
}

const failure = {
  kind: "failed",
  error: { name: "Error", message: "m", stack: "", coded: undefined, cause: undefined },
};
const one = { name: "one", type: "IntCounter", outcome: failure } as const as MergedAccumulator;

describe("F31: a slot's thread that is asked for its accumulators", () => {
  test("gets what has been merged, and answers each question by itself", async () => {
    const { worker, slot } = loaded(createSimulatedPlatform({ seed: 1 }));
    const first = slot.mergeAccumulators(3, [one], undefined);
    const second = slot.mergeAccumulators(3, [], undefined);
    expect(worker.requests.map(({ deploymentNumber, merged }) => [deploymentNumber, merged])).toEqual([
      [3, [one]],
      [3, []],
    ]);
    worker.answer(1, []);
    worker.answer(0, [one, one]);
    expect([await first, await second]).toEqual([[one, one], []]);
  });

  test("is not waited for longer than asked; a late answer is nobody's", async () => {
    const platform = createSimulatedPlatform({ seed: 2 });
    const { worker, slot } = loaded(platform);
    await platform.run(async () => {
      const asked = slot.mergeAccumulators(0, [], 2000);
      await new Promise<void>((resolve) => platform.clock.after(1999, resolve));
      const second = slot.mergeAccumulators(0, [], 2000);
      expect(await asked).toBeUndefined();
      worker.answer(0, [one]);
      worker.answer(1, []);
      expect(await second).toEqual([]);
    }, 60_000);
  });

  test.each<[string, (worker: FakeWorker, slot: SlotThread) => void]>([
    ["dies", (worker) => worker.exit(1, new Error("killed"))],
    ["is ended", (_worker, slot) => void slot.terminate()],
  ])("owes nothing any more when it %s", async (_end, end) => {
    const { worker, slot } = loaded(createSimulatedPlatform({ seed: 3 }));
    const asked = slot.mergeAccumulators(0, [], undefined);
    end(worker, slot);
    expect(await asked).toBeUndefined();
    expect(await slot.mergeAccumulators(0, [], undefined)).toBeUndefined();
  });

  test("is not asked before it has loaded the job: it has run nothing", async () => {
    const { worker, slot } = thread(createSimulatedPlatform({ seed: 4 }));
    expect(await slot.mergeAccumulators(0, [], undefined)).toBeUndefined();
    expect(worker.requests).toEqual([]);
    await slot.terminate();
  });

  test("leaves an error for a result when it is gone before it could answer", () => {
    const results = AccumulatorResults.lost(accumulatorsLost([0, 2]));
    expect(() => results.all()).toThrow(/MR_ACCUMULATOR_FAILED.*slots 0, 2/s);
  });
});

describe("S16: a slot's thread that dies", () => {
  const vertices = [
    { id: 0, name: "read", parallelism: 2, slotSharingGroup: "default" },
    { id: 1, name: "judge", parallelism: 3, slotSharingGroup: "heavy" },
    { id: 2, name: "write", parallelism: 1, slotSharingGroup: "default" },
    { id: 3, name: "report", parallelism: 1, slotSharingGroup: "heavy" },
  ];
  const graph = { hash: "hash", vertices } as unknown as JobGraph;

  test.each<[slot: number, task: number, name: string | undefined]>([
    [0, 0, "read"],
    [0, 1, "write"],
    [1, 0, "read"],
    [2, 0, "judge"],
    [2, 1, "report"],
    [4, 0, "judge"],
    [4, -1, undefined],
  ])("names the operator it was in, in a slot of any sharing group: slot %i, task %i", async (slot, task, name) => {
    const currentTasks = new SharedArrayBuffer(5 * 4);
    new Int32Array(currentTasks)[slot] = task;
    const started = thread(createSimulatedPlatform({ seed: 5 }), { slot, graph, currentTasks });
    started.worker.exit(1, new Error("killed"));
    await expect(started.slot.loaded).rejects.toThrow("killed");
    expect(started.slot.death?.where["task"]).toBe(name);
  });
});
