import { describe, expect, expectTypeOf, test } from "vitest";
import { MillraceError } from "../base/errors.ts";
import { encodeFrame } from "../base/frame.ts";
import { createNodePlatform } from "../platform/node-platform.ts";
import { t } from "../types/declared-types.ts";
import { RpcEndpoint } from "./rpc-endpoint.ts";
import { RpcHandlers } from "./rpc-handlers.ts";
import { rpcMethod } from "./rpc-method.ts";
import type { RpcSession } from "./rpc-session.ts";
import { echo, endpointOn, note, outcomeOf, rpcPair, runOnce, SERVER_ADDRESS, SETTINGS } from "./testdata/rpc-pair.ts";

/** A pair whose client is connected. */
async function connectedPair(options: Parameters<typeof rpcPair>[0] = {}) {
  const pair = await rpcPair(options);
  const downs: string[] = [];
  const sessions: RpcSession[] = [];
  const client = endpointOn(pair.clientPlatform, "client", new RpcHandlers());
  const link = client.endpoint.connect(SERVER_ADDRESS, {
    onSession: (session) => void sessions.push(session),
    onDown: (reason) => void downs.push(reason?.code ?? "in order"),
  });
  await pair.cluster.scheduler.runUntil(() => sessions.length === 1);
  return { ...pair, client, link, downs, sessions };
}

