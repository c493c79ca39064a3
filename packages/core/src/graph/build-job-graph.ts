import { MillraceError } from "../base/errors.ts";
import type { RuntimeExecutionMode } from "../config/execution-options.ts";
import type { ChainedOperator, ChainOutput, OperatorInput } from "../operators/chain-plan.ts";
import { isKeyed, isStateful } from "../operators/operator-spec.ts";
import { defaultMaxParallelism } from "../types/key-encoding.ts";
import { isBatchJob, toBatch } from "./batch-mode.ts";
import { assignChains } from "./chaining.ts";
import { graphHash } from "./graph-hash.ts";
import { checkIterations } from "./iterations.ts";
import type { JobEdge, JobGraph, JobVertex } from "./job-graph.ts";
import { lintPipeline } from "./lint.ts";
import { assignSlotSharingGroups } from "./slot-sharing.ts";
import type { Partitioning, Transformation, TransformationEdge } from "./transformation.ts";
import { assignUids } from "./uids.ts";
import { checkUnaligned } from "./unaligned.ts";

export interface JobGraphOptions {
  readonly name: string;
  readonly parallelism: number;
  /** From the configuration; undefined: computed from the parallelism. */
  readonly maxParallelism: number | undefined;
  readonly isChainingEnabled: boolean;
  /** See `ChainPlan.copiesRecords`. */
  readonly copiesRecords: boolean;
  readonly autoGenerateUids: boolean;
  /** Default `STREAMING`. */
  readonly runtimeMode?: RuntimeExecutionMode;
  /** Whether checkpoints are unaligned, and not forced to be so where records cannot be dealt out again for sure. */
  readonly refusesUnaligned?: boolean;
  /** Whether checkpoints are taken that an iteration's records would be missing from. */
  readonly refusesIterations?: boolean;
}

/** An edge whose producer and consumer could be one function. */
export function isFusable(
  edge: TransformationEdge,
  target: Transformation,
  parallelismOf: (t: Transformation) => number,
): boolean {
  const source = parallelismOf(edge.source);
  if (source !== parallelismOf(target)) return false;
  // One producer and one consumer: every record goes the same way, whatever the partitioning is called.
  return source === 1 || edge.partitioning === undefined || edge.partitioning.kind === "forward";
}

/**
 * Turns transformations (in creation order) into chained vertices.
 *
 * @throws MillraceError `MR_UID_DUPLICATE`, `MR_UID_REQUIRED`, `MR_MAX_PARALLELISM_EXCEEDED`, `MR_PARTITIONING_INVALID`,
 *   `MR_JOB_EMPTY`, `MR_BATCH_UNBOUNDED`, `MR_BATCH_ITERATION`, and what `checkIterations` and `checkUnaligned` throw
 */
