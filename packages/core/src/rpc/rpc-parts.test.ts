import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { SeededRandom } from "../platform/seeded-random.ts";
import { EpochFence } from "./epoch-fence.ts";
import { HeartbeatMonitor } from "./heartbeat-monitor.ts";
import { RECONNECT_TIMES, ReconnectBackoff } from "./reconnect-backoff.ts";
import { ReplyCache } from "./reply-cache.ts";
import { rpcSettings } from "./rpc-settings.ts";

describe("heartbeats", () => {
  const times = { intervalMs: 1000, timeoutMs: 4000 };

  /** Runs a monitor with signs at these times, woken when it asks or `latenessMs` later; says when it gave up. */
  const run = (signs: readonly number[], latenessMs: (nowMs: number) => number, endMs: number) => {
    const monitor = new HeartbeatMonitor(times, 0);
    const beats: number[] = [];
    let next = monitor.firstTickMs;
    let sign = 0;
    while (next <= endMs) {
      const nowMs = next + latenessMs(next);
      while (sign < signs.length && signs[sign]! <= nowMs) monitor.onSign(signs[sign++]!);
      const action = monitor.tick(nowMs);
      if (action.kind === "lost") return { lostAtMs: nowMs, beats, silentMs: action.silentMs };
      if (action.kind === "beat") beats.push(nowMs);
      expect(action.nextMs).toBeGreaterThan(nowMs);
      next = action.nextMs;
    }
    return { lostAtMs: undefined, beats, silentMs: 0 };
  };

  const gaps = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 30 });
  const at = (all: readonly number[]): number[] => {
    let sumMs = 0;
    return all.map((gap) => {
      sumMs += gap;
      return sumMs;
    });
  };

  test("H1: who gives signs in time is never lost; who stops is lost exactly one timeout after the last", () => {
    fc.assert(
      fc.property(gaps(3999), (all) => {
        const signs = at(all);
        const last = signs.at(-1)!;
        expect(run(signs, () => 0, last).lostAtMs).toBeUndefined();
        expect(run(signs, () => 0, last + 60_000)).toMatchObject({ lostAtMs: last + 4000, silentMs: 4000 });
      }),
    );
  });

  test("a sign of one's own is given every interval", () => {
    expect(run(at(Array(20).fill(500)), () => 0, 10_000).beats).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((s) => s * 1000),
    );
  });

  test("H2: a pause of one's own, however long, is not taken for the other side's silence", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1001, max: 100_000 }),
        fc.integer({ min: 1, max: 999 }),
        (pausedMs, readAfterMs) => {
          // Asleep from second 3 on; what the other side said meanwhile is read soon after.
          const wakesAtMs = 3000 + pausedMs;
          const signs = [1000, 2000, 2900, wakesAtMs + readAfterMs];
          const lateness = (nowMs: number): number => (nowMs === 3000 ? pausedMs : 0);
          const { lostAtMs } = run(signs, lateness, wakesAtMs + 60_000);
          expect(lostAtMs).toBe(wakesAtMs + readAfterMs + 4000);
        },
      ),
    );
  });

  test("H2: but who says nothing after it either is lost one interval later", () => {
    expect(run([], (nowMs) => (nowMs === 1000 ? 30_000 : 0), 100_000)).toMatchObject({ lostAtMs: 32_000 });
  });
});

describe("settings", () => {
  test("the defaults find a process that hangs within five seconds", () => {
    const { heartbeatIntervalMs, heartbeatTimeoutMs, askTimeoutMs, frameBytesMax } = rpcSettings(new Configuration());
    expect([heartbeatIntervalMs, heartbeatTimeoutMs, askTimeoutMs, frameBytesMax]).toEqual([
      1000, 4000, 10_000, 10_485_760,
    ]);
    expect(heartbeatTimeoutMs).toBeLessThan(5000);
  });

  test("Flink's keys set them, as Flink writes them", () => {
    const configuration = Configuration.fromEntries([
      { key: "heartbeat.interval", value: "10 s" },
      { key: "heartbeat.timeout", value: "50000" },
      { key: "akka.ask.timeout", value: "20 s" },
      { key: "pekko.framesize", value: "10485760b" },
    ]);
    expect(rpcSettings(configuration)).toMatchObject({
      heartbeatIntervalMs: 10_000,
      heartbeatTimeoutMs: 50_000,
      askTimeoutMs: 20_000,
      frameBytesMax: 10_485_760,
    });
  });

  test("MR_CONFIG_INVALID: a timeout that no heartbeat can meet is refused", () => {
    const configuration = Configuration.fromEntries([{ key: "heartbeat.interval", value: "5 s" }]);
    expect(() => rpcSettings(configuration)).toThrow(
      expect.objectContaining({ code: "MR_CONFIG_INVALID", expected: "more than heartbeat.interval" }),
    );
  });
});

describe("waits before connecting again", () => {
  test("they double up to a limit, less a seeded half, and begin anew after a session that lasted", () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 20 }), (seed, lasted) => {
        const backoff = new ReconnectBackoff(RECONNECT_TIMES, new SeededRandom(seed));
        let fullMs = 0;
        for (const lastedMs of lasted) {
          fullMs = lastedMs >= 5000 || fullMs === 0 ? 50 : Math.min(2000, fullMs * 2);
          const delayMs = backoff.nextDelayMs(lastedMs);
          expect(delayMs).toBeGreaterThan(fullMs / 2 - 1e-9);
          expect(delayMs).toBeLessThanOrEqual(fullMs);
        }
      }),
    );
  });
});

