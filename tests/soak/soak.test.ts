import { expect, test } from "vitest";
import { runSoak } from "./run-soak.ts";

const SHORT_MINUTES = 1 / 3;

// The long form: npm run soak -- --minutes 30. What it chooses is the same for the same seed.
test("under slow sinks, stalls and faults no record is lost, doubled, changed or out of order", async () => {
  const lines: string[] = [];
  const { rounds } = await runSoak({ minutes: SHORT_MINUTES, seed: "short", print: (line) => lines.push(line) });
  expect(rounds.length, lines.join("\n")).toBeGreaterThanOrEqual(2);
  for (const round of rounds) expect(round.exchanged, lines.join("\n")).toBeGreaterThan(round.records);
  const restarts = rounds.reduce((sum, round) => sum + round.restarts, 0);
  expect(restarts, lines.join("\n")).toBeGreaterThan(0);
}, 300_000);
