import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ResourceAction, ResourceManager, type SlotAddress } from "./resource-manager.ts";

const TIMEOUT_MS = 1000;
const spread = (): ResourceManager => new ResourceManager({ requestTimeoutMs: TIMEOUT_MS, placement: "spread" });
const granted = (actions: readonly ResourceAction[]): readonly string[] =>
  actions.flatMap((action) =>
    action.kind === "grant"
      ? [
          `${action.request.requestId}: ${action.slots.map(({ taskManagerId, slotIndex }) => `${taskManagerId}/${slotIndex}`).join(" ")}`,
        ]
      : [],
  );

describe("S56: slots of TaskManagers", () => {
  test("a job gets its slots spread over the TaskManagers, the emptiest first", () => {
    const manager = spread();
    manager.addTaskManager("a", 2);
    manager.addTaskManager("b", 3);
    expect(granted(manager.request({ requestId: 1, jobId: "x", count: 4 }, 0))).toEqual(["1: b/0 a/0 b/1 a/1"]);
    expect(manager.freeSlotCount).toBe(1);
    expect(manager.slotsOf("x")).toHaveLength(4);
  });

  test("a job gets all of its slots or waits for them, and smaller ones are not held up", () => {
    const manager = spread();
    manager.addTaskManager("a", 2);
    expect(granted(manager.request({ requestId: 1, jobId: "large", count: 3 }, 0))).toEqual([]);
    expect(granted(manager.request({ requestId: 2, jobId: "small", count: 1 }, 0))).toEqual(["2: a/0"]);
    expect(granted(manager.addTaskManager("b", 2))).toEqual(["1: b/0 a/1 b/1"]);
  });

  test("the oldest request is met first when slots come back", () => {
    const manager = spread();
    manager.addTaskManager("a", 1);
    manager.request({ requestId: 1, jobId: "x", count: 1 }, 0);
    manager.request({ requestId: 2, jobId: "y", count: 1 }, 1);
    manager.request({ requestId: 3, jobId: "z", count: 1 }, 2);
    expect(granted(manager.release("x"))).toEqual(["2: a/0"]);
    expect(granted(manager.release("x"))).toEqual([]);
  });

  test("a request that waits for longer than slot.request.timeout is refused, once", () => {
    const manager = spread();
    manager.request({ requestId: 1, jobId: "x", count: 1 }, 10);
    manager.request({ requestId: 2, jobId: "y", count: 1 }, 20);
    expect(manager.nextDueMs()).toBe(10 + TIMEOUT_MS);
    expect(manager.onTime(9 + TIMEOUT_MS)).toEqual([]);
    expect(manager.onTime(10 + TIMEOUT_MS).map(({ kind, request }) => [kind, request.jobId])).toEqual([
      ["refuse", "x"],
    ]);
    expect(granted(manager.addTaskManager("a", 2))).toEqual(["2: a/0"]);
  });

  test("S55: a slot goes to the TaskManager of the name that had it, where that has room", () => {
    const manager = spread();
    manager.addTaskManager("a", 2, "left");
    manager.addTaskManager("b", 4, "right");
    const previous = ["right", undefined, "left", "left", "left"];
    expect(granted(manager.request({ requestId: 1, jobId: "x", count: 5, previous }, 0))).toEqual([
      "1: b/0 b/1 a/0 a/1 b/2",
    ]);
  });

  test("the slots of a lost TaskManager are gone, whoever had them", () => {
    const manager = spread();
    manager.addTaskManager("a", 2);
    manager.addTaskManager("b", 1);
    manager.request({ requestId: 1, jobId: "x", count: 3 }, 0);
    manager.removeTaskManager("a");
    expect(manager.slotsOf("x")).toEqual([{ taskManagerId: "b", slotIndex: 0 }]);
    expect([manager.slotCount, manager.freeSlotCount]).toEqual([1, 0]);
  });

  test("together, a job's slots are all in one TaskManager, also those that it asks for later", () => {
    const manager = new ResourceManager({ requestTimeoutMs: TIMEOUT_MS, placement: "together" });
    manager.addTaskManager("a", 1);
    manager.addTaskManager("b", 3);
    expect(granted(manager.request({ requestId: 1, jobId: "x", count: 2 }, 0))).toEqual(["1: b/0 b/1"]);
    expect(granted(manager.request({ requestId: 2, jobId: "y", count: 2 }, 0))).toEqual([]);
    expect(granted(manager.request({ requestId: 3, jobId: "x", count: 1 }, 0))).toEqual(["3: b/2"]);
  });
});

