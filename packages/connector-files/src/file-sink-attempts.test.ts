/** Attempts of one subtask that were given up while they hung, and go on beside their successors. */

import fc from "fast-check";
import { BinaryReader, BinaryWriter, type Platform, t, type WriterInitContext } from "millrace";
import { createSimulatedPlatform, type SimulatedPlatform } from "millrace/internal";
import { expect, test } from "vitest";
import { FileSink } from "./file-sink.ts";
import {
  type FileCommittable,
  type FileWriterState,
  fileCommittableSerializer,
  fileWriterStateSerializer,
} from "./file-sink-state.ts";
import { jsonLines } from "./json-lines.ts";
import { GatedFs } from "./testing/gated-fs.ts";
import { writeFiles } from "./testing/simulated-files.ts";
import { filesIn } from "./testing/sink-driver.ts";
import { through } from "./testing/source-driver.ts";

const OUT = "/out/results";
const ROWS = 60;
const sink = FileSink.to(OUT, jsonLines(), { rollingPolicy: { maxPartBytes: 100 } });

interface Checkpoint {
  readonly id: number;
  readonly position: number;
  readonly states: readonly FileWriterState[];
  readonly committables: readonly FileCommittable[];
}

/** One attempt as the sink operator runs it; it ends at its first failure. */
class Attempt {
  readonly fs: GatedFs;
  readonly writer: ReturnType<typeof sink.createWriter>;
  readonly committer: ReturnType<typeof sink.createCommitter>;
  position: number;
  /** Whatever it is doing besides writing, one after the other. */
  work: Promise<void> = Promise.resolve();
  failure: unknown;
  #pending: FileCommittable[] = [];

  constructor(machine: Platform, from: Checkpoint | undefined) {
    this.fs = new GatedFs(machine.fs);
    const context: WriterInitContext = {
      platform: { ...machine, fs: this.fs },
      subtaskIndex: 0,
      parallelism: 1,
      jobId: "job",
      uid: "sink",
      restoredCheckpointId: from?.id,
    };
    this.committer = sink.createCommitter(context);
    this.writer = sink.createWriter(context, from?.states ?? []);
    this.position = from?.position ?? 0;
    const committables = from?.committables ?? [];
    this.#do(() => this.committer.commit(committables));
  }

  write(row: object): void {
    if (this.failure !== undefined) return;
    try {
      this.writer.write(row);
    } catch (error) {
      this.failure = error;
    }
  }

  /** The state is handed over between two records; it is a checkpoint once that is durable. */
  barrier(id: number, isEnd: boolean, onDurable: (checkpoint: Checkpoint) => boolean): void {
    if (this.failure !== undefined) return;
    const live = this.writer.prepareCommit(isEnd);
    this.#pending.push(...live);
    const states = this.writer.snapshotState(id).map((state) => through(fileWriterStateSerializer, state));
    const due = [...this.#pending];
    const committables = due.map((one) => through(fileCommittableSerializer, one));
    const { position } = this;
    this.#do(async () => {
      await this.writer.flush();
      if (!onDurable({ id, position, states, committables })) return;
      await this.committer.commit(due);
      this.#pending = this.#pending.filter((one) => !due.includes(one));
    });
  }

  close(): void {
    this.#do(() => this.writer.close());
  }

  #do(action: () => Promise<void>): void {
    this.work = this.work.then(async () => {
      if (this.failure !== undefined) return;
      try {
        await action();
      } catch (error) {
        this.failure = error;
      }
    });
  }
}

type Step =
  | { readonly kind: "write"; readonly count: number }
  | { readonly kind: "barrier" }
  | { readonly kind: "restart" }
  | { readonly kind: "settle" }
  | { readonly kind: "wait"; readonly turns: number }
  | {
      readonly kind: "zombie";
      readonly which: number;
      readonly does: "write" | "barrier" | "close" | "nothing";
      readonly operations: number;
    };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: "barrier" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "restart" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "settle" as const }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), turns: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("zombie" as const),
      which: fc.nat(4),
      does: fc.constantFrom("write" as const, "barrier" as const, "close" as const, "nothing" as const),
      operations: fc.integer({ min: 0, max: 8 }),
    }),
  },
);

