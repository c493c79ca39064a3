import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BarrierAligner } from "./barrier-aligner.ts";
import type { AlignmentAction } from "./barrier-handler.ts";
import { replay, type ScenarioCommand, scenarioNames } from "./testdata/scenario.ts";

function show(action: AlignmentAction): string {
  switch (action.kind) {
    case "block":
      return `block channel=${action.channel}`;
    case "snapshot": {
      const unaligned = action.isUnaligned ? ` unaligned capture=${action.capture.join(",") || "none"}` : "";
      return `snapshot id=${action.checkpointId}${unaligned}`;
    }
    case "captured":
      return `captured channel=${action.channel} id=${action.checkpointId}`;
    default:
      return `${action.kind} id=${action.checkpointId}`;
  }
}

describe("scenarios", () => {
  test.each(scenarioNames("aligner-"))("%s", async (name) => {
    let aligner = new BarrierAligner(1);
    const answer = ({ verb, parameters }: ScenarioCommand): readonly string[] => {
      const id = Number(parameters["id"]);
      const channel = Number(parameters["channel"]);
      const told = (actions: readonly AlignmentAction[]): readonly string[] =>
        actions.length === 0 ? ["ignore"] : [actions.map(show).join(", ")];
      switch (verb) {
        case "channels": {
          const aligned = parameters["aligned"]?.split(",").map(Number) ?? [];
          aligner = new BarrierAligner(Number(parameters["count"]), new Set(aligned));
          return [];
        }
        case "barrier":
          return told(aligner.onBarrier(channel, id, parameters["unaligned"] !== undefined));
        case "ahead":
          return told(aligner.onBarrierAhead(channel, id));
        case "announce":
          return told(aligner.onUnaligned(id));
        case "abort":
          return told(aligner.onAborted(id));
        case "close":
          return told(aligner.onChannelClosed(channel));
        default:
          throw new Error(`unknown command ${verb}`);
      }
    };
    await expect(replay(name, answer)).toMatchFileSnapshot(`./testdata/${name}`);
  });
});

/** What one channel delivers, in order. */
type Element = { readonly kind: "record" } | { readonly kind: "barrier"; readonly id: number };

const BARRIERS = 4;
const channelsOfElements = fc.array(
  fc.record({
    /** Which of the barriers 1 to 4 get through on the channel. */
    delivered: fc.array(fc.boolean(), { minLength: BARRIERS, maxLength: BARRIERS }),
    recordsBetween: fc.array(fc.nat({ max: 3 }), { minLength: BARRIERS + 1, maxLength: BARRIERS + 1 }),
    closes: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);

test("in any interleaving a snapshot n stands exactly behind barrier n on every channel that is open (A1, A2)", () => {
  fc.assert(
    fc.property(channelsOfElements, fc.infiniteStream(fc.nat()), (channels, choices) => {
      const queues = channels.map(({ delivered, recordsBetween }) => {
        const queue: Element[] = [];
        for (let id = 1; id <= BARRIERS; id++) {
          for (let count = recordsBetween[id - 1]!; count > 0; count--) queue.push({ kind: "record" });
          if (delivered[id - 1]!) queue.push({ kind: "barrier", id });
        }
        for (let count = recordsBetween[BARRIERS]!; count > 0; count--) queue.push({ kind: "record" });
        return queue;
      });
      const aligner = new BarrierAligner(channels.length);
      const blocked = new Set<number>();
      const closed = new Set<number>();
      const lastBarrier = channels.map(() => 0);
      const recordsSince = channels.map(() => 0);
      const taken: number[] = [];

      const perform = (action: AlignmentAction): void => {
        if (action.kind === "abort") blocked.clear();
        else if (action.kind === "block") blocked.add(action.channel);
        if (action.kind !== "snapshot") return;
        expect(action.checkpointId).toBeGreaterThan(taken.at(-1) ?? 0);
        taken.push(action.checkpointId);
        channels.forEach((_, channel) => {
          if (closed.has(channel)) return;
          expect(lastBarrier[channel]).toBe(action.checkpointId);
          expect(recordsSince[channel]).toBe(0);
        });
        blocked.clear();
      };

      for (;;) {
        const ready = channels.flatMap((_, channel) => (blocked.has(channel) || closed.has(channel) ? [] : [channel]));
        const readable = ready.filter((channel) => queues[channel]!.length > 0 || channels[channel]!.closes);
        if (readable.length === 0) break;
        const channel = readable[choices.next().value % readable.length]!;
        const element = queues[channel]!.shift();
        if (element === undefined) {
          closed.add(channel);
          for (const action of aligner.onChannelClosed(channel)) perform(action);
        } else if (element.kind === "record") recordsSince[channel]!++;
        else {
          lastBarrier[channel] = element.id;
          recordsSince[channel] = 0;
          for (const action of aligner.onBarrier(channel, element.id, false)) perform(action);
        }
      }

      // Nothing is stuck: the last barrier that reached every channel is snapshotted, if a newer one did not start.
      const complete = [4, 3, 2, 1].find((id) => channels.every(({ delivered }) => delivered[id - 1]));
      if (complete === BARRIERS) expect(taken).toContain(BARRIERS);
    }),
    { numRuns: 500 },
  );
});

test("a barrier on a channel that is closed, or twice on one channel, is an error of the engine", () => {
  const aligner = new BarrierAligner(2);
  aligner.onBarrier(0, 1, false);
  expect(() => aligner.onBarrier(0, 1, false)).toThrow(/invariant.*A1/);
  aligner.onChannelClosed(1);
  expect(() => aligner.onBarrier(1, 2, false)).toThrow(/invariant.*A3/);
  expect(() => aligner.onChannelClosed(1)).toThrow(/invariant.*A3/);
  expect(() => aligner.onBarrier(9, 2, false)).toThrow(/invariant.*A3/);
});
