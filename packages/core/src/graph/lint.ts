/**
 * What probably goes wrong with a job and can be seen in its pipeline before it runs. A warning never stops a job: each
 * names its operator, the place of the user's call, and what to do.
 *
 * Only what is seen is reported. The text of a function is read, not followed into what it calls, and a warning that
 * would often be wrong is not given: a rolling aggregation is taken to have a bounded number of keys.
 */
import { keySelectorOf, type OperatorSpec } from "../operators/operator-spec.ts";
import { declaredStatesOf } from "./operator-states.ts";
import type { Transformation } from "./transformation.ts";
import { codeOf, userFunctionsOf } from "./user-functions.ts";

/** Something about a plan that its author should know. */
export interface PlanWarning {
  /** Stable, see docs/reference/errors.md. */
  readonly code: string;
  readonly operator: string;
  /** `file:line:column` of the user's call. */
  readonly at: string;
  /** What it is, what follows from it, and what to do: whole sentences. */
  readonly message: string;
}

/** A warning as one line for people. */
export function formatWarning({ code, operator, at, message }: PlanWarning): string {
  return `${code}: operator "${operator}" (${at}) ${message}`;
}

/** All warnings about a pipeline, in the order of its operators; those about uids are found where uids are assigned. */
export function lintPipeline(transformations: readonly Transformation[]): readonly PlanWarning[] {
  const warnings: PlanWarning[] = [];
  for (const transformation of transformations) {
    const { name: operator, callSite: at } = transformation;
    for (const rule of [stateWithoutEnd, eventTimeWithoutWatermarks, notRepeatable]) {
      const found = rule(transformation);
      if (found !== undefined) warnings.push({ operator, at, ...found });
    }
  }
  return warnings;
}

type Finding = Pick<PlanWarning, "code" | "message"> | undefined;

function stateWithoutEnd(transformation: Transformation): Finding {
  const { spec } = transformation;
  // What windows keep ends with them.
  const isWindow = spec.kind === "window" || (spec.kind === "transform" && spec.label === "window");
  if (keySelectorOf(spec, 0) === undefined || isWindow) return undefined;
  if (!sourcesOf(transformation).some((source) => source.spec.source.boundedness === "continuous-unbounded"))
    return undefined;
  const code = userFunctionsOf(spec).map(codeOf).join("\n");
  // Whoever clears, removes or lets expire has thought of it.
  if (/\benableTimeToLive\b|\bonTimer\b|\.(?:clear|remove)\s*\(/.test(code)) return undefined;
  const states = declaredStatesOf(spec).filter((state) => state.ttlMs === undefined);
  if (states.length === 0) return undefined;
  const names = states.map((state) => `"${state.name}"`).join(", ");
  return {
    code: "MR_LINT_STATE_UNBOUNDED",
    message:
      `keeps ${names} for every key that ever came, in a job without end, and nothing removes it. Let it expire with ` +
      ".enableTimeToLive(…), clear it in a timer, or use a window.",
  };
}

function eventTimeWithoutWatermarks(transformation: Transformation): Finding {
  const waiting = waitsForEventTime(transformation.spec);
  if (waiting === undefined) return undefined;
  const roots = watermarkRootsOf(transformation);
  const silent = roots.filter((root) => root.spec.strategy.kind === "none");
  // At the end of a bounded input everything fires; an idle input holds nobody back, unless all are.
  const blocking = silent.filter((root) => isUnbounded(root) && root.spec.strategy.idlenessMs === undefined);
  const isAllSilent = silent.length === roots.length && roots.some(isUnbounded);
  if (blocking.length === 0 && !isAllSilent) return undefined;
  const names = (blocking.length > 0 ? blocking : silent).map((root) => `"${root.name}" (${root.callSite})`).join(", ");
  return {
    code: "MR_LINT_WATERMARKS_MISSING",
    message:
      `${waiting} in event time, but no watermarks come from ${names}, so it never does before the end of input. Give it a ` +
      "strategy such as WatermarkStrategy.forBoundedOutOfOrderness(…) with a timestamp assigner.",
  };
}

/** What the operator does when event time has come; undefined when it does not wait for it. */
function waitsForEventTime(spec: OperatorSpec): string | undefined {
  switch (spec.kind) {
    case "window":
      return spec.assigner.isEventTime ? "fires its windows" : undefined;
    case "intervalJoin":
      return "forgets its records";
    case "transform":
      // Windows with a trigger or evictor of their own, and patterns, say so in their details.
      if (/EventTimeTrigger/.test(String(spec.details["trigger"]))) return "fires its windows";
      if (spec.details["time"] === "event") return "looks at its events";
      return firesTimers(spec);
    case "keyedProcess":
    case "co":
      return firesTimers(spec);
    default:
      return undefined;
  }
}

function firesTimers(spec: OperatorSpec): string | undefined {
  const registers = userFunctionsOf(spec).some((fn) => /\bregisterEventTimeTimer\b/.test(codeOf(fn)));
  return registers ? "fires its timers" : undefined;
}

const CLOCKS: readonly (readonly [RegExp, string])[] = [
  [/\bDate\.now\b/, "Date.now"],
  [/\bnew Date\s*(?:\(\s*\)|[;,)\s])/, "new Date()"],
  [/\bperformance\.now\b/, "performance.now"],
  [/\bMath\.random\b/, "Math.random"],
  [/\brandomUUID\b/, "randomUUID"],
];

function notRepeatable({ spec }: Transformation): Finding {
  if (keySelectorOf(spec, 0) === undefined) return undefined;
  const code = userFunctionsOf(spec).map(codeOf).join("\n");
  const used = CLOCKS.filter(([pattern]) => pattern.test(code)).map(([, name]) => name);
  if (used.length === 0) return undefined;
  return {
    code: "MR_LINT_NOT_REPEATABLE",
    message:
      `uses ${used.join(" and ")} in keyed code: after a restart the same records give other results. Use the record's ` +
      "timestamp or the timer service's currentProcessingTime(), or make the value in the source and keep it in the record.",
  };
}

interface Root<S extends OperatorSpec> extends Transformation {
  readonly spec: S;
}
type SourceRoot = Root<Extract<OperatorSpec, { kind: "source" }>>;
type WatermarkRoot = SourceRoot | Root<Extract<OperatorSpec, { kind: "timestamps" }>>;

function sourcesOf(transformation: Transformation): readonly SourceRoot[] {
  return upstreamOf(transformation, () => false).filter((each): each is SourceRoot => each.spec.kind === "source");
}

/** Where the operator's watermarks are made: the next assigner or the source of each path. */
function watermarkRootsOf(transformation: Transformation): readonly WatermarkRoot[] {
  const isRoot = (each: Transformation): each is WatermarkRoot =>
    each.spec.kind === "timestamps" || each.spec.kind === "source";
  return upstreamOf(transformation, isRoot).filter(isRoot);
}

function isUnbounded(root: WatermarkRoot): boolean {
  return sourcesOf(root).some((source) => source.spec.source.boundedness === "continuous-unbounded");
}

/** The operator and everything above it, once each; nothing above those that `stop`. */
function upstreamOf(
  transformation: Transformation,
  stop: (each: Transformation) => boolean,
): readonly Transformation[] {
  const seen = new Set<Transformation>();
  const open = [transformation];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next === transformation || !stop(next)) open.push(...next.inputs.map((edge) => edge.source));
  }
  return [...seen];
}