/** Some steps with hangs, then the rest of the input undisturbed; in the end every zombie comes to its own end. */
async function live(
  machine: SimulatedPlatform,
  script: readonly Step[],
  zombiesWake: "before" | "after",
): Promise<void> {
  let latest: Checkpoint | undefined;
  let lastId = 0;
  const zombies: Attempt[] = [];
  let current = new Attempt(machine, undefined);
  const barrier = (attempt: Attempt, isEnd = false): void =>
    attempt.barrier(++lastId, isEnd, (checkpoint) => {
      // The JobManager listens to no attempt that it has given up.
      if (attempt !== current) return false;
      latest = checkpoint;
      return true;
    });
  const write = (count: number): void => {
    for (let index = 0; index < count && current.position < ROWS; index++) current.write({ id: current.position++ });
  };
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn++) await machine.fs.stat("/");
  };
  const restart = (): void => {
    current.fs.hang();
    zombies.push(current);
    current = new Attempt(machine, latest);
  };
  for (const step of script) {
    if (step.kind === "write") write(step.count);
    else if (step.kind === "barrier") barrier(current);
    else if (step.kind === "restart") restart();
    else if (step.kind === "settle") await current.work;
    else if (step.kind === "wait") await turns(step.turns);
    else {
      const zombie = zombies[step.which];
      if (zombie === undefined) continue;
      if (step.does === "write") zombie.write({ zombie: "x".repeat(step.operations * 9) });
      if (step.does === "barrier") barrier(zombie);
      if (step.does === "close") zombie.close();
      zombie.fs.letThrough(step.operations);
      await turns(step.operations);
    }
    expect(current.failure, JSON.stringify(step)).toBeUndefined();
  }
  const wake = async (): Promise<void> => {
    for (const zombie of zombies) {
      zombie.write({ zombie: "at last" });
      barrier(zombie);
      zombie.close();
      zombie.fs.letThrough(Number.POSITIVE_INFINITY);
      await zombie.work;
    }
  };
  if (zombiesWake === "before") await wake();
  write(ROWS);
  barrier(current, true);
  await current.work;
  expect(current.failure).toBeUndefined();
  if (zombiesWake === "after") await wake();
  current.close();
  await current.work;
}

async function outcome(script: readonly Step[], hasEarlier: boolean, zombiesWake: "before" | "after") {
  const machine = createSimulatedPlatform({ seed: 1 });
  return machine.run(async () => {
    if (hasEarlier) {
      const earlier = [0, 1, 3, 40].map((part) => [`${OUT}/part-0-${part}.jsonl`, `{"earlier":${part}}\n`]);
      await writeFiles(machine, Object.fromEntries(earlier));
    }
    await live(machine, script, zombiesWake);
    const all = Object.entries(await filesIn(machine, OUT));
    return Object.fromEntries(all.filter(([name]) => !name.startsWith(".")));
  }, 1e9);
}

test("attempts that were given up while they hung, and go on at any step, change nothing of what their successors commit", async () => {
  const expected = await outcome([], false, "before");
  expect(Object.keys(expected).length).toBeGreaterThan(5);
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 5, maxLength: 40 }),
      fc.boolean(),
      fc.constantFrom("before" as const, "after" as const),
      async (script, hasEarlier, zombiesWake) => {
        expect(await outcome(script, hasEarlier, zombiesWake)).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});

test("an attempt that was given up before it has listed the directory does not take its successor's files away", async () => {
  const expected = await outcome([], false, "before");
  const hung: Step = { kind: "restart" };
  const script: Step[] = [
    { kind: "write", count: 3 },
    { kind: "barrier" },
    { kind: "settle" },
    // The second attempt hangs before its first operation; the third has a checkpoint with an open part when it goes on.
    hung,
    hung,
    { kind: "write", count: 2 },
    { kind: "barrier" },
    { kind: "settle" },
    { kind: "zombie", which: 1, does: "barrier", operations: 50 },
    hung,
  ];
  expect(await outcome(script, false, "before")).toEqual(expected);
});

const bytesOf = (write: (out: BinaryWriter) => void): Uint8Array => {
  const out = new BinaryWriter();
  write(out);
  return out.finish();
};

