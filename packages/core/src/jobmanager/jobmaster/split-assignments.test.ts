import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BinaryReader } from "../../base/binary-reader.ts";
import type { SourceSplit } from "../../connectors/source.ts";
import { createSimulatedPlatform } from "../../platform/simulated-platform.ts";
import { pulledSource } from "../../testing/pulled-source.ts";
import { type CoordinatedSource, SourceCoordinator } from "./source-coordinator.ts";
import { SplitAssignments } from "./split-assignments.ts";

const split = (name: string): SourceSplit => ({ splitId: name });
const names = (splits: readonly SourceSplit[]): readonly string[] => splits.map(({ splitId }) => splitId);

describe("S53: which splits a reader gives back", () => {
  test("S53: those that were assigned since the checkpoint it goes back to, in their order, and only its own", () => {
    const assignments = new SplitAssignments();
    assignments.onAssigned(split("a"), 0);
    assignments.onSnapshot(7);
    assignments.onAssigned(split("b"), 0);
    assignments.onAssigned(split("other"), 1);
    assignments.onSnapshot(8);
    assignments.onAssigned(split("c"), 0);
    expect(names(assignments.takeBack(0, 7))).toEqual(["b", "c"]);
    expect(names(assignments.takeBack(0, 7))).toEqual([]);
    expect(names(assignments.takeBack(1, 8))).toEqual([]);
  });

  test("S53: all of them when there is no checkpoint; of completed checkpoints nothing is remembered", () => {
    const assignments = new SplitAssignments();
    assignments.onAssigned(split("a"), 0);
    assignments.onSnapshot(1);
    assignments.onAssigned(split("b"), 0);
    expect(assignments.size).toBe(2);
    expect(names(assignments.takeBack(0, undefined))).toEqual(["a", "b"]);
    assignments.onAssigned(split("c"), 0);
    assignments.onSnapshot(2);
    assignments.onCompleted(2);
    expect(assignments.size).toBe(0);
  });
});

const READERS = 2;
const SPLITS = 8;

type Step =
  | { readonly kind: "request" | "lose" | "return"; readonly reader: number }
  | { readonly kind: "trigger" | "barrier" | "complete" | "giveUp" };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom("request" as const, "request" as const, "lose" as const, "return" as const),
      reader: fc.nat({ max: READERS - 1 }),
    }),
    fc.record({
      kind: fc.constantFrom("trigger" as const, "barrier" as const, "complete" as const, "giveUp" as const),
    }),
  ),
  { maxLength: 60 },
);

interface ModelReader {
  splits: string[];
  /** Lost, and not there again. */
  isLost: boolean;
  /** What is on its way to it, triggers included. */
  arriving: (string | number)[];
}

/** A source with readers that hold what they are given for ever, and checkpoints at the worst moments. */
class Model {
  readonly #coordinator: SourceCoordinator;
  readonly #readers: ModelReader[] = Array.from({ length: READERS }, () => ({
    splits: [],
    isLost: false,
    arriving: [],
  }));
  readonly #all = new Map<
    number,
    { readonly left: readonly string[]; readonly held: (readonly string[] | undefined)[] }
  >();
  #completedId: number | undefined;
  #pendingId: number | undefined;
  #nextId = 1;
  readonly #source = pulledSource({ splits: SPLITS, numbersPerSplit: 1, pauseMs: 1 });

  constructor() {
    const coordinated: CoordinatedSource = {
      uid: "numbers",
      vertexId: 0,
      parallelism: READERS,
      source: this.#source as never,
      alignment: undefined,
    };
    this.#coordinator = new SourceCoordinator(
      coordinated,
      createSimulatedPlatform({ seed: 1 }),
      {
        assignSplit: ({ subtaskIndex }, { splitId }) => void this.#readers[subtaskIndex]!.arriving.push(splitId),
        signalNoMoreSplits: () => {},
        allowWatermark: () => {},
      },
      undefined,
    );
  }

  async start(): Promise<void> {
    for (let reader = 0; reader < READERS; reader++) await this.#coordinator.onReaderRunning(reader);
  }

  async do(step: Step): Promise<void> {
    if ("reader" in step) {
      const reader = this.#readers[step.reader]!;
      if (step.kind === "request") this.#coordinator.onSplitRequest(step.reader);
      else if (step.kind === "lose" && !reader.isLost) this.#lose(step.reader, reader);
      else if (step.kind === "return" && reader.isLost) await this.#return(step.reader, reader);
      return;
    }
    const isWhole = this.#readers.every(({ isLost }) => !isLost);
    if (step.kind === "trigger" && isWhole && this.#pendingId === undefined) this.#trigger();
    else if (step.kind === "barrier")
      for (const [index, reader] of this.#readers.entries()) this.#arrive(index, reader);
    else if (step.kind === "giveUp") this.#pendingId = undefined;
    else if (step.kind === "complete") this.#complete();
  }

  /** Every split is at one place, if all readers are there. */
  check(): void {
    const left = this.#left();
    const held = this.#readers.flatMap(({ splits, arriving }) => [
      ...splits,
      ...arriving.filter((each) => typeof each === "string"),
    ]);
    if (this.#readers.some(({ isLost }) => isLost)) return;
    expect([...left, ...held].toSorted()).toEqual(Array.from({ length: SPLITS }, (_, index) => `split-${index}`));
  }

  #left(): readonly string[] {
    const bytes = this.#coordinator.snapshot(this.#nextId++);
    return names(this.#source.enumeratorStateSerializer.read(new BinaryReader(bytes)));
  }

  // One turn: the enumerator's state, and the trigger behind what was assigned.
  #trigger(): void {
    const checkpointId = this.#nextId++;
    const bytes = this.#coordinator.snapshot(checkpointId);
    const left = names(this.#source.enumeratorStateSerializer.read(new BinaryReader(bytes)));
    this.#pendingId = checkpointId;
    this.#all.set(checkpointId, { left, held: this.#readers.map(() => undefined) });
    for (const { arriving } of this.#readers) arriving.push(checkpointId);
  }

  #arrive(index: number, reader: ModelReader): void {
    for (const each of reader.arriving.splice(0)) {
      if (typeof each === "string") reader.splits.push(each);
      else this.#all.get(each)!.held[index] = [...reader.splits];
    }
  }

  #complete(): void {
    const pending = this.#pendingId;
    if (pending === undefined || this.#all.get(pending)!.held.includes(undefined)) return;
    const { left, held } = this.#all.get(pending)!;
    // I10, at the moment that counts.
    expect([...left, ...held.flatMap((each) => each ?? [])].toSorted()).toHaveLength(SPLITS);
    this.#completedId = pending;
    this.#pendingId = undefined;
    this.#coordinator.onCheckpointComplete(pending);
  }

  #lose(index: number, reader: ModelReader): void {
    this.#coordinator.onReaderLost(index);
    this.#pendingId = undefined;
    Object.assign(reader, { isLost: true, splits: [], arriving: [] });
  }

  async #return(index: number, reader: ModelReader): Promise<void> {
    const completed = this.#completedId;
    this.#coordinator.resetReader(index, completed);
    reader.splits = completed === undefined ? [] : [...this.#all.get(completed)!.held[index]!];
    reader.isLost = false;
    await this.#coordinator.onReaderRunning(index);
  }
}

test("S53, class 23: wherever a reader dies between assignment, trigger, barrier and completion, every split is somewhere once", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const model = new Model();
      await model.start();
      for (const step of all) {
        await model.do(step);
        model.check();
      }
    }),
    { numRuns: 300 },
  );
});
