/**
 * The lock of a job: under which identity it keeps which states of which types, as a file beside the job's source. It does not
 * depend on parallelism, chains or names, so that it changes only when a restore would do something else than before.
 */
import { MillraceError } from "../base/errors.ts";
import type { Configuration } from "../config/configuration.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import { needsRestore } from "../operators/operator-spec.ts";
import type { Platform } from "../platform/platform.ts";
import { describeSchema, parseSchema } from "../types/schema.ts";
import { compareSchemas } from "../types/schema-compatibility.ts";
import type { Schema } from "../types/type.ts";
import { probeStates } from "./probed-states.ts";

/** @internal */
export const LOCK_FORMAT_VERSION = 1;

/** @internal */
export interface LockedState {
  readonly name: string;
  readonly kind: string;
  readonly schema: Schema;
}

/** @internal */
export interface LockedOperator {
  readonly uid: string;
  readonly name: string;
  readonly states: readonly LockedState[];
}

/** @internal */
export interface GraphLock {
  readonly formatVersion: typeof LOCK_FORMAT_VERSION;
  /** With state, sorted by uid. */
  readonly operators: readonly LockedOperator[];
}

/** The lock of a job that is not started. Its functions are opened, without data, to learn their states. @internal */
export async function lockOf(graph: JobGraph, configuration: Configuration, platform: Platform): Promise<GraphLock> {
  const operators = (await probeStates(graph, configuration, platform))
    .filter(({ operator, keyed, lists }) => needsRestore(operator.spec) || keyed.length + lists.length > 0)
    .map(({ operator, keyed, lists }) => ({
      uid: operator.uid,
      name: operator.name,
      states: [
        ...keyed.map(({ name, kind, schema }) => ({ name, kind, schema })),
        ...lists.map(({ name, mode, schema }) => ({ name: name.replace(/^function\//, ""), kind: mode, schema })),
      ].sort(byText(({ name }) => name)),
    }))
    .sort(byText(({ uid }) => uid));
  return { formatVersion: LOCK_FORMAT_VERSION, operators };
}

/** The uids of the lock that the job does not have, each with what to do; needs no function to be opened. @internal */
export function lostUids(lock: GraphLock, graph: JobGraph): readonly string[] {
  const current = graph.vertices.flatMap(({ operators }) => operators);
  const known = new Set(current.flatMap(({ uid, uidHash }) => (uidHash === undefined ? [uid] : [uid, uidHash])));
  return lock.operators
    .filter(({ uid }) => !known.has(uid))
    .map(({ uid, name }) => {
      const heir = current.find(
        (operator) => operator.name === name && !lock.operators.some((each) => each.uid === operator.uid),
      );
      const lost = `state of "${name}" (uid ${uid}) would not be restored: the job has no such uid`;
      return heir === undefined
        ? `${lost}. Give an operator this uid, or lock the job again when the state may be dropped`
        : `${lost}. "${heir.name}" at ${heir.callSite} has the uid ${heir.uid}: add .uid("${uid}") or .setUidHash("${uid}") to it`;
    });
}

/** What of the lock's state a restore by the job would lose or refuse, each with what to do; empty when nothing. @internal */
export function lostState(lock: GraphLock, graph: JobGraph, current: GraphLock): readonly string[] {
  const lost = [...lostUids(lock, graph)];
  for (const { uid, name, states } of lock.operators) {
    const operator = current.operators.find((each) => each.uid === uid);
    if (operator === undefined) continue;
    for (const state of states) {
      const found = operator.states.find((each) => each.name === state.name);
      const where = `state "${state.name}" of "${name}" (uid ${uid})`;
      if (found === undefined) {
        lost.push(`${where} is not read any more: restore its name, or lock the job again when it may be forgotten`);
        continue;
      }
      const compatibility = compareSchemas(state.schema, found.schema);
      if (compatibility.kind !== "incompatible") continue;
      const differences = compatibility.differences
        .map(
          ({ path, written, current: now }) =>
            `${path === "" ? describeSchema(state.schema) : path}: ${written} is now ${now}`,
        )
        .join("; ");
      lost.push(
        `${where} would be refused: ${differences}. Give new fields a default or make them optional, or give the state another name`,
      );
    }
  }
  return lost;
}

/** @throws MillraceError `MR_LOCK_INVALID` @internal */
export function parseLock(text: string, path: string): GraphLock {
  const problem = (found: string, cause?: unknown): MillraceError =>
    new MillraceError("MR_LOCK_INVALID", {
      what: "The job's lockfile cannot be read",
      where: { path },
      found,
      expected: `what millrace lock writes, in format ${LOCK_FORMAT_VERSION}`,
      todo: "Restore it from version control, or write it again with millrace lock",
      ...(cause === undefined ? {} : { cause }),
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw problem((error as Error).message, error);
  }
  const { formatVersion, operators } = (parsed ?? {}) as Partial<Record<keyof GraphLock, unknown>>;
  if (formatVersion !== LOCK_FORMAT_VERSION) throw problem(`format ${String(formatVersion)}`);
  if (!Array.isArray(operators)) throw problem("no operators");
  return {
    formatVersion,
    operators: operators.map((operator, index) => {
      const locked = operatorOf(operator);
      if (locked === undefined) throw problem(`operators[${index}] without uid, name or states`);
      return locked;
    }),
  };
}

function operatorOf(parsed: unknown): LockedOperator | undefined {
  const { uid, name, states } = (parsed ?? {}) as Partial<Record<keyof LockedOperator, unknown>>;
  if (typeof uid !== "string" || typeof name !== "string" || !Array.isArray(states)) return undefined;
  const locked = states.map(stateOf);
  return locked.every((state) => state !== undefined) ? { uid, name, states: locked } : undefined;
}

function stateOf(parsed: unknown): LockedState | undefined {
  const { name, kind, schema } = (parsed ?? {}) as Partial<Record<keyof LockedState, unknown>>;
  const known = parseSchema(JSON.stringify(schema) ?? "");
  return typeof name === "string" && typeof kind === "string" && known !== undefined
    ? { name, kind, schema: known }
    : undefined;
}

/** By code unit, so that a lockfile is the same on every machine. */
function byText<T>(textOf: (value: T) => string): (left: T, right: T) => number {
  return (left, right) => (textOf(left) < textOf(right) ? -1 : textOf(left) > textOf(right) ? 1 : 0);
}