export function buildJobGraph(built: readonly Transformation[], options: JobGraphOptions): JobGraph {
  if (built.length === 0) throw empty(options.name);
  checkIterations(built, options.refusesIterations ?? false);
  const parallelismOf = (t: Transformation): number => t.parallelism ?? options.parallelism;
  const isBatch = isBatchJob(built, options.runtimeMode ?? "STREAMING");
  if (options.refusesUnaligned === true && !isBatch) checkUnaligned(built);
  const transformations = isBatch ? toBatch(built) : built;
  const slotGroups = assignSlotSharingGroups(transformations);
  const { uids, warnings } = assignUids(transformations, options.autoGenerateUids);
  const mayChain = (edge: TransformationEdge, target: Transformation): boolean =>
    slotGroups.get(edge.source) === slotGroups.get(target) && !(isBatch && isKeyed(target.spec));
  const groups = assignChains(
    transformations,
    (edge, target) => options.isChainingEnabled && mayChain(edge, target) && isFusable(edge, target, parallelismOf),
  );
  const vertices: JobVertex[] = [];
  const edges: JobEdge[] = [];
  const placeOf = placesOf(groups);
  const outputs: ChainOutput[][] = groups.map(() => []);
  groups.forEach((members, vertexId) => {
    const gates: number[] = [];
    const operators = members.map((member, index): ChainedOperator => {
      const inputs = member.inputs.map((edge): OperatorInput => {
        const from = placeOf.get(edge.source)!;
        if (from.vertex === vertexId) {
          return { kind: "fused", from: from.operator, sideOutput: edge.sideOutput, input: edge.input };
        }
        const id = edges.length;
        edges.push({
          id,
          source: from.vertex,
          target: vertexId,
          partitioning: partitioningOf(edge, member, parallelismOf),
          type: edge.type,
        });
        outputs[from.vertex]!.push({ operator: from.operator, sideOutput: edge.sideOutput, edge: id });
        gates.push(id);
        return { kind: "gate", gate: gates.length - 1, input: edge.input };
      });
      const { name, spec, callSite, uidHash } = member;
      return { index, uid: uids.get(member)!, uidHash, name, spec, callSite, inputs };
    });
    const parallelism = parallelismOf(members[0]!);
    const explicit = explicitMaxParallelism(members, options);
    const maxParallelism = explicit ?? defaultMaxParallelism(parallelism);
    checkMaxParallelism(members[0]!, parallelism, maxParallelism);
    vertices.push({
      id: vertexId,
      name: members.map((member) => member.name).join(" -> "),
      parallelism,
      maxParallelism,
      isMaxParallelismExplicit: explicit !== undefined,
      slotSharingGroup: slotGroups.get(members[0]!)!,
      operators,
      gates,
      outputs: outputs[vertexId]!,
      copiesRecords: options.copiesRecords,
      ...(isBatch ? { sortsInputs: true } : {}),
    });
  });
  return {
    name: options.name,
    vertices,
    edges,
    hash: graphHash(vertices, edges),
    // As it was written: what batch mode has changed is nobody's mistake.
    warnings: [...warnings, ...lintPipeline(built)],
    isBatch,
  };
}

/** The vertex of each operator, and its position there. */
function placesOf(
  groups: readonly (readonly Transformation[])[],
): ReadonlyMap<Transformation, { readonly vertex: number; readonly operator: number }> {
  return new Map(
    groups.flatMap((members, vertex) => members.map((member, operator) => [member, { vertex, operator }] as const)),
  );
}

function empty(job: string): MillraceError {
  return new MillraceError("MR_JOB_EMPTY", {
    what: "The job has no operators",
    where: { job },
    todo: "Start it with env.fromSource, env.fromData or env.fromSequence, and end it with sinkTo or print",
  });
}

/** The operators of a job with state that a checkpoint may hold. */
export function statefulOperators(graph: JobGraph): readonly ChainedOperator[] {
  return graph.vertices.flatMap((vertex) => vertex.operators.filter((operator) => isStateful(operator.spec)));
}

function explicitMaxParallelism(members: readonly Transformation[], options: JobGraphOptions): number | undefined {
  const own = members.map((member) => member.maxParallelism).filter((value) => value !== undefined);
  return own.length > 0 ? Math.min(...own) : options.maxParallelism;
}

function checkMaxParallelism(head: Transformation, parallelism: number, maxParallelism: number): void {
  if (parallelism <= maxParallelism) return;
  throw new MillraceError("MR_MAX_PARALLELISM_EXCEEDED", {
    what: "An operator has a parallelism above its maximum parallelism",
    where: { operator: head.name, at: head.callSite },
    found: `parallelism ${parallelism}`,
    expected: `at most ${maxParallelism}`,
    todo: "Lower the parallelism, or raise pipeline.max-parallelism (state written with another maximum cannot be restored)",
  });
}

function partitioningOf(
  edge: TransformationEdge,
  target: Transformation,
  parallelismOf: (t: Transformation) => number,
): Partitioning {
  const isEqual = parallelismOf(edge.source) === parallelismOf(target);
  if (edge.partitioning === undefined) return { kind: isEqual ? "forward" : "rebalance" };
  if (edge.partitioning.kind === "forward" && !isEqual) {
    throw new MillraceError("MR_PARTITIONING_INVALID", {
      what: "Forward partitioning needs the same parallelism on both sides",
      where: { operator: target.name, at: target.callSite },
      found: `${parallelismOf(edge.source)} -> ${parallelismOf(target)}`,
      expected: "equal parallelism",
      todo: "Set the same parallelism, or use rebalance() or rescale()",
    });
  }
  return edge.partitioning;
}
