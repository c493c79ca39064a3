import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../base/errors.ts";
import { encodeFrame, FRAME_OVERHEAD_BYTES } from "../../base/frame.ts";
import { WireCore } from "./wire-core.ts";
import { type ByteSink, type ByteSource, deploymentName, type WireChannel, type WireDeployment } from "./wire-ends.ts";
import { DATA_BYTES_MAX, encodeWireMessage, WIRE_PAYLOAD_BYTES_MAX } from "./wire-message.ts";

/** A ring that can be looked into. */
class Ring implements ByteSink, ByteSource {
  readonly capacity: number;
  bytes: number[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get usedBytes(): number {
    return this.bytes.length;
  }

  get availableBytes(): number {
    return this.bytes.length;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, this.capacity - this.bytes.length);
    for (const byte of bytes.subarray(start, start + count)) this.bytes.push(byte);
    return count;
  }

  read(target: Uint8Array, start: number): number {
    const taken = this.bytes.splice(0, target.length - start);
    target.set(taken, start);
    return taken.length;
  }
}

const deploymentOf = (deploymentNumber: number): WireDeployment => ({ jobId: "job", session: "1", deploymentNumber });

/** A channel from the left process to the right one, or back. */
class TestChannel {
  readonly deployment: WireDeployment;
  readonly channel: WireChannel;
  readonly fromLeft: boolean;
  readonly out: Ring;
  readonly in: Ring;
  readonly received: number[] = [];
  written = 0;

  constructor(deployment: WireDeployment, channel: WireChannel, fromLeft: boolean, capacity: number) {
    this.deployment = deployment;
    this.channel = channel;
    this.fromLeft = fromLeft;
    this.out = new Ring(capacity);
    this.in = new Ring(capacity);
  }

  /** The number of a byte of the channel tells its place modulo 251. */
  write(count: number): void {
    for (let index = 0; index < count && this.out.usedBytes < this.out.capacity; index++) {
      this.out.bytes.push(this.written++ % 251);
    }
  }

  read(count: number): void {
    for (const byte of this.in.bytes.splice(0, count)) this.received.push(byte);
  }

  /** Every byte that came is the next one. */
  check(): void {
    const all = [...this.received, ...this.in.bytes];
    expect(all.every((byte, at) => byte === at % 251)).toBe(true);
    expect(all.length).toBeLessThanOrEqual(this.written);
  }
}

/** Two processes and what is on its way between them. */
class Pair {
  readonly left: WireCore = new WireCore("a:1", "b:2");
  readonly right: WireCore = new WireCore("b:2", undefined);
  readonly toRight: number[] = [];
  readonly toLeft: number[] = [];
  readonly channels: readonly TestChannel[];

  constructor(channels: readonly TestChannel[]) {
    this.channels = channels;
  }

  attach(side: "left" | "right", deployment: WireDeployment): void {
    const name = deploymentName(deployment);
    const ends = this.channels
      .filter((each) => deploymentName(each.deployment) === name)
      .map(({ channel, fromLeft, out, in: sink }) => {
        const onMoved = (): void => {};
        return fromLeft === (side === "left")
          ? ({ direction: "out", channel, source: out, onMoved } as const)
          : ({ direction: "in", channel, sink, onMoved } as const);
      });
    this[side].attach(deployment, ends);
  }

  produce(side: "left" | "right"): boolean {
    const bytes = this[side].produce();
    const way = side === "left" ? this.toRight : this.toLeft;
    for (const byte of bytes ?? []) way.push(byte);
    return bytes !== undefined;
  }

  deliver(to: "left" | "right", count: number): void {
    const way = to === "left" ? this.toLeft : this.toRight;
    this[to].receive(Uint8Array.from(way.splice(0, count)));
  }

  /** Until nothing moves any more. */
  settle(): void {
    for (let hasMoved = true; hasMoved; ) {
      hasMoved = false;
      for (const side of ["left", "right"] as const) {
        const coming = side === "left" ? this.toLeft : this.toRight;
        if (this.produce(side) || coming.length > 0) hasMoved = true;
        this.deliver(side, Number.POSITIVE_INFINITY);
      }
      for (const channel of this.channels) {
        if (channel.in.usedBytes === 0) continue;
        channel.read(Number.POSITIVE_INFINITY);
        hasMoved = true;
      }
    }
  }
}

type Command =
  | { readonly kind: "write" | "read"; readonly channel: number; readonly count: number }
  | { readonly kind: "produce"; readonly side: "left" | "right" }
  | { readonly kind: "deliver"; readonly side: "left" | "right"; readonly count: number }
  | { readonly kind: "attach" | "detach"; readonly side: "left" | "right"; readonly attempt: number };

const sides = fc.constantFrom("left" as const, "right" as const);
const counts = fc.integer({ min: 1, max: 150 });
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ kind: fc.constantFrom("write" as const, "read" as const), channel: fc.nat({ max: 5 }), count: counts }),
  fc.record({ kind: fc.constant("produce" as const), side: sides }),
  fc.record({ kind: fc.constant("deliver" as const), side: sides, count: counts }),
  fc.record({
    kind: fc.constantFrom("attach" as const, "attach" as const, "detach" as const),
    side: sides,
    attempt: fc.integer({ min: 1, max: 3 }),
  }),
);

