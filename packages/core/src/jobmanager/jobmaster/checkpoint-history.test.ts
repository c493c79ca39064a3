import { expect, test } from "vitest";
import { CheckpointHistory, type CheckpointPart } from "./checkpoint-history.ts";

const TASKS = [
  { vertexId: 0, subtaskIndex: 0 },
  { vertexId: 1, subtaskIndex: 0 },
  { vertexId: 1, subtaskIndex: 1 },
];

function part(vertexId: number, subtaskIndex: number, ackTimestampMs: number, bytes: number): CheckpointPart {
  const inline = { kind: "inline", bytes: new Uint8Array(bytes) } as const;
  return {
    task: { vertexId, subtaskIndex },
    states: [{ uid: "a", keyed: inline } as never],
    metrics: {
      startDelayMs: 1,
      alignmentDurationMs: 2,
      syncDurationMs: 3,
      asyncDurationMs: 4,
      processedBytes: 10,
      persistedBytes: 5,
      isUnaligned: subtaskIndex === 1,
    },
    ackTimestampMs,
  };
}

function take(history: CheckpointHistory, checkpointId: number, timestampMs: number, savepoint?: true): void {
  history.trigger({
    checkpointId,
    timestampMs,
    savepoint: savepoint === undefined ? undefined : { format: "CANONICAL", isTerminal: false },
    tasks: TASKS,
  });
  for (const { vertexId, subtaskIndex } of TASKS)
    history.acknowledge(checkpointId, part(vertexId, subtaskIndex, timestampMs + 7, 100));
  history.complete(checkpointId, timestampMs + 20, `/chk-${checkpointId}`);
}

test("a checkpoint is told of from its trigger on: who has acknowledged, with what, and how long it has been under way", () => {
  const history = new CheckpointHistory(10);
  history.trigger({ checkpointId: 3, timestampMs: 1000, savepoint: undefined, tasks: TASKS });
  expect(history.report(1030).history).toMatchObject([
    { status: "IN_PROGRESS", latestAckTimestampMs: undefined, endToEndDurationMs: 30, stateBytes: 0 },
  ]);
  history.acknowledge(3, part(1, 1, 1010, 100));
  const { counts, history: told } = history.report(1050);
  expect(counts).toEqual({ restored: 0, total: 1, inProgress: 1, completed: 0, failed: 0 });
  expect(told).toMatchObject([
    { checkpointId: 3, latestAckTimestampMs: 1010, endToEndDurationMs: 50, stateBytes: 100, isUnaligned: true },
  ]);
  expect(told[0]!.tasks).toMatchObject([
    { vertexId: 0, subtaskCount: 1, subtasks: [] },
    { vertexId: 1, subtaskCount: 2, subtasks: [{ subtaskIndex: 1, syncDurationMs: 3, ackTimestampMs: 1010 }] },
  ]);
});

test("counts and numbers are of all checkpoints, single ones of the last", () => {
  const history = new CheckpointHistory(2);
  for (let id = 1; id <= 5; id++) take(history, id, id * 1000);
  history.trigger({ checkpointId: 6, timestampMs: 6000, savepoint: undefined, tasks: TASKS });
  history.fail(6, 6100, "Checkpoint expired before completing.");
  const { counts, summary, latest, history: told } = history.report(7000);
  expect(counts).toEqual({ restored: 0, total: 6, inProgress: 0, completed: 5, failed: 1 });
  expect(told.map(({ checkpointId }) => checkpointId)).toEqual([6, 5]);
  expect(summary.endToEndDurationMs).toMatchObject({ count: 5, min: 20, max: 20, sum: 100 });
  expect(summary.stateBytes).toMatchObject({ sum: 1500 });
  expect(latest.completed).toMatchObject({ checkpointId: 5, path: "/chk-5", endToEndDurationMs: 20 });
  expect(latest.failed).toMatchObject({
    status: "FAILED",
    failure: { timestampMs: 6100, message: "Checkpoint expired before completing." },
  });
  expect(history.completed.map(({ checkpointId }) => checkpointId)).toEqual([5]);
});

test("savepoints are told apart, also when nothing is remembered one by one", () => {
  const history = new CheckpointHistory(0);
  take(history, 1, 1000);
  take(history, 2, 2000, true);
  const { latest, history: told } = history.report(3000);
  expect(told).toEqual([]);
  expect(latest.completed?.checkpointId).toBe(1);
  expect(latest.savepoint).toMatchObject({ checkpointId: 2, savepoint: { format: "CANONICAL", isTerminal: false } });
});

test("a completed checkpoint that was removed is told of as such; what is said after the end is nobody's", () => {
  const history = new CheckpointHistory(10);
  take(history, 1, 1000);
  history.acknowledge(1, part(0, 0, 5000, 9999));
  history.fail(1, 5000, "late");
  history.complete(7, 5000, "/unknown");
  history.discard(1);
  const { counts, history: told } = history.report(6000);
  expect(counts).toMatchObject({ total: 1, completed: 1, failed: 0 });
  expect(told).toMatchObject([{ status: "COMPLETED", isDiscarded: true, stateBytes: 300, failure: undefined }]);
});

test("what attempts began from is counted, the last one is told", () => {
  const history = new CheckpointHistory(10);
  history.restore({ checkpointId: 4, timestampMs: 10, isSavepoint: true, path: "/savepoint-1" });
  history.restore({ checkpointId: 9, timestampMs: 20, isSavepoint: false, path: undefined });
  const { counts, latest } = history.report(30);
  expect(counts.restored).toBe(2);
  expect(latest.restored).toEqual({ checkpointId: 9, timestampMs: 20, isSavepoint: false, path: undefined });
});
