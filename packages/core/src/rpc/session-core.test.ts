import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame } from "../base/frame.ts";
import { EpochFence } from "./epoch-fence.ts";
import { decodeMessage, encodeMessage, type RpcMessage } from "./rpc-message.ts";
import { type CallOutcome, RpcSessionCore, type SessionAction } from "./session-core.ts";

const METHOD = { name: "method", fingerprint: 1 };

/** One side of a session whose actions are carried out by hand. */
class Side {
  readonly core: RpcSessionCore;
  readonly fence: EpochFence;
  readonly sent: RpcMessage[] = [];
  readonly outcomes: Map<number, CallOutcome[]> = new Map();
  readonly ran: number[] = [];
  readonly told: number[] = [];
  /** Epochs that calls and tells ran under, beside what the fence said at that moment. */
  readonly ranUnder: [epoch: number, fence: number][] = [];
  readonly calls: number[] = [];
  ends = 0;
  afterEnd = 0;

  constructor(isDialer: boolean, leaderEpoch: number | undefined, pendingCallsMax = 5) {
    this.fence = new EpochFence(leaderEpoch ?? 0);
    const identity = { name: isDialer ? "dialer" : "acceptor", instanceId: `${isDialer}`, leaderEpoch };
    this.core = new RpcSessionCore({ identity, fence: this.fence, isDialer, pendingCallsMax, runningCallsMax: 5 });
    this.fence.onNewer((epoch) => this.perform(this.core.fenced(epoch)));
  }

  perform(actions: readonly SessionAction[]): void {
    for (const action of actions) {
      if (this.ends > 0) this.afterEnd++;
      if (action.kind === "send") this.sent.push(action.message);
      if (action.kind === "end") this.ends++;
      if (action.kind === "settle") this.outcomes.get(action.callId)?.push(action.outcome);
      if (action.kind === "run") {
        this.ran.push(action.call.callId);
        this.ranUnder.push([action.call.epoch, this.fence.epoch]);
      }
      if (action.kind === "deliver") {
        this.told.push(action.tell.payload[0]!);
        this.ranUnder.push([action.tell.epoch, this.fence.epoch]);
      }
    }
  }

  call(): void {
    if (this.core.state !== "open") return;
    const begun = this.core.call(METHOD, Uint8Array.of(1), undefined);
    if (begun === undefined) return;
    this.outcomes.set(begun.callId, []);
    this.calls.push(begun.callId);
    this.perform(begun.actions);
  }
}

type Step =
  | { readonly kind: "call" | "tell" | "beat" | "carry" | "refuse"; readonly side: number }
  | { readonly kind: "finish" | "timeout"; readonly side: number; readonly which: number }
  | { readonly kind: "fence"; readonly side: number; readonly epoch: number }
  | { readonly kind: "lost" };

const side = fc.nat({ max: 1 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom("call", "tell", "carry", "carry", "carry"), side }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("beat", "refuse"), side }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constantFrom("finish", "timeout"), side, which: fc.nat({ max: 5 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("fence" as const), side, epoch: fc.nat({ max: 6 }) }) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: "lost" }) },
  ) as fc.Arbitrary<Step>,
  { maxLength: 150, size: "max" },
);

/** Plays the steps on two connected sides, with messages as bytes, then cuts the connection. */
function play(all: readonly Step[], leaders: readonly [number | undefined, number | undefined]): readonly [Side, Side] {
  const sides = [new Side(true, leaders[0]), new Side(false, leaders[1])] as const;
  let tellCount = 0;
  const carry = (from: number): void => {
    const message = sides[from]!.sent.shift();
    const to = sides[1 - from]!;
    if (message !== undefined) to.perform(to.core.onMessage(decodeMessage(encodeMessage(message))));
  };
  for (const each of sides) each.perform(each.core.start());
  // Half of the runs begin with the greetings done.
  if (all.length % 2 === 0) {
    carry(0);
    carry(1);
  }
  for (const step of all) {
    if (step.kind === "lost") {
      // Rarely in the middle: most runs should get somewhere first.
      if (tellCount > 3) for (const each of sides) each.perform(each.core.lost(undefined));
      continue;
    }
    const own = sides[step.side]!;
    if (step.kind === "carry") carry(step.side);
    if (step.kind === "call") own.call();
    if (step.kind === "tell") own.perform(own.core.tell(METHOD, Uint8Array.of(tellCount++ % 256)));
    if (step.kind === "beat") own.perform(own.core.beat());
    if (step.kind === "refuse" && tellCount > 5) own.perform(own.core.refuse(undefined));
    if (step.kind === "fence" && tellCount > 2) own.fence.observe(step.epoch);
    if (step.kind === "finish") {
      const callId = own.ran[step.which];
      if (callId !== undefined) own.perform(own.core.finished(callId, Uint8Array.of(callId % 256)));
    }
    if (step.kind === "timeout") {
      const callId = own.calls[step.which];
      if (callId !== undefined) own.perform(own.core.timeout(callId));
    }
  }
  for (const each of sides) each.perform(each.core.lost(undefined));
  return sides;
}

