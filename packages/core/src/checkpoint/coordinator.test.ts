import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointCoordinator, type CoordinatorAction, type CoordinatorConfig } from "./coordinator.ts";
import { replay, type ScenarioCommand, scenarioNames } from "./testdata/scenario.ts";

const config: CoordinatorConfig = {
  intervalMs: 1000,
  timeoutMs: 10_000,
  minPauseMs: 0,
  maxConcurrent: 1,
  tolerableFailures: 0,
};
const tasks = ["0/0", "0/1"];

function coordinator(over: Partial<CoordinatorConfig> = {}, firstId = 1): CheckpointCoordinator {
  return new CheckpointCoordinator({ ...config, ...over }, tasks, firstId, 0);
}

/** Acknowledges from all tasks and stores, at one moment. */
function complete(target: CheckpointCoordinator, checkpointId: number, nowMs: number): readonly CoordinatorAction[] {
  return [
    ...tasks.flatMap((task) => target.onAcknowledged(task, checkpointId, nowMs)),
    ...target.onStored(checkpointId, nowMs),
  ];
}

const triggered = (actions: readonly CoordinatorAction[]): readonly number[] =>
  actions.filter((action) => action.kind === "trigger").map((action) => action.checkpointId);

test("the first checkpoint comes one interval after the start, the next ones an interval after their predecessor's trigger", () => {
  const target = coordinator();
  expect(target.nextDueMs()).toBe(1000);
  expect(triggered(target.onTime(999))).toEqual([]);
  expect(triggered(target.onTime(1000))).toEqual([1]);
  expect(complete(target, 1, 1200)).toEqual([
    { kind: "store", checkpointId: 1 },
    { kind: "announce", checkpointId: 1 },
  ]);
  expect(target.nextDueMs()).toBe(2000);
  expect(triggered(target.onTime(2000))).toEqual([2]);
});

test("S40: with a minimum pause of 500 ms a checkpoint that took 700 of 1000 ms is followed 1200 ms after its trigger", () => {
  const target = coordinator({ minPauseMs: 500 });
  target.onTime(1000);
  complete(target, 1, 1700);
  expect(target.nextDueMs()).toBe(2200);
  expect(triggered(target.onTime(2199))).toEqual([]);
  expect(triggered(target.onTime(2200))).toEqual([2]);
});

test("S36: a checkpoint is stored only when all tasks have acknowledged, and announced only when it is stored", () => {
  const target = coordinator();
  target.onTime(1000);
  expect(target.onAcknowledged("0/0", 1, 1001)).toEqual([]);
  expect(target.onAcknowledged("0/0", 1, 1002)).toEqual([]);
  expect(target.onAcknowledged("0/1", 1, 1003)).toEqual([{ kind: "store", checkpointId: 1 }]);
  expect(target.onStored(1, 1004)).toEqual([{ kind: "announce", checkpointId: 1 }]);
  expect(target.onStored(1, 1005)).toEqual([]);
});

test("one that takes too long expires and fails the job, unless failures are tolerated", () => {
  const strict = coordinator();
  strict.onTime(1000);
  expect(strict.onTime(11_000).map((action) => action.kind)).toEqual(["abort", "failJob"]);

  const tolerant = coordinator({ tolerableFailures: 1 });
  tolerant.onTime(1000);
  expect(tolerant.onTime(11_000)).toEqual([
    { kind: "abort", checkpointId: 1, reason: "CHECKPOINT_EXPIRED", cause: undefined },
    { kind: "trigger", checkpointId: 2 },
  ]);
  expect(tolerant.onAcknowledged("0/0", 1, 11_001)).toEqual([]);
  complete(tolerant, 2, 11_100);
  tolerant.onTime(12_100);
  expect(tolerant.onDeclined(3, "disk", 12_200).map((action) => action.kind)).toEqual(["abort"]);
});

