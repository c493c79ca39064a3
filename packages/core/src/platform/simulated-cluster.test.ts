import { describe, expect, test } from "vitest";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCluster } from "./simulated-cluster.ts";
import type { SimulatedPlatform } from "./simulated-platform.ts";
import { SimulatedStorage } from "./simulated-storage.ts";
import { type Connection, NetworkError } from "./transport.ts";

const PORT = 6123;

/** What the ends of connections have said so far, in order. */
class Log {
  readonly lines: string[] = [];

  follow(name: string, connection: Connection): Connection {
    connection.onData((bytes) => this.lines.push(`${name} got ${new TextDecoder().decode(bytes)}`));
    connection.onClose((failure) => this.lines.push(`${name} closed ${failure?.errno ?? "in order"}`));
    return connection;
  }

  take(): string[] {
    return this.lines.splice(0);
  }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A server on host b and a client on host a, connected. */
async function connected(seed = 1, network = {}) {
  const cluster = new SimulatedCluster({ seed, network });
  const log = new Log();
  const server = cluster.host("b").start("server");
  const client = cluster.host("a").start("client");
  const accepted: Connection[] = [];
  const serve = (platform: SimulatedPlatform): Promise<unknown> =>
    platform.transport.listen(
      { host: "b", port: PORT },
      (connection) => void accepted.push(log.follow("server", connection)),
      { allowNonLoopback: true },
    );
  const dial = async (): Promise<Connection> =>
    log.follow("client", await client.transport.dial({ host: "b", port: PORT }));
  await cluster.run(() => serve(server));
  const near = await cluster.run(dial);
  await cluster.scheduler.runUntil(() => accepted.length === 1);
  return { cluster, log, server, client, near, far: accepted[0]!, accepted, serve, dial };
}

const errnoOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "none",
    (error: unknown) => (error instanceof NetworkError ? error.errno : String(error)),
  );

describe("mounts", () => {
  const writeTo = async (platform: SimulatedPlatform, path: string, isSynced: boolean): Promise<void> => {
    const file = await platform.fs.open(path, "createNew");
    await file.write(text("12345"), 0);
    if (isSynced) await file.sync();
    await file.close();
  };

  test("are one disk for all hosts; one that loses its power loses there what it has not synced, and nothing else", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    const shared = new SimulatedStorage(new SeededRandom(1));
    const mounts = [{ path: "/shared", storage: shared }];
    const [one, two] = ["a", "b"].map((name) => cluster.host(name, { mounts }).start(name)) as [
      SimulatedPlatform,
      SimulatedPlatform,
    ];
    await cluster.run(async () => {
      await one.fs.makeDirectory("/shared");
      await writeTo(one, "/shared/synced", true);
      await writeTo(one, "/shared/unsynced", false);
      await writeTo(two, "/shared/of-another", false);
      await writeTo(one, "/own", true);
      expect(await two.fs.list("/shared")).toEqual(["of-another", "synced", "unsynced"]);
      expect(await two.fs.list("/")).toEqual([]);
      await expect(one.fs.rename("/own", "/shared/own")).rejects.toMatchObject({ errno: "EXDEV" });
    });
    cluster.host("a").powerOff("lost");
    const sizes = await cluster.run(() =>
      Promise.all(
        ["synced", "unsynced", "of-another"].map(async (name) => (await two.fs.stat(`/shared/${name}`))?.sizeBytes),
      ),
    );
    expect(sizes).toEqual([5, 0, 5]);
    expect(shared.disk.usedBytes).toBe(10);
    expect(two.isDead).toBe(false);
  });

  test("tell who an effect is for", async () => {
    const cluster = new SimulatedCluster({ seed: 2 });
    const shared = new SimulatedStorage(new SeededRandom(2));
    shared.onEffect = ({ host }) => (host === "a" ? { kind: "fail", errno: "EIO" } : undefined);
    const mounts = [{ path: "/shared", storage: shared }];
    const [one, two] = ["a", "b"].map((name) => cluster.host(name, { mounts }).start(name));
    await cluster.run(async () => {
      await expect(one!.fs.makeDirectory("/shared/x")).rejects.toMatchObject({ errno: "EIO" });
      await two!.fs.makeDirectory("/shared/y");
    });
    expect(shared.disk.list("/shared")).toEqual(["y"]);
  });
});

