import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BarrierAligner } from "./barrier-aligner.ts";
import type { AlignmentAction, BarrierHandler } from "./barrier-handler.ts";
import { BarrierTracker } from "./barrier-tracker.ts";

/** What a channel delivers: a record (0) or a barrier with its id. */
type Element = number;

type Step =
  /** The next element of the channel arrives: from then on it can be seen. */
  | { readonly kind: "arrive"; readonly channel: number }
  /** The subtask takes an element that has arrived. */
  | { readonly kind: "take"; readonly channel: number }
  | { readonly kind: "announce" | "cancel"; readonly id: number }
  | { readonly kind: "close"; readonly channel: number };

interface Snapshot {
  readonly id: number;
  /** Records that were taken before it, by channel. */
  readonly taken: readonly number[];
  /** Records that were captured for it, by channel. */
  readonly captured: number[];
  /** Elements of each captured channel that have been looked at. */
  readonly capturing: Map<number, number>;
}

/** A subtask with nothing but channels, and what checkpoints of it would hold. */
class ModelSubtask {
  readonly handler: BarrierHandler;
  readonly channels: readonly (readonly Element[])[];
  readonly arrived: number[];
  readonly takenElements: number[];
  readonly takenRecords: number[];
  readonly blocked = new Set<number>();
  readonly closed = new Set<number>();
  readonly snapshots: Snapshot[] = [];
  readonly discarded = new Set<number>();

  constructor(handler: BarrierHandler, channels: readonly (readonly Element[])[]) {
    this.handler = handler;
    this.channels = channels;
    this.arrived = channels.map(() => 0);
    this.takenElements = channels.map(() => 0);
    this.takenRecords = channels.map(() => 0);
  }

  /** False when the step cannot be done now. */
  do(step: Step): boolean {
    switch (step.kind) {
      case "arrive":
        if (this.arrived[step.channel]! === this.channels[step.channel]!.length) return false;
        this.arrived[step.channel]!++;
        this.#look();
        return true;
      case "take":
        return this.#take(step.channel);
      case "announce":
        this.#perform(this.handler.onUnaligned(step.id));
        return true;
      case "cancel":
        this.#perform(this.handler.onAborted(step.id));
        return true;
      case "close":
        if (this.takenElements[step.channel]! < this.channels[step.channel]!.length) return false;
        if (this.closed.has(step.channel) || this.blocked.has(step.channel)) return false;
        this.closed.add(step.channel);
        this.#perform(this.handler.onChannelClosed(step.channel));
        return true;
    }
  }

  #take(channel: number): boolean {
    const at = this.takenElements[channel]!;
    if (this.blocked.has(channel) || at === this.arrived[channel]) return false;
    const element = this.channels[channel]![at]!;
    this.takenElements[channel]!++;
    if (element === 0) this.takenRecords[channel]!++;
    else this.#perform(this.handler.onBarrier(channel, element, false));
    return true;
  }

  #look(): void {
    for (const snapshot of this.snapshots) {
      for (const [channel, from] of [...snapshot.capturing]) {
        let next = from;
        for (; next < this.arrived[channel]!; next++) {
          const element = this.channels[channel]![next]!;
          if (element >= snapshot.id) {
            this.#perform(this.handler.onBarrierAhead(channel, element));
            break;
          }
          if (element === 0) snapshot.captured[channel]!++;
        }
        if (snapshot.capturing.has(channel)) snapshot.capturing.set(channel, next);
      }
    }
  }

  #perform(actions: readonly AlignmentAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case "block":
          this.blocked.add(action.channel);
          break;
        case "abort":
          this.blocked.clear();
          break;
        case "discard":
          this.discarded.add(action.checkpointId);
          this.snapshots.find(({ id }) => id === action.checkpointId)!.capturing.clear();
          break;
        case "snapshot":
          this.snapshots.push({
            id: action.checkpointId,
            taken: [...this.takenRecords],
            captured: this.channels.map(() => 0),
            capturing: new Map(action.capture.map((channel) => [channel, this.takenElements[channel]!])),
          });
          this.blocked.clear();
          this.#look();
          break;
        case "captured":
          this.snapshots.find(({ id }) => id === action.checkpointId)!.capturing.delete(action.channel);
      }
    }
  }
}

