import * as fc from "fast-check";
import { expect, test } from "vitest";
import { JOB_COLUMNS, type JobName } from "../job-names.ts";
import { BID, type NexmarkEvent } from "../nexmark/events.ts";
import { NexmarkGenerator } from "../nexmark/generator.ts";
import { LineSink } from "../result-rows.ts";
import { handLoopOf } from "./hand-jobs.ts";

/** Bids at given times and keys in place of the generator's events. */
class ScriptedEvents extends NexmarkGenerator {
  readonly bids: readonly { readonly key: number; readonly at: number }[];

  constructor(bids: readonly { readonly key: number; readonly at: number }[]) {
    super();
    this.bids = bids;
  }

  override event(index: number): NexmarkEvent {
    const { key, at } = this.bids[index]!;
    return { type: BID, auction: key, bidder: key, price: 1, channel: "", url: "", dateTime: at, extra: "" };
  }
}

function rowsOf(job: JobName, bids: readonly { key: number; at: number }[]): number[][] {
  const sink = new LineSink(JOB_COLUMNS[job]);
  const loop = handLoopOf(job, new ScriptedEvents(bids), sink);
  loop.process(0, bids.length);
  loop.finish();
  return sink.sorted().map((line) => JSON.parse(line) as number[]);
}

/** Out of order by less than the watermark's delay: nothing is late. */
const nearlyOrderedBids = fc
  .array(fc.record({ key: fc.integer({ min: 1, max: 3 }), step: fc.integer({ min: 0, max: 9000 }) }), { maxLength: 60 })
  .chain((steps) =>
    fc.array(fc.integer({ min: 0, max: 3999 }), { minLength: steps.length, maxLength: steps.length }).map((delays) => {
      let now = 1_000_000;
      const bids = steps.map(({ key, step }, index) => {
        now += step;
        return { key, at: now, arrival: now + delays[index]! };
      });
      return bids.sort((left, right) => left.arrival - right.arrival);
    }),
  );

const byText = (left: readonly number[], right: readonly number[]): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1;

test("windows over bids out of order count every bid once per window that contains it", () => {
  fc.assert(
    fc.property(nearlyOrderedBids, fc.constantFrom("ds-tumbling" as const, "ds-sliding" as const), (bids, job) => {
      const slideMs = job === "ds-tumbling" ? 10_000 : 2000;
      const expected = new Map<string, number>();
      for (const { key, at } of bids) {
        for (let end = Math.floor(at / slideMs) * slideMs + slideMs; end <= at + 10_000; end += slideMs) {
          expected.set(`${key},${end}`, (expected.get(`${key},${end}`) ?? 0) + 1);
        }
      }
      const rows = [...expected].map(([window, count]) => [...window.split(",").map(Number), count]);
      expect(rowsOf(job, bids)).toEqual(rows.sort(byText));
    }),
  );
});

test("sessions over bids out of order end where ten seconds pass without a bid", () => {
  fc.assert(
    fc.property(nearlyOrderedBids, (bids) => {
      const rows: number[][] = [];
      for (const key of [1, 2, 3]) {
        const times = bids.filter((bid) => bid.key === key).map((bid) => bid.at);
        let session: number[] | undefined;
        for (const at of times.sort((left, right) => left - right)) {
          if (session !== undefined && at <= session[1]!) session = [key, at + 10_000, session[2]! + 1];
          else {
            if (session !== undefined) rows.push(session);
            session = [key, at + 10_000, 1];
          }
        }
        if (session !== undefined) rows.push(session);
      }
      expect(rowsOf("ds-session", bids)).toEqual(rows.sort(byText));
    }),
  );
});

test("a bid for a window that has fired is left out", () => {
  const bids = [
    { key: 1, at: 1000 },
    { key: 1, at: 14_001 },
    { key: 1, at: 9999 },
  ];
  expect(rowsOf("ds-tumbling", bids)).toEqual([
    [1, 10_000, 1],
    [1, 20_000, 1],
  ]);
});

test("a session that has been closed takes no more bids", () => {
  const bids = [
    { key: 1, at: 1000 },
    // Watermark 10,999: the session ends at 11,000.
    { key: 2, at: 15_000 },
    { key: 1, at: 10_500 },
  ];
  expect(rowsOf("ds-session", bids)).toEqual([
    [1, 11_000, 1],
    [1, 20_500, 1],
    [2, 25_000, 1],
  ]);
});