describe("the fence", () => {
  test("E1: I6: its epoch is the highest that was observed, and listeners hear of each rise once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20 })), (epochs) => {
        const fence = new EpochFence(5);
        const heard: number[] = [];
        fence.onNewer((epoch) => heard.push(epoch));
        let highest = 5;
        for (const epoch of epochs) {
          const expected = epoch === highest ? "current" : epoch < highest ? "stale" : "newer";
          expect(fence.observe(epoch)).toBe(expected);
          highest = Math.max(highest, epoch);
          expect(fence.epoch).toBe(highest);
        }
        expect(heard).toEqual([...new Set(heard)].sort((left, right) => left - right));
        expect(heard.at(-1) ?? 5).toBe(highest);
      }),
    );
  });

  test("a listener that left hears nothing", () => {
    const fence = new EpochFence();
    const heard: number[] = [];
    const leave = fence.onNewer((epoch) => heard.push(epoch));
    fence.observe(1);
    leave();
    fence.observe(2);
    expect(heard).toEqual([1]);
  });
});

describe("replies that are kept", () => {
  const limits = { repliesPerCallerMax: 3, retentionMs: 1000 };
  const key = (sequence: number, settledBelow = 1, isRetry = false) => ({ sequence, settledBelow, isRetry });
  const create = () => {
    const cache = new ReplyCache<{ readonly value: number }>(limits);
    cache.connected("caller", 0);
    return cache;
  };

  test("P1: a call runs once; who asks again waits for its reply, and later gets it at once", () => {
    const cache = create();
    expect(cache.begin("caller", key(1)).kind).toBe("run");
    const again = cache.begin("caller", key(1, 1, true));
    const heard: number[] = [];
    if (again.kind === "running") again.onReply(({ value }) => heard.push(value));
    expect(heard).toEqual([]);
    cache.finish("caller", 1, { value: 7 });
    expect(heard).toEqual([7]);
    expect(cache.begin("caller", key(1, 1, true))).toEqual({ kind: "replied", reply: { value: 7 } });
    cache.connected("other", 0);
    expect(cache.begin("other", key(1)).kind).toBe("run");
  });

  test("P1, P3: whatever is repeated in whatever order, no call runs twice, and what is settled is dropped", () => {
    const asks = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.boolean(), fc.integer({ min: 1, max: 12 })));
    fc.assert(
      fc.property(asks, (all) => {
        const cache = new ReplyCache<{ readonly value: number }>({ repliesPerCallerMax: 100, retentionMs: 1 });
        cache.connected("caller", 0);
        const ran: number[] = [];
        for (const [sequence, finishes, settled] of all) {
          const found = cache.begin("caller", key(sequence, Math.min(sequence, settled)));
          if (found.kind === "run") {
            ran.push(sequence);
            if (finishes) cache.finish("caller", sequence, { value: sequence });
          }
          if (found.kind === "replied") expect(found.reply.value).toBe(sequence);
        }
        expect(new Set(ran).size).toBe(ran.length);
      }),
      { numRuns: 500 },
    );
  });

  test("P2: a copy of a settled call, and a call of a caller that is not known, are refused", () => {
    const cache = create();
    cache.begin("caller", key(1));
    cache.finish("caller", 1, { value: 1 });
    expect(cache.begin("caller", key(2, 2)).kind).toBe("run");
    expect(cache.begin("caller", key(1, 1, true)).kind).toBe("unknown");
    expect(cache.begin("nobody", key(1)).kind).toBe("unknown");
  });

  test("P3: the replies to a caller that is gone are dropped after their time; one that runs something, or is back, keeps them", () => {
    const cache = create();
    cache.begin("caller", key(1));
    cache.disconnected("caller", 100);
    cache.connected("later", 5000);
    cache.finish("caller", 1, { value: 1 });
    cache.connected("caller", 5050);
    expect(cache.begin("caller", key(1, 1, true)).kind).toBe("replied");
    cache.disconnected("caller", 6000);
    cache.connected("another", 6999);
    cache.connected("caller", 6999);
    expect(cache.begin("caller", key(1, 1, true)).kind).toBe("replied");
  });

  test("P2: a call that may have run for a caller that was gone for too long is refused; one it never sent runs", () => {
    const cache = create();
    cache.begin("caller", key(2));
    cache.finish("caller", 2, { value: 1 });
    cache.disconnected("caller", 100);
    cache.connected("another", 2000);
    cache.connected("caller", 3000);
    expect(cache.begin("caller", key(2, 1, true)).kind).toBe("unknown");
    expect(cache.begin("caller", key(3, 1, true)).kind).toBe("run");
    cache.finish("caller", 3, { value: 1 });
    cache.disconnected("caller", 4000);
    expect(cache.callerCount).toBe(2);
    cache.connected("another", 104_000);
    expect(cache.callerCount).toBe(1);
  });

  test("replies that nobody settles are limited", () => {
    const cache = create();
    for (const sequence of [1, 2, 3]) expect(cache.begin("caller", key(sequence)).kind).toBe("run");
    expect(cache.begin("caller", key(4)).kind).toBe("full");
    expect(cache.begin("caller", key(5, 3)).kind).toBe("run");
  });
});