test("a requested checkpoint waits for neither interval nor pause, but for the limit", () => {
  const target = coordinator({ intervalMs: undefined, minPauseMs: 5000 });
  expect(target.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
  expect(triggered(target.request(10))).toEqual([1]);
  expect(triggered(target.request(11))).toEqual([]);
  complete(target, 1, 20);
  expect(triggered(target.onTime(20))).toEqual([2]);
});

test("S42: with several in flight the newer one subsumes the older one", () => {
  const target = coordinator({ maxConcurrent: 2 });
  target.onTime(1000);
  target.onTime(2000);
  expect(target.pendingIds).toEqual([1, 2]);
  expect(target.nextDueMs()).toBe(11_000);
  expect(complete(target, 2, 2500)).toContainEqual({
    kind: "abort",
    checkpointId: 1,
    reason: "CHECKPOINT_SUBSUMED",
    cause: undefined,
  });
  expect(target.pendingIds).toEqual([]);
});

test("S42: two checkpoints are never stored at once, so the older one cannot complete after the newer one", () => {
  const target = coordinator({ maxConcurrent: 2 });
  target.onTime(1000);
  target.onTime(2000);
  const acknowledge = (id: number): readonly CoordinatorAction[] =>
    tasks.flatMap((task) => target.onAcknowledged(task, id, 2100));
  expect(acknowledge(1)).toEqual([{ kind: "store", checkpointId: 1 }]);
  expect(acknowledge(2)).toEqual([]);
  expect(target.onStored(2, 2200)).toEqual([]);
  expect(target.onStored(1, 2300)).toEqual([
    { kind: "announce", checkpointId: 1 },
    { kind: "store", checkpointId: 2 },
  ]);
  expect(target.onStored(2, 2400)).toEqual([{ kind: "announce", checkpointId: 2 }]);
});

test("one that is being stored asks for no timer when its time is over, and is neither expired nor declined", () => {
  const target = coordinator({ intervalMs: undefined });
  target.request(0);
  for (const task of tasks) target.onAcknowledged(task, 1, 10);
  expect(target.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
  expect(target.onTime(20_000)).toEqual([]);
  expect(target.onDeclined(1, "late", 20_001)).toEqual([]);
  expect(target.onStored(1, 20_002)).toEqual([{ kind: "announce", checkpointId: 1 }]);
});

test("after the failure that was one too many nothing is triggered and the job is failed once", () => {
  const target = coordinator({ maxConcurrent: 2 });
  target.onTime(1000);
  target.onTime(2000);
  expect(target.onDeclined(1, "disk", 2100).map((action) => action.kind)).toEqual(["abort", "failJob"]);
  expect(target.onDeclined(2, "disk", 2200).map((action) => action.kind)).toEqual(["abort"]);
  expect(target.request(2300)).toEqual([]);
  expect(target.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
});

test("S36: lost tasks give up what is pending without counting as failures, and ids go on", () => {
  const target = coordinator({}, 42);
  target.onTime(1000);
  expect(target.onTasksLost()).toEqual([
    { kind: "abort", checkpointId: 42, reason: "JOB_FAILOVER_REGION", cause: undefined },
  ]);
  expect(target.nextId).toBe(43);
});

test("C5: what is being stored when tasks are lost still ends, and only that", () => {
  const target = coordinator({ maxConcurrent: 3 });
  for (const atMs of [1000, 2000, 3000]) target.onTime(atMs);
  for (const task of tasks) {
    target.onAcknowledged(task, 1, 3100);
    target.onAcknowledged(task, 2, 3200);
  }
  expect(target.onTasksLost().map(({ checkpointId }) => checkpointId)).toEqual([2, 3]);
  expect(target.onStored(1, 3300)).toEqual([{ kind: "announce", checkpointId: 1 }]);
  expect(target.onStored(2, 3400)).toEqual([]);
});

describe("scenarios", () => {
  test.each(scenarioNames("coordinator-"))("%s", async (name) => {
    const scenario = new CoordinatorScenario();
    await expect(replay(name, (command) => scenario.answer(command))).toMatchFileSnapshot(`./testdata/${name}`);
  });
});

/** The commands of the scenario files. `time` sets the clock, in ms; everything else happens at that time. */
class CoordinatorScenario {
  #target: CheckpointCoordinator = coordinator();
  #nowMs = 0;

  answer({ verb, parameters }: ScenarioCommand): readonly string[] {
    if (verb === "coordinator") {
      this.#target = create(parameters);
      return [];
    }
    if (verb === "due") return [`due at=${this.#target.nextDueMs()}`];
    if (verb === "time") this.#nowMs = Number(parameters["at"]);
    return this.#actionsOf({ verb, parameters }).map(show);
  }

  #actionsOf({ verb, parameters }: ScenarioCommand): readonly CoordinatorAction[] {
    const id = Number(parameters["id"]);
    switch (verb) {
      case "time":
        return this.#target.onTime(this.#nowMs);
      case "request":
        return this.#target.request(this.#nowMs);
      case "ack":
        return this.#target.onAcknowledged(parameters["task"]!, id, this.#nowMs);
      case "decline":
        return this.#target.onDeclined(id, undefined, this.#nowMs);
      case "stored":
        return this.#target.onStored(id, this.#nowMs);
      case "storing-failed":
        return this.#target.onStoreFailed(id, undefined, this.#nowMs);
      case "tasks-lost":
        return this.#target.onTasksLost();
      default:
        throw new Error(`unknown command ${verb}`);
    }
  }
}

function create(parameters: ScenarioCommand["parameters"]): CheckpointCoordinator {
  const number = (name: string, otherwise: number): number => Number(parameters[name] ?? otherwise);
  return new CheckpointCoordinator(
    {
      intervalMs: parameters["interval"] === undefined ? undefined : Number(parameters["interval"]),
      timeoutMs: number("timeout", 10_000),
      minPauseMs: number("pause", 0),
      maxConcurrent: number("concurrent", 1),
      tolerableFailures: number("tolerable", 0),
    },
    parameters["tasks"]!.split(","),
    number("first", 1),
    0,
  );
}

function show(action: CoordinatorAction): string {
  const reason = "reason" in action ? ` reason=${action.reason}` : "";
  return `${action.kind} id=${action.checkpointId}${reason}`;
}

const events = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("time" as const), ms: fc.integer({ min: 0, max: 3000 }) }),
    fc.record({
      kind: fc.constant("ack" as const),
      task: fc.constantFrom(...tasks),
      id: fc.integer({ min: 0, max: 12 }),
    }),
    fc.record({
      kind: fc.constantFrom("decline" as const, "stored" as const, "storeFailed" as const),
      id: fc.integer({ min: 0, max: 12 }),
    }),
    fc.record({ kind: fc.constant("request" as const) }),
  ),
  { maxLength: 80 },
);

