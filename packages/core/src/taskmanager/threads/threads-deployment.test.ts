import { expect, test } from "vitest";
import type { StateWriter } from "../../checkpoint/checkpoint-storage.ts";
import type { JobGraph } from "../../graph/job-graph.ts";
import type { LocalFs } from "../../platform/platform.ts";
import type { DeploymentListener } from "../task-executor.ts";
import type { AttemptMessage } from "./slot-thread-messages.ts";
import type { SlotThreads } from "./slot-threads.ts";
import { ThreadsDeployment } from "./threads-deployment.ts";

interface Listener {
  onMessage(slot: number, message: AttemptMessage): void;
}

/** Threads that answer at once, but for one that has died while the others were still loading. */
class FakeThreads {
  readonly slots = [0, 1];
  readonly doorbells = new SharedArrayBuffer(12);
  readonly wireBell = 2;
  readonly asked: string[] = [];
  readonly #deadSlot: number;
  #listener: Listener | undefined;

  constructor(deadSlot: number) {
    this.#deadSlot = deadSlot;
  }

  async start(): Promise<void> {}

  listen(_attemptNumber: number, listener: Listener): void {
    this.#listener = listener;
  }

  unlisten(): void {
    this.#listener = undefined;
  }

  thread(slot: number): object {
    const isDead = slot === this.#deadSlot;
    const answer = (asked: string, kind: "deployed" | "cancelled"): void => {
      this.asked.push(`${asked} ${slot}`);
      if (!isDead) queueMicrotask(() => this.#listener?.onMessage(slot, { kind } as AttemptMessage));
    };
    return {
      isDead,
      death: isDead ? new Error("the thread has died") : undefined,
      post: () => answer("deploy", "deployed"),
      cancel: () => answer("cancel", "cancelled"),
    };
  }
}

test.each([0, 1])(
  "a thread that died before its deployment is not waited for, and the others stop: slot %i",
  async (dead) => {
    const threads = new FakeThreads(dead);
    const graph = {
      vertices: [{ id: 0, name: "read", parallelism: 2, slotSharingGroup: "default", operators: [], gates: [] }],
      edges: [],
    } as unknown as JobGraph;
    const tasks = [0, 1].map((subtaskIndex) => ({ vertexId: 0, subtaskIndex }));
    const deployed = ThreadsDeployment.deploy({
      graph,
      threads: threads as unknown as SlotThreads,
      ringSegments: 4,
      storage: {} as StateWriter,
      localFs: {} as LocalFs,
      wire: undefined,
      restoreOf: () => undefined,
      deployment: {
        deploymentNumber: 1,
        attemptNumber: 0,
        maxParallelism: [16],
        restore: undefined,
        tasks,
        dataAddresses: undefined,
      },
      listener: {} as DeploymentListener,
    });
    await expect(deployed).rejects.toThrow("the thread has died");
    expect(threads.asked).toEqual([`deploy ${1 - dead}`, `cancel ${1 - dead}`]);
  },
);
