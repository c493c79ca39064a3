import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantViolation } from "../base/errors.ts";
import { MAX_WATERMARK, MIN_WATERMARK } from "./timestamps.ts";
import { type ChannelStatus, type ValveChange, WatermarkValve } from "./watermark-valve.ts";

describe("scenarios", () => {
  const folder = join(import.meta.dirname, "testdata/watermark-valve");

  test.each(readdirSync(folder))("%s", async (name) => {
    const path = join(folder, name);
    await expect(replay(readFileSync(path, "utf8"))).toMatchFileSnapshot(path);
  });

  /** The file with its results as they come out now; `vitest -u` writes them. */
  function replay(text: string): string {
    const [head, ...steps] = text.trimEnd().split(/\n\n/);
    const valve = new WatermarkValve(Number(/^channels (\d+)$/m.exec(head!)![1]));
    const results = steps.map((step) => {
      const event = step.split("\n----")[0]!;
      return `${event}\n----\n${apply(valve, event.split("\n").at(-1)!)}`;
    });
    return `${[head, ...results].join("\n\n")}\n`;
  }

  function apply(valve: WatermarkValve, event: string): string {
    const [, verb, channelText, timeText] = /^(\w+)(?: channel=(\d+))?(?: t=(\S+))?$/.exec(event)!;
    const channel = Number(channelText);
    const timestampMs = timeText === "max" ? MAX_WATERMARK : Number(timeText);
    switch (verb) {
      case "watermark":
        return show(valve.onWatermark(channel, timestampMs));
      case "idle":
        return show(valve.onIdle(channel));
      case "active":
        return show(valve.onActive(channel));
      case "finish":
        return show(valve.onFinished(channel));
      case "restore":
        valve.restore(timestampMs);
        return `current ${valve.current}`;
      default:
        throw new Error(`no such event: ${event}`);
    }
  }

  function show({ watermarkMs, status }: ValveChange): string {
    const watermark =
      watermarkMs === undefined ? [] : [`watermark ${watermarkMs === MAX_WATERMARK ? "max" : watermarkMs}`];
    if (status === "active") return ["active", ...watermark].join(", ");
    if (status === "idle") return [...watermark, "idle"].join(", ");
    return watermark[0] ?? "unchanged";
  }
});

type Event =
  | { readonly kind: "watermark"; readonly channel: number; readonly timestampMs: number }
  | { readonly kind: ChannelStatus; readonly channel: number };

const CHANNEL_COUNT = 3;
const channels = fc.nat(CHANNEL_COUNT - 1);
const timestamps = fc.oneof({ arbitrary: fc.integer({ min: -20, max: 20 }), weight: 9 }, fc.constant(MAX_WATERMARK));
const statuses = fc.constantFrom<ChannelStatus>("active", "idle", "active", "idle", "finished");
const events: fc.Arbitrary<Event> = fc.oneof(
  {
    arbitrary: fc.record({ kind: fc.constant("watermark" as const), channel: channels, timestampMs: timestamps }),
    weight: 2,
  },
  fc.record({ kind: statuses, channel: channels }),
);
const eventLists = fc.array(events, { maxLength: 40, size: "max" });

function deliver(valve: WatermarkValve, event: Event): ValveChange {
  switch (event.kind) {
    case "watermark":
      return valve.onWatermark(event.channel, event.timestampMs);
    case "active":
      return valve.onActive(event.channel);
    case "idle":
      return valve.onIdle(event.channel);
    case "finished":
      return valve.onFinished(event.channel);
  }
}

/** The rules read aloud: the state of every channel, and everything else derived from all of it after every event. */
class Model {
  readonly live = new Map(
    Array.from({ length: CHANNEL_COUNT }, (_, id) => [id, { watermarkMs: MIN_WATERMARK, isIdle: false }]),
  );
  current = MIN_WATERMARK;

  get isIdle(): boolean {
    const live = [...this.live.values()];
    return live.length > 0 && live.every((channel) => channel.isIdle);
  }

  deliver(event: Event): void {
    const channel = this.live.get(event.channel);
    if (channel === undefined) return;
    if (event.kind === "watermark" && event.timestampMs !== MAX_WATERMARK) {
      channel.watermarkMs = Math.max(channel.watermarkMs, event.timestampMs);
    } else if (event.kind === "watermark" || event.kind === "finished") {
      this.live.delete(event.channel);
    } else {
      channel.isIdle = event.kind === "idle";
    }
    this.current = Math.max(this.current, this.#combined());
  }

  #combined(): number {
    const live = [...this.live.values()];
    const active = live.filter((each) => !each.isIdle);
    if (live.length === 0) return MAX_WATERMARK;
    if (active.length === 0) return Math.max(...live.map((each) => each.watermarkMs));
    return Math.min(...active.map((each) => each.watermarkMs));
  }
}