test("state that was written before names had attempts is read, and its files are found", () => {
  const part = { subtask: 1, generation: "", part: 0, sizeBytes: 9, modifiedMs: 1.5 };
  const earlier = t.array(
    t.object({ subtask: t.int32, generation: t.string, part: t.int64, sizeBytes: t.int64, modifiedMs: t.float64 }),
  );
  const stateBefore = t.object({
    subtask: t.int32,
    generation: t.string,
    nextPart: t.int64,
    openPart: t.int64,
    openBytes: t.int64,
    openChecksum: t.int64,
    isFresh: t.boolean,
    parallelism: t.int32,
    earlier: t.nullable(earlier),
  });
  const state = {
    subtask: 3,
    generation: "r7",
    nextPart: 5,
    openPart: 4,
    openBytes: 100,
    openChecksum: 77,
    isFresh: true,
    parallelism: 4,
    earlier: [part],
  };
  const stateBytes = bytesOf((out) => stateBefore.serializer.write(state, out));
  expect(fileWriterStateSerializer.read(new BinaryReader(stateBytes))).toEqual({ ...state, attempt: "" });
  const committableBefore = t.object({
    subtask: t.int32,
    generation: t.string,
    part: t.int64,
    sizeBytes: t.int64,
    replaces: earlier,
  });
  const committable = { subtask: 3, generation: "", part: 4, sizeBytes: 8, replaces: [part] };
  const bytes = bytesOf((out) => committableBefore.serializer.write(committable, out));
  const expected = { ...committable, attempt: "", leftovers: [] };
  expect(fileCommittableSerializer.read(new BinaryReader(bytes))).toEqual(expected);
  const later = bytesOf((out) => out.zigzag(-3));
  expect(() => fileCommittableSerializer.read(new BinaryReader(later))).toThrow(/version 2 of a file sink's state/);
});

test("an open part of a checkpoint from before is continued under the same final name", async () => {
  const machine = createSimulatedPlatform({ seed: 1 });
  const text = `{"id":0}\n`;
  await machine.run(async () => {
    const open = new Attempt(machine, undefined);
    open.write({ id: 0 });
    let taken: Checkpoint | undefined;
    open.barrier(1, false, (checkpoint) => {
      taken = checkpoint;
      return true;
    });
    await open.work;
    const [state] = taken!.states;
    await machine.fs.rename(`${OUT}/.part-0-0.sink.${state!.attempt}.inprogress`, `${OUT}/.part-0-0.sink.inprogress`);
    const next = new Attempt(machine, { ...taken!, position: 1, states: [{ ...state!, attempt: "" }] });
    next.write({ id: 1 });
    next.barrier(2, true, () => true);
    await next.work;
    expect(next.failure).toBeUndefined();
    expect(await filesIn(machine, OUT)).toEqual({ "part-0-0.jsonl": `${text}{"id":1}\n` });
  });
});

test("an older checkpoint finds its open part in a later attempt's copy when its own file is gone", async () => {
  const machine = createSimulatedPlatform({ seed: 1 });
  await machine.run(async () => {
    const taken: Checkpoint[] = [];
    const keep = (checkpoint: Checkpoint): boolean => taken.push(checkpoint) > 0;
    const first = new Attempt(machine, undefined);
    first.write({ id: first.position++ });
    first.barrier(1, false, keep);
    await first.work;
    const second = new Attempt(machine, taken[0]);
    second.write({ id: second.position++ });
    second.barrier(2, false, keep);
    await second.work;
    // The second attempt's first checkpoint has removed what the first attempt has left.
    expect(Object.keys(await filesIn(machine, OUT))).toEqual([
      `.part-0-0.sink.${taken[1]!.states[0]!.attempt}.inprogress`,
    ]);
    const third = new Attempt(machine, taken[0]);
    third.write({ id: 1 });
    third.barrier(3, true, keep);
    await third.work;
    expect(third.failure).toBeUndefined();
    expect(await filesIn(machine, OUT)).toEqual({ "part-0-0.jsonl": `{"id":0}\n{"id":1}\n` });
  });
});

test("an attempt that ends before its first barrier leaves no file", async () => {
  const machine = createSimulatedPlatform({ seed: 1 });
  await machine.run(async () => {
    const attempt = new Attempt(machine, undefined);
    for (let id = 0; id < 30; id++) attempt.write({ id });
    attempt.close();
    await attempt.work;
    expect(attempt.failure).toBeUndefined();
    expect(await filesIn(machine, OUT)).toEqual({});
  });
});
