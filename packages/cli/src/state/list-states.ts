/** `millrace state ls`: what a snapshot holds. */
import { describeSchema, type OperatorSnapshot, type StateSnapshot, type StateSummary } from "millrace/internal";
import type { SettingOptions } from "../settings.ts";
import { openSnapshot } from "../snapshot-files.ts";

/** @internal */
export interface ListStateOptions extends SettingOptions {
  readonly json?: boolean;
}

interface ListedOperator {
  readonly operator: OperatorSnapshot;
  readonly states: readonly StateSummary[];
}

/** @throws MillraceError when the snapshot cannot be read @internal */
export async function listStates(path: string, options: ListStateOptions): Promise<string> {
  const snapshot = await openSnapshot(options, path);
  const operators: ListedOperator[] = [];
  for (const operator of snapshot.operators) operators.push({ operator, states: await operator.states() });
  return options.json === true
    ? `${JSON.stringify(asJson(snapshot, operators), undefined, 2)}\n`
    : asText(snapshot, operators);
}

function asJson(snapshot: StateSnapshot, operators: readonly ListedOperator[]): unknown {
  const { jobId, jobName, checkpointId, timestampMs, savepoint } = snapshot.metadata;
  return {
    path: snapshot.directory,
    kind: kindOf(snapshot),
    ...(savepoint === undefined ? {} : { format: savepoint.format }),
    jobId,
    jobName,
    checkpointId,
    timestampMs,
    operators: operators.map(({ operator, states }) => {
      const { uid, name, parallelism, maxParallelism } = operator.metadata;
      const { bytes, channelBytes } = operator;
      return { uid, name, parallelism, maxParallelism, bytes, channelBytes, states: states.map(stateJson) };
    }),
  };
}

function stateJson({ name, kind, schema, keyGroups, entries, bytes }: StateSummary): unknown {
  return { name, kind, type: describeSchema(schema), schema, keyGroups: keyGroups ?? null, entries, bytes };
}

function asText(snapshot: StateSnapshot, operators: readonly ListedOperator[]): string {
  const { jobName, jobId, checkpointId, timestampMs } = snapshot.metadata;
  const taken = new Date(timestampMs).toISOString();
  const lines = [
    `${kindOf(snapshot)} ${checkpointId} of job "${jobName}" (${jobId}), taken ${taken}`,
    snapshot.directory,
  ];
  for (const { operator, states } of operators) {
    const { uid, name, parallelism, maxParallelism } = operator.metadata;
    const channels = operator.channelBytes === 0 ? "" : `, ${operator.channelBytes} bytes on their way to it`;
    const title = `${uid}${name === uid ? "" : ` "${name}"`}`;
    lines.push("", `${title}: parallelism ${parallelism} of ${maxParallelism}, ${operator.bytes} bytes${channels}`);
    lines.push(...(states.length === 0 ? ["  no state"] : table(states)));
  }
  return `${lines.join("\n")}\n`;
}

const HEADINGS = ["state", "kind", "key groups", "entries", "bytes", "type"];
/** Those with numbers. */
const RIGHT: ReadonlySet<number> = new Set([2, 3, 4]);

function table(states: readonly StateSummary[]): readonly string[] {
  const rows = states.map(({ name, kind, schema, keyGroups, entries, bytes }) => {
    const type = kind === "timers" ? "" : schema.kind === "any" ? "not declared" : describeSchema(schema);
    return [name, kind, keyGroups === undefined ? "-" : String(keyGroups), String(entries), String(bytes), type];
  });
  const widths = HEADINGS.map((heading, column) => Math.max(heading.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, at) => (RIGHT.has(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!))).join("  ")}`.trimEnd();
  return [HEADINGS, ...rows].map(line);
}

function kindOf({ metadata }: StateSnapshot): string {
  if (metadata.savepoint === undefined) return "checkpoint";
  return metadata.savepoint.isDrained ? "drained savepoint" : "savepoint";
}