const leaders = fc.constantFrom<readonly [number | undefined, number | undefined]>(
  [undefined, undefined],
  [3, undefined],
  [undefined, 3],
  [3, 4],
);

describe("sessions", () => {
  test("Q1: every call is settled exactly once, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(steps, leaders, (all, who) => {
        for (const own of play(all, who)) {
          for (const outcomes of own.outcomes.values()) expect(outcomes).toHaveLength(1);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("Q1: a reply is the one to its own call", () => {
    fc.assert(
      fc.property(steps, leaders, (all, who) => {
        for (const own of play(all, who)) {
          for (const [callId, [outcome]] of own.outcomes) {
            if (outcome?.kind === "reply") expect([...outcome.payload]).toEqual([callId % 256]);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test("Q2: calls and tells run in the order they were sent, each at most once", () => {
    fc.assert(
      fc.property(steps, leaders, (all, who) => {
        const sides = play(all, who);
        for (const own of sides) {
          expect(own.ran).toEqual(own.ran.map((_, index) => index + 1));
          expect(own.told).toEqual([...own.told].sort((left, right) => left - right));
          expect(new Set(own.told).size).toBe(own.told.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("I6: Q3: nothing runs under an epoch other than the newest that the process has heard of", () => {
    let ranCount = 0;
    fc.assert(
      fc.property(steps, leaders, (all, who) => {
        for (const own of play(all, who)) {
          for (const [epoch, fence] of own.ranUnder) expect(epoch).toBe(fence);
          ranCount += own.ranUnder.length;
        }
      }),
      { numRuns: 1000 },
    );
    expect(ranCount).toBeGreaterThan(1000);
  });

  test("Q4: a session ends once, and nothing comes after", () => {
    fc.assert(
      fc.property(steps, leaders, (all, who) => {
        for (const own of play(all, who)) expect([own.ends, own.afterEnd]).toEqual([1, 0]);
      }),
      { numRuns: 500 },
    );
  });

  const greeted = (): readonly [Side, Side] => {
    const sides = [new Side(true, undefined), new Side(false, 3)] as const;
    sides[0].perform(sides[0].core.start());
    sides[1].perform(sides[1].core.onMessage(sides[0].sent.shift()!));
    sides[0].perform(sides[0].core.onMessage(sides[1].sent.shift()!));
    return sides;
  };

  test("both sides agree on the epoch of the leader, whoever dials", () => {
    const [dialer, acceptor] = greeted();
    expect([dialer.core.epoch, acceptor.core.epoch, dialer.fence.epoch]).toEqual([3, 3, 3]);
    expect(dialer.core.peer).toEqual({ name: "acceptor", instanceId: "false", isLeader: true });
  });

  test("MR_RPC_MESSAGE_INVALID: what does not keep to the protocol ends the session", () => {
    const call = { kind: "call", epoch: 3, callId: 1, method: "m", fingerprint: 0, key: undefined } as const;
    const payload = new Uint8Array();
    const offences: RpcMessage[][] = [
      [{ kind: "hello", name: "x", instanceId: "y", epoch: 3, isLeader: false }],
      [{ kind: "reply", epoch: 3, callId: 1, payload }],
      [{ kind: "reply", epoch: 3, callId: 0, payload }],
      [
        { ...call, payload },
        { ...call, payload },
      ],
    ];
    for (const messages of offences) {
      const [own] = greeted();
      for (const message of messages) own.perform(own.core.onMessage(message));
      expect(own.sent.at(-1)).toMatchObject({ kind: "goodbye", error: { coded: { code: "MR_RPC_MESSAGE_INVALID" } } });
      expect(own.ends).toBe(1);
    }
    const silent = new Side(false, undefined);
    silent.perform(silent.core.onMessage({ kind: "beat", epoch: 0 }));
    expect(silent.ends).toBe(1);
  });

  test("I6: MR_FENCED: a call under a stale epoch is answered with it and ends the session", () => {
    const [own] = greeted();
    const payload = new Uint8Array();
    const stale = { kind: "call", epoch: 2, callId: 1, method: "m", fingerprint: 0, key: undefined, payload } as const;
    own.perform(own.core.onMessage(stale));
    expect(own.sent).toMatchObject([
      { kind: "failure", callId: 1, error: { coded: { code: "MR_FENCED", found: "epoch 2", expected: "epoch 3" } } },
      { kind: "goodbye", error: { coded: { code: "MR_FENCED" } } },
    ]);
    expect([own.ran, own.ends]).toEqual([[], 1]);
  });
});

describe("messages", () => {
  const text = fc.string({ unit: "binary", maxLength: 20 });
  const number = fc.maxSafeNat();
  const bytes = fc.uint8Array({ maxLength: 40 });
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  const place = fc.oneof(text, fc.double());
  const coded = fc.record({
    code: fc.constantFrom("MR_FENCED" as const, "MR_X_1" as const),
    what: text,
    where: fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor")), place, {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    found: optional(text),
    expected: optional(text),
    todo: text,
  });
  const { error } = fc.letrec<{ error: NonNullable<Extract<RpcMessage, { kind: "failure" }>["error"]> }>((tie) => ({
    error: fc.record({
      name: text,
      message: text,
      stack: optional(text),
      coded: optional(coded),
      cause: fc.option(tie("error"), { nil: undefined, maxDepth: 6 }),
    }),
  }));
  const key = fc.record({
    sequence: fc.integer({ min: 1, max: 2 ** 40 }),
    settledBelow: number,
    isRetry: fc.boolean(),
  });
  const fingerprint = fc.nat({ max: 2 ** 31 - 1 });
  const messages: fc.Arbitrary<RpcMessage> = fc.oneof(
    fc.record({
      kind: fc.constant("hello" as const),
      name: text,
      instanceId: text,
      epoch: number,
      isLeader: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant("call" as const),
      epoch: number,
      callId: number,
      method: text,
      fingerprint,
      key: optional(key),
      payload: bytes,
    }),
    fc.record({ kind: fc.constant("reply" as const), epoch: number, callId: number, payload: bytes }),
    fc.record({ kind: fc.constant("failure" as const), epoch: number, callId: number, error }),
    fc.record({ kind: fc.constant("tell" as const), epoch: number, method: text, fingerprint, payload: bytes }),
    fc.record({ kind: fc.constant("beat" as const), epoch: number }),
    fc.record({ kind: fc.constant("goodbye" as const), epoch: number, error: optional(error) }),
  );

  test("every message reads back as it was written", () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
    );
  });

  test("MR_RPC_MESSAGE_INVALID: any other bytes are refused by name, or are a message; nothing else happens", () => {
    const damaged = fc.tuple(messages, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }), fc.nat());
    const refused = new Set<string>();
    const read = (frame: { type: number; payload: Uint8Array }): void => {
      try {
        decodeMessage(frame);
      } catch (thrown) {
        refused.add((thrown as { code: string }).code);
      }
    };
    fc.assert(
      fc.property(damaged, ([message, changes, cut]) => {
        const { type, payload } = encodeMessage(message);
        for (const [at, value] of changes) if (payload.length > 0) payload[at % payload.length] = value;
        read({ type, payload: cut % 3 === 0 ? payload.subarray(0, cut % (payload.length + 1)) : payload });
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.nat({ max: 9 }), bytes, (type, payload) => read({ type, payload })),
      { numRuns: 2000 },
    );
    expect([...refused].sort()).toEqual(["MR_PROTOCOL_VERSION_UNSUPPORTED", "MR_RPC_MESSAGE_INVALID"]);
  });

  test("places called __proto__ and constructor are places, and long texts are cut", () => {
    const where = Object.fromEntries([
      ["__proto__", 1],
      ["constructor", "x"],
    ]);
    const parts = { code: "MR_X" as const, what: "w", where, found: undefined, expected: undefined, todo: "t" };
    const sent = { name: "n", message: "m".repeat(100_000), stack: undefined, coded: parts, cause: undefined };
    const read = decodeMessage(encodeMessage({ kind: "goodbye", epoch: 1, error: sent }));
    if (read.kind !== "goodbye" || read.error === undefined) throw new Error("not what was sent");
    expect(Object.getOwnPropertyNames(read.error.coded?.where).sort()).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(read.error.coded?.where)).toBe(Object.prototype);
    expect(read.error.message).toHaveLength(16 * 1024 + 1);
  });

  test("the bytes of a call are as docs/internals/rpc.md shows them", () => {
    const key = { sequence: 2, settledBelow: 1, isRetry: false };
    const payload = Uint8Array.of(4, 0x68, 0x69);
    const call = { kind: "call", epoch: 3, callId: 300, method: "echo", fingerprint: 7, key, payload } as const;
    const { type, payload: bytesOfCall } = encodeMessage(call);
    const frame = encodeFrame(type, bytesOfCall, 1000);
    expect([...frame].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")).toBe(
      "12 00 00 00 01 02 00 00 c5 b9 0c 08 03 ac 02 08 65 63 68 6f 07 00 00 00 02 01 00 04 68 69 21 e1 0c c6",
    );
  });
});
