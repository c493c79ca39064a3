// TypeScript runs from source, and every workspace package resolves to its sources: nothing has to be built first.
import { register } from "node:module";
import { register as registerTsx } from "tsx/esm/api";

registerTsx();
register("../../packages/cli/source-condition.mjs", import.meta.url);