describe("calls", () => {
  test("a call is answered; many at once each get their own answer, and start in the order they were sent", async () => {
    const { cluster, link, log } = await connectedPair();
    const texts = Array.from({ length: 50 }, (_, index) => `${index}`);
    const answers = await cluster.run(() =>
      Promise.all(texts.map((text, index) => link.call(echo, { text, delayMs: 50 - index }))),
    );
    expect(answers.map(({ text }) => text)).toEqual(texts.map((text) => `${text}!`));
    expect(log.starts).toEqual(texts);
  });

  test("a call's types are those of its method; anything else does not compile", async () => {
    const { cluster, link } = await connectedPair();
    const answer = await cluster.run(() => link.call(echo, { text: "typed" }));
    expectTypeOf(answer).toEqualTypeOf<{ text: string }>();
    // @ts-expect-error: the request has a text.
    const withoutText = link.call(echo, { delayMs: 1 });
    // @ts-expect-error: what is told is not asked.
    const asked = (): Promise<unknown> => link.call(note, { number: 1 });
    expect(asked).toBeTypeOf("function");
    expect(await cluster.run(() => outcomeOf(withoutText))).toBe("MR_VALUE_UNSERIALIZABLE");
  });

  test("what is told arrives once and in order, and between the calls it was told between", async () => {
    const { cluster, link, log } = await connectedPair();
    for (let number = 0; number < 20; number++) link.tell(note, { number });
    await cluster.run(() => link.call(echo, { text: "after" }));
    expect(log.notes).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  test("both sides ask over the same connection", async () => {
    const pair = await rpcPair();
    const { cluster, clientPlatform, serverPlatform } = pair;
    const sessions: RpcSession[] = [];
    const ask = endpointOn(serverPlatform, "asking server", new RpcHandlers());
    await cluster.run(() =>
      ask.endpoint.listen({ host: "localhost", port: 7000 }, { onSession: (session) => void sessions.push(session) }),
    );
    const back = endpointOn(serverPlatform, "asked client", pair.log.handlers(serverPlatform));
    back.endpoint.connect({ host: "localhost", port: 7000 });
    await cluster.scheduler.runUntil(() => sessions.length === 1);
    expect(await cluster.run(() => sessions[0]!.call(echo, { text: "from the server" }))).toEqual({
      text: "from the server!",
    });
    expect(sessions[0]!.peer?.name).toBe("asked client");
    expect(clientPlatform.isDead).toBe(false);
  });

  test("MR_RPC_TIMEOUT: a call without an answer in time fails by name, and its late answer is ignored", async () => {
    const { cluster, link } = await connectedPair();
    const late = link.call(echo, { text: "slow", delayMs: 500 }, { timeoutMs: 100 });
    await expect(cluster.run(() => late)).rejects.toMatchObject({
      code: "MR_RPC_TIMEOUT",
      where: { method: "echo", peer: "server" },
      found: "no answer after 100 ms",
    });
    await cluster.scheduler.advance(1000);
    expect(await cluster.run(() => outcomeOf(link.call(echo, { text: "next" })))).toBe('{"text":"next!"}');
  });

  test("MR_RPC_HANDLER_FAILED: an error without a code is the cause, with the stack of the other process", async () => {
    const { cluster, link } = await connectedPair();
    const failing = cluster.run(() => link.call(echo, { text: "fail" }));
    await expect(failing).rejects.toMatchObject({
      code: "MR_RPC_HANDLER_FAILED",
      where: { method: "echo", peer: "server" },
    });
    const cause = await failing.then(
      () => new Error("was answered"),
      (error: MillraceError) => error.cause as Error,
    );
    expect([cause.name, cause.message]).toEqual(["TypeError", "cannot echo that"]);
    expect(cause.stack).toContain("rpc-pair.ts");
  });

  test("an error with a code is itself again: code, places, stack and causes", async () => {
    const refuse = rpcMethod("refuse", { request: t.string, response: t.string });
    const handlers = new RpcHandlers().on(refuse, () => {
      throw new MillraceError("MR_SLOT_DIED", {
        what: "The slot is gone",
        where: { slot: 3, constructor: "x", ["__proto__"]: 1 },
        found: "nothing",
        todo: "Ask again",
        cause: new RangeError("deeper"),
      });
    });
    const { cluster, serverPlatform, clientPlatform } = await rpcPair();
    const server = endpointOn(serverPlatform, "refuser", handlers);
    await cluster.run(() => server.endpoint.listen({ host: "b", port: 1 }, { allowNonLoopback: true }));
    const link = endpointOn(clientPlatform, "client", new RpcHandlers()).endpoint.connect({ host: "b", port: 1 });
    await cluster.scheduler.runUntil(() => link.session !== undefined);
    const error = await cluster.run(() => link.call(refuse, "x").catch((thrown: unknown) => thrown as MillraceError));
    expect(error).toBeInstanceOf(MillraceError);
    expect(error).toMatchObject({ code: "MR_SLOT_DIED", found: "nothing", todo: "Ask again" });
    expect((error as MillraceError).where["slot"]).toBe(3);
    expect((error as MillraceError).cause).toMatchObject({ message: "deeper" });
    expect((error as MillraceError).stack).toContain("rpc.test.ts");
    expect(({} as Record<string, unknown>)["slot"]).toBeUndefined();
  });

  test("MR_RPC_METHOD_UNKNOWN: a method that is not there, or has other types there, is refused; so is a tell", async () => {
    const { cluster, link, server } = await connectedPair();
    const missing = rpcMethod("missing", { request: t.string, response: t.string });
    const other = rpcMethod("echo", { request: t.string, response: t.string });
    expect(await cluster.run(() => outcomeOf(link.call(missing, "x")))).toBe("MR_RPC_METHOD_UNKNOWN");
    await expect(cluster.run(() => link.call(other, "x"))).rejects.toMatchObject({
      code: "MR_RPC_METHOD_UNKNOWN",
      found: "a method of that name with other types",
    });
    link.tell({ ...note, name: "unheard" }, { number: 1 });
    await cluster.scheduler.advance(100);
    expect(server.warnings).toEqual(["MR_RPC_METHOD_UNKNOWN"]);
  });

  test("MR_RPC_MESSAGE_INVALID: a request that its method does not allow does not reach the handler", async () => {
    const even = rpcMethod("even", {
      request: t.int32,
      response: t.int32,
      check: (number) => {
        if (number % 2 !== 0) throw new RangeError(`${number} is odd`);
      },
    });
    const { cluster, serverPlatform, clientPlatform } = await rpcPair();
    const seen: number[] = [];
    const handlers = new RpcHandlers().on(even, (number) => {
      seen.push(number);
      return number;
    });
    const server = endpointOn(serverPlatform, "even", handlers);
    await cluster.run(() => server.endpoint.listen({ host: "b", port: 1 }, { allowNonLoopback: true }));
    const link = endpointOn(clientPlatform, "client", new RpcHandlers()).endpoint.connect({ host: "b", port: 1 });
    await cluster.scheduler.runUntil(() => link.session !== undefined);
    await expect(cluster.run(() => link.call(even, 3))).rejects.toMatchObject({
      code: "MR_RPC_MESSAGE_INVALID",
      found: "3 is odd",
    });
    expect(await cluster.run(() => link.call(even, 4))).toBe(4);
    expect(seen).toEqual([4]);
  });

  test("MR_FRAME_TOO_LARGE: a request or an answer above the limit fails its call, and the session goes on", async () => {
    const settings = { ...SETTINGS, frameBytesMax: 70_000 };
    const { cluster, serverPlatform, clientPlatform } = await rpcPair();
    const repeat = rpcMethod("repeat", { request: t.object({ text: t.string, times: t.int32 }), response: t.string });
    const handlers = new RpcHandlers().on(repeat, ({ text, times }) => text.repeat(times));
    const server = endpointOn(serverPlatform, "server", handlers, { settings });
    await cluster.run(() => server.endpoint.listen({ host: "b", port: 1 }, { allowNonLoopback: true }));
    const client = endpointOn(clientPlatform, "client", new RpcHandlers(), { settings });
    const link = client.endpoint.connect({ host: "b", port: 1 });
    await cluster.scheduler.runUntil(() => link.session !== undefined);
    const ask = (text: string, times: number) => cluster.run(() => outcomeOf(link.call(repeat, { text, times })));
    expect(await ask("x".repeat(80_000), 1)).toBe("MR_FRAME_TOO_LARGE");
    expect(await ask("x", 80_000)).toBe("MR_FRAME_TOO_LARGE");
    expect(await ask("x", 2)).toBe('"xx"');
  });

  test("MR_RPC_OVERLOADED: more calls than a session takes on are refused at once, on either side", async () => {
    const few = { ...SETTINGS, pendingCallsMax: 3 };
    const { cluster, clientPlatform } = await rpcPair({ server: { settings: { ...SETTINGS, runningCallsMax: 2 } } });
    const ask = async (settings: typeof SETTINGS) => {
      const link = endpointOn(clientPlatform, "client", new RpcHandlers(), { settings }).endpoint.connect(
        SERVER_ADDRESS,
      );
      await cluster.scheduler.runUntil(() => link.session !== undefined);
      const calls = Array.from({ length: 5 }, () => outcomeOf(link.call(echo, { text: "x", delayMs: 50 })));
      return cluster.run(() => Promise.all(calls));
    };
    const outcomes = await ask(SETTINGS);
    expect(outcomes.filter((outcome) => outcome === "MR_RPC_OVERLOADED")).toHaveLength(3);
    expect((await ask(few)).slice(3)).toEqual(["MR_RPC_OVERLOADED", "MR_RPC_OVERLOADED"]);
  });

  test("MR_RPC_OVERLOADED: a peer that takes nothing ends the session before memory runs out", async () => {
    const { cluster, serverPlatform, clientPlatform } = await rpcPair();
    const settings = { ...SETTINGS, unsentBytesMax: 1_000_000 };
    const downs: string[] = [];
    const client = endpointOn(clientPlatform, "client", new RpcHandlers(), { settings });
    const link = client.endpoint.connect(SERVER_ADDRESS, {
      onDown: (reason) => void downs.push(reason?.code ?? "none"),
    });
    await cluster.scheduler.runUntil(() => link.session !== undefined);
    serverPlatform.pause();
    const calls = Array.from({ length: 30 }, () => outcomeOf(link.call(echo, { text: "x".repeat(50_000) })));
    await cluster.scheduler.advance(100);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["MR_RPC_CONNECTION_LOST"]));
    expect(downs[0]).toBe("MR_RPC_OVERLOADED");
  });
});