type Step =
  | { readonly kind: "add"; readonly slots: number }
  | { readonly kind: "remove" | "release"; readonly which: number }
  | { readonly kind: "request"; readonly count: number }
  | { readonly kind: "wait"; readonly ms: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("add" as const), slots: fc.integer({ min: 0, max: 4 }) }),
    fc.record({ kind: fc.constantFrom("remove" as const, "release" as const), which: fc.nat(20) }),
    fc.record({ kind: fc.constant("request" as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: TIMEOUT_MS }) }),
  ),
  { maxLength: 60 },
);

test.each(["spread", "together"] as const)(
  "whatever comes in whatever order, R1 to R4 hold and nothing waits that could be met (%s)",
  (placement) => {
    fc.assert(
      fc.property(steps, (all) => {
        const manager = new ResourceManager({ requestTimeoutMs: TIMEOUT_MS, placement });
        const taskManagers = new Map<string, number>();
        const owned = new Map<string, string>();
        const open = new Map<number, { readonly count: number; readonly dueMs: number }>();
        let nowMs = 0;
        let names = 0;
        const key = ({ taskManagerId, slotIndex }: SlotAddress): string => `${taskManagerId}/${slotIndex}`;
        const apply = (actions: readonly ResourceAction[]): void => {
          for (const action of actions) {
            const { requestId, jobId, count } = action.request;
            expect(open.has(requestId)).toBe(true);
            if (action.kind === "refuse") expect(open.get(requestId)!.dueMs).toBeLessThanOrEqual(nowMs);
            open.delete(requestId);
            if (action.kind === "refuse") continue;
            expect(action.slots).toHaveLength(count);
            if (placement === "together") expect(new Set(action.slots.map((slot) => slot.taskManagerId)).size).toBe(1);
            for (const slot of action.slots) {
              expect(slot.slotIndex).toBeLessThan(taskManagers.get(slot.taskManagerId)!);
              expect(owned.has(key(slot))).toBe(false);
              owned.set(key(slot), jobId);
            }
          }
        };
        for (const step of all) {
          if (step.kind === "add") {
            const name = `tm${names++}`;
            taskManagers.set(name, step.slots);
            apply(manager.addTaskManager(name, step.slots));
          } else if (step.kind === "remove") {
            const name = [...taskManagers.keys()][step.which];
            if (name === undefined) continue;
            taskManagers.delete(name);
            for (const slot of [...owned.keys()]) if (slot.startsWith(`${name}/`)) owned.delete(slot);
            manager.removeTaskManager(name);
          } else if (step.kind === "release") {
            const jobId = `job${step.which}`;
            for (const [slot, owner] of [...owned]) if (owner === jobId) owned.delete(slot);
            apply(manager.release(jobId));
          } else if (step.kind === "request") {
            const requestId = names++;
            open.set(requestId, { count: step.count, dueMs: nowMs + TIMEOUT_MS });
            apply(manager.request({ requestId, jobId: `job${requestId}`, count: step.count }, nowMs));
          } else if (step.kind === "wait") {
            nowMs += step.ms;
            apply(manager.onTime(nowMs));
          }
          const total = [...taskManagers.values()].reduce((sum, slots) => sum + slots, 0);
          expect([manager.slotCount, manager.freeSlotCount]).toEqual([total, total - owned.size]);
          const perTaskManager = [...taskManagers.keys()].map((name) => manager.freeSlotsOf(name));
          const most = placement === "spread" ? total - owned.size : Math.max(0, ...perTaskManager);
          for (const { count } of open.values()) expect(count).toBeGreaterThan(most);
        }
      }),
    );
  },
);