/** Records that stand before the barrier in what the channel delivers; undefined when it does not deliver it. */
function recordsBefore(channel: readonly Element[], id: number): number | undefined {
  const at = channel.indexOf(id);
  return at < 0 ? undefined : channel.slice(0, at).filter((element) => element === 0).length;
}

function checkSnapshots(subtask: ModelSubtask, mode: "exactly once" | "at least once"): void {
  let last = 0;
  for (const { id, taken, captured, capturing } of subtask.snapshots) {
    if (id <= last) throw new Error(`snapshot ${id} after ${last}`);
    last = id;
    if (capturing.size > 0 || subtask.discarded.has(id)) continue;
    subtask.channels.forEach((channel, index) => {
      const expected = recordsBefore(channel, id);
      if (expected === undefined) {
        if (!subtask.closed.has(index)) throw new Error(`checkpoint ${id} is complete without barrier on ${index}`);
        return;
      }
      const held = taken[index]! + captured[index]!;
      const isRight = mode === "exactly once" ? held === expected : held >= expected;
      if (!isRight) throw new Error(`checkpoint ${id} holds ${held} records of channel ${index}, expected ${expected}`);
    });
  }
}

/** Every order of `left` steps of one kind and `right` of another, and so on, as indices of the kinds. */
function* ordersOf(counts: readonly number[]): Generator<readonly number[]> {
  if (counts.every((count) => count === 0)) {
    yield [];
    return;
  }
  for (const [kind, count] of counts.entries()) {
    if (count === 0) continue;
    for (const rest of ordersOf(counts.map((each, index) => (index === kind ? each - 1 : each)))) yield [kind, ...rest];
  }
}

/** With and without each of the barriers 1 and 2. */
const CHANNELS: readonly (readonly Element[])[] = [
  [0, 1, 0, 2],
  [0, 1, 0],
  [0, 2, 0],
  [0, 0],
];

type Arrival = "all at once" | "one by one";
const ARRIVALS: readonly Arrival[] = ["all at once", "one by one"];

/** What may happen beside the channels, each at every moment. */
const EXTRAS: readonly (readonly Step[])[] = [
  [],
  [{ kind: "cancel", id: 1 }],
  [{ kind: "announce", id: 1 }],
  [
    { kind: "announce", id: 1 },
    { kind: "cancel", id: 1 },
  ],
];

describe("FLINK-17568, FLINK-20645, FLINK-21104: two channels, all orders of barrier n, barrier n+1, cancel n, data and end", () => {
  const handlers = [
    { name: "any channel", mode: "exactly once", create: () => new BarrierAligner(2) },
    { name: "one always aligned", mode: "exactly once", create: () => new BarrierAligner(2, new Set([1])) },
    { name: "any channel", mode: "at least once", create: () => new BarrierTracker(2) },
  ] as const;

  function exploreAll({ mode, create }: (typeof handlers)[number], arrival: Arrival): number {
    let runs = 0;
    for (const left of CHANNELS) {
      for (const right of CHANNELS) {
        for (const extras of EXTRAS) runs += exploreOrders(create, [left, right], extras, arrival, mode);
      }
    }
    return runs;
  }

  const exact = handlers.filter(({ mode }) => mode === "exactly once");
  test.each(exact.flatMap((handler) => ARRIVALS.map((arrival) => ({ ...handler, arrival }))))(
    "S37: a snapshot holds each record before its barriers once ($name, elements arrive $arrival)",
    (each) => {
      expect(exploreAll(each, each.arrival)).toBeGreaterThan(10_000);
    },
  );

  const tolerant = handlers.filter(({ mode }) => mode === "at least once");
  test.each(tolerant.flatMap((handler) => ARRIVALS.map((arrival) => ({ ...handler, arrival }))))(
    "S38: at least once, a snapshot holds every record before its barriers (elements arrive $arrival)",
    (each) => {
      expect(exploreAll(each, each.arrival)).toBeGreaterThan(10_000);
    },
  );
});

