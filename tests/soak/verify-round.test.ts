import { expect, test } from "vitest";
import { Contents } from "./parcels.ts";
import { planRound } from "./round-plan.ts";
import { ROW_RECORDS, type Row } from "./soak-job.ts";
import { verifyRows } from "./verify-round.ts";

const plan = { ...planRound({ seed: "rows", kind: "steady", ms: 1000 }), keys: 3 };
/** By subtask of the source. */
const emitted = [200, 199, 199, 199];

function rowsOf(): Row[] {
  const contents = new Contents(plan);
  const rows: Row[] = [];
  const keys = new Map<number, Row>();
  for (let n = 0; n < 797; n++) {
    const key = contents.keyOf(n);
    const row = keys.get(key) ?? { key, count: 0, sum: 0, isLast: true };
    keys.set(key, { ...row, count: row.count + 1, sum: row.sum + n });
    if ((row.count + 1) % ROW_RECORDS === 0) rows.push({ ...keys.get(key)!, isLast: false });
  }
  return [...rows, ...keys.values()];
}

test("the rows of all records, in any order, are right", () => {
  verifyRows(plan, emitted, rowsOf());
  verifyRows(plan, emitted, rowsOf().reverse());
});

test("a row that is missing, there twice, wrong, or one too many is found", () => {
  const rows = rowsOf();
  const [first] = rows;
  const last = rows.at(-1)!;
  const others = rows.slice(0, -1);
  expect(() => verifyRows(plan, emitted, rows.slice(1))).toThrow("is missing");
  expect(() => verifyRows(plan, emitted, others)).toThrow("the last row of key");
  expect(() => verifyRows(plan, emitted, [...rows, first!])).toThrow("is there twice");
  expect(() => verifyRows(plan, emitted, [...others, { ...last, sum: last.sum + 1 }])).toThrow("ends with");
  expect(() => verifyRows(plan, emitted, [...others, { ...last, count: last.count - 1 }])).toThrow("ends with");
  expect(() => verifyRows(plan, emitted, [...rows, { ...first!, count: 100_000 }])).toThrow("there must not be");
});
