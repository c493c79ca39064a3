import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MillraceError } from "../../base/errors.ts";
import { revokeRing, SEGMENT_BYTES } from "../../exchange/ring.ts";
import { SimulatedCluster } from "../../platform/simulated-cluster.ts";
import { CONTRACT_HOSTS, type ContractHost } from "../../platform/testdata/contract-hosts.ts";
import { t } from "../../types/declared-types.ts";
import { learnedSerializer } from "../../types/learned-type.ts";
import type { Serializer } from "../../types/type.ts";
import type { ChannelId } from "../slot-layout.ts";
import { WiredProcess } from "./testdata/wired-process.ts";

const TEXT = t.string.serializer as Serializer<unknown>;
const CHANNEL: ChannelId = { edge: 0, producer: 0, consumer: 1 };
const channel = (edge: number): ChannelId => ({ edge, producer: 0, consumer: 0 });
const texts = (count: number, length = 20): string[] =>
  Array.from({ length: count }, (_, n) => `${n}:`.padEnd(length, "."));

describe.each(CONTRACT_HOSTS)("channels between processes: $name", ({ start }) => {
  let host: ContractHost;
  const processes: WiredProcess[] = [];
  beforeEach(async () => {
    host = await start();
  });
  afterEach(async () => {
    await host.run(async () => {
      for (const process of processes.splice(0)) await process.close();
    });
    await host.close();
  });

  async function twoProcesses(): Promise<readonly [WiredProcess, WiredProcess]> {
    const pair = [await WiredProcess.start(host.platform), await WiredProcess.start(host.platform)] as const;
    processes.push(...pair);
    return pair;
  }

  test("X1: what leaves is what came, in order, on many channels in both directions at once", () =>
    host.run(async () => {
      const [left, right] = await twoProcesses();
      const sets = [0, 1, 2, 3, 4, 5].map((edge) => {
        const [from, to] = edge % 2 === 0 ? [left, right] : [right, left];
        const out = from.end("out", to.address, 1, channel(edge), edge < 2 ? 1 : 4);
        const into = to.end("in", from.address, 1, channel(edge), edge < 2 ? 1 : 4);
        return { from, to, out, into, values: texts(2000, 10 + 40 * edge) };
      });
      left.connect(...sets.flatMap(({ from, out, into }) => (from === left ? [out] : [into])));
      right.connect(...sets.flatMap(({ from, out, into }) => (from === right ? [out] : [into])));
      const received = await Promise.all(
        sets.map(async ({ from, to, out, into, values }) => {
          const sending = from.send(out, TEXT, values);
          const all = await to.receive(into, TEXT);
          await sending;
          return all;
        }),
      );
      expect(received).toEqual(sets.map(({ values }) => values));
      expect([...left.broken, ...right.broken]).toEqual([]);
    }));

  test("X1: records of learned types, and such that are larger than both rings", () =>
    host.run(async () => {
      const [left, right] = await twoProcesses();
      const values = [{ id: 1 }, { id: 2, text: "y".repeat(6 * SEGMENT_BYTES) }, [1, "two"], { id: 3 }];
      const out = left.end("out", right.address, 1, CHANNEL);
      const into = right.end("in", left.address, 1, CHANNEL);
      left.connect(out);
      right.connect(into);
      const sending = left.send(out, learnedSerializer(), values);
      expect(await right.receive(into, learnedSerializer())).toEqual(values);
      await sending;
    }));

  test.each(["left", "right"] as const)(
    "what is written before the other process is ready waits: %s is first",
    (first) =>
      host.run(async () => {
        const [left, right] = await twoProcesses();
        const [sender, receiver] = first === "left" ? [left, right] : [right, left];
        const out = sender.end("out", receiver.address, 1, CHANNEL);
        const into = receiver.end("in", sender.address, 1, CHANNEL);
        sender.connect(out);
        const sending = sender.send(out, TEXT, texts(5000));
        await new Promise<void>((resolve) => host.platform.clock.after(20, resolve));
        receiver.connect(into);
        expect(await receiver.receive(into, TEXT)).toEqual(texts(5000));
        await sending;
      }),
  );

  test("a process that closes its port breaks the attempts that use it, once, and by name", () =>
    host.run(async () => {
      const [left, right] = await twoProcesses();
      const ends = [0, 1].map((edge) => left.end("out", right.address, 7, channel(edge)));
      left.connect(...ends);
      const into = right.end("in", left.address, 7, channel(0));
      right.connect(into, right.end("in", left.address, 7, channel(1)));
      const sending = left.send(ends[0]!, TEXT, texts(3));
      await right.receive(into, TEXT);
      await sending;
      await right.endpoint.close();
      const error = await left.breaks();
      expect(error).toBeInstanceOf(MillraceError);
      expect(error).toMatchObject({
        code: "MR_CHANNEL_BROKEN",
        where: { job: "job", deployment: 7, channel: "0/0-0", from: left.address, to: right.address },
      });
      expect(left.broken.map((each) => each.channel)).toEqual([ends[0]]);
      expect(right.broken).toEqual([]);
    }));

  test("nobody listens at the other address: the attempt breaks", () =>
    host.run(async () => {
      const [left, right] = await twoProcesses();
      // The one with the lesser address dials.
      const [dialler, other] = left.address < right.address ? [left, right] : [right, left];
      await other.endpoint.close();
      dialler.connect(dialler.end("in", other.address, 1, CHANNEL));
      expect(await dialler.breaks()).toMatchObject({
        code: "MR_CHANNEL_BROKEN",
        found: expect.stringContaining("ECONNREFUSED"),
        where: { from: other.address, to: dialler.address },
      });
    }));

  test("I6: what an attempt that is over still sends reaches nobody, and the next attempt has all of its own", () =>
    host.run(async () => {
      const [left, right] = await twoProcesses();
      const old = { out: left.end("out", right.address, 1, CHANNEL), into: right.end("in", left.address, 1, CHANNEL) };
      left.connect(old.out);
      right.connect(old.into);
      // Nobody reads: the rings fill up, and there is data on its way.
      void left.send(old.out, TEXT, texts(10_000)).catch(() => {});
      await new Promise<void>((resolve) => host.platform.clock.after(5, resolve));
      await right.wire.disconnect(1);
      // A byte that came now would throw, and break the wire.
      revokeRing(old.into.memory);
      const out = left.end("out", right.address, 2, CHANNEL);
      const into = right.end("in", left.address, 2, CHANNEL);
      right.connect(into);
      left.connect(out);
      const sending = left.send(out, TEXT, texts(3000));
      expect(await right.receive(into, TEXT)).toEqual(texts(3000));
      await sending;
      expect([...left.broken, ...right.broken]).toEqual([]);
    }));
});

