import { readFileSync } from "node:fs";

/** The version of Flink whose REST API this one is like. */
export const FLINK_VERSION = "2.3.0";

/** Sources and build are equally deep. */
export const MILLRACE_VERSION: string = (
  JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { readonly version: string }
).version;
