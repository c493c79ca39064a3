import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantViolation } from "../../base/errors.ts";
import { InFlightQueue, type InFlightRecord, type Mark } from "./in-flight-queue.ts";

type Step =
  | { readonly kind: "put" }
  | { readonly kind: "mark"; readonly isStatus: boolean }
  | { readonly kind: "complete"; readonly pick: number; readonly resultCount: number }
  | { readonly kind: "drain" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.constant({ kind: "put" as const }), weight: 4 },
  fc.record({ kind: fc.constant("mark" as const), isStatus: fc.boolean() }),
  {
    arbitrary: fc.record({
      kind: fc.constant("complete" as const),
      pick: fc.nat(1000),
      resultCount: fc.constantFrom(1, 1, 0, 2),
    }),
    weight: 4,
  },
  fc.constant({ kind: "drain" as const }),
);

type ModelEntry =
  | { readonly kind: "record"; readonly id: number; completedAt: number | undefined; results: readonly string[] }
  | { readonly kind: "mark"; mark: Mark };

/** The rules read aloud: one list of everything, searched from its head. */
class Model {
  readonly isOrdered: boolean;
  entries: ModelEntry[] = [];
  #completions = 0;

  constructor(isOrdered: boolean) {
    this.isOrdered = isOrdered;
  }

  complete(id: number, results: readonly string[]): void {
    const entry = this.entries.find((each) => each.kind === "record" && each.id === id);
    if (entry?.kind !== "record") throw new Error("no such record");
    entry.completedAt = this.#completions++;
    entry.results = results;
  }

  hold(mark: Mark): boolean {
    if (this.entries.length === 0) return false;
    const last = this.entries.at(-1)!;
    if (last.kind === "record") this.entries.push({ kind: "mark", mark });
    else last.mark = { ...definedOf(last.mark), ...definedOf(mark) };
    return true;
  }

  drain(): unknown[] {
    const out: unknown[] = [];
    for (;;) {
      const until = this.entries.findIndex((each) => each.kind === "mark");
      const before = this.entries.slice(0, until === -1 ? undefined : until).filter((each) => each.kind === "record");
      const leaving = this.isOrdered
        ? before.slice(
            0,
            lengthOfPrefix(before, (each) => each.completedAt !== undefined),
          )
        : before.filter((each) => each.completedAt !== undefined).sort((a, b) => a.completedAt! - b.completedAt!);
      for (const record of leaving) out.push(...record.results.map((result) => [result, record.id]));
      this.entries = this.entries.filter((each) => each.kind === "mark" || !leaving.includes(each));
      const head = this.entries[0];
      if (head?.kind !== "mark") return out;
      out.push(definedOf(head.mark));
      this.entries.shift();
    }
  }
}

function lengthOfPrefix<T>(values: readonly T[], claim: (value: T) => boolean): number {
  const end = values.findIndex((value) => !claim(value));
  return end === -1 ? values.length : end;
}

function definedOf(mark: Mark): Mark {
  return Object.fromEntries(Object.entries(mark).filter(([, value]) => value !== undefined));
}

describe.each([true, false])("ordered: %s", (isOrdered) => {
  test("A1-A3: records and marks leave as the rules say, whatever completes when", () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 60, size: "max" }), (list) => {
        const queue = new InFlightQueue(isOrdered);
        const model = new Model(isOrdered);
        const open: InFlightRecord[] = [];
        let next = 0;
        const drain = (): unknown[] => {
          const out: unknown[] = [];
          queue.drain({
            emit: (value, timestampMs) => out.push([value, timestampMs]),
            pass: (mark) => out.push(definedOf(mark)),
          });
          return out;
        };
        for (const step of list) {
          if (step.kind === "put") {
            open.push(queue.put(`r${next}`, next));
            model.entries.push({ kind: "record", id: next, completedAt: undefined, results: [] });
            next++;
          } else if (step.kind === "mark") {
            const mark = step.isStatus ? { isIdle: next % 2 === 0 } : { watermarkMs: next };
            expect(queue.hold(mark)).toBe(model.hold(mark));
          } else if (step.kind === "complete") {
            const record = open.splice(step.pick % Math.max(open.length, 1), 1)[0];
            if (record === undefined) continue;
            const results = Array.from({ length: step.resultCount }, (_, at) => `${String(record.value)}.${at}`);
            queue.complete(record, results);
            model.complete(record.timestampMs, results);
          } else {
            const isReady = queue.hasReady;
            const out = drain();
            if (!isReady) expect(out).toEqual([]);
            expect(out).toEqual(model.drain());
          }
          const waiting = model.entries.filter((each) => each.kind === "record").map((each) => each.id);
          expect([...queue.records()].map((record) => record.timestampMs)).toEqual(waiting);
          expect(queue.size).toBe(waiting.length);
        }
        for (const record of open) {
          queue.complete(record, [record.value]);
          model.complete(record.timestampMs, [String(record.value)]);
        }
        expect(drain()).toEqual(model.drain());
        expect(queue.size).toBe(0);
      }),
    );
  });
});

test("A2: a record that completes twice is a bug of the engine", () => {
  const queue = new InFlightQueue(true);
  const record = queue.put("a", 1);
  queue.complete(record, []);
  expect(() => queue.complete(record, [])).toThrow(InvariantViolation);
});