function channelsOf(capacity: number): TestChannel[] {
  return [1, 2, 3].flatMap((attempt) => [
    new TestChannel(deploymentOf(attempt), { edge: 0, producer: 0, consumer: 1 }, true, capacity),
    new TestChannel(deploymentOf(attempt), { edge: 0, producer: 1, consumer: 0 }, false, capacity),
  ]);
}

test("I11, V1, V2: in any order of writes, reads, deliveries in pieces, attempts that come and go: bytes in order, once, as many as there is room for", () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), fc.integer({ min: 4, max: 100 }), (commands, capacity) => {
      const channels = channelsOf(capacity);
      const pair = new Pair(channels);
      /** By side and attempt. */
      const state = new Map<string, "attached" | "detached">();
      for (const each of commands) {
        switch (each.kind) {
          case "write":
          case "read":
            channels[each.channel]![each.kind](each.count);
            break;
          case "produce":
            pair.produce(each.side);
            break;
          case "deliver":
            pair.deliver(each.side, each.count);
            break;
          case "attach":
          case "detach": {
            const name = `${each.side} ${each.attempt}`;
            if (state.get(name) !== (each.kind === "attach" ? undefined : "attached")) break;
            state.set(name, each.kind === "attach" ? "attached" : "detached");
            if (each.kind === "attach") pair.attach(each.side, deploymentOf(each.attempt));
            else pair[each.side].detach(deploymentName(deploymentOf(each.attempt)));
          }
        }
        // A ring that overflows, or comes to have announced more than it has, throws (I11).
        for (const channel of channels) channel.check();
      }
      const before = channels.map(({ received, in: { bytes } }) => received.length + bytes.length);
      pair.settle();
      for (const [index, channel] of channels.entries()) {
        channel.check();
        const { deploymentNumber } = channel.deployment;
        const states = [state.get(`left ${deploymentNumber}`), state.get(`right ${deploymentNumber}`)];
        const consumer = states[channel.fromLeft ? 1 : 0];
        if (states.every((one) => one === "attached")) expect(channel.received.length).toBe(channel.written);
        // Nothing comes to an end that is not there, or not any more.
        if (consumer !== "attached") expect(channel.received.length).toBe(before[index]);
      }
    }),
    { numRuns: 400 },
  );
});

describe("I11: what is on its way", () => {
  test("is never more than the rings at the other end have room for, however much waits", () => {
    const channels = Array.from(
      { length: 4 },
      (_, consumer) => new TestChannel(deploymentOf(1), { edge: 0, producer: 0, consumer }, true, 1000),
    );
    const pair = new Pair(channels);
    pair.attach("left", deploymentOf(1));
    pair.attach("right", deploymentOf(1));
    pair.produce("right");
    pair.deliver("left", Number.POSITIVE_INFINITY);
    let data = 0;
    for (let round = 0; round < 20; round++) {
      for (const channel of channels) channel.write(1000);
      pair.produce("left");
      data = pair.toRight.length;
    }
    expect(data).toBeLessThan(4 * 1000 + 20 * (FRAME_OVERHEAD_BYTES + 4) + 100);
    pair.settle();
    for (const channel of channels) expect(channel.received.length).toBe(channel.written);
  });

  test("room is announced a quarter of the ring at a time, not byte by byte", () => {
    const channel = new TestChannel(deploymentOf(1), { edge: 0, producer: 0, consumer: 0 }, true, 1000);
    const pair = new Pair([channel]);
    pair.attach("left", deploymentOf(1));
    pair.attach("right", deploymentOf(1));
    pair.settle();
    channel.write(1000);
    pair.produce("left");
    pair.deliver("right", Number.POSITIVE_INFINITY);
    channel.read(249);
    expect(pair.produce("right")).toBe(false);
    channel.read(1);
    expect(pair.produce("right")).toBe(true);
  });
});

describe("V3: channels take turns", () => {
  function connected(count: number, capacity: number): { pair: Pair; channels: TestChannel[] } {
    const channels = Array.from(
      { length: count },
      (_, consumer) => new TestChannel(deploymentOf(1), { edge: 0, producer: 0, consumer }, true, capacity),
    );
    const pair = new Pair(channels);
    pair.attach("left", deploymentOf(1));
    pair.attach("right", deploymentOf(1));
    pair.settle();
    return { pair, channels };
  }

  test("one whose reader takes nothing holds no other one up", () => {
    const { pair, channels } = connected(3, 100);
    for (let round = 0; round < 50; round++) {
      for (const channel of channels) channel.write(100);
      pair.produce("left");
      pair.deliver("right", Number.POSITIVE_INFINITY);
      for (const channel of channels.slice(1)) channel.read(100);
      pair.produce("right");
      pair.deliver("left", Number.POSITIVE_INFINITY);
    }
    expect(channels.map(({ received }) => received.length)).toEqual([0, 5000, 5000]);
  });

  test("one with few bytes waits for no more than a frame of each other one, however much they have", () => {
    const { pair, channels } = connected(8, 4 * DATA_BYTES_MAX);
    for (const channel of channels.slice(0, 7)) channel.write(4 * DATA_BYTES_MAX);
    channels[7]!.write(1);
    let sent = 0;
    while (channels[7]!.in.usedBytes === 0 && sent < 20) {
      pair.produce("left");
      pair.deliver("right", Number.POSITIVE_INFINITY);
      sent++;
    }
    for (const { in: ring } of channels) expect(ring.usedBytes).toBeLessThanOrEqual(2 * DATA_BYTES_MAX);
    expect(channels[7]!.in.usedBytes).toBe(1);
  });
});

