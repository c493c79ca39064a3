/** What one end of an edge counted, kept in files because the subtasks that count are in other threads. */
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mix } from "./seeded.ts";

/** Of records; neither a lost one, nor one that came twice, nor one instead of another leaves it unchanged. */
export interface Tally {
  count: number;
  /** Sum of the hashes of the records' numbers, modulo 2^32. */
  hash: number;
}

export interface EdgeTotals {
  readonly edge: string;
  readonly role: "sent" | "taken";
  readonly subtask: number;
  readonly attempt: number;
  /** Of what was taken: by producing subtask. Of what was sent: all in one. */
  readonly tallies: readonly Tally[];
}

export interface SinkTotals {
  readonly sink: string;
  readonly subtask: number;
  readonly written: number;
}

export function addTo(tally: Tally, n: number): void {
  tally.count++;
  tally.hash = (tally.hash + mix(n)) >>> 0;
}

export function emptyTally(): Tally {
  return { count: 0, hash: 0 };
}

export function sumOf(tallies: Iterable<Tally>): Tally {
  const sum = emptyTally();
  for (const { count, hash } of tallies) {
    sum.count += count;
    sum.hash = (sum.hash + hash) >>> 0;
  }
  return sum;
}

export function writeEdgeTotals(directory: string, totals: EdgeTotals): void {
  const { edge, role, subtask, attempt } = totals;
  writeFileSync(join(directory, `edge.${edge}.${role}.${subtask}.${attempt}.json`), JSON.stringify(totals));
}

/** Overwrites what an earlier attempt's writer left. */
export function writeSinkTotals(directory: string, totals: SinkTotals): void {
  writeFileSync(join(directory, `sink.${totals.sink}.${totals.subtask}.json`), JSON.stringify(totals));
}

/** Those of the last attempt: what an attempt that failed has sent and taken need not agree. */
export function readEdgeTotals(directory: string): readonly EdgeTotals[] {
  const all = readTotals<EdgeTotals>(directory, "edge.");
  const last = all.reduce((attempt, totals) => Math.max(attempt, totals.attempt), 0);
  return all.filter(({ attempt }) => attempt === last);
}

export function readSinkTotals(directory: string): readonly SinkTotals[] {
  return readTotals<SinkTotals>(directory, "sink.");
}

/** What is wrong with a record: on the disk before it is thrown, because a restart may follow. */
export function writeProblem(directory: string, problem: string): void {
  writeFileSync(join(directory, `problem.${randomUUID()}.json`), JSON.stringify(problem));
}

export function readProblems(directory: string): readonly string[] {
  return readTotals<string>(directory, "problem.");
}

/** A fault of the plan is about to happen. */
export function writeFault(directory: string, attempt: number): void {
  writeFileSync(join(directory, `fault.${attempt}.json`), JSON.stringify(attempt));
}

export function countFaults(directory: string): number {
  return readTotals<number>(directory, "fault.").length;
}

function readTotals<T>(directory: string, prefix: string): readonly T[] {
  return readdirSync(directory)
    .filter((name) => name.startsWith(prefix))
    .map((name) => JSON.parse(readFileSync(join(directory, name), "utf8")) as T);
}
