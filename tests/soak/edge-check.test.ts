import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RuntimeContext } from "millrace";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EdgeCheck, type LaneOf, noLane, oneLane, type RoundJob, Stamp } from "./edge-check.ts";
import { Contents, type Dressed, extraOf, type Parcel } from "./parcels.ts";
import { planRound } from "./round-plan.ts";
import { readEdgeTotals, readProblems } from "./totals.ts";
import { verifyEdge } from "./verify-round.ts";

const PRODUCER = 0;
const CONSUMER = 2;
const plan = planRound({ seed: "edge", kind: "steady", ms: 1000 });
const contents = new Contents(plan);
let job: RoundJob;

beforeEach(async () => {
  job = { plan, directory: await mkdtemp(join(tmpdir(), "millrace-edge-")) };
});

afterEach(() => rm(job.directory, { recursive: true }));

function contextOf(subtask: number): RuntimeContext {
  // Of a context both ends read these two only.
  return { indexOfThisSubtask: subtask, attemptNumber: 0 } as RuntimeContext;
}

function numbered(n: number): Parcel {
  return { n, key: contents.keyOf(n), text: contents.textOf(n), from: -1, seq: -1, lane: -1, laneSeq: -1 };
}

interface Ends {
  readonly sent: Parcel[];
  readonly check: EdgeCheck;
  close(): void;
}

/** Ten records that were sent, and who checks them. */
function edge(laneOf: LaneOf): Ends {
  const stamp = new Stamp<Parcel>(job, "edge", laneOf);
  stamp.open(contextOf(PRODUCER));
  const check = new EdgeCheck(job, "edge", contextOf(CONSUMER));
  const sent = Array.from({ length: 10 }, (_, n) => stamp.map(numbered(n)));
  return {
    sent,
    check,
    close: () => {
      stamp.close();
      check.close();
    },
  };
}

test("what arrives as it was sent is right", () => {
  const { sent, check, close } = edge((parcel) => parcel.key);
  for (const parcel of sent) check.take(parcel);
  close();
  expect(verifyEdge("edge", readEdgeTotals(job.directory))).toBe(10);
  expect(readProblems(job.directory)).toEqual([]);
});

describe("a record that is not the one that was due is refused, and the reason outlives the attempt", () => {
  function refusal(laneOf: LaneOf, arrive: (sent: Parcel[]) => Parcel[]): string {
    const { sent, check } = edge(laneOf);
    expect(() => {
      for (const parcel of arrive(sent)) check.take(parcel);
    }).toThrow();
    return readProblems(job.directory).join();
  }

  test("twice", () => {
    expect(refusal(noLane, ([first]) => [first!, first!])).toContain("number 0 from 0 to 2");
  });

  test("out of order", () => {
    expect(refusal(noLane, ([first, second]) => [second!, first!])).toContain("came after 1 (V1)");
  });

  test("with one missing before it in its lane", () => {
    expect(refusal(oneLane, ([first, , third]) => [first!, third!])).toContain("came where 1 of its lane was due (V2)");
  });

  test("the first one of its lane missing", () => {
    expect(refusal(oneLane, ([, second]) => [second!])).toContain("came where 0 of its lane was due (V2)");
  });

  test("with another text", () => {
    expect(refusal(noLane, ([first]) => [{ ...first!, text: `${first!.text}.` }])).toContain("has another text");
  });

  test("with another key", () => {
    expect(refusal(noLane, ([first]) => [{ ...first!, key: first!.key + 1 }])).toContain("has key");
  });

  test("with another value in its learned shape", () => {
    const dressed = ([first]: Parcel[]): Dressed[] => [{ ...first!, extra: [extraOf(0)] }];
    expect(refusal(noLane, dressed)).toContain("carries");
  });
});

describe("once all is through", () => {
  function verdict(arrive: (sent: Parcel[]) => Parcel[]): () => number {
    const { sent, check, close } = edge(noLane);
    for (const parcel of arrive(sent)) check.take(parcel);
    close();
    return () => verifyEdge("edge", readEdgeTotals(job.directory));
  }

  test("a record that is missing without a lane shows in the counts", () => {
    expect(verdict((sent) => sent.slice(1))).toThrow("9 records");
  });

  test("records of a producer that has left no counts are not taken for right", () => {
    const { sent, check } = edge(noLane);
    for (const parcel of sent) check.take(parcel);
    check.close();
    const another = new Stamp<Parcel>(job, "edge", noLane);
    another.open(contextOf(PRODUCER + 1));
    another.close();
    expect(() => verifyEdge("edge", readEdgeTotals(job.directory))).toThrow("not all subtasks");
  });

  test("one record instead of another shows in the hashes", () => {
    expect(verdict(([first, ...rest]) => [{ ...numbered(77), from: PRODUCER, seq: first!.seq }, ...rest])).toThrow(
      "10 records (hash",
    );
  });
});
