import { describe, expect, test } from "vitest";
import { BarrierAligner } from "../checkpoint/barrier-aligner.ts";
import type { OperatorSnapshot } from "../operators/operator-runtime.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { SubtaskCheckpoints } from "./subtask-checkpoints.ts";

/** Ends when all its entries are written, which it says itself. */
class SlowKeyedState {
  isWritten = false;
  isDiscarded = false;

  step(): void {}

  encode(): Uint8Array {
    return new Uint8Array();
  }

  discard(): void {
    this.isDiscarded = true;
  }
}

/** A subtask without channels; what it hands over and what it fails of is noted down. */
function checkpointsOf(
  durable: Promise<void>,
  isTaken: boolean = true,
): {
  readonly checkpoints: SubtaskCheckpoints;
  readonly keyed: SlowKeyedState;
  readonly events: string[];
} {
  const events: string[] = [];
  const keyed = new SlowKeyedState();
  const snapshot: OperatorSnapshot = { keyed: keyed as never, lists: [], durable };
  const checkpoints = new SubtaskCheckpoints({
    handler: new BarrierAligner(1, new Set([0])),
    gates: [],
    channels: [],
    sourceChannel: 0,
    entries: [],
    writers: [],
    clock: createSimulatedPlatform({ seed: 1 }).clock,
    mail: (action) => action(),
    snapshot: () => [{ uid: "sink", snapshot }],
    onSnapshot: (checkpointId) => {
      if (isTaken) events.push(`snapshot ${checkpointId}`);
      return isTaken;
    },
    onFailed: (error) => events.push(String(error)),
  });
  return { checkpoints, keyed, events };
}

const trigger = { checkpointId: 1, timestampMs: 0, unalignedAfterMs: Number.POSITIVE_INFINITY };
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("V5: what a writer cannot make durable fails the subtask", () => {
  test("at once, while the rest of the snapshot is still being written", async () => {
    const { checkpoints, keyed, events } = checkpointsOf(Promise.reject(new Error("no room")));
    checkpoints.onTrigger(trigger);
    checkpoints.step(0);
    await settled();
    expect(events).toEqual(["Error: no room"]);
    keyed.isWritten = true;
    checkpoints.step(0);
    await settled();
    expect(events).toEqual(["Error: no room"]);
  });

  test("also when nobody waits for the checkpoint any more", async () => {
    let fail: (error: Error) => void = () => {};
    const durable = new Promise<void>((_resolve, reject) => {
      fail = reject;
    });
    const { checkpoints, events } = checkpointsOf(durable);
    checkpoints.onTrigger(trigger);
    checkpoints.onAborted(1);
    fail(new Error("no room"));
    await settled();
    expect(events).toEqual(["Error: no room"]);
  });

  test("and nothing else does: a snapshot is handed over when it is whole and durable", async () => {
    const { checkpoints, keyed, events } = checkpointsOf(Promise.resolve());
    checkpoints.onTrigger(trigger);
    checkpoints.step(0);
    await settled();
    expect(events).toEqual([]);
    keyed.isWritten = true;
    checkpoints.step(0);
    await settled();
    expect(events).toEqual(["snapshot 1"]);
  });
});

describe("V6: the keyed state of a snapshot is discarded", () => {
  test.each([
    { why: "when what it points to cannot be made durable", durable: () => Promise.reject(new Error("no room")) },
    { why: "when nobody takes it any more", durable: () => Promise.resolve(), isTaken: false },
    { why: "when the subtask ends before it is durable", durable: () => new Promise<void>(() => {}), isClosed: true },
  ])("$why", async ({ durable, isTaken = true, isClosed = false }) => {
    const { checkpoints, keyed } = checkpointsOf(durable(), isTaken);
    checkpoints.onTrigger(trigger);
    keyed.isWritten = true;
    checkpoints.step(0);
    if (isClosed) checkpoints.close();
    await settled();
    expect(keyed.isDiscarded).toBe(true);
  });

  test("not when it has been taken", async () => {
    const { checkpoints, keyed } = checkpointsOf(Promise.resolve());
    checkpoints.onTrigger(trigger);
    keyed.isWritten = true;
    checkpoints.step(0);
    await settled();
    checkpoints.close();
    expect(keyed.isDiscarded).toBe(false);
  });
});
