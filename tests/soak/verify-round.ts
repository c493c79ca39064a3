/** Holds what is left of a round that has finished against what must be: V4 of edge-check.ts, and the rows of the keys. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Contents } from "./parcels.ts";
import { PARALLELISM, type RoundPlan } from "./round-plan.ts";
import { ROW_RECORDS, type Row } from "./soak-job.ts";
import {
  countFaults,
  type EdgeTotals,
  readEdgeTotals,
  readProblems,
  readSinkTotals,
  type SinkTotals,
  sumOf,
  type Tally,
} from "./totals.ts";

/** The edges of the job and how many consumers get each record. */
const EDGES: Readonly<Record<string, number>> = {
  rebalance: 1,
  hash: 1,
  custom: 1,
  shuffle: 1,
  broadcast: PARALLELISM,
  narrow: 1,
  widen: 1,
  global: 1,
};

export interface RoundFiles {
  /** Where the subtasks left their counts. */
  readonly directory: string;
  readonly rows: string;
}

export interface RoundCounts {
  /** Records that the source has emitted. */
  readonly records: number;
  /** Records that arrived over all edges, in the last attempt. */
  readonly exchanged: number;
}

/** @throws Error that names what is lost, doubled or wrong */
export function verifyRound(plan: RoundPlan, { directory, rows }: RoundFiles, restarts: number): RoundCounts {
  const problem = readProblems(directory)[0];
  if (problem !== undefined) throw new Error(problem);
  const faults = countFaults(directory);
  if (restarts !== faults) throw new Error(`${restarts} restarts after ${faults} planned faults`);
  const totals = readEdgeTotals(directory);
  let exchanged = 0;
  for (const edge of Object.keys(EDGES)) exchanged += verifyEdge(edge, totals);
  verifySinks(readSinkTotals(directory), totals);
  const emitted = emittedBy(plan, totals);
  verifyRows(plan, emitted, readRows(rows));
  return { records: emitted.reduce((sum, count) => sum + count, 0), exchanged };
}

/** Returns how many records arrived. */
export function verifyEdge(edge: string, totals: readonly EdgeTotals[]): number {
  const own = totals.filter((each) => each.edge === edge);
  const sent = own.filter(({ role }) => role === "sent");
  const taken = own.filter(({ role }) => role === "taken");
  const senders = new Set(sent.map(({ subtask }) => subtask));
  const isSenderMissing = taken.some(({ tallies }) =>
    tallies.some(({ count }, producer) => count > 0 && !senders.has(producer)),
  );
  if (sent.length === 0 || taken.length === 0 || isSenderMissing) {
    throw new Error(`edge ${edge}: not all subtasks have left their counts`);
  }
  for (const { subtask, tallies } of sent) {
    const expected = sumOf(new Array<Tally>(EDGES[edge] ?? 1).fill(tallies[0]!));
    const found = sumOf(taken.flatMap((each) => each.tallies[subtask] ?? []));
    if (found.count === expected.count && found.hash === expected.hash) continue;
    const detail = `${found.count} records (hash ${found.hash}) instead of ${expected.count} (hash ${expected.hash})`;
    throw new Error(`edge ${edge}: consumers have taken ${detail} from subtask ${subtask} (V4)`);
  }
  return taken.reduce((count, each) => count + sumOf(each.tallies).count, 0);
}

function verifySinks(sinks: readonly SinkTotals[], totals: readonly EdgeTotals[]): void {
  for (const sink of ["widen", "global"]) {
    for (const { subtask, tallies } of totals.filter(({ edge, role }) => edge === sink && role === "taken")) {
      const taken = sumOf(tallies).count;
      const written = sinks.find((each) => each.sink === sink && each.subtask === subtask)?.written;
      if (written !== taken) throw new Error(`sink ${sink}, subtask ${subtask}: wrote ${written} of ${taken} records`);
    }
  }
}

/** How many records each subtask of the source has emitted, over all attempts. */
function emittedBy({ count }: RoundPlan, totals: readonly EdgeTotals[]): readonly number[] {
  return Array.from({ length: PARALLELISM }, (_, subtask) => {
    if (count !== undefined) return Math.ceil((count - subtask) / PARALLELISM);
    const sent = totals.find((each) => each.edge === "rebalance" && each.role === "sent" && each.subtask === subtask);
    return sent!.tallies[0]!.count;
  });
}

/** Every row there must be is there, once, and no other. */
export function verifyRows(plan: RoundPlan, emitted: readonly number[], found: readonly Row[]): void {
  const contents = new Contents(plan);
  const keys = new Map<number, { count: number; sum: number }>();
  emitted.forEach((count, subtask) => {
    for (let index = 0; index < count; index++) {
      const n = subtask + index * emitted.length;
      const key = contents.keyOf(n);
      const totals = keys.get(key) ?? { count: 0, sum: 0 };
      totals.count++;
      totals.sum += n;
      keys.set(key, totals);
    }
  });
  const seen = new Set<string>();
  for (const { key, count, sum, isLast } of found) {
    const row = `${key} ${count}${isLast ? " last" : ""}`;
    if (seen.has(row)) throw new Error(`rows: ${row} is there twice`);
    seen.add(row);
    const expected = keys.get(key);
    if (isLast && (count !== expected?.count || sum !== expected.sum)) {
      throw new Error(`rows: key ${key} ends with ${count} (sum ${sum}) instead of ${JSON.stringify(expected)}`);
    }
  }
  for (const [key, { count }] of keys) {
    for (let due = ROW_RECORDS; due <= count; due += ROW_RECORDS) {
      if (!seen.delete(`${key} ${due}`)) throw new Error(`rows: ${key} ${due} is missing`);
    }
    if (!seen.delete(`${key} ${count} last`)) throw new Error(`rows: the last row of key ${key} is missing`);
  }
  if (seen.size > 0) throw new Error(`rows: there must not be ${[...seen].slice(0, 3).join(", ")}`);
}

function readRows(directory: string): readonly Row[] {
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);
}
