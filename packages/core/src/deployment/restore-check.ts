/** What a restore of a checkpoint by a job would do, said for every operator and state before anything is started. */
import { MillraceError } from "../base/errors.ts";
import { type LoadedCheckpoint, loadCheckpoint, readState } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import { decodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import { checkFilesPresent } from "../checkpoint/savepoint.ts";
import { keyedHandlesOf, stateSizeOf } from "../checkpoint/snapshot-files.ts";
import { openState } from "../checkpoint/state-bytes.ts";
import type { OperatorStateMetadata } from "../checkpoint/state-handles.ts";
import type { Configuration } from "../config/configuration.ts";
import { IGNORE_UNCLAIMED_STATE } from "../config/recovery-options.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import { needsRestore } from "../operators/operator-spec.ts";
import type { Platform } from "../platform/platform.ts";
import { decodeKeyedState, type KeyedSection, readerOf, TIMERS_SECTION } from "../state/keyed-snapshot-format.ts";
import { describeSchema, sameSchema } from "../types/schema.ts";
import { compareSchemas } from "../types/schema-compatibility.ts";
import { differenceOf, withMigratedValues } from "./migrated-values.ts";
import { type ProbedOperator, probeStates } from "./probed-states.ts";
import { checkRestore, claimedByUid, orphansOf } from "./restored-state.ts";
import type { StateCheck } from "./state-check.ts";

/** Dropped: the checkpoint has state that the job has no place for. @internal */
export type OperatorVerdict = "restored" | "new" | "dropped" | "incompatible";

/** @internal */
export interface OperatorCheck {
  readonly uid: string;
  readonly name: string;
  readonly verdict: OperatorVerdict;
  readonly parallelism: { readonly from: number | undefined; readonly to: number | undefined };
  readonly bytes: number;
  readonly states: readonly StateCheck[];
  /** Why not all states of the job are known. */
  readonly unknown: string | undefined;
}

/** @internal */
export interface RestoreCheck {
  readonly path: string;
  readonly checkpointId: number;
  readonly jobName: string;
  readonly kind: "checkpoint" | "savepoint" | "drained savepoint";
  /** Operators with state, of the checkpoint and of the job. */
  readonly operators: readonly OperatorCheck[];
  /** What a restore would be refused with; undefined when it would not. */
  readonly refusal: { readonly code: string; readonly message: string } | undefined;
}

/** What the check looks at. @internal */
export interface RestoreCheckOptions {
  readonly path: string;
  readonly graph: JobGraph;
  readonly configuration: Configuration;
  readonly platform: Platform;
}

/**
 * Reads all of a checkpoint and compares it with a job that is not started. The job's functions are opened, without data, to
 * learn their states.
 *
 * @throws MillraceError when the checkpoint cannot be read
 * @internal
 */
export async function checkAgainst(options: RestoreCheckOptions): Promise<RestoreCheck> {
  const { path, graph, configuration, platform } = options;
  const fs = FileSystems.of(platform, configuration);
  const loaded = await loadCheckpoint(fs, path);
  await checkFilesPresent(fs, loaded);
  const checkpoint = claimedByUid(loaded, graph);
  const { metadata, directory } = checkpoint;
  const dropped = new Set(orphansOf(checkpoint, graph).map(({ uid }) => uid));
  const operators: OperatorCheck[] = [];
  const probed = await probeStates(graph, configuration, platform);
  for (const written of metadata.operators) {
    const current = probed.find(({ operator }) => operator.uid === written.uid);
    if (!written.isStateful && (current === undefined || !needsRestore(current.operator.spec))) continue;
    const bytes = bytesOf(written);
    const { keyed, lists } = await readHeaders(fs, directory, written);
    const hasStores = written.subtasks.some((subtask) => subtask.keyed?.kind === "store");
    const known = current !== undefined && hasStores ? { ...current, keyed: [] } : current;
    const compared = known === undefined ? [] : statesOf(known, keyed, lists);
    const read = known === undefined ? [] : await withMigratedValues(fs, directory, written, known, compared);
    // Lists of functions are called as the job calls them.
    const states = read.map((state) => ({ ...state, name: state.name.replace(/^function\//, "") }));
    operators.push({
      uid: written.uid,
      name: current?.operator.name ?? written.name,
      verdict: verdictOf(dropped.has(written.uid), states),
      parallelism: { from: written.parallelism, to: current?.vertex.parallelism },
      bytes,
      states,
      unknown: hasStores ? IN_STORES : current?.failure,
    });
  }
  for (const { operator, vertex, failure } of probed) {
    if (!needsRestore(operator.spec) || metadata.operators.some(({ uid }) => uid === operator.uid)) continue;
    const { uid, name } = operator;
    const parallelism = { from: undefined, to: vertex.parallelism };
    operators.push({ uid, name, verdict: "new", parallelism, bytes: 0, states: [], unknown: failure });
  }
  return {
    path: directory,
    checkpointId: metadata.checkpointId,
    jobName: metadata.jobName,
    kind:
      metadata.savepoint === undefined
        ? "checkpoint"
        : metadata.savepoint.isDrained
          ? "drained savepoint"
          : "savepoint",
    operators,
    refusal: refusalOf(checkpoint, graph, configuration, operators),
  };
}

function verdictOf(isDropped: boolean, states: readonly StateCheck[]): OperatorVerdict {
  if (isDropped) return "dropped";
  return states.some(({ verdict }) => verdict === "incompatible") ? "incompatible" : "restored";
}

function refusalOf(
  checkpoint: LoadedCheckpoint,
  graph: JobGraph,
  configuration: Configuration,
  operators: readonly OperatorCheck[],
): RestoreCheck["refusal"] {
  try {
    checkRestore(checkpoint, graph, configuration.get(IGNORE_UNCLAIMED_STATE));
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { code: error.code, message: error.message };
  }
  const refused = operators.flatMap(({ uid, states }) =>
    states.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${uid}/${name}: ${problem}`])),
  );
  if (refused.length === 0) return undefined;
  return { code: "MR_STATE_SCHEMA_INCOMPATIBLE", message: refused.join("\n") };
}

/** Of an operator whose keyed state only its state backend can read. */
const IN_STORES =
  "its keyed state is in files of the state backend, which are intact and are looked into when the job restores them";

/** Reads, and so verifies, all state of the operator; returns what is said of it. */
async function readHeaders(
  fs: FileSystems,
  directory: string,
  { subtasks }: OperatorStateMetadata,
): Promise<{ readonly keyed: readonly KeyedSection[]; readonly lists: readonly OperatorList[] }> {
  const keyed = new Map<string, KeyedSection>();
  const lists = new Map<string, OperatorList>();
  for (const subtask of subtasks) {
    for (const list of decodeOperatorLists(await readState(fs, directory, subtask.lists))) lists.set(list.name, list);
    if (subtask.keyed === undefined) continue;
    if (subtask.keyed.kind === "store") {
      for (const handle of keyedHandlesOf(subtask.keyed)) await (await openState(fs, directory, handle)).close();
      continue;
    }
    const blob = await readState(fs, directory, subtask.keyed);
    for (const section of decodeKeyedState(blob, 0, 0)) keyed.set(section.name, section);
  }
  return { keyed: [...keyed.values()], lists: [...lists.values()] };
}

function statesOf(
  current: ProbedOperator,
  keyed: readonly KeyedSection[],
  lists: readonly OperatorList[],
): readonly StateCheck[] {
  const states: StateCheck[] = keyed.map((section) => keyedState(current, section));
  for (const codec of current.keyed) {
    if (keyed.some(({ name }) => name === codec.name)) continue;
    states.push({ ...fresh(codec.name, codec.kind), current: typeText(codec.schema) });
  }
  // Lists whose names begin like this are the operator's own: it has always known how to read them.
  states.push(...lists.filter(({ name }) => !name.startsWith("_")).map((list) => listState(current, list)));
  for (const list of current.lists) {
    if (lists.some(({ name }) => name === list.name)) continue;
    states.push({ ...fresh(list.name, list.mode), current: typeText(list.schema) });
  }
  return states;
}

function fresh(name: string, kind: string): StateCheck {
  return {
    name,
    kind,
    verdict: "new",
    written: undefined,
    current: undefined,
    isUndeclared: false,
    problem: undefined,
  };
}

function keyedState({ operator, keyed }: ProbedOperator, section: KeyedSection): StateCheck {
  const written = typeText(section.schema);
  if (section.name === TIMERS_SECTION.name) return { ...fresh("timers", "timers"), verdict: "restored" };
  const codec = keyed.find(({ name }) => name === section.name);
  const state = { ...fresh(section.name, section.kind), written };
  if (codec === undefined) return { ...state, verdict: "kept" };
  const compared = { ...state, current: typeText(codec.schema), isUndeclared: codec.schema.kind === "any" };
  let isCurrent: boolean;
  try {
    // The very code that a restore runs.
    ({ isCurrent } = readerOf(codec, section, { operatorName: operator.name, uid: operator.uid }));
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { ...compared, verdict: "incompatible", problem: differenceOf(error) };
  }
  const isSame = sameSchema(section.schema, codec.schema) && section.kind === codec.kind;
  return { ...compared, verdict: isSame ? "restored" : isCurrent ? "reconfigured" : "migrated" };
}

function listState({ lists }: ProbedOperator, list: OperatorList): StateCheck {
  const schema = list.schema ?? { kind: "bytes" };
  const state: StateCheck = { ...fresh(list.name, list.mode), verdict: "restored", written: typeText(schema) };
  if (!list.name.startsWith("function")) return state;
  const registered = lists.find(({ name }) => name === list.name);
  if (registered === undefined) return { ...state, verdict: "kept" };
  const compared = { ...state, current: typeText(registered.schema), isUndeclared: registered.schema.kind === "any" };
  if (registered.mode !== list.mode) {
    return { ...compared, verdict: "incompatible", problem: `written as ${list.mode}, read as ${registered.mode}` };
  }
  const compatibility = compareSchemas(schema, registered.schema);
  if (compatibility.kind === "as-is") return compared;
  if (compatibility.kind === "after-reconfiguration") return { ...compared, verdict: "reconfigured" };
  if (compatibility.kind === "after-migration") return { ...compared, verdict: "migrated" };
  const problem = compatibility.differences
    .map(({ path, written, current }) => `${path === "" ? "" : `${path} `}written as ${written}, read as ${current}`)
    .join("; ");
  return { ...compared, verdict: "incompatible", problem };
}

function typeText(schema: Parameters<typeof describeSchema>[0]): string | undefined {
  return schema.kind === "any" || schema.kind === "bytes" ? undefined : describeSchema(schema);
}

function bytesOf({ subtasks }: OperatorStateMetadata): number {
  return subtasks.reduce((sum, { keyed, lists }) => sum + stateSizeOf(keyed) + stateSizeOf(lists), 0);
}
