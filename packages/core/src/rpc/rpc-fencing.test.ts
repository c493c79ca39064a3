import { describe, expect, test } from "vitest";
import { t } from "../types/declared-types.ts";
import { RpcHandlers } from "./rpc-handlers.ts";
import { rpcMethod } from "./rpc-method.ts";
import { endpointOn, outcomeOf, rpcPair } from "./testdata/rpc-pair.ts";

describe("I6: fencing", () => {
  const follower = async (pair: Awaited<ReturnType<typeof rpcPair>>) => {
    const applied: string[] = [];
    const write = rpcMethod("write", { request: t.string, response: t.string });
    const handlers = new RpcHandlers().on(write, async (text, caller) => {
      // Something durable comes later than the call; the epoch is looked at again right before it.
      await new Promise<void>((resolve) => pair.serverPlatform.clock.after(20, resolve));
      caller.checkEpoch();
      applied.push(text);
      return `${caller.name} wrote ${text}`;
    });
    const { endpoint, warnings } = endpointOn(pair.serverPlatform, "taskmanager", handlers);
    await pair.cluster.run(() => endpoint.listen({ host: "b", port: 1 }, { allowNonLoopback: true }));
    const leader = async (host: string, leaderEpoch: number) => {
      const platform = pair.cluster.host(host).start(`leader ${leaderEpoch} on ${host}`);
      const own = endpointOn(platform, `leader ${leaderEpoch}`, new RpcHandlers(), { leaderEpoch });
      const downs: string[] = [];
      const link = own.endpoint.connect(
        { host: "b", port: 1 },
        { onDown: (reason) => void downs.push(reason?.code ?? "in order") },
      );
      return { platform, link, downs, endpoint: own.endpoint };
    };
    const connected = async (host: string, leaderEpoch: number) => {
      const own = await leader(host, leaderEpoch);
      await pair.cluster.scheduler.runUntil(() => own.link.session !== undefined);
      return own;
    };
    return { endpoint, warnings, applied, write, leader, connected };
  };

  test("I6: a newer epoch ends the sessions of older leaders, and what they ask is refused by name", async () => {
    const pair = await rpcPair();
    const { cluster } = pair;
    const { applied, write, connected, endpoint } = await follower(pair);
    const old = await connected("c", 3);
    expect(await cluster.run(() => old.link.call(write, "by 3"))).toBe("leader 3 wrote by 3");
    const fresh = await connected("d", 4);
    expect(endpoint.fence.epoch).toBe(4);
    await cluster.scheduler.advance(10);
    expect(old.downs).toEqual(["MR_FENCED"]);
    expect(await cluster.run(() => outcomeOf(old.link.callWithRetry(write, "by 3 again", { timeoutMs: 5000 })))).toBe(
      "MR_RPC_TIMEOUT",
    );
    expect(new Set(old.downs)).toEqual(new Set(["MR_FENCED"]));
    expect(await cluster.run(() => fresh.link.call(write, "by 4"))).toBe("leader 4 wrote by 4");
    expect(applied).toEqual(["by 3", "by 4"]);
  });

  test("I6: a leader that was paused while it was replaced changes nothing when it wakes", async () => {
    for (let seed = 0; seed < 10; seed++) {
      const pair = await rpcPair({ seed });
      const { cluster } = pair;
      const { applied, write, connected } = await follower(pair);
      const old = await connected("c", 3);
      // On its way when the leader stops, and asked again when it wakes.
      const call = outcomeOf(old.link.call(write, "by 3"));
      old.platform.clock.after(1000, () => void outcomeOf(old.link.call(write, "by 3, late")));
      await cluster.scheduler.advance(2);
      old.platform.pause();
      await cluster.scheduler.advance(1);
      const fresh = await connected("d", 4);
      await cluster.run(() => fresh.link.call(write, "by 4"));
      const before = [...applied];
      old.platform.resume();
      await cluster.scheduler.advance(20_000);
      expect(applied).toEqual(before);
      expect(["MR_FENCED", "MR_RPC_CONNECTION_LOST", '"leader 3 wrote by 3"']).toContain(await call);
    }
  });

  test("I6: MR_FENCED: a call that was running when a newer leader came is stopped before it changes anything", async () => {
    const pair = await rpcPair();
    const { cluster } = pair;
    const { applied, write, connected } = await follower(pair);
    const old = await connected("c", 3);
    const fresh = await connected("d", 3);
    const call = outcomeOf(old.link.call(write, "by the old one"));
    await cluster.scheduler.advance(5);
    // The second leader's successor is known to the follower before the handler goes on.
    fresh.link.close();
    const next = await connected("e", 9);
    await cluster.scheduler.advance(100);
    expect(await call).toBe("MR_FENCED");
    expect(applied).toEqual([]);
    expect(next.link.session?.epoch).toBe(9);
  });

  test("I6: a leader learns from a follower that it was replaced", async () => {
    const pair = await rpcPair();
    const { cluster } = pair;
    const { leader, connected } = await follower(pair);
    const fresh = await connected("d", 4);
    fresh.platform.kill();
    const newer: number[] = [];
    const old = await leader("c", 3);
    old.endpoint.fence.onNewer((epoch) => void newer.push(epoch));
    await cluster.scheduler.advance(3000);
    expect(old.link.session).toBeUndefined();
    expect(old.downs.length).toBeGreaterThan(0);
    expect(new Set(old.downs)).toEqual(new Set(["MR_FENCED"]));
    expect(newer).toEqual([4]);
  });
});
