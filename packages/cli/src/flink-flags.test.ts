import { expect, test } from "vitest";
import { flinkFlags } from "./flink-flags.ts";

test.each([
  [
    ["run", "-m", "h:1", "-sae", "-cm", "claim", "-fromSavepoint", "x", "j.ts", "-sae"],
    ["run", "-m", "h:1", "--shutdownOnAttachedExit", "--claimMode", "claim", "--fromSavepoint", "x", "j.ts", "-sae"],
  ],
  [
    ["run", "-p", "-sae", "j.ts"],
    ["run", "-p", "-sae", "j.ts"],
  ],
  [
    ["run", "-detached", "j.ts", "-detached"],
    ["run", "--detached", "j.ts", "-detached"],
  ],
  [
    ["stop", "id", "-type", "native", "-drain"],
    ["stop", "id", "--type", "native", "--drain"],
  ],
  [
    ["savepoint", "id", "dir", "-detached"],
    ["savepoint", "id", "dir", "--detached"],
  ],
  [
    ["checkpoint", "-full", "id"],
    ["checkpoint", "--full", "id"],
  ],
  [
    ["list", "-all"],
    ["list", "--all"],
  ],
  [[], []],
])("Flink's flags become those that commands know, and the job's own stay: %j", (given, known) => {
  expect(flinkFlags(given)).toEqual(known);
});
