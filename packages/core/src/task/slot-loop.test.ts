import { describe, expect, test } from "vitest";
import type { ChannelEvent } from "../exchange/channel-events.ts";
import { createDoorbellMemory, Doorbell } from "../exchange/doorbell.ts";
import { createRingMemory, RingConsumer, RingProducer, SEGMENT_BYTES } from "../exchange/ring.ts";
import { RingChannelReader, RingChannelWriter } from "../exchange/ring-channel.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { t } from "../types/declared-types.ts";
import { SlotLoop, type Steppable } from "./slot-loop.ts";

/** Lets somebody else act at the worst moment: just before the slot says that it is parked. */
class InterruptedDoorbell extends Doorbell {
  beforePark: () => void = () => {};

  override park(): void {
    this.beforePark();
    super.park();
  }
}

describe.each([100, Number.POSITIVE_INFINITY])("with a buffer timeout of %d ms", (bufferTimeoutMs) => {
  test("what did not fit into a ring leaves when room was made while the slot was about to park", async () => {
    const platform = createSimulatedPlatform({ seed: 3 });
    const memory = createRingMemory(0, 1);
    const doorbells = createDoorbellMemory(2);
    const producerBell = new InterruptedDoorbell(doorbells, 0, platform.bells);
    const consumerBell = new Doorbell(doorbells, 1, platform.bells);
    const serializer = t.bytes.serializer as never;
    const writer = new RingChannelWriter(new RingProducer(memory, 0), serializer, consumerBell, false);
    const reader = new RingChannelReader(
      new RingConsumer(memory, 0),
      serializer,
      new Doorbell(doorbells, 0, platform.bells),
    );
    const records = 3;
    let written = 0;
    const subtask: Steppable = {
      step: () => {
        if (written === records) return false;
        for (; written < records; written++) writer.push(new Uint8Array(SEGMENT_BYTES), written);
        writer.pushEvent({ kind: "endOfInput" });
        return true;
      },
      flushOutputs: () => writer.flush(),
      nextDueMonoMs: () => Number.POSITIVE_INFINITY,
    };
    const taken: number[] = [];
    let end: ChannelEvent | undefined;
    const consume = (): void => {
      reader.takeRecords((_, timestampMs) => taken.push(timestampMs), 100);
      end ??= reader.takeEvent();
    };
    producerBell.beforePark = consume;
    const loop = new SlotLoop({ clock: platform.clock, bufferTimeoutMs, doorbell: producerBell });
    loop.add([subtask], [0]);
    await platform.run(async () => {
      // Wakes and rings only: nobody looks at the channel unless somebody has rung.
      for (let turns = 0; turns < 50 && end === undefined; turns++) {
        consumerBell.park();
        consume();
        await new Promise<void>((resolve) => platform.clock.after(5, resolve));
      }
    }, 10_000);
    expect(taken).toEqual([0, 1, 2]);
    expect(end).toEqual({ kind: "endOfInput" });
  });
});

test("of two runnable subtasks the one downstream has its step first", async () => {
  const platform = createSimulatedPlatform({ seed: 1 });
  const steps: string[] = [];
  const subtask = (name: string): Steppable => ({
    step: () => {
      steps.push(name);
      return steps.length < 3;
    },
    flushOutputs: () => {},
    nextDueMonoMs: () => Number.POSITIVE_INFINITY,
  });
  new SlotLoop({ clock: platform.clock, bufferTimeoutMs: 0 }).add([subtask("source"), subtask("sink")], [0, 1]);
  await platform.run(() => new Promise<void>((resolve) => platform.clock.after(20, resolve)), 1000);
  expect(steps.slice(0, 2)).toEqual(["sink", "source"]);
});

test("a slot that waits is woken by what is due, and only then", async () => {
  const platform = createSimulatedPlatform({ seed: 2 });
  const at: number[] = [];
  const started = platform.clock.monoMs();
  const loop = new SlotLoop({ clock: platform.clock, bufferTimeoutMs: 0 });
  const subtask: Steppable = {
    step: (nowMonoMs) => {
      at.push(Math.round(nowMonoMs - started));
      return false;
    },
    flushOutputs: () => {},
    nextDueMonoMs: () => (at.length < 2 ? started + 500 : Number.POSITIVE_INFINITY),
  };
  loop.add([subtask], [0]);
  await platform.run(() => new Promise<void>((resolve) => platform.clock.after(2000, resolve)), 10_000);
  expect(at).toHaveLength(2);
  expect(at[1]).toBeGreaterThanOrEqual(500);
});

test("P3: what was removed is not stepped any more, and what stays is, behind the same door", async () => {
  const platform = createSimulatedPlatform({ seed: 4 });
  const doorbells = createDoorbellMemory(1);
  const steps: string[] = [];
  const places: number[] = [];
  const loop = new SlotLoop({
    clock: platform.clock,
    bufferTimeoutMs: 0,
    doorbell: new Doorbell(doorbells, 0, platform.bells),
    onStep: (place) => places.push(place),
  });
  const subtask = (name: string, onStep: () => void = () => {}): Steppable => ({
    step: () => {
      steps.push(name);
      onStep();
      return false;
    },
    flushOutputs: () => {},
    nextDueMonoMs: () => Number.POSITIVE_INFINITY,
  });
  const stays = subtask("stays");
  const goes = subtask("goes");
  const ends = subtask("ends", () => loop.remove([goes, ends]));
  const later = (): Promise<void> => new Promise((resolve) => platform.clock.after(20, resolve));
  await platform.run(async () => {
    loop.add([stays], [7]);
    await later();
    loop.add([goes, ends], [0, 1]);
    await later();
    expect(steps.includes("goes")).toBe(false);
    expect(places).toContain(7);
    steps.splice(0);
    // The loop sleeps; whoever rings wakes what stays, and nothing else.
    new Doorbell(doorbells, 0, platform.bells).ring();
    await later();
    expect([...new Set(steps)]).toEqual(["stays"]);
    loop.remove([stays]);
    steps.splice(0);
    new Doorbell(doorbells, 0, platform.bells).ring();
    loop.wake();
    await later();
    expect(steps).toEqual([]);
  }, 10_000);
});
