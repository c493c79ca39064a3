/** What `millrace explain` shows of a job graph, as JSON and as text that fits a terminal. */
import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import { describeJobGraph, type JobPlan, type OperatorPlan, type VertexPlan } from "./describe.ts";
import type { JobGraph, JobVertex } from "./job-graph.ts";
import { formatWarning, type PlanWarning } from "./lint.ts";
import { type StatePlan, statesOf } from "./operator-states.ts";

/** How a window operator with the default trigger cuts and fires; others say it in their `details`. */
export interface WindowPlan {
  readonly assigner: string;
  readonly trigger: string;
  readonly evictor: string | undefined;
  readonly allowedLatenessMs: number;
  /** The tag of the late records' side output. */
  readonly lateOutput: string | undefined;
}

export interface ExplainedOperator extends OperatorPlan {
  /** `file:line:column` of the user's call. */
  readonly callSite: string;
  /** What can be told without running it, see `operator-states.ts`. */
  readonly states: readonly StatePlan[];
  readonly window: WindowPlan | undefined;
}

export interface ExplainedVertex extends VertexPlan {
  readonly operators: readonly ExplainedOperator[];
}

export interface ExplainedJob extends JobPlan {
  readonly vertices: readonly ExplainedVertex[];
  readonly warnings: readonly PlanWarning[];
}

export function explainJobGraph(graph: JobGraph): ExplainedJob {
  const plan = describeJobGraph(graph);
  return {
    ...plan,
    vertices: plan.vertices.map((vertex, index) => explainVertex(vertex, graph.vertices[index]!)),
    warnings: graph.warnings,
  };
}

function explainVertex(plan: VertexPlan, vertex: JobVertex): ExplainedVertex {
  return {
    ...plan,
    operators: plan.operators.map((operator, index) => explainOperator(operator, vertex.operators[index]!)),
  };
}

function explainOperator(plan: OperatorPlan, { spec, callSite }: ChainedOperator): ExplainedOperator {
  return { ...plan, callSite, states: statesOf(spec), window: windowOf(spec) };
}

function windowOf(spec: OperatorSpec): WindowPlan | undefined {
  if (spec.kind !== "window") return undefined;
  return {
    assigner: spec.assigner.toString(),
    trigger: "EventTimeTrigger()",
    evictor: undefined,
    allowedLatenessMs: spec.allowedLatenessMs,
    lateOutput: spec.lateTag?.id,
  };
}

/** Columns of a terminal that a plan fits. */
const COLUMNS = 100;

/** The plan as text: one block a vertex, its operators below it, where its records come from and go; then warnings. */
export function renderPlan(graph: JobGraph): string {
  const plan = explainJobGraph(graph);
  const { vertices, edges, warnings } = plan;
  const lines = [
    `Job "${plan.name}"`,
    `${counted(vertices.length, "vertex", "vertices")}, ${counted(slotCountOf(vertices), "slot", "slots")}, graph ${plan.hash}`,
  ];
  for (const vertex of vertices) {
    const group =
      vertex.slotSharingGroup === undefined ? "" : `, slots of group ${JSON.stringify(vertex.slotSharingGroup)}`;
    lines.push("", `[${vertex.id}] parallelism ${vertex.parallelism}, at most ${vertex.maxParallelism}${group}`);
    for (const edge of edges)
      if (edge.target === vertex.id) lines.push(`    <-- [${edge.source}] ${edge.partitioning}`);
    for (const operator of vertex.operators) lines.push(...operatorLines(operator));
    for (const edge of edges)
      if (edge.source === vertex.id) lines.push(`    --> [${edge.target}] ${edge.partitioning}`);
  }
  for (const warning of warnings) lines.push("", ...wrapped(`warning: ${formatWarning(warning)}`.split(" "), 4, 0));
  return `${lines.join("\n")}\n`;
}

function operatorLines(operator: ExplainedOperator): readonly string[] {
  const { name, uid, inputs, details, states, window, callSite } = operator;
  const lines = [...wrapped(name.split(" "), 6, 4), ...row("uid", [uid])];
  const chained = inputs.filter((input) => !input.startsWith("gate "));
  if (chained.length > 0) lines.push(...row("from", [chained.join(", ")]));
  if (window === undefined) {
    const shown = Object.entries(details).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    if (shown.length > 0) lines.push(...row("with", shown));
  } else lines.push(...row("window", windowWords(window)));
  for (const state of states) lines.push(...row("state", stateWords(state)));
  lines.push(...row("at", [callSite]));
  return lines;
}

function windowWords({ assigner, trigger, evictor, allowedLatenessMs, lateOutput }: WindowPlan): readonly string[] {
  return [
    assigner,
    `trigger ${trigger}`,
    ...(evictor === undefined ? [] : [`evictor ${evictor}`]),
    `lateness ${allowedLatenessMs} ms`,
    ...(lateOutput === undefined ? [] : [`late records to "${lateOutput}"`]),
  ];
}

function stateWords({ name, kind, type, ttlMs }: StatePlan): readonly string[] {
  return [
    `"${name}"`,
    kind,
    ...(type === undefined ? [] : [type]),
    ...(ttlMs === undefined ? [] : [`ttl ${ttlMs} ms`]),
  ];
}

const LABEL_COLUMNS = 16;

function row(label: string, words: readonly string[]): readonly string[] {
  const [first = "", ...others] = wrapped(words, LABEL_COLUMNS, LABEL_COLUMNS, "  ");
  return [`        ${label.padEnd(LABEL_COLUMNS - 8)}${first.trimStart()}`, ...others];
}

/** Lines of whole words; only a word that is longer than a line is cut. */
function wrapped(words: readonly string[], indent: number, firstIndent: number, gap = " "): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const room = COLUMNS - (lines.length === 0 ? firstIndent : indent);
    const text = word.length > room ? `${word.slice(0, room - 1)}…` : word;
    if (line !== "" && line.length + gap.length + text.length > room) {
      lines.push(line);
      line = text;
    } else line = line === "" ? text : line + gap + text;
  }
  lines.push(line);
  return lines.map((text, index) => " ".repeat(index === 0 ? firstIndent : indent) + text);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Every slot sharing group has slots of its own. */
function slotCountOf(vertices: readonly VertexPlan[]): number {
  const sizes = new Map<string | undefined, number>();
  for (const { slotSharingGroup, parallelism } of vertices)
    sizes.set(slotSharingGroup, Math.max(sizes.get(slotSharingGroup) ?? 0, parallelism));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