describe("hosts", () => {
  test("processes of one host share disk, wall clock and loopback; those of another have their own", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    const [one, two] = [cluster.host("a").start("one"), cluster.host("a").start("two")];
    const other = cluster.host("b", { startMs: 5000 }).start("other");
    await cluster.run(async () => {
      await one.fs.makeDirectory("/here");
      expect([await two.fs.list("/"), await other.fs.list("/")]).toEqual([["here"], []]);
      await one.transport.listen({ host: "localhost", port: PORT }, () => {});
      expect(await errnoOf(two.transport.dial({ host: "127.0.0.1", port: PORT }))).toBe("none");
      expect(await errnoOf(two.transport.dial({ host: "a", port: PORT }))).toBe("none");
      // Bound to loopback, so not open to the network; and b's own loopback is another one.
      expect(await errnoOf(other.transport.dial({ host: "a", port: PORT }))).toBe("ECONNREFUSED");
      expect(await errnoOf(other.transport.dial({ host: "localhost", port: PORT }))).toBe("ECONNREFUSED");
      expect(await errnoOf(other.transport.dial({ host: "nowhere", port: PORT }))).toBe("ENOTFOUND");
    });
    const before = other.clock.wallMs();
    cluster.host("a").wall.jump(60_000);
    expect(one.clock.wallMs()).toBe(two.clock.wallMs());
    expect(other.clock.wallMs()).toBe(before);
    expect([one.proc.hostName, other.proc.hostName]).toEqual(["a", "b"]);
  });

  test("a host listens at its own addresses only", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    const { transport } = cluster.host("a").start("one");
    const listen = (host: string) => transport.listen({ host, port: 0 }, () => {}, { allowNonLoopback: true });
    expect(await cluster.run(() => errnoOf(listen("b")))).toBe("EADDRNOTAVAIL");
    expect(await cluster.run(() => errnoOf(listen("0.0.0.0")))).toBe("none");
  });

  test("a paused process runs nothing but keeps its connections; resumed, it gets all in the order it came", async () => {
    const { cluster, log, server, near, far, dial } = await connected();
    const ticks: number[] = [];
    for (const tick of [1, 2, 3]) server.clock.after(tick, () => ticks.push(tick));
    server.pause();
    near.write(text("a"));
    await cluster.scheduler.advance(1000);
    near.write(text("b"));
    // The kernel answers for a process that does not run.
    await cluster.run(dial);
    await cluster.scheduler.advance(1000);
    expect([ticks, log.take(), server.clock.monoMs() >= 2000]).toEqual([[], [], true]);
    server.resume();
    far.write(text("c"));
    await cluster.scheduler.advance(10);
    expect(ticks).toEqual([1, 2, 3]);
    expect(log.take().join(" ")).toMatch(/^(client got c )?server got ab?( server got b)?( client got c)?$/);
  });

  test("a timer that was cancelled while its process was paused does not fire, and threads pause with it", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    const platform = cluster.host("a").start("one");
    const fired: string[] = [];
    platform.workers.register("file:///tick", (scope) => {
      scope.platform.clock.after(1, () => fired.push("thread"));
    });
    platform.workers.spawn("file:///tick", undefined);
    const cancel = platform.clock.after(5, () => fired.push("cancelled"));
    platform.clock.after(5, () => fired.push("kept"));
    platform.pause();
    await cluster.scheduler.advance(1000);
    cancel();
    expect(fired).toEqual([]);
    platform.resume();
    await cluster.scheduler.advance(0.5);
    platform.pause();
    await cluster.scheduler.advance(1000);
    platform.resume();
    await cluster.scheduler.advance(1000);
    expect(fired.sort()).toEqual(["kept", "thread"]);
  });

  test("killed while paused, a process stays dead when it is resumed", async () => {
    const cluster = new SimulatedCluster({ seed: 1 });
    const platform = cluster.host("a").start("one");
    const fired: string[] = [];
    platform.clock.after(5, () => fired.push("timer"));
    platform.pause();
    await cluster.scheduler.advance(10);
    platform.kill();
    platform.resume();
    await cluster.scheduler.runUntilIdle();
    expect(fired).toEqual([]);
  });
});