test("S19, F09, F10: V1-V6: the valve is what the rules say after every event, and reports exactly what changed", () => {
  fc.assert(
    fc.property(eventLists, (list) => {
      const valve = new WatermarkValve(CHANNEL_COUNT);
      const model = new Model();
      for (const event of list) {
        const before = { current: model.current, isIdle: model.isIdle };
        const change = deliver(valve, event);
        model.deliver(event);
        expect({ current: valve.current, isIdle: valve.isIdle }).toEqual({
          current: model.current,
          isIdle: model.isIdle,
        });
        expect(change).toEqual({
          watermarkMs: model.current === before.current ? undefined : model.current,
          status: model.isIdle === before.isIdle ? undefined : model.isIdle ? "idle" : "active",
        });
      }
    }),
  );
});

test("F10: V2: a channel that finished before it said anything counts as little as one that is not there", () => {
  fc.assert(
    fc.property(eventLists, (list) => {
      const withFinished = new WatermarkValve(CHANNEL_COUNT + 1);
      const without = new WatermarkValve(CHANNEL_COUNT);
      withFinished.onFinished(CHANNEL_COUNT);
      for (const event of list) expect(deliver(withFinished, event)).toEqual(deliver(without, event));
    }),
  );
});

test("F10: a finished channel counts for nothing, whatever the others are: every combination of three channels", () => {
  const states = (["active", "idle", "finished"] as const).flatMap((status) => [10, 20].map((t) => ({ status, t })));
  for (const first of states) {
    for (const second of states) {
      for (const third of states) {
        const all = [first, second, third];
        const valve = new WatermarkValve(3);
        all.forEach(({ t }, channel) => void valve.onWatermark(channel, t));
        // The finished ones end first, so that nothing they held back has been let through before.
        for (const status of ["finished", "idle"] as const) {
          all.forEach((each, channel) => {
            if (each.status === status) deliver(valve, { kind: status, channel });
          });
        }
        const before = Math.min(...all.map(({ t }) => t));
        const active = all.filter(({ status }) => status === "active").map(({ t }) => t);
        const idle = all.filter(({ status }) => status === "idle").map(({ t }) => t);
        const expected = active.length > 0 ? Math.min(...active) : idle.length > 0 ? Math.max(...idle) : MAX_WATERMARK;
        expect({ current: valve.current, isIdle: valve.isIdle }).toEqual({
          current: Math.max(before, expected),
          isIdle: active.length === 0 && idle.length > 0,
        });
      }
    }
  }
});

test("F09: V3: the watermark of an idle valve does not depend on the order in which its channels fell idle", () => {
  fc.assert(
    fc.property(
      fc.tuple(timestamps, timestamps, timestamps),
      fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      (watermarks, order) => {
        const inOrder = new WatermarkValve(3);
        const shuffled = new WatermarkValve(3);
        for (const valve of [inOrder, shuffled]) watermarks.forEach((t, channel) => void valve.onWatermark(channel, t));
        for (const channel of [0, 1, 2]) inOrder.onIdle(channel);
        for (const channel of order) shuffled.onIdle(channel);
        expect(shuffled.current).toBe(inOrder.current);
      },
    ),
  );
});

test("S19: what a valve reports, forwarded to the next in either order, brings that to the same watermark and status", () => {
  fc.assert(
    fc.property(eventLists, fc.boolean(), (list, isStatusFirst) => {
      const upstream = new WatermarkValve(CHANNEL_COUNT);
      const downstream = new WatermarkValve(1);
      for (const event of list) {
        const { watermarkMs, status } = deliver(upstream, event);
        const sendStatus = (): void => {
          if (status !== undefined) deliver(downstream, { kind: status, channel: 0 });
        };
        if (isStatusFirst) sendStatus();
        if (watermarkMs !== undefined) downstream.onWatermark(0, watermarkMs);
        if (!isStatusFirst) sendStatus();
        expect(downstream.current).toBe(upstream.current);
        expect(downstream.isIdle).toBe(upstream.isIdle);
      }
    }),
  );
});

test("before any event the valve is active and has no watermark", () => {
  const valve = new WatermarkValve(2);
  expect(valve.current).toBe(MIN_WATERMARK);
  expect(valve.isIdle).toBe(false);
});

test("a channel that does not exist, or a valve without channels, is a bug of the engine", () => {
  expect(() => new WatermarkValve(0)).toThrow(InvariantViolation);
  expect(() => new WatermarkValve(2).onWatermark(2, 5)).toThrow(InvariantViolation);
  expect(() => new WatermarkValve(2).onIdle(-1)).toThrow(InvariantViolation);
});
