import { expect, test } from "vitest";
import { renderCheck } from "./check-command.ts";

test("U06: a state without a declared type is said not to be compared", () => {
  const state = { name: "sum", kind: "value", verdict: "restored", problem: undefined } as const;
  const text = renderCheck({
    path: "/savepoints/savepoint-5a1fe0-0c2b3d495867",
    checkpointId: 3,
    jobName: "orders",
    kind: "savepoint",
    operators: [
      {
        uid: "sessions",
        name: "sessions",
        verdict: "restored",
        parallelism: { from: 1, to: 1 },
        bytes: 10,
        states: [
          { ...state, written: "int64", current: "int64", isUndeclared: false },
          { ...state, name: "last", written: undefined, current: undefined, isUndeclared: true },
        ],
        unknown: undefined,
      },
    ],
    refusal: undefined,
  });
  expect(text).toMatch(/restored +value sum: int64\n/);
  expect(text).toMatch(/restored +value last: no declared type, so values are not compared\n/);
});
