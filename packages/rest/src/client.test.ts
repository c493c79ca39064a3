import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** What a module of this package loads, itself and by its own modules: types are not loaded. */
function loaded(url: URL, found: Set<string>): ReadonlySet<string> {
  const text = readFileSync(url, "utf8");
  for (const [, specifier] of text.matchAll(/^(?:import|export)\s(?!type\s)(?:[^;"]*?\sfrom\s)?"([^"]+)";$/gm)) {
    const name = specifier!.startsWith(".") ? new URL(specifier!, url).href : specifier!;
    if (found.has(name)) continue;
    found.add(name);
    if (specifier!.startsWith(".")) loaded(new URL(name), found);
  }
  return found;
}

test("S50: the client loads nothing of the endpoint: no server, no package but millrace", () => {
  const packages = (file: string): readonly string[] =>
    [...loaded(new URL(file, import.meta.url), new Set())].filter((name) => !name.startsWith("file:")).toSorted();
  expect(packages("./client.ts").filter((name) => !name.startsWith("node:"))).toEqual(["millrace/internal"]);
  // The same walk finds it where it is.
  expect(packages("./index.ts")).toContain("fastify");
});

test("S50: the client is an entry of its own", async () => {
  const { RestClient } = await import("@millrace/rest/client");
  expect(new RestClient({ host: "localhost", port: 8081 }).newId()).toMatch(/^[0-9a-f]{32}$/);
});
