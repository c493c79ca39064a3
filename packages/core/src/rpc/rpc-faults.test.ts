import { describe, expect, test } from "vitest";
import { SeededRandom } from "../platform/seeded-random.ts";
import type { SimulatedPlatform } from "../platform/simulated-platform.ts";
import { RpcHandlers } from "./rpc-handlers.ts";
import type { RpcLink } from "./rpc-link.ts";
import {
  echo,
  endpointOn,
  note,
  outcomeOf,
  type RpcPair,
  rpcPair,
  runOnce,
  SERVER_ADDRESS,
} from "./testdata/rpc-pair.ts";

/** How long faults go on, and how long everybody then has to come to an end. */
const FAULTS_MS = 60_000;
const CALL_TIMEOUT_MS = 30_000;

/** Every outcome a call may have; anything else is a bug. */
const NAMED = /^(\{.*\}|MR_RPC_(CONNECTION_LOST|TIMEOUT|OUTCOME_UNKNOWN))$/;

interface Story {
  readonly outcomes: readonly string[];
  readonly answeredRuns: readonly { readonly number: number; readonly runs: number }[];
  readonly runs: ReadonlyMap<number, number>;
  readonly notes: readonly number[];
  readonly faultCount: number;
  readonly digest: string;
}

/** A server that ends and comes back, and everything else that the seed breaks, for a simulated minute. */
function breakThings(pair: RpcPair, random: SeededRandom): { readonly faultCount: () => number } {
  const { cluster, log } = pair;
  let server = pair.serverPlatform;
  let faultCount = 0;
  const restart = async (): Promise<void> => {
    server = server.restart();
    const { endpoint } = endpointOn(server, "server", log.handlers(server));
    await endpoint.listen(SERVER_ADDRESS, { allowNonLoopback: true });
  };
  const faults: (() => void)[] = [
    () => cluster.faults.reset("a", "b"),
    () => cluster.faults.forget("c", "b"),
    () => cluster.faults.block("a", "b"),
    () => cluster.faults.block("b", "c"),
    () => cluster.faults.partition("c", "b"),
    () => cluster.faults.healAll(),
    () => cluster.faults.healAll(),
    () => server.pause(),
    () => server.resume(),
    () => server.resume(),
    () => {
      if (random.fraction() < 0.5) server.kill();
      else cluster.host("b").powerOff();
      void restart();
    },
  ];
  const count = 1 + random.below(40);
  for (let fault = 0; fault < count; fault++) {
    cluster.scheduler.schedule(random.fraction() * FAULTS_MS, "fault", () => {
      faultCount++;
      faults[random.below(faults.length)]!();
    });
  }
  cluster.scheduler.schedule(FAULTS_MS, "the last fault is over", () => {
    server.resume();
    cluster.faults.healAll();
    cluster.faults.conditions = { ...cluster.faults.conditions, resetShare: 0, loseDialShare: 0, refuseShare: 0 };
  });
  return { faultCount: () => faultCount };
}

/** Two clients ask one server for a simulated minute while everything between them breaks, as often as the seed says. */
async function story(seed: number): Promise<Story> {
  const random = new SeededRandom(`story ${seed}`);
  const share = (max: number): number => random.fraction() * random.fraction() * max;
  const network = {
    resetShare: share(0.02),
    stallShare: share(0.1),
    loseDialShare: share(0.5),
    refuseShare: share(0.3),
    cutShare: 0.5,
  };
  const pair = await rpcPair({ seed, network });
  const { cluster, log } = pair;
  const { faultCount } = breakThings(pair, random);
  const outcomes: string[] = [];
  const answeredRuns: { number: number; runs: number }[] = [];
  let asked = 0;
  const ask = (link: RpcLink, number: number): Promise<unknown> => {
    const delayMs = random.below(3) === 0 ? random.below(3000) : undefined;
    const options = { timeoutMs: CALL_TIMEOUT_MS };
    if (number % 4 === 0) return link.call(echo, { text: `${number}`, delayMs }, options);
    return link.callWithRetry(runOnce, { number, delayMs }, options).then((answer) => {
      answeredRuns.push(answer);
      return answer;
    });
  };
  const work = (platform: SimulatedPlatform, link: RpcLink): void => {
    const number = asked++;
    void outcomeOf(ask(link, number)).then((outcome) => outcomes.push(outcome));
    link.tell(note, { number });
    if (platform.clock.monoMs() < FAULTS_MS + 5000) platform.clock.after(random.below(200), () => work(platform, link));
  };
  for (const host of ["a", "c"]) {
    const platform = cluster.host(host).start(`caller on ${host}`);
    const { endpoint } = endpointOn(platform, `caller on ${host}`, new RpcHandlers());
    work(platform, endpoint.connect(SERVER_ADDRESS));
  }
  await cluster.scheduler.advance(FAULTS_MS + 5000 + CALL_TIMEOUT_MS + 1000);
  expect(outcomes.length).toBe(asked);
  const digest = cluster.scheduler.trace.digest();
  return { outcomes, answeredRuns, runs: log.runs, notes: log.notes, faultCount: faultCount(), digest };
}

describe("calls while everything breaks", () => {
  test("every call settles by name, none is answered twice, repeated ones run once, what is told comes at most once", async () => {
    let answered = 0;
    let lost = 0;
    let faults = 0;
    for (let seed = 0; seed < 12; seed++) {
      const { outcomes, answeredRuns, runs, notes, faultCount } = await story(seed);
      for (const outcome of outcomes) expect(outcome, `seed ${seed}`).toMatch(NAMED);
      for (const [number, count] of runs) expect([number, count], `seed ${seed}`).toEqual([number, 1]);
      for (const answer of answeredRuns) expect(answer, `seed ${seed}`).toEqual({ number: answer.number, runs: 1 });
      for (const { number } of answeredRuns) expect(runs.has(number), `seed ${seed}`).toBe(true);
      expect(new Set(answeredRuns.map(({ number }) => number)).size, `seed ${seed}`).toBe(answeredRuns.length);
      expect(new Set(notes).size, `seed ${seed}`).toBe(notes.length);
      // The last five seconds have no faults: whoever asks then is answered.
      expect(outcomes.at(-1), `seed ${seed}`).toMatch(/^\{/);
      answered += answeredRuns.length;
      lost += outcomes.filter((outcome) => outcome.startsWith("MR_")).length;
      faults += faultCount;
    }
    // The seeds do both: work gets done, and things break.
    expect(answered).toBeGreaterThan(2500);
    expect(lost).toBeGreaterThan(250);
    expect(faults).toBeGreaterThan(100);
  }, 120_000);

  test("one seed tells one story", async () => {
    expect((await story(5)).digest).toBe((await story(5)).digest);
    expect((await story(6)).digest).not.toBe((await story(5)).digest);
  });
});