describe("what becomes of connections", () => {
  test("a killed process has them ended for it: in order, or with a reset when it had left something unread", async () => {
    const endings = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      for (const leavesUnread of [false, true]) {
        const { cluster, log, server, near, far, dial } = await connected(seed);
        if (leavesUnread) {
          far.pause();
          near.write(text("unread"));
          await cluster.scheduler.advance(10);
        }
        server.kill();
        await cluster.scheduler.advance(100);
        endings.add(`${leavesUnread}: ${log.take().join()}`);
        expect(await cluster.run(() => errnoOf(dial()))).toBe("ECONNREFUSED");
      }
    }
    expect([...endings].sort()).toEqual(["false: client closed in order", "true: client closed ECONNRESET"]);
  });

  test("what a killed process had written still arrives", async () => {
    const { cluster, log, near, client } = await connected();
    near.write(text("last words"));
    client.kill();
    await cluster.scheduler.advance(100);
    expect(log.take().join(" ")).toMatch(/^server got last words server closed in order$/);
  });

  test("after a loss of power nobody says anything, until the host is up again and knows nothing of the connection", async () => {
    const { cluster, log, server, near, dial, serve } = await connected();
    cluster.host("b").powerOff();
    near.write(text("hello?"));
    await cluster.scheduler.advance(60_000);
    expect(log.take()).toEqual([]);
    expect(await cluster.run(() => errnoOf(dial()))).toBe("ETIMEDOUT");
    const again = server.restart();
    await cluster.scheduler.advance(1000);
    expect(log.take()).toEqual(["client closed ECONNRESET"]);
    expect(await cluster.run(() => errnoOf(dial()))).toBe("ECONNREFUSED");
    await cluster.run(() => serve(again));
    expect(await cluster.run(() => errnoOf(dial()))).toBe("none");
  });

  test("a one-way partition holds up what is sent that way, and only that; healed, everything arrives in order", async () => {
    const { cluster, log, near, far, dial } = await connected();
    cluster.faults.block("a", "b");
    near.write(text("1"));
    near.write(text("2"));
    far.write(text("back"));
    await cluster.scheduler.advance(30_000);
    expect(log.take()).toEqual(["client got back"]);
    expect(await cluster.run(() => errnoOf(dial()))).toBe("ETIMEDOUT");
    cluster.faults.unblock("a", "b");
    near.write(text("3"));
    await cluster.scheduler.advance(1000);
    expect(
      log
        .take()
        .map((line) => line.replace("server got ", ""))
        .join(""),
    ).toBe("123");
  });

  test("a dial gets through when the partition ends within its time", async () => {
    const { cluster, client, dial } = await connected();
    cluster.faults.partition("a", "b");
    client.clock.after(3000, () => cluster.faults.heal("a", "b"));
    expect(await cluster.run(() => errnoOf(dial()))).toBe("none");
  });

  test("a reset that is lost in a partition leaves the other end half open, until it writes", async () => {
    const { cluster, log, near, far } = await connected();
    cluster.faults.partition("a", "b");
    near.write(text("lost"));
    near.destroy();
    await cluster.scheduler.advance(1000);
    cluster.faults.heal("a", "b");
    await cluster.scheduler.advance(60_000);
    expect(log.take()).toEqual(["client closed in order"]);
    far.write(text("anybody?"));
    await cluster.scheduler.advance(1000);
    expect(log.take()).toEqual(["server closed ECONNRESET"]);
  });

  test("close waits five seconds for the other side, then gives up", async () => {
    const { cluster, log, near, client } = await connected();
    cluster.faults.partition("a", "b");
    const startMs = client.clock.monoMs();
    near.write(text("never taken"));
    near.close();
    await cluster.scheduler.runUntil(() => log.lines.length > 0);
    expect(log.take()).toEqual(["client closed in order"]);
    expect(client.clock.monoMs() - startMs).toBeCloseTo(5000, 1);
  });

  test("a reset from the network is seen at both ends, and what was under way is lost", async () => {
    const { cluster, log, near } = await connected();
    near.write(text("under way"));
    cluster.faults.reset("a", "b");
    await cluster.scheduler.advance(100);
    expect(log.take().sort()).toEqual(["client closed ECONNRESET", "server closed ECONNRESET"]);
    expect(near.write(text("x"))).toBe(false);
  });

  test("forgotten connections carry nothing and say nothing; new ones work", async () => {
    const { cluster, log, near, far, dial, accepted } = await connected();
    near.write(text("under way"));
    cluster.faults.forget("a", "b");
    far.write(text("x"));
    await cluster.scheduler.advance(60_000);
    expect(log.take()).toEqual([]);
    const fresh = await cluster.run(dial);
    fresh.write(text("fresh"));
    await cluster.scheduler.advance(100);
    expect(log.take().join("")).toContain("server got f");
    expect(accepted).toHaveLength(2);
  });
});