test("S36, S42: in any order of events ids rise, limits hold, and only what was acknowledged by all and stored is announced", () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 700), (all, maxConcurrent, minPauseMs) => {
      const target = coordinator({ maxConcurrent, minPauseMs, tolerableFailures: 1000, timeoutMs: 4000 });
      let nowMs = 0;
      let lastId = 0;
      const acknowledged = new Map<number, Set<string>>();
      const asked = new Set<number>();
      const ended = new Set<number>();
      let storing: number | undefined;
      let lastCompleted = 0;
      for (const event of all) {
        let actions: readonly CoordinatorAction[] = [];
        if (event.kind === "time") {
          nowMs += event.ms;
          actions = target.onTime(nowMs);
        } else if (event.kind === "request") actions = target.request(nowMs);
        else if (event.kind === "ack") {
          if (target.pendingIds.includes(event.id)) {
            acknowledged.set(event.id, (acknowledged.get(event.id) ?? new Set()).add(event.task));
          }
          actions = target.onAcknowledged(event.task, event.id, nowMs);
        } else if (event.kind === "decline") actions = target.onDeclined(event.id, undefined, nowMs);
        else
          actions =
            event.kind === "stored"
              ? target.onStored(event.id, nowMs)
              : target.onStoreFailed(event.id, undefined, nowMs);
        for (const action of actions) {
          if (action.kind === "trigger") {
            expect(action.checkpointId).toBe(++lastId);
          } else if (action.kind === "store") {
            expect(acknowledged.get(action.checkpointId)?.size).toBe(tasks.length);
            expect(storing).toBeUndefined();
            storing = action.checkpointId;
            asked.add(action.checkpointId);
          } else if (action.kind === "announce" || action.kind === "abort") {
            if (action.kind === "announce") {
              expect(action.checkpointId).toBe(storing);
              expect(action.checkpointId).toBeGreaterThan(lastCompleted);
              lastCompleted = action.checkpointId;
            }
            if (action.checkpointId === storing) {
              // Only the outcome of the store ends a checkpoint that is being stored.
              expect(["stored", "storeFailed"]).toContain(event.kind);
              storing = undefined;
            }
            expect(ended).not.toContain(action.checkpointId);
            ended.add(action.checkpointId);
          }
        }
        expect(target.pendingIds.length).toBeLessThanOrEqual(minPauseMs > 0 ? 1 : maxConcurrent);
        // A timer that is set for the past again and again would keep the thread busy.
        if (event.kind === "time") expect(target.nextDueMs()).toBeGreaterThan(nowMs);
      }
    }),
    { numRuns: 300 },
  );
});

