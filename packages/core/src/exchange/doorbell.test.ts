import { expect, test } from "vitest";
import type { Bells } from "../platform/platform.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { createDoorbellMemory, Doorbell } from "./doorbell.ts";

/** Bells that tell what they were asked for, and ring when told to. */
class RecordingBells implements Bells {
  readonly calls: string[] = [];
  readonly actions: (() => void)[] = [];

  wait(words: Int32Array, index: number, expected: number, action: () => void): () => void {
    this.calls.push(`wait ${index} while ${expected}, is ${words[index]}`);
    this.actions.push(action);
    return () => {};
  }

  notify(_words: Int32Array, index: number): void {
    this.calls.push(`notify ${index}`);
  }
}

function createDoorbells(slots: number): { bells: RecordingBells; doors: readonly Doorbell[] } {
  const memory = createDoorbellMemory(slots);
  const bells = new RecordingBells();
  return { bells, doors: Array.from({ length: slots }, (_, slot) => new Doorbell(memory, slot, bells)) };
}

test("nobody is notified while the slot is awake", () => {
  const { bells, doors } = createDoorbells(1);
  doors[0]!.ring();
  doors[0]!.park();
  doors[0]!.unpark();
  doors[0]!.ring();
  expect(bells.calls).toEqual([]);
});

test("D2: a burst of rings notifies a parked slot once", () => {
  const { bells, doors } = createDoorbells(1);
  doors[0]!.park();
  for (let ring = 0; ring < 5; ring++) doors[0]!.ring();
  expect(bells.calls).toEqual(["notify 0"]);
  doors[0]!.park();
  doors[0]!.ring();
  expect(bells.calls).toEqual(["notify 0", "notify 0"]);
});

test("slots have words of their own, on cache lines of their own", () => {
  const { bells, doors } = createDoorbells(3);
  for (const door of doors) door.park();
  doors[1]!.ring();
  doors[1]!.ring();
  doors[2]!.ring();
  expect(bells.calls).toEqual(["notify 16", "notify 32"]);
});

test("D1: a ring between parking and sleeping is not lost: the wait finds the word changed", () => {
  const { bells, doors } = createDoorbells(1);
  doors[0]!.park();
  doors[0]!.ring();
  doors[0]!.sleep(() => {});
  expect(bells.calls).toEqual(["notify 0", "wait 0 while 1, is 0"]);
});

test("a slot that was woken by something else keeps its wait, and has one only", () => {
  const { bells, doors } = createDoorbells(1);
  const door = doors[0]!;
  let wakes = 0;
  const sleep = (): void => door.sleep(() => wakes++);
  for (let turn = 0; turn < 4; turn++) {
    door.park();
    sleep();
    // A timer, say.
    door.unpark();
  }
  expect(bells.actions).toHaveLength(1);
  bells.actions[0]!();
  expect(wakes).toBe(1);
  door.park();
  sleep();
  expect(bells.actions).toHaveLength(2);
});

test("a wait that an earlier loop left behind wakes the loop that sleeps now", () => {
  const { bells, doors } = createDoorbells(1);
  const door = doors[0]!;
  const woken: string[] = [];
  door.park();
  door.sleep(() => woken.push("of the attempt before"));
  door.unpark();
  door.park();
  door.sleep(() => woken.push("of this attempt"));
  door.ring();
  for (const action of bells.actions) action();
  expect(woken).toEqual(["of this attempt"]);
});

test("whoever is rung for wakes, on simulated threads too, however sleeping and ringing meet", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const platform = createSimulatedPlatform({ seed });
    const memory = createDoorbellMemory(2);
    const doors = [0, 1].map((slot) => new Doorbell(memory, slot, platform.bells));
    // Two slots that wake each other in turn.
    let wakes = 0;
    await platform.run(
      () =>
        new Promise<void>((resolve) => {
          const onRing = (slot: number): void => {
            if (++wakes === 50) {
              resolve();
              return;
            }
            doors[slot]!.park();
            doors[1 - slot]!.ring();
            doors[slot]!.sleep(() => onRing(slot));
          };
          for (const slot of [0, 1]) {
            doors[slot]!.park();
            doors[slot]!.sleep(() => onRing(slot));
          }
          platform.clock.after(1, () => doors[seed % 2]!.ring());
        }),
    );
    expect(wakes).toBe(50);
  }
});