describe("conditions", () => {
  test("latency, bandwidth and stalls say when bytes arrive, and nothing overtakes", async () => {
    const { cluster, near, far, client } = await connected();
    const arrivals: [atMs: number, bytes: number][] = [];
    far.onData((bytes) => arrivals.push([client.clock.monoMs() - startMs, bytes.length]));
    cluster.faults.setLink("a", "b", { latencyMs: [20, 30], bytesPerMs: 100, cutShare: 0 });
    let startMs = client.clock.monoMs();
    near.write(new Uint8Array(1000));
    await cluster.scheduler.runUntilIdle();
    expect(arrivals).toHaveLength(1);
    expect(arrivals[0]![0]).toBeGreaterThanOrEqual(30);
    expect(arrivals[0]![0]).toBeLessThanOrEqual(41);
    cluster.faults.setLink("a", "b", { stallShare: 1, stallMs: 5000 });
    startMs = client.clock.monoMs();
    near.write(new Uint8Array(1));
    cluster.faults.setLink("a", "b", {});
    near.write(new Uint8Array(2));
    await cluster.scheduler.runUntilIdle();
    expect(arrivals.slice(1).reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(3);
    expect(arrivals[1]![0]).toBeGreaterThan(5000);
  });

  test("two connections between the same hosts may overtake each other, as the seed decides", async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) {
      const { cluster, log, near, dial } = await connected(seed, { latencyMs: [1, 10] });
      const other = await cluster.run(dial);
      near.write(text("1"));
      other.write(text("2"));
      await cluster.scheduler.advance(100);
      orders.add(log.take().join().replaceAll("server got ", ""));
    }
    expect([...orders].sort()).toEqual(["1,2", "2,1"]);
  });

  test("shares of resets, refused and lost dials strike as often as they say", async () => {
    const { cluster, log, near, dial, client } = await connected();
    cluster.faults.conditions = { ...cluster.faults.conditions, refuseShare: 1 };
    expect(await cluster.run(() => errnoOf(dial()))).toBe("ECONNREFUSED");
    cluster.faults.conditions = { ...cluster.faults.conditions, refuseShare: 0, loseDialShare: 1 };
    const startMs = client.clock.monoMs();
    const dialling = client.transport.dial({ host: "b", port: PORT }, { timeoutMs: 2500 });
    expect(await cluster.run(() => errnoOf(dialling))).toBe("ETIMEDOUT");
    expect(client.clock.monoMs() - startMs).toBeCloseTo(2500, 1);
    cluster.faults.conditions = { ...cluster.faults.conditions, resetShare: 1 };
    near.write(text("x"));
    await cluster.scheduler.advance(100);
    expect(log.take().sort()).toEqual(["client closed ECONNRESET", "server closed ECONNRESET"]);
  });

  test("one seed gives one trace, network included; more traffic on one connection does not move another", async () => {
    const run = async (seed: number, noise: number) => {
      const { cluster, near, far, dial } = await connected(seed, { cutShare: 0.5 });
      const other = await cluster.run(dial);
      const startMs = cluster.scheduler.nowMs;
      const arrivals: string[] = [];
      far.onData((bytes) => arrivals.push(`${bytes.length} after ${cluster.scheduler.nowMs - startMs} ms`));
      for (let round = 0; round < noise; round++) other.write(text("noise"));
      for (let round = 0; round < 5; round++) near.write(new Uint8Array(30_000));
      await cluster.scheduler.runUntilIdle();
      return { digest: cluster.scheduler.trace.digest(), arrivals };
    };
    const [quiet, again, noisy, others] = [await run(3, 0), await run(3, 0), await run(3, 7), await run(4, 0)];
    expect(again).toEqual(quiet);
    expect(noisy.arrivals).toEqual(quiet.arrivals);
    expect([noisy.digest, others.digest]).not.toContain(quiet.digest);
    expect(others.arrivals).not.toEqual(quiet.arrivals);
  });

  test("a thread has connections of its own, and they end with it", async () => {
    const { cluster, log, client } = await connected();
    client.workers.register("file:///dial", async ({ platform }) => {
      const connection = await platform.transport.dial({ host: "b", port: PORT });
      connection.write(text("from a thread"));
    });
    const worker = client.workers.spawn("file:///dial", undefined);
    await cluster.scheduler.runUntil(() => log.lines.length > 0);
    await cluster.run(() => worker.terminate());
    await cluster.scheduler.advance(100);
    expect(log.take().join(" ")).toMatch(/server got from a thread server closed in order$/);
  });
});
