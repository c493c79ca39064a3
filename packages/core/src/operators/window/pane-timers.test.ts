import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyEntry } from "../../state/key-entry.ts";
import { Pane } from "./pane.ts";
import { PaneTimers } from "./pane-timers.ts";

const entry = new KeyEntry("key", 0);

/** A pane whose time is its end. */
function paneAt(end: number, seq: number): Pane {
  return new Pane(entry, 0, end, undefined, seq);
}

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("add" as const), end: fc.integer({ min: -50, max: 400 }) }),
    fc.record({
      kind: fc.constant("grow" as const),
      which: fc.nat({ max: 50 }),
      by: fc.integer({ min: 1, max: 120 }),
    }),
    fc.record({ kind: fc.constant("remove" as const), which: fc.nat({ max: 50 }) }),
    fc.record({ kind: fc.constant("poll" as const), advance: fc.integer({ min: 0, max: 80 }) }),
  ),
  { maxLength: 60 },
);

test("panes come out when they are due, by time and then by seq, also when they have grown or gone while they waited", () => {
  fc.assert(
    fc.property(fc.constantFrom(0.5, 1, 7, 64), steps, (bucketMs, all) => {
      const timers = new PaneTimers(bucketMs, (pane) => pane.end);
      const waiting: Pane[] = [];
      let seq = 0;
      let now = -60;
      for (const step of [...all, { kind: "poll", advance: 1000 } as const]) {
        if (step.kind === "add") {
          const pane = paneAt(step.end, seq++);
          waiting.push(pane);
          timers.add(pane);
        } else if (step.kind === "grow" && waiting.length > 0) waiting[step.which % waiting.length]!.end += step.by;
        else if (step.kind === "remove" && waiting.length > 0) {
          waiting.splice(step.which % waiting.length, 1)[0]!.isGone = true;
        } else if (step.kind === "poll") {
          now += step.advance;
          const due = waiting.filter((pane) => pane.end <= now).sort((a, b) => a.end - b.end || a.seq - b.seq);
          for (const pane of due) waiting.splice(waiting.indexOf(pane), 1);
          const polled: Pane[] = [];
          for (let pane = timers.pollUntil(now); pane !== undefined; pane = timers.pollUntil(now)) polled.push(pane);
          expect(polled.map((pane) => pane.seq)).toEqual(due.map((pane) => pane.seq));
        }
      }
    }),
    { numRuns: 500 },
  );
});