test("MR_INSECURE_BIND: a data port that others can reach is refused unless it is allowed", async () => {
  const cluster = new SimulatedCluster({ seed: 1 });
  const process = cluster.host("a").start("p");
  await expect(cluster.run(() => WiredProcess.start(process, { host: "a" }))).rejects.toMatchObject({
    code: "MR_INSECURE_BIND",
  });
});

describe("channels between hosts whose network fails", () => {
  interface Two {
    readonly cluster: SimulatedCluster;
    readonly left: WiredProcess;
    readonly right: WiredProcess;
  }

  async function two(seed: number, network = {}): Promise<Two> {
    const cluster = new SimulatedCluster({ seed, network });
    const [left, right] = await cluster.run(() =>
      Promise.all(
        ["a", "b"].map((host) =>
          WiredProcess.start(cluster.host(host).start(`process ${host}`), { host, port: 7000, allowNonLoopback: true }),
        ),
      ),
    );
    return { cluster, left: left!, right: right! };
  }

  /** Connects one channel from left to right. */
  function connect({ left, right }: Two, attempt: number) {
    const out = left.end("out", right.address, attempt, CHANNEL);
    const into = right.end("in", left.address, attempt, CHANNEL);
    left.connect(out);
    right.connect(into);
    return { out, into };
  }

  test.each([1, 2, 3, 4, 5, 6])(
    "stalls, narrow links and deliveries in pieces change nothing, seed %i",
    async (seed) => {
      const pair = await two(seed, {
        cutShare: 0.7,
        stallShare: 0.05,
        bytesPerMs: 200 + 2000 * (seed % 3),
        latencyMs: [0.1, 20],
      });
      const { out, into } = connect(pair, 1);
      await pair.cluster.run(async () => {
        const sending = pair.left.send(out, TEXT, texts(4000));
        expect(await pair.right.receive(into, TEXT)).toEqual(texts(4000));
        await sending;
      }, 600_000);
    },
  );

  test("one channel whose reader is slow holds no other one up", async () => {
    const pair = await two(3);
    const { left, right, cluster } = pair;
    const ends = [0, 1].map((edge) => ({
      out: left.end("out", right.address, 1, channel(edge)),
      into: right.end("in", left.address, 1, channel(edge)),
    }));
    left.connect(...ends.map(({ out }) => out));
    right.connect(...ends.map(({ into }) => into));
    await cluster.run(async () => {
      let slow = 0;
      const pause = () => new Promise<void>((resolve) => right.platform.clock.after(1000, resolve));
      void left.send(ends[0]!.out, TEXT, texts(6000));
      void right.receive(ends[0]!.into, TEXT, () => {
        slow++;
        return pause();
      });
      const sending = left.send(ends[1]!.out, TEXT, texts(20_000));
      const began = cluster.scheduler.nowMs;
      expect(await right.receive(ends[1]!.into, TEXT)).toEqual(texts(20_000));
      await sending;
      expect(cluster.scheduler.nowMs - began).toBeLessThan(2000);
      expect(slow).toBeLessThan(5);
    }, 600_000);
  });

  test("a single record is there after the way and two wake-ups, without waiting for more", async () => {
    const pair = await two(4, { latencyMs: [1, 1] });
    const { out, into } = connect(pair, 1);
    await pair.cluster.run(async () => {
      // The connection is there, the rings are empty and everybody sleeps.
      await new Promise<void>((resolve) => pair.left.platform.clock.after(500, resolve));
      const began = pair.cluster.scheduler.nowMs;
      void pair.left.send(out, TEXT, ["one"]);
      expect(await pair.right.receive(into, TEXT)).toEqual(["one"]);
      expect(pair.cluster.scheduler.nowMs - began).toBeLessThan(1.5);
    }, 60_000);
  });

  test.each([1, 2, 3, 4])(
    "a reset breaks the attempt at both ends, and the next attempt goes over a new connection, seed %i",
    async (seed) => {
      const pair = await two(seed);
      const { left, right, cluster } = pair;
      const { out, into } = connect(pair, 1);
      await cluster.run(async () => {
        void left.send(out, TEXT, texts(50_000)).catch(() => {});
        const taken: unknown[] = [];
        void right.receive(into, TEXT, (value) => void taken.push(value)).catch(() => {});
        while (taken.length === 0) await new Promise<void>((resolve) => left.platform.clock.after(0.2, resolve));
        cluster.faults.reset("a", "b");
        for (const process of [left, right]) {
          expect(await process.breaks()).toMatchObject({
            code: "MR_CHANNEL_BROKEN",
            found: expect.stringContaining("ECONNRESET"),
            where: { deployment: 1, from: "a:7000", to: "b:7000" },
          });
        }
        await Promise.all([left.wire.disconnect(1), right.wire.disconnect(1)]);
        const next = connect(pair, 2);
        const sending = left.send(next.out, TEXT, texts(1000));
        expect(await right.receive(next.into, TEXT)).toEqual(texts(1000));
        await sending;
        expect([left.broken.length, right.broken.length]).toEqual([1, 1]);
      }, 60_000);
    },
  );

  test("a connection that carries nothing any more without saying so is given up within the heartbeat's timeout", async () => {
    const pair = await two(5);
    const { out, into } = connect(pair, 1);
    const { left, right, cluster } = pair;
    await cluster.run(async () => {
      const sending = left.send(out, TEXT, texts(10));
      await right.receive(into, TEXT);
      await sending;
      const began = cluster.scheduler.nowMs;
      cluster.faults.forget("a", "b");
      for (const process of [left, right]) {
        expect(await process.breaks()).toMatchObject({
          code: "MR_CHANNEL_BROKEN",
          found: expect.stringContaining("ETIMEDOUT"),
        });
      }
      expect(cluster.scheduler.nowMs - began).toBeLessThan(6500);
    }, 60_000);
  });

  test("an idle connection stays: signs of life are enough", async () => {
    const pair = await two(6);
    const { out, into } = connect(pair, 1);
    await pair.cluster.run(async () => {
      await new Promise<void>((resolve) => pair.left.platform.clock.after(120_000, resolve));
      const sending = pair.left.send(out, TEXT, texts(10));
      expect(await pair.right.receive(into, TEXT)).toEqual(texts(10));
      await sending;
      expect([...pair.left.broken, ...pair.right.broken]).toEqual([]);
    }, 300_000);
  });

  test("L3: a process that was killed and started anew is connected to again, and has nothing of the attempt before", async () => {
    const cluster = new SimulatedCluster({ seed: 9 });
    const options = { port: 7000, allowNonLoopback: true };
    const first = cluster.host("a").start("process a");
    const [left, right] = await cluster.run(async () => [
      await WiredProcess.start(first, { host: "a", ...options }),
      await WiredProcess.start(cluster.host("b").start("process b"), { host: "b", ...options }),
    ]);
    const { out, into } = connect({ cluster, left: left!, right: right! }, 1);
    await cluster.run(async () => {
      const sending = left!.send(out, TEXT, texts(100));
      await right!.receive(into, TEXT);
      await sending;
    });
    first.kill();
    const again = first.restart();
    await cluster.run(async () => {
      const anew = await WiredProcess.start(again, { host: "a", ...options });
      expect(await right!.breaks()).toMatchObject({ code: "MR_CHANNEL_BROKEN", where: { deployment: 1 } });
      await right!.wire.disconnect(1);
      const next = connect({ cluster, left: anew, right: right! }, 2);
      const sending = anew.send(next.out, TEXT, texts(1000));
      expect(await right!.receive(next.into, TEXT)).toEqual(texts(1000));
      await sending;
    }, 60_000);
  });

  test("I6: attempts of the same number under another JobMaster's run are others", async () => {
    const cluster = new SimulatedCluster({ seed: 10 });
    await cluster.run(async () => {
      const [left, right] = await Promise.all(
        ["a", "b"].map((host, index) =>
          WiredProcess.start(cluster.host(host).start(`process ${host}`), {
            host,
            port: 7000,
            allowNonLoopback: true,
            session: `run ${index}`,
          }),
        ),
      );
      const { out, into } = connect({ cluster, left: left!, right: right! }, 1);
      void left!.send(out, TEXT, texts(10));
      let received = 0;
      void right!.receive(into, TEXT, () => {
        received++;
      });
      await new Promise<void>((resolve) => left!.platform.clock.after(30_000, resolve));
      expect(received).toBe(0);
    }, 60_000);
  });

  test("MR_WIRE_PROTOCOL: another process that has the port now is not taken for the one that was meant", async () => {
    const cluster = new SimulatedCluster({ seed: 11 });
    await cluster.run(async () => {
      const left = await WiredProcess.start(cluster.host("a").start("process a"), {
        host: "a",
        port: 7000,
        allowNonLoopback: true,
      });
      await WiredProcess.start(cluster.host("b").start("process b"), {
        host: "b",
        port: 7000,
        advertisedHost: "c",
        allowNonLoopback: true,
      });
      left.connect(left.end("in", "b:7000", 1, CHANNEL));
      expect(await left.breaks()).toMatchObject({
        code: "MR_CHANNEL_BROKEN",
        cause: { code: "MR_WIRE_PROTOCOL", found: "the process c:7000" },
      });
    }, 60_000);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "connections that are reset again and again: every attempt breaks or is whole, seed %i",
    async (seed) => {
      const pair = await two(seed, { resetShare: 0.004, refuseShare: 0.2, cutShare: 0.3 });
      const { left, right, cluster } = pair;
      await cluster.run(async () => {
        let isWhole = false;
        for (let attempt = 1; attempt <= 200 && !isWhole; attempt++) {
          const { out, into } = connect(pair, attempt);
          const taken: unknown[] = [];
          const broken = Promise.race([left.breaks(), right.breaks()]).then(() => false);
          const whole = (async () => {
            void left.send(out, TEXT, texts(2000)).catch(() => {});
            await right.receive(into, TEXT, (value) => void taken.push(value));
            return true;
          })();
          whole.catch(() => {});
          isWhole = await Promise.race([broken, whole]);
          // Whatever came is the beginning of what was sent.
          expect(taken).toEqual(texts(2000).slice(0, taken.length));
          if (isWhole) expect(taken.length).toBe(2000);
          await Promise.all([left.wire.disconnect(attempt), right.wire.disconnect(attempt)]);
          left.broken.length = 0;
          right.broken.length = 0;
        }
        expect(isWhole).toBe(true);
      }, 3_600_000);
    },
  );
});
