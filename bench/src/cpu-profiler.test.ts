import { expect, test } from "vitest";
import { cutProfile } from "./cpu-profiler.ts";

const whole = {
  nodes: [],
  startTime: 1000,
  endTime: 1060,
  // Taken at 1010, 1020, 1030, 1040, 1050.
  samples: [1, 2, 3, 4, 5],
  timeDeltas: [10, 10, 10, 10, 10],
};

test("only samples of the measured part are kept, and the first counts from its beginning", () => {
  expect(cutProfile(whole, 1015, 1045)).toMatchObject({ samples: [2, 3, 4], timeDeltas: [5, 10, 10] });
});

test("the beginning belongs to the measured part, the end does not", () => {
  expect(cutProfile(whole, 1020, 1040)).toMatchObject({ samples: [2, 3], timeDeltas: [0, 10] });
});

test("a part without samples gives none", () => {
  expect(cutProfile(whole, 1021, 1029)).toMatchObject({ samples: [], timeDeltas: [] });
});