describe("V5: whoever does not keep to the protocol is not listened to:", () => {
  const hello = encodeWireMessage({ kind: "hello", address: "b:2" });
  const open = (number: number) =>
    encodeWireMessage({
      kind: "open",
      deployment: deploymentOf(1),
      channels: [{ number, channel: { edge: 0, producer: 0, consumer: number }, creditBytes: 10 }],
    });
  const data = (number: number, bytes: number) =>
    encodeFrame(5, new Uint8Array([number, 0, 0, 0, ...new Uint8Array(bytes)]), WIRE_PAYLOAD_BYTES_MAX);

  test.each<[string, readonly Uint8Array[], RegExp]>([
    ["a message before the greeting", [open(1)], /greeting first/],
    ["data before the greeting", [data(1, 1)], /greeting first/],
    ["a second greeting", [hello, hello], /second greeting/],
    [
      "another process than the one that was dialled",
      [encodeWireMessage({ kind: "hello", address: "c:3" })],
      /c:3.*b:2/,
    ],
    ["another protocol", [encodeFrame(1, new Uint8Array([1, 2, 3, 4, 1, 0]), 100)], /another protocol/],
    ["a type of message that there is not", [hello, encodeFrame(9, new Uint8Array(), 100)], /type 9/],
    ["a channel number that goes back", [hello, open(2), open(1)], /above 2/],
    [
      "credit for a channel that is not open",
      [hello, encodeWireMessage({ kind: "credit", credits: [{ number: 4, bytes: 1 }] })],
      /open/,
    ],
    [
      "credit without end",
      [hello, open(1), encodeWireMessage({ kind: "credit", credits: [{ number: 1, bytes: 2 ** 40 }] })],
      /ring/,
    ],
    ["the close of a channel that is not open", [hello, encodeWireMessage({ kind: "close", numbers: [1] })], /open/],
    ["data for a number that was never given", [hello, data(7, 1)], /channel 7/],
    ["data without credit", [hello, data(1, 101)], /1 to 100 bytes/],
    ["a data frame without data", [hello, data(1, 0)], /0 bytes/],
  ])("MR_WIRE_PROTOCOL on %s", (_name, messages, found) => {
    const core = new WireCore("a:1", "b:2");
    const sink = new Ring(100);
    core.attach(deploymentOf(1), [
      { direction: "in", channel: { edge: 0, producer: 0, consumer: 0 }, sink, onMoved: () => {} },
    ]);
    core.produce();
    const deliver = (): void => {
      for (const bytes of messages) core.receive(bytes);
    };
    expect(deliver).toThrow(found);
    expect(deliver).toThrow(MillraceError);
    expect(sink.usedBytes).toBe(0);
  });

  test("any bytes at all end in a named refusal, without much memory, and put nothing into a ring that has no room", () => {
    const valid = [hello, open(1), data(1, 50), encodeWireMessage({ kind: "alive" })];
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .record({ type: fc.nat({ max: 7 }), payload: fc.uint8Array({ maxLength: 60 }) })
        .map(({ type, payload }) => encodeFrame(type, payload, 100)),
      fc.constantFrom(...valid),
    );
    fc.assert(
      fc.property(fc.array(garbage, { maxLength: 12 }), fc.boolean(), (pieces, isGreeted) => {
        const core = new WireCore("a:1", "b:2");
        const sink = new Ring(100);
        core.attach(deploymentOf(1), [
          { direction: "in", channel: { edge: 0, producer: 0, consumer: 0 }, sink, onMoved: () => {} },
        ]);
        core.produce();
        try {
          if (isGreeted) core.receive(hello.slice());
          for (const piece of pieces) core.receive(piece.slice());
        } catch (error) {
          if (!(error instanceof MillraceError)) throw error;
          expect(error.code).toMatch(
            /^MR_(WIRE_PROTOCOL|FRAME_CORRUPT|FRAME_TOO_LARGE|DATA_CORRUPT|PROTOCOL_VERSION_UNSUPPORTED)$/,
          );
        }
        expect(sink.usedBytes).toBeLessThanOrEqual(100);
      }),
      { numRuns: 500 },
    );
  });
});

test("the bytes of docs/internals/exchange.md: two bytes of channel 7", () => {
  const bytes = encodeFrame(5, Uint8Array.of(7, 0, 0, 0, 0x68, 0x69), WIRE_PAYLOAD_BYTES_MAX);
  expect(Buffer.from(bytes).toString("hex")).toBe("0600000001050000755697d9070000006869372e9fd5");
});
