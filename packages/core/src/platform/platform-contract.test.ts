import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WorkerHandle } from "./platform.ts";
import { CONTRACT_HOSTS, type ContractHost, WORKER_URL } from "./testdata/contract-hosts.ts";
import { type BellOrder, passOn } from "./testdata/contract-worker.ts";

describe.each(CONTRACT_HOSTS)("platform contract: $name", ({ start }) => {
  let host: ContractHost;
  beforeEach(async () => {
    host = await start();
  });
  afterEach(() => host.close());

  describe("clock", () => {
    const sleep = (delayMs: number) =>
      new Promise<void>((resolve) => {
        host.platform.clock.after(delayMs, resolve);
      });

    test("a timer fires after its delay, never early, and never from within the call", async () => {
      const { clock } = host.platform;
      for (const delayMs of [0, 1, 3.7, 12]) {
        const startMs = clock.monoMs();
        let hasReturned = false;
        await host.run(
          () =>
            new Promise<void>((resolve) => {
              clock.after(delayMs, () => {
                expect(hasReturned).toBe(true);
                resolve();
              });
              hasReturned = true;
            }),
        );
        expect(clock.monoMs() - startMs).toBeGreaterThanOrEqual(delayMs);
      }
    });

    test("timers fire in the order of their times, not of their creation", async () => {
      const fired: number[] = [];
      const timers = [60, 5, 30].map((delayMs) => sleep(delayMs).then(() => fired.push(delayMs)));
      await host.run(() => Promise.all(timers));
      expect(fired).toEqual([5, 30, 60]);
    });

    test("a cancelled timer or turn never fires, and cancelling again or too late is harmless", async () => {
      const { clock } = host.platform;
      const fired: string[] = [];
      const cancelTimer = clock.after(1, () => fired.push("timer"));
      const cancelTurn = clock.soon(() => fired.push("turn"));
      const cancelLate = clock.after(1, () => fired.push("kept"));
      cancelTimer();
      cancelTimer();
      cancelTurn();
      await host.run(() => sleep(20));
      cancelLate();
      cancelTurn();
      expect(fired).toEqual(["kept"]);
    });

    test("a delay beyond 31 bits does not fire at once", async () => {
      let hasFired = false;
      const cancel = host.platform.clock.after(2 ** 40, () => {
        hasFired = true;
      });
      await host.run(() => sleep(10));
      cancel();
      expect(hasFired).toBe(false);
    });

    test("NaN and infinite delays are refused", () => {
      expect(() => host.platform.clock.after(Number.NaN, () => {})).toThrow("invariant");
      expect(() => host.platform.clock.after(Number.POSITIVE_INFINITY, () => {})).toThrow("invariant");
    });

    test("turns run in order and let timers through, however many there are", async () => {
      const { clock } = host.platform;
      const turns: number[] = [];
      let isOver = false;
      const loop = (turn: number): void => {
        turns.push(turn);
        if (!isOver) clock.soon(() => loop(turn + 1));
      };
      loop(0);
      await host.run(() => sleep(3));
      isOver = true;
      expect(turns.length).toBeGreaterThan(2);
      expect(turns).toEqual(turns.map((_, index) => index));
    });

    test("two turns put at once keep their order", async () => {
      const seen: number[] = [];
      await host.run(
        () =>
          new Promise<void>((resolve) => {
            for (let turn = 0; turn < 20; turn++) host.platform.clock.soon(() => seen.push(turn));
            host.platform.clock.soon(resolve);
          }),
      );
      expect(seen).toEqual(Array.from({ length: 20 }, (_, index) => index));
    });

    test("monotonic time never goes back, and wall time is whole epoch milliseconds", async () => {
      const { clock } = host.platform;
      let lastMs = clock.monoMs();
      for (let round = 0; round < 5; round++) {
        await host.run(() => sleep(1));
        expect(clock.monoMs()).toBeGreaterThan(lastMs);
        lastMs = clock.monoMs();
        expect(Number.isInteger(clock.wallMs())).toBe(true);
        expect(clock.wallMs()).toBeGreaterThan(Date.UTC(2000, 0));
      }
    });
  });

  describe("random", () => {
    const draw = (random: { u32(): number }, count = 8) => Array.from({ length: count }, () => random.u32());

    test("numbers are unsigned 32-bit integers that use all bits", () => {
      const numbers = draw(host.platform.random, 4000);
      expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number < 2 ** 32)).toBe(true);
      for (let bit = 0; bit < 32; bit++) {
        const ones = numbers.filter((number) => (number >>> bit) & 1).length;
        // 4000 fair coins are within 2000 ± 320 (ten standard deviations).
        expect(Math.abs(ones - 2000)).toBeLessThan(320);
      }
    });

    test("one label gives one stream, whatever was drawn before; other labels give others", () => {
      const { random } = host.platform;
      const first = draw(random.fork("a"));
      draw(random, 100);
      expect(draw(random.fork("a"))).toEqual(first);
      expect(draw(random.fork("b"))).not.toEqual(first);
      expect(draw(random.fork("a").fork("b"))).not.toEqual(draw(random.fork("a/b")));
      expect(draw(random.fork("a").fork("b"))).toEqual(draw(random.fork("a").fork("b")));
    });

    test("bytes come in the count asked for, also odd and zero", () => {
      for (const count of [0, 1, 3, 4, 4097]) expect(host.platform.random.bytes(count)).toHaveLength(count);
      expect(host.platform.random.bytes(16)).not.toEqual(host.platform.random.bytes(16));
      expect(host.platform.random.fork("a").bytes(7)).toEqual(host.platform.random.fork("a").bytes(7));
    });

    test("UUIDs are of version 4, in lower case, and differ", () => {
      const { random } = host.platform;
      const uuids = Array.from({ length: 200 }, () => random.uuid()).concat(random.fork("a").uuid());
      for (const uuid of uuids)
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(new Set(uuids).size).toBe(uuids.length);
    });
  });

  describe("workers", () => {
    type Ending = { exitCode: number; failure: Error | undefined };

    const endingOf = (worker: WorkerHandle) =>
      new Promise<Ending>((resolve) => {
        worker.onExit((exitCode, failure) => resolve({ exitCode, failure }));
      });

    const messagesOf = (worker: WorkerHandle, count: number) =>
      new Promise<unknown[]>((resolve) => {
        const messages: unknown[] = [];
        worker.onMessage((message) => {
          if (messages.push(message) === count) resolve(messages);
        });
      });

    test("a worker gets its input, answers in order, and its exit code arrives after its last message", async () => {
      const worker = host.platform.workers.spawn(WORKER_URL, { n: 1 });
      // Posted before the thread runs: it waits for the listener.
      worker.postMessage({ bytes: new Uint8Array([1, 2]) });
      worker.postMessage(2);
      worker.postMessage("exit");
      const ending = endingOf(worker);
      const messages: unknown[] = [];
      worker.onMessage((message) => messages.push(message));
      expect(await host.run(() => ending)).toEqual({ exitCode: 7, failure: undefined });
      expect(messages).toEqual([
        { started: { n: 1 } },
        { echo: { bytes: new Uint8Array([1, 2]) } },
        { echo: 2 },
        "last words",
      ]);
    });

    test("messages are clones, and what cannot be cloned is refused in the call", async () => {
      const { workers } = host.platform;
      const input = { list: [1] };
      const worker = workers.spawn(WORKER_URL, input);
      input.list.push(2);
      const messages = await host.run(() => messagesOf(worker, 1));
      expect(messages).toEqual([{ started: { list: [1] } }]);
      expect(() => worker.postMessage(() => {})).toThrow("could not be cloned");
      expect(() => workers.spawn(WORKER_URL, () => {})).toThrow("could not be cloned");
      await host.run(() => worker.terminate());
    });

    test("memory that is transferred is the other side's, and no copy is left here, in both directions", async () => {
      const worker = host.platform.workers.spawn(WORKER_URL, "memory");
      const bytes = new Uint8Array([1, 2, 3]);
      worker.postMessage(bytes, [bytes.buffer]);
      expect(bytes.length).toBe(0);
      const messages = await host.run(() => messagesOf(worker, 3));
      expect(messages).toEqual([{ started: "memory" }, new Uint8Array([1, 2, 3]), 0]);
      await host.run(() => worker.terminate());
    });

    test("what comes before the first listener waits for it, exits too", async () => {
      const worker = host.platform.workers.spawn(WORKER_URL, "early");
      worker.postMessage("exit");
      await host.run(() => endingOf(worker));
      expect(await host.run(() => messagesOf(worker, 2))).toEqual([{ started: "early" }, "last words"]);
    });

    test("a terminated worker exits with code 1 and no failure; terminating it again is harmless", async () => {
      const worker = host.platform.workers.spawn(WORKER_URL, "idle");
      await host.run(() => messagesOf(worker, 1));
      const ending = endingOf(worker);
      await host.run(() => worker.terminate());
      expect(await host.run(() => ending)).toEqual({ exitCode: 1, failure: undefined });
      await host.run(() => worker.terminate());
      worker.postMessage("into the void");
    });

    test("an error in main, in a timer or in loading ends the worker as a failure with its error", async () => {
      const spawn = (url: string, input: unknown) => {
        const worker = host.platform.workers.spawn(url, input);
        worker.postMessage("throw later");
        return endingOf(worker);
      };
      const endings = await host.run(() =>
        Promise.all([
          spawn(WORKER_URL, "fail at once"),
          spawn(WORKER_URL, "go on"),
          spawn(new URL("./missing-worker.ts", WORKER_URL).href, "none"),
        ]),
      );
      expect(endings.map(({ exitCode }) => exitCode)).toEqual([1, 1, 1]);
      expect(endings[0]!.failure?.message).toBe("failed at once");
      expect(endings[1]!.failure).toBeInstanceOf(TypeError);
      expect(endings[1]!.failure?.message).toBe("thrown from a timer");
      expect(endings[2]!.failure?.message).toContain("missing-worker.ts");
    });
  });

  describe("bells", () => {
    const EXPECTED = 0;
    const CHANGED = 7;

    /** A worker that has been told what to do with words 0 to 15 of a memory; messages of its start are left out. */
    const spawnWith = (orders: readonly Omit<BellOrder, "memory">[]) => {
      const memory = new SharedArrayBuffer(64);
      const worker = host.platform.workers.spawn(WORKER_URL, "bells");
      const messages: unknown[] = [];
      let onChange = (): void => {};
      worker.onMessage((message) => {
        messages.push(message);
        onChange();
      });
      for (const order of orders) worker.postMessage({ ...order, memory } satisfies BellOrder);
      /** Resolves when that many messages are there. */
      const received = (count: number): Promise<unknown[]> =>
        new Promise((resolve) => {
          onChange = () => {
            if (messages.length > count) resolve(messages.slice(1));
          };
          onChange();
        });
      return { memory, words: new Int32Array(memory), worker, received };
    };

    const wait = (words: Int32Array, index: number) =>
      new Promise<void>((resolve) => {
        host.platform.bells.wait(words, index, EXPECTED, resolve);
      });

    /** Long enough for anything that is on its way. */
    const settle = () =>
      new Promise<void>((resolve) => {
        host.platform.clock.after(20, resolve);
      });

    test("a thread that waits for a word wakes when another one has changed it and notifies", async () => {
      const { words, worker, received } = spawnWith([{ bell: "wait", index: 3, value: EXPECTED }]);
      expect(await host.run(() => received(1))).toEqual([{ waits: 3 }]);
      Atomics.store(words, 3, CHANGED);
      host.platform.bells.notify(words, 3);
      expect(await host.run(() => received(2))).toEqual([{ waits: 3 }, { woken: 3 }]);
      await host.run(() => worker.terminate());
    });

    test("it wakes also when the word was changed before it waited: no wake-up is lost in between", async () => {
      const { words, worker, received } = spawnWith([]);
      Atomics.store(words, 0, CHANGED);
      worker.postMessage({ bell: "wait", memory: words.buffer, index: 0, value: EXPECTED });
      expect(await host.run(() => received(2))).toEqual([{ waits: 0 }, { woken: 0 }]);
      await host.run(() => worker.terminate());
    });

    test("a wait never ends within its own call, and ends once", async () => {
      const words = new Int32Array(new SharedArrayBuffer(64));
      Atomics.store(words, 0, CHANGED);
      let wakes = 0;
      host.platform.bells.wait(words, 0, EXPECTED, () => wakes++);
      expect(wakes).toBe(0);
      await host.run(settle);
      expect(wakes).toBe(1);
      host.platform.bells.notify(words, 0);
      await host.run(settle);
      expect(wakes).toBe(1);
    });

    test("one notify ends all waits for the word, on all threads, and none for another word", async () => {
      const { words, worker, received } = spawnWith([
        { bell: "wait", index: 1, value: EXPECTED },
        { bell: "wait", index: 2, value: EXPECTED },
        { bell: "wait", index: 1, value: EXPECTED },
      ]);
      await host.run(() => received(3));
      let isOtherWoken = false;
      host.platform.bells.wait(words, 2, EXPECTED, () => {
        isOtherWoken = true;
      });
      const ownWaits = [wait(words, 1), wait(words, 1)];
      Atomics.store(words, 1, CHANGED);
      host.platform.bells.notify(words, 1);
      await host.run(() => Promise.all(ownWaits));
      expect((await host.run(() => received(5))).slice(3)).toEqual([{ woken: 1 }, { woken: 1 }]);
      await host.run(settle);
      expect(await host.run(() => received(5))).toHaveLength(5);
      expect(isOtherWoken).toBe(false);
      await host.run(() => worker.terminate());
    });

    test("a cancelled wait does not end, whether it was rung for already or not; cancelling too late is harmless", async () => {
      const words = new Int32Array(new SharedArrayBuffer(64));
      const ended: string[] = [];
      const begin = (name: string) => host.platform.bells.wait(words, 0, EXPECTED, () => ended.push(name));
      const cancelBefore = begin("cancelled before");
      const cancelAfter = begin("cancelled after");
      const cancelLate = begin("kept");
      cancelBefore();
      Atomics.store(words, 0, CHANGED);
      host.platform.bells.notify(words, 0);
      cancelAfter();
      cancelAfter();
      const cancelChanged = begin("cancelled when the word had changed");
      cancelChanged();
      await host.run(settle);
      cancelLate();
      expect(ended).toEqual(["kept"]);
    });

    test("two threads that take turns by a word never miss each other", async () => {
      const turns = 500;
      const { words, worker, received } = spawnWith([{ bell: "pass on", index: 5, value: turns }]);
      const { bells } = host.platform;
      await host.run(
        () => new Promise<void>((resolve) => passOn({ bells, words, index: 5, parity: 0, end: turns, onEnd: resolve })),
      );
      expect(Atomics.load(words, 5)).toBe(turns);
      expect(await host.run(() => received(1))).toEqual([{ passedOn: turns }]);
      await host.run(() => worker.terminate());
    });

    test("a worker may ring for the thread that made it", async () => {
      const { words, worker } = spawnWith([{ bell: "ring", index: 9, value: CHANGED }]);
      await host.run(() => wait(words, 9));
      expect(Atomics.load(words, 9)).toBe(CHANGED);
      await host.run(() => worker.terminate());
    });
  });

  test("the process has an id, a host, an environment, memory, and CPU time that does not shrink", async () => {
    const { proc, clock } = host.platform;
    expect(proc.processId).toBeGreaterThan(0);
    expect(proc.hostName).not.toBe("");
    expect(proc.env["MILLRACE_NO_SUCH_VARIABLE"]).toBeUndefined();
    expect(proc.memory().heapUsedBytes).toBeGreaterThan(0);
    expect(proc.memory().residentBytes).toBeGreaterThan(0);
    const cpuMs = proc.cpuMs();
    await host.run(
      () =>
        new Promise<void>((resolve) => {
          clock.soon(resolve);
        }),
    );
    expect(proc.cpuMs()).toBeGreaterThanOrEqual(cpuMs);
  });
});
