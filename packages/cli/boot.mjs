// Starts the CLI from its build when there is one to start, and from the TypeScript sources inside a checkout. Only the
// latter needs a TypeScript loader from the start; every import is slower with one.
import { existsSync } from "node:fs";
import { register } from "node:module";

const sources = new URL("./src/main.ts", import.meta.url);
const isCheckout = existsSync(new URL("../../tsconfig.base.json", import.meta.url)) && existsSync(sources);

if (isCheckout) {
  const { register: registerTsx } = await import("tsx/esm/api");
  registerTsx();
  // Inside a checkout every workspace package resolves to its sources, so nothing has to be built first.
  register("./source-condition.mjs", import.meta.url);
}

const { main } = await import(isCheckout ? sources.href : new URL("./dist/main.js", import.meta.url).href);
await main(process.argv);