describe("the end of a session", () => {
  test("MR_RPC_CONNECTION_LOST: all pending calls fail at once and by name when the other process is killed", async () => {
    const { cluster, link, serverPlatform, downs } = await connectedPair();
    const calls = [1, 2, 3].map((number) => link.call(echo, { text: `${number}`, delayMs: 60_000 }));
    const failed = calls.map((call) => call.catch((error: unknown) => error as MillraceError));
    await cluster.scheduler.advance(10);
    serverPlatform.kill();
    const startMs = cluster.scheduler.nowMs;
    const errors = await cluster.run(() => Promise.all(failed));
    expect(cluster.scheduler.nowMs - startMs).toBeLessThan(10);
    for (const error of errors) {
      expect(error).toMatchObject({ code: "MR_RPC_CONNECTION_LOST", where: { method: "echo", peer: "server" } });
    }
    expect(downs).toEqual(["in order"]);
    expect(await cluster.run(() => outcomeOf(link.call(echo, { text: "now" })))).toBe("MR_RPC_CONNECTION_LOST");
  });

  test("MR_HEARTBEAT_TIMEOUT: a process that hangs is found within five seconds, whatever was asked of it", async () => {
    for (const seed of [1, 2, 3]) {
      const { cluster, link, serverPlatform, downs } = await connectedPair({ seed });
      await cluster.scheduler.advance(7777);
      const startMs = cluster.scheduler.nowMs;
      serverPlatform.pause();
      const call = outcomeOf(link.call(echo, { text: "anybody?" }, { timeoutMs: 60_000 }));
      expect(await cluster.run(() => call)).toBe("MR_RPC_CONNECTION_LOST");
      expect(cluster.scheduler.nowMs - startMs).toBeLessThan(5000);
      expect(downs).toEqual(["MR_HEARTBEAT_TIMEOUT"]);
    }
  });

  test("a lost network and a machine without power are found by heartbeats too, and quiet sessions stay", async () => {
    const breaks: ((pair: Awaited<ReturnType<typeof connectedPair>>) => void)[] = [
      ({ cluster }) => cluster.faults.block("b", "a"),
      ({ cluster }) => cluster.faults.forget("a", "b"),
      ({ cluster }) => cluster.host("b").powerOff(),
    ];
    for (const breakIt of breaks) {
      const pair = await connectedPair();
      await pair.cluster.scheduler.advance(120_000);
      expect(pair.downs).toEqual([]);
      breakIt(pair);
      await pair.cluster.scheduler.advance(5000);
      expect(pair.downs[0]).toBe("MR_HEARTBEAT_TIMEOUT");
    }
  });

  test("two seconds without a sign, as a long garbage collection gives, end nothing; nor does one's own pause", async () => {
    const { cluster, serverPlatform, clientPlatform, downs, sessions } = await connectedPair();
    for (let round = 0; round < 5; round++) {
      serverPlatform.pause();
      await cluster.scheduler.advance(2000);
      serverPlatform.resume();
      await cluster.scheduler.advance(3000);
    }
    expect(downs).toEqual([]);
    // The server gives this process up; when it wakes it must not blame the server.
    clientPlatform.pause();
    await cluster.scheduler.advance(60_000);
    clientPlatform.resume();
    await cluster.scheduler.advance(1000);
    expect(downs).toEqual(["MR_RPC_CONNECTION_LOST"]);
    expect(sessions).toHaveLength(2);
  });

  test("the connection is made again by itself, with growing waits, until it is closed", async () => {
    const { cluster, link, serverPlatform, log, sessions, downs } = await connectedPair();
    serverPlatform.kill();
    await cluster.scheduler.advance(30_000);
    expect(downs.length).toBeGreaterThan(15);
    expect(downs.length).toBeLessThan(40);
    const again = serverPlatform.restart();
    const next = endpointOn(again, "server", log.handlers(again));
    await cluster.run(() => next.endpoint.listen(SERVER_ADDRESS, { allowNonLoopback: true }));
    await cluster.scheduler.runUntil(() => sessions.length === 2, 3000);
    expect(await cluster.run(() => outcomeOf(link.call(echo, { text: "back" })))).toBe('{"text":"back!"}');
    link.close();
    const downCount = downs.length;
    await cluster.scheduler.advance(30_000);
    expect(downs.length).toBe(downCount);
    expect(await cluster.run(() => outcomeOf(link.callWithRetry(echo, { text: "closed" })))).toBe(
      "MR_RPC_CONNECTION_LOST",
    );
  });

  test("what is no frame, or no message, ends the session with the reason; the process goes on", async () => {
    const { cluster, clientPlatform, server, link } = await connectedPair();
    const say = async (bytes: Uint8Array) => {
      const connection = await clientPlatform.transport.dial(SERVER_ADDRESS);
      const ended = new Promise<void>((resolve) => connection.onClose(() => resolve()));
      connection.onData(() => {});
      connection.write(bytes);
      await ended;
    };
    await cluster.run(async () => {
      await say(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
      await say(encodeFrame(200, new Uint8Array(3), 100));
      await say(encodeFrame(6, Uint8Array.of(0), 100));
      await say(encodeFrame(1, Uint8Array.of(2, 0, 0), 100));
    });
    expect(server.warnings).toEqual([
      "MR_FRAME_CORRUPT",
      "MR_RPC_MESSAGE_INVALID",
      "MR_RPC_MESSAGE_INVALID",
      "MR_PROTOCOL_VERSION_UNSUPPORTED",
    ]);
    expect(await cluster.run(() => outcomeOf(link.call(echo, { text: "fine" })))).toBe('{"text":"fine!"}');
  });

  test("somebody who connects and says nothing is shown out", async () => {
    const { cluster, clientPlatform, server } = await rpcPair();
    const closed = await cluster.run(async () => {
      const connection = await clientPlatform.transport.dial(SERVER_ADDRESS);
      connection.onData(() => {});
      return new Promise<string>((resolve) => connection.onClose(() => resolve("closed")));
    });
    expect([closed, server.warnings]).toEqual(["closed", ["MR_HEARTBEAT_TIMEOUT"]]);
  });
});

describe("calls that are repeated", () => {
  test("a call whose reply is lost runs once, and its caller gets the one reply", async () => {
    const { cluster, link, log, sessions } = await connectedPair();
    const call = link.callWithRetry(runOnce, { number: 7, delayMs: 100 }, { timeoutMs: 60_000 });
    await cluster.scheduler.advance(50);
    // It runs; its reply finds no connection.
    cluster.faults.reset("a", "b");
    expect(await cluster.run(() => call)).toEqual({ number: 7, runs: 1 });
    expect([...log.runs]).toEqual([[7, 1]]);
    expect(sessions).toHaveLength(2);
  });

  test("a call that waits for a connection is sent when there is one", async () => {
    const { cluster, link } = await connectedPair();
    cluster.faults.partition("a", "b");
    await cluster.scheduler.advance(10_000);
    const call = link.callWithRetry(runOnce, { number: 1 }, { timeoutMs: 60_000 });
    await cluster.scheduler.advance(10_000);
    cluster.faults.healAll();
    expect(await cluster.run(() => call)).toEqual({ number: 1, runs: 1 });
    cluster.faults.partition("a", "b");
    const hopeless = outcomeOf(link.callWithRetry(runOnce, { number: 2 }, { timeoutMs: 20_000 }));
    expect(await cluster.run(() => hopeless)).toBe("MR_RPC_TIMEOUT");
  });

  test("MR_RPC_OUTCOME_UNKNOWN: a call is not repeated to another process than the one that may have run it", async () => {
    const { cluster, link, log, serverPlatform } = await connectedPair();
    const call = outcomeOf(link.callWithRetry(runOnce, { number: 1, delayMs: 1000 }, { timeoutMs: 60_000 }));
    await cluster.scheduler.advance(100);
    serverPlatform.kill();
    const again = serverPlatform.restart();
    const next = endpointOn(again, "server", log.handlers(again));
    await cluster.run(() => next.endpoint.listen(SERVER_ADDRESS, { allowNonLoopback: true }));
    expect(await cluster.run(() => call)).toBe("MR_RPC_OUTCOME_UNKNOWN");
    expect([...log.runs]).toEqual([[1, 1]]);
  });

  test("who is dialled repeats its calls over the sessions of the one who dials", async () => {
    const { cluster, serverPlatform, clientPlatform } = await rpcPair();
    const asking = endpointOn(serverPlatform, "jobmanager", new RpcHandlers());
    const link = asking.endpoint.linkTo("taskmanager");
    const options = { allowNonLoopback: true, onSession: (session: RpcSession) => link.attach(session) };
    await cluster.run(() => asking.endpoint.listen({ host: "b", port: 1 }, options));
    let runs = 0;
    const handlers = new RpcHandlers().on(runOnce, ({ number }) => {
      runs++;
      return new Promise((resolve) => clientPlatform.clock.after(50, () => resolve({ number, runs })));
    });
    endpointOn(clientPlatform, "taskmanager", handlers).endpoint.connect({ host: "b", port: 1 });
    const call = link.callWithRetry(runOnce, { number: 1 }, { timeoutMs: 30_000 });
    await cluster.scheduler.runUntil(() => runs === 1);
    cluster.faults.reset("a", "b");
    expect(await cluster.run(() => call)).toEqual({ number: 1, runs: 1 });
  });
});

describe("the real network", () => {
  test("calls, tells and failures go over TCP as over the simulated network", async () => {
    const platform = createNodePlatform();
    const warnings: string[] = [];
    const onWarning = ({ code }: MillraceError): void => void warnings.push(code);
    const told: number[] = [];
    const handlers = new RpcHandlers()
      .on(echo, ({ text }) => {
        if (text === "fail") throw new TypeError("cannot echo that");
        return text === "hang" ? new Promise(() => {}) : { text: `${text}!` };
      })
      .onTell(note, ({ number }) => void told.push(number));
    const server = new RpcEndpoint({
      platform,
      name: "server",
      handlers,
      settings: SETTINGS,
      onWarning,
      leaderEpoch: 5,
    });
    const listener = await server.listen({ host: "127.0.0.1", port: 0 });
    const client = new RpcEndpoint({
      platform,
      name: "client",
      handlers: new RpcHandlers(),
      settings: SETTINGS,
      onWarning,
    });
    const link = client.connect(listener.address);
    expect(await link.callWithRetry(echo, { text: "x".repeat(1_000_000) })).toEqual({
      text: `${"x".repeat(1_000_000)}!`,
    });
    for (let number = 0; number < 100; number++) link.tell(note, { number });
    expect(await outcomeOf(link.call(echo, { text: "fail" }))).toBe("MR_RPC_HANDLER_FAILED");
    expect(told).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect([client.fence.epoch, link.session?.epoch, link.session?.peer?.isLeader]).toEqual([5, 5, true]);
    const pending = outcomeOf(link.call(echo, { text: "hang" }));
    await Promise.all([client.close(), server.close()]);
    expect(await pending).toBe("MR_RPC_CONNECTION_LOST");
    expect(warnings).toEqual([]);
  });
});