describe("savepoints", () => {
  test("C7: a savepoint is triggered at once, whatever the limits, and holds the next checkpoint up like any other", () => {
    const target = coordinator({ minPauseMs: 5000 });
    target.onTime(1000);
    expect(target.requestSavepoint("savepoint", 1001)).toEqual({
      kind: "trigger",
      checkpointId: 2,
      savepoint: "savepoint",
    });
    complete(target, 1, 1200);
    expect(triggered(target.onTime(7000))).toEqual([]);
    complete(target, 2, 7100);
    expect(triggered(target.onTime(12_099))).toEqual([]);
    expect(triggered(target.onTime(12_100))).toEqual([3]);
  });

  test("C7: a stored savepoint is not announced, subsumes nothing and is not subsumed", () => {
    const target = coordinator({ maxConcurrent: 3 });
    target.onTime(1000);
    target.requestSavepoint("savepoint", 1100);
    target.onTime(2000);
    expect(target.pendingIds).toEqual([1, 2, 3]);
    expect(complete(target, 3, 2100).map((action) => [action.kind, action.checkpointId])).toEqual([
      ["store", 3],
      ["announce", 3],
      ["abort", 1],
    ]);
    expect(target.pendingIds).toEqual([2]);
    expect(complete(target, 2, 2200)).toEqual([{ kind: "store", checkpointId: 2 }]);
    expect(target.pendingIds).toEqual([]);
  });

  test("C7: a savepoint that fails is no failure of a checkpoint", () => {
    const target = coordinator({ intervalMs: undefined });
    for (const fail of [
      (id: number) => target.onDeclined(id, "no", 10),
      (id: number) => {
        for (const task of tasks) target.onAcknowledged(task, id, 10);
        return target.onStoreFailed(id, "disk", 10);
      },
      () => target.onTime(20_000),
    ]) {
      const { checkpointId } = target.requestSavepoint("savepoint", 5);
      expect(fail(checkpointId).map((action) => action.kind)).toEqual(["abort"]);
    }
  });

  test("C8: while a terminal savepoint is pending nothing periodic starts; it is announced and subsumes", () => {
    const target = coordinator({ maxConcurrent: 3 });
    target.onTime(1000);
    target.requestSavepoint("terminal", 1100);
    expect(triggered(target.onTime(5000))).toEqual([]);
    expect(complete(target, 2, 5100).map((action) => action.kind)).toEqual(["store", "announce", "abort"]);
  });

  test("C8: nothing follows a terminal savepoint that is stored; one that fails is followed as if nobody had asked", () => {
    const stopped = coordinator();
    complete(stopped, stopped.requestSavepoint("terminal", 900).checkpointId, 1100);
    expect(stopped.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
    expect(triggered(stopped.onTime(5000))).toEqual([]);
    const goingOn = coordinator();
    goingOn.onDeclined(goingOn.requestSavepoint("terminal", 900).checkpointId, undefined, 1100);
    expect(triggered(goingOn.onTime(5000))).toEqual([2]);
  });

  test("C8: held triggers start nothing but savepoints, and go on when they are let go", () => {
    const target = coordinator();
    expect(target.hold(true, 0)).toEqual([]);
    expect(target.nextDueMs()).toBe(Number.POSITIVE_INFINITY);
    expect(triggered(target.request(2000))).toEqual([]);
    complete(target, target.requestSavepoint("savepoint", 2000).checkpointId, 2100);
    expect(triggered(target.hold(false, 3000))).toEqual([2]);
  });
});
