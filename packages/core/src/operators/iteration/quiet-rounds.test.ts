import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_WATERMARK, MIN_WATERMARK } from "../../time/timestamps.ts";
import { FeedbackQueue } from "./feedback-queue.ts";
import { QuietRounds } from "./quiet-rounds.ts";

interface Message {
  readonly kind: "record" | "watermark" | "end";
  /** Of a record: how many hops it has left. Of a watermark: its time. */
  readonly value: number;
}

/** Heads and tails with a channel for each connection, stepped in any order. */
class LoopModel {
  readonly rounds: (QuietRounds | undefined)[];
  readonly channels: Map<string, Message[]> = new Map();
  /** By tail, then head: the last watermark that came. */
  readonly seen: Map<string, number> = new Map();
  readonly ended: boolean[];
  readonly reaches: (head: number, tail: number) => boolean;
  readonly count: number;

  constructor(count: number, reaches: (head: number, tail: number) => boolean) {
    this.count = count;
    this.reaches = reaches;
    this.rounds = Array.from({ length: count }, () => undefined);
    this.ended = Array.from({ length: count }, () => false);
    for (const [head, tail] of this.pairs()) {
      this.channels.set(`${head}-${tail}`, []);
      this.seen.set(`${head}-${tail}`, MIN_WATERMARK);
    }
  }

  pairs(): readonly (readonly [number, number])[] {
    const all = Array.from({ length: this.count }, (_, index) => index);
    return all.flatMap((head) => all.filter((tail) => this.reaches(head, tail)).map((tail) => [head, tail] as const));
  }

  /** A record is put on one channel of the head, a watermark on all. */
  send(head: number, message: Message, choice = 0): void {
    const mine = this.pairs().filter((pair) => pair[0] === head);
    const targets = message.kind === "record" ? [mine[choice % mine.length]!] : mine;
    for (const [from, to] of targets) this.channels.get(`${from}-${to}`)!.push(message);
  }

  returned(tail: number): number {
    return Math.min(...this.pairs().map((pair) => (pair[1] === tail ? this.seen.get(pair.join("-"))! : MAX_WATERMARK)));
  }

  /** Delivers one message and lets the head of its subtask react. */
  deliver(head: number, tail: number, choice: number): void {
    const message = this.channels.get(`${head}-${tail}`)!.shift();
    if (message === undefined) return;
    if (message.kind === "record") {
      expect(this.ended[tail], "a record came back to a head that had ended").toBe(false);
      this.rounds[tail]?.onFeedback();
      if (message.value > 1) this.send(tail, { kind: "record", value: message.value - 1 }, choice);
    } else {
      this.seen.set(`${head}-${tail}`, message.value);
    }
    this.react(tail);
  }

  react(head: number): void {
    const rounds = this.rounds[head];
    if (rounds === undefined || this.ended[head] || !rounds.isDue(this.returned(head))) return;
    const next = rounds.next(this.returned(head));
    this.ended[head] = next === MAX_WATERMARK;
    this.send(head, { kind: "watermark", value: next });
  }

  startRounds(head: number): void {
    this.rounds[head] ??= new QuietRounds(this.count, MIN_WATERMARK);
    this.react(head);
  }
}

const topologies = {
  "one subtask": (head: number, tail: number) => head === tail,
  "all to all": () => true,
  "a ring": (head: number, tail: number, count: number) => tail === (head + 1) % count,
  neighbours: (head: number, tail: number) => Math.abs(head - tail) <= 1,
  "one way": (head: number, tail: number) => tail === head || tail === head - 1,
} as const;

test.each(Object.entries(topologies))(
  "S13: Q3: no head ends before the last record has left the loop, and all end after it: %s",
  (_name, reaches) => {
    const walks = fc.record({
      count: fc.integer({ min: 1, max: 5 }),
      records: fc.array(fc.record({ head: fc.nat(4), hops: fc.integer({ min: 1, max: 12 }) }), { maxLength: 6 }),
      startsAfter: fc.array(fc.nat(30), { minLength: 5, maxLength: 5 }),
      choices: fc.array(fc.nat(1000), { minLength: 20, maxLength: 200 }),
    });
    fc.assert(
      fc.property(walks, ({ count, records, startsAfter, choices }) => {
        const model = new LoopModel(count, (head, tail) => reaches(head, tail, count));
        for (const { head, hops } of records) model.send(head % count, { kind: "record", value: hops }, hops);
        const pairs = model.pairs();
        for (let step = 0; !model.ended.every(Boolean); step++) {
          expect(step, "the heads never end").toBeLessThan(20_000);
          // The choices first, then all channels in turn.
          const choice = choices[step] ?? step;
          for (let head = 0; head < count; head++) if (startsAfter[head]! <= step) model.startRounds(head);
          const [head, tail] = pairs[choice % pairs.length]!;
          model.deliver(head, tail, choice);
        }
        const left = [...model.channels.values()].flat();
        expect(left.filter(({ kind }) => kind === "record")).toEqual([]);
      }),
      { numRuns: 60 },
    );
  },
);

test("S13: rounds continue above those of an attempt that has failed", () => {
  const before = new QuietRounds(2, 100);
  const first = before.next(100);
  const second = before.next(first);
  const after = new QuietRounds(2, second);
  expect(first).toBeGreaterThan(8_640_000_000_000_000);
  expect(after.isDue(second)).toBe(true);
  const third = after.next(second);
  expect(third).toBeGreaterThan(second);
  expect(after.isDue(second)).toBe(false);
  expect(after.isDue(third)).toBe(true);
});

test("S13: a queue gives back in order, also what comes back while it is drained", () => {
  const queue = new FeedbackQueue();
  for (let n = 1; n <= 5; n++) queue.push(n, n * 10);
  const taken: unknown[] = [];
  const take = (value: unknown, timestampMs: number): void => {
    taken.push([value, timestampMs]);
    if (value === 2) queue.push(6, 60);
  };
  expect([queue.drain(3, take), queue.size, queue.drain(9, take), queue.size]).toEqual([3, 3, 3, 0]);
  expect(taken).toEqual([1, 2, 3, 4, 5, 6].map((n) => [n, n * 10]));
});

test("S13: a loop that only grows fails with what to do", () => {
  const queue = new FeedbackQueue(2);
  queue.push(1, 0);
  queue.push(2, 0);
  expect(() => queue.push(3, 0)).toThrow(/MR_ITERATION_OVERFLOW.*2 records.*closeWith/);
});
