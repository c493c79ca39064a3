/** `millrace state get` and `millrace state query`: entries of one state as JSON lines. */
import {
  type Json,
  keysMeantBy,
  MillraceError,
  type StateEntry,
  type StateReader,
  toReadableJson,
} from "millrace/internal";
import type { SettingOptions } from "../settings.ts";
import { openSnapshot } from "../snapshot-files.ts";
import { countOf } from "./count-option.ts";

/** Which state. @internal */
export interface StateAddress {
  readonly path: string;
  readonly operator: string;
  readonly state: string;
}

/** @internal */
export interface QueryOptions extends SettingOptions {
  readonly where: readonly string[];
  readonly limit?: string;
}

/** The entries of the first of the keys that the text may mean. @throws MillraceError `MR_STATE_KEY_NOT_FOUND` @internal */
export async function* getState(
  address: StateAddress,
  key: string,
  options: SettingOptions,
): AsyncGenerator<string, void, undefined> {
  const reader = await readerOf(address, options);
  try {
    for (const meant of keysMeantBy(key)) {
      let isFound = false;
      for await (const entry of reader.entriesOfKey(meant)) {
        isFound = true;
        yield entryLine(entry);
      }
      if (isFound) return;
    }
  } finally {
    await reader.close();
  }
  throw new MillraceError("MR_STATE_KEY_NOT_FOUND", {
    what: "The state has nothing for this key",
    where: { ...address },
    found: `no entry for ${keysMeantBy(key)
      .map((meant) => JSON.stringify(toReadableJson(meant)))
      .join(", nor for ")}`,
    expected: "a key of the state, as JSON or as it is",
    todo: `millrace state query ${address.path} ${address.operator} ${address.state} --limit 5 shows some keys`,
  });
}

/** @throws MillraceError `MR_CONFIG_INVALID` @internal */
export async function* queryState(
  address: StateAddress,
  options: QueryOptions,
): AsyncGenerator<string, void, undefined> {
  const conditions = options.where.map(conditionOf);
  const limit = countOf("--limit", options.limit) ?? Number.POSITIVE_INFINITY;
  const reader = await readerOf(address, options);
  let count = 0;
  try {
    for await (const entry of reader.entries()) {
      if (count >= limit) return;
      if (!conditions.every((isMet) => isMet(entry))) continue;
      count++;
      yield entryLine(entry);
    }
  } finally {
    await reader.close();
  }
}

async function readerOf({ path, operator, state }: StateAddress, options: SettingOptions): Promise<StateReader> {
  const snapshot = await openSnapshot(options, path);
  return snapshot.operator(operator).state(state);
}

/** An entry as one line. @internal */
export function entryLine(entry: StateEntry): string {
  return JSON.stringify(entryJson(entry));
}

/** @internal */
export function entryJson(entry: StateEntry): Readonly<Record<string, Json>> {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, toReadableJson(value)]));
}

/** What of an entry a path may begin with; others are fields of the value. */
const PARTS: ReadonlySet<string> = new Set([
  "key",
  "mapKey",
  "window",
  "slice",
  "windowNumber",
  "timer",
  "timeMs",
  "subtask",
  "index",
  "value",
  "lastAccessMs",
]);

function conditionOf(text: string): (entry: StateEntry) => boolean {
  const at = text.indexOf("=");
  if (at < 1) {
    throw new MillraceError("MR_CONFIG_INVALID", {
      what: "A condition of a query is none",
      where: { option: "--where" },
      found: text,
      expected: "FIELD=VALUE, such as currency=EUR, address.city=Oslo, key=12 or window.start=0",
      todo: "Write the name of a field, =, and the value it has to have",
    });
  }
  const names = text.slice(0, at).split(".");
  const path = PARTS.has(names[0]!) ? names : ["value", ...names];
  const wanted = text.slice(at + 1);
  const texts = new Set(keysMeantBy(wanted).map((meant) => JSON.stringify(toReadableJson(meant))));
  return (entry) => {
    const found = path.reduce<unknown>(partOf, entry);
    if (found instanceof Date && !Number.isNaN(found.getTime()) && found.toISOString() === wanted) return true;
    return found !== undefined && texts.has(JSON.stringify(toReadableJson(found)));
  };
}

function partOf(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.get(name);
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
