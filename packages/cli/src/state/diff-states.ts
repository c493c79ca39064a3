/** `millrace state diff`: what is different in the second of two snapshots. */
import { diffSnapshots, type FieldDifference, type SnapshotDifference } from "millrace/internal";
import type { SettingOptions } from "../settings.ts";
import { openSnapshot } from "../snapshot-files.ts";
import { countOf } from "./count-option.ts";
import { entryJson } from "./query-state.ts";

/** @internal */
export interface DiffOptions extends SettingOptions {
  readonly limit?: string;
  readonly json?: boolean;
}

const LIMIT_DEFAULT = 20;
/** Fields of a value that a line shows. */
const FIELDS_SHOWN_MAX = 10;

/**
 * Lines of text, or of JSON. Returns whether anything is different.
 *
 * @throws MillraceError when a snapshot cannot be read
 * @internal
 */
export async function* diffStates(
  paths: { readonly from: string; readonly to: string },
  options: DiffOptions,
): AsyncGenerator<string, boolean, undefined> {
  const { limit, json } = options;
  const entriesMax = countOf("--limit", limit) ?? LIMIT_DEFAULT;
  const from = await openSnapshot(options, paths.from);
  const to = await openSnapshot(options, paths.to);
  if (json !== true) yield `${from.directory}\n${to.directory}`;
  let isDifferent = false;
  let entries = 0;
  for await (const difference of diffSnapshots(from, to)) {
    if (difference.kind === "counts") {
      entries = 0;
      if (json === true) yield JSON.stringify(difference);
      else if (hasDifferences(difference)) yield countsLine(difference);
      continue;
    }
    isDifferent = true;
    if (difference.kind === "entry" && ++entries > entriesMax) continue;
    yield json === true ? JSON.stringify(asJson(difference)) : textOf(difference);
  }
  if (!isDifferent && json !== true) yield "No difference.";
  return isDifferent;
}

type Counts = Extract<SnapshotDifference, { readonly kind: "counts" }>;
type Shown = Exclude<SnapshotDifference, Counts>;

function hasDifferences({ counts }: Counts): boolean {
  return counts.added + counts.removed + counts.changed > 0;
}

function countsLine({ uid, state, counts }: Counts): string {
  const { added, removed, changed, same } = counts;
  return `  ${uid}/${state}: ${added} added, ${removed} removed, ${changed} changed, ${same} the same`;
}

function asJson(difference: Shown): unknown {
  return difference.kind === "entry" ? { ...difference, entry: entryJson(difference.entry) } : difference;
}

const MARKS = { added: "+", removed: "-", changed: "~" } as const;

function textOf(difference: Shown): string {
  const mark = MARKS[difference.change];
  switch (difference.kind) {
    case "operator": {
      const { uid, name } = difference;
      const fields = difference.change === "changed" ? `: ${fieldsText(difference.fields)}` : "";
      return `${mark} operator ${uid}${name === uid ? "" : ` "${name}"`}${fields}`;
    }
    case "state": {
      const fields = difference.change === "changed" ? `: ${fieldsText(difference.fields)}` : "";
      return `${mark} state ${difference.uid}/${difference.state}${fields}`;
    }
    default: {
      const { value, ...place } = entryJson(difference.entry);
      const what = difference.change === "changed" ? fieldsText(difference.fields) : JSON.stringify(value);
      const at = `${difference.uid}/${difference.state} ${JSON.stringify(place)}`;
      return `  ${mark} ${at}${what === undefined ? "" : ` ${what}`}`;
    }
  }
}

function fieldsText(fields: readonly FieldDifference[]): string {
  const shown = fields.slice(0, FIELDS_SHOWN_MAX).map(({ path, from, to }) => {
    const text = (json: unknown): string => (typeof json === "string" ? json : JSON.stringify(json));
    const change =
      to === undefined
        ? `${text(from)} is gone`
        : from === undefined
          ? `now ${text(to)}`
          : `${text(from)} -> ${text(to)}`;
    return path === "" ? change : `${path} ${change}`;
  });
  const more = fields.length - shown.length;
  if (shown.length === 0) return "only the order of fields";
  return `${shown.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
}
