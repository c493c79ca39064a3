/**
 * What a pipeline becomes when all of its input is there from the start: no watermarks on the way, and every keyed operator
 * gets its records key by key.
 *
 * - B1. A keyed operator begins a chain, so that its inputs can be sorted before it.
 * - B2. A rolling reduce emits one result a key, its last one, with the event time of its last record.
 * - B3. Event time is that of the end of input everywhere else: sources and assigners make no watermarks.
 */
import { MillraceError } from "../base/errors.ts";
import type { RuntimeExecutionMode } from "../config/execution-options.ts";
import type { OperatorSpec } from "../operators/operator-spec.ts";
import { lastResultSpec } from "../operators/partition/partition-spec.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { iterationEndOf } from "./iterations.ts";
import type { Transformation } from "./transformation.ts";

/**
 * Whether the job runs in batches.
 * @throws MillraceError `MR_BATCH_UNBOUNDED`, `MR_BATCH_ITERATION` when it has to, and a source has no end or records go round
 */
export function isBatchJob(transformations: readonly Transformation[], mode: RuntimeExecutionMode): boolean {
  if (mode === "STREAMING") return false;
  const unbounded = transformations.find(({ spec }) => spec.kind === "source" && spec.source.boundedness !== "bounded");
  const loop = transformations.find((each) => iterationEndOf(each) !== undefined);
  if (unbounded === undefined && loop === undefined) return true;
  if (mode === "AUTOMATIC") return false;
  if (unbounded === undefined) throw iterates(loop!);
  throw new MillraceError("MR_BATCH_UNBOUNDED", {
    what: "A job in BATCH mode has a source without an end",
    where: { operator: unbounded.name, at: unbounded.callSite },
    found: "a continuous source",
    expected: "bounded sources only",
    todo: "Bound the source, or set execution.runtime-mode to STREAMING or AUTOMATIC",
  });
}

function iterates(loop: Transformation): MillraceError {
  return new MillraceError("MR_BATCH_ITERATION", {
    what: "A job in BATCH mode has an iteration, whose records cannot all be there from the start",
    where: { operator: loop.name, at: loop.callSite },
    expected: "a pipeline without iterate",
    todo: "Set execution.runtime-mode to STREAMING or AUTOMATIC",
  });
}

/** The pipeline in its batch form (B2, B3), operator for operator. */
export function toBatch(transformations: readonly Transformation[]): readonly Transformation[] {
  const replaced = new Map<Transformation, Transformation>();
  for (const each of transformations) {
    const inputs = each.inputs.map((edge) => ({ ...edge, source: replaced.get(edge.source)! }));
    replaced.set(each, { ...each, spec: batchSpecOf(each.spec), inputs });
  }
  return [...replaced.values()];
}

function batchSpecOf(spec: OperatorSpec): OperatorSpec {
  switch (spec.kind) {
    case "source":
    case "timestamps":
      return { ...spec, strategy: withoutWatermarks(spec.strategy) };
    case "keyedReduce":
      return lastResultSpec(spec.label, spec.key, { kind: "reduce", fn: spec.fn }, spec.type);
    default:
      return spec;
  }
}

function withoutWatermarks(strategy: WatermarkStrategy<unknown>): WatermarkStrategy<unknown> {
  const silent = WatermarkStrategy.noWatermarks<unknown>();
  const { timestampAssigner } = strategy;
  return timestampAssigner === undefined ? silent : silent.withTimestampAssigner(timestampAssigner);
}
