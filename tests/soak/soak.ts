/**
 * The soak: `npm run soak -- --minutes 30 [--seed TEXT]`.
 *
 * Everything that it chooses follows from the seed, which it prints; how the threads take turns does not. Ends with exit code
 * 1 when anything was wrong.
 */
import { parseArgs } from "node:util";
import { runSoak } from "./run-soak.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "30" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${values.minutes}`);
const seed = values.seed ?? String(Math.floor(Math.random() * 2 ** 32));
const print = (line: string): void => console.log(line);

print(`soak: ${minutes} minutes, seed ${seed}`);
try {
  const { rounds } = await runSoak({ minutes, seed, print });
  const exchanged = rounds.reduce((sum, round) => sum + round.exchanged, 0);
  print(`soak: all right: ${rounds.length} rounds, ${exchanged} records checked, none lost, doubled or out of order`);
} catch (error) {
  print(`soak: FAILED: ${error instanceof Error ? error.message : String(error)}`);
  print(`soak: repeat with: npm run soak -- --minutes ${minutes} --seed ${seed}`);
  process.exitCode = 1;
}