function exploreOrders(
  create: () => BarrierHandler,
  channels: readonly (readonly Element[])[],
  extras: readonly Step[],
  arrival: Arrival,
  mode: "exactly once" | "at least once",
): number {
  let runs = 0;
  // One step more a channel: its end.
  for (const order of ordersOf([...channels.map((channel) => channel.length + 1), extras.length])) {
    runs++;
    const subtask = new ModelSubtask(create(), channels);
    if (arrival === "all at once") arriveAll(subtask);
    let extra = 0;
    for (const kind of order) {
      if (kind === channels.length) {
        subtask.do(extras[extra++]!);
        continue;
      }
      if (arrival === "one by one") subtask.do({ kind: "arrive", channel: kind });
      if (!subtask.do({ kind: "take", channel: kind })) subtask.do({ kind: "close", channel: kind });
    }
    drain(subtask);
    checkSnapshots(subtask, mode);
    checkLiveness(subtask, extras);
  }
  return runs;
}

function arriveAll(subtask: ModelSubtask): void {
  subtask.channels.forEach((_, channel) => {
    while (subtask.do({ kind: "arrive", channel }));
  });
}

/** Goes on until nothing can be taken any more. */
function drain(subtask: ModelSubtask): void {
  arriveAll(subtask);
  for (let isMore = true; isMore; ) {
    isMore = false;
    subtask.channels.forEach((_, channel) => {
      while (subtask.do({ kind: "take", channel })) isMore = true;
      if (subtask.do({ kind: "close", channel })) isMore = true;
    });
  }
}

/** With both ends reached nothing waits; a checkpoint whose barriers all came and that nobody gave up was taken. */
function checkLiveness(subtask: ModelSubtask, extras: readonly Step[]): void {
  subtask.channels.forEach((channel, index) => {
    if (subtask.takenElements[index] !== channel.length) throw new Error(`channel ${index} is blocked for ever`);
  });
  for (const { id, capturing } of subtask.snapshots) {
    if (capturing.size > 0) throw new Error(`checkpoint ${id} waits for ever`);
  }
  const isCancelled = extras.some((step) => step.kind === "cancel");
  const isWhole = subtask.channels.every((channel) => channel.includes(2));
  if (isWhole && !isCancelled && !subtask.snapshots.some(({ id }) => id === 2)) {
    throw new Error("checkpoint 2 was never taken");
  }
}

test("S39: with any number of channels, barriers, announcements and cancellations a complete checkpoint holds each record before its barriers once", () => {
  const channel = fc
    .array(fc.record({ records: fc.nat({ max: 3 }), isDelivered: fc.boolean() }), { minLength: 1, maxLength: 5 })
    .map((parts) =>
      parts.flatMap(({ records, isDelivered }, index) => [
        ...Array.from({ length: records }, () => 0),
        ...(isDelivered ? [index + 1] : []),
      ]),
    );
  const step = (count: number): fc.Arbitrary<Step> =>
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constantFrom("arrive" as const, "take" as const),
          channel: fc.nat({ max: count - 1 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom("announce" as const, "cancel" as const),
          id: fc.integer({ min: 1, max: 5 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const), channel: fc.nat({ max: count - 1 }) }) },
    );
  const cases = fc.array(channel, { minLength: 1, maxLength: 5 }).chain((channels) =>
    fc.record({
      channels: fc.constant(channels),
      aligned: fc.subarray(channels.map((_, index) => index)),
      isExact: fc.boolean(),
      steps: fc.array(step(channels.length), { maxLength: 80 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ channels, aligned, isExact, steps }) => {
      const handler = isExact
        ? new BarrierAligner(channels.length, new Set(aligned))
        : new BarrierTracker(channels.length);
      const subtask = new ModelSubtask(handler, channels);
      for (const each of steps) subtask.do(each);
      drain(subtask);
      checkSnapshots(subtask, isExact ? "exactly once" : "at least once");
      checkLiveness(subtask, [{ kind: "cancel", id: 0 }]);
    }),
    { numRuns: 3_000 },
  );
});
