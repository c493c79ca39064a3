/** Checks of arguments that are streams, strategies, types and tags. */
import { unreachable } from "../base/errors.ts";
import type { OperatorSpec, WindowSpec } from "../operators/operator-spec.ts";
import { OutputTag } from "../operators/output-tag.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import { checkMembers, describeValue, invalidArgument } from "./argument-checks.ts";
import type { UserCall } from "./call-site.ts";
import type { PipelineBuilder } from "./pipeline-builder.ts";

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkSource(call: UserCall, source: unknown): void {
  const members = ["createReader", "createEnumerator", "restoreEnumerator"];
  checkMembers(call, source, members, "a Source");
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkStrategy(call: UserCall, strategy: unknown): void {
  if (strategy instanceof WatermarkStrategy) return;
  const isOptions = typeof strategy === "object" && strategy !== null && "boundedOutOfOrderness" in strategy;
  if (isOptions) return;
  const todo = 'Pass WatermarkStrategy.noWatermarks(), or one such as { boundedOutOfOrderness: "10 s", timestamp: … }';
  throw invalidArgument(call, describeValue(strategy), "a WatermarkStrategy or its options", todo);
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkType(call: UserCall, type: unknown): void {
  if (isType(type)) return;
  throw invalidArgument(call, describeValue(type), "a declared type", "Pass one such as t.object({ … })");
}

/** @internal */
export function isType(value: unknown): boolean {
  return typeof value === "object" && value !== null && "schema" in value && "serializer" in value && "copy" in value;
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` unless all are streams of one environment. @internal */
export function checkStreams(
  call: UserCall,
  builder: PipelineBuilder,
  streams: readonly { readonly builder?: unknown }[],
): void {
  for (const stream of streams) {
    const found: unknown = stream;
    if (typeof found !== "object" || found === null || !("builder" in found)) {
      throw invalidArgument(call, describeValue(found), "a stream", "Pass streams of the same environment");
    }
    if (found.builder === builder) continue;
    const todo = "Build both streams with the same environment";
    throw invalidArgument(call, "a stream of another environment", "a stream of this environment", todo);
  }
}

/** @throws MillraceError `MR_ARGUMENT_INVALID` @internal */
export function checkTag(call: UserCall, tag: unknown): void {
  if (tag instanceof OutputTag && typeof tag.id === "string" && tag.id !== "") return;
  throw invalidArgument(
    call,
    describeValue(tag),
    "an OutputTag with an id",
    'Pass one such as new OutputTag<Event>("late")',
  );
}

/**
 * Refuses a side output that nothing can ever come out of.
 *
 * @throws MillraceError `MR_ARGUMENT_INVALID`
 * @internal
 */
export function checkSideOutput(call: UserCall, spec: OperatorSpec, tagId: string): void {
  if (hasSideOutput(spec, tagId)) return;
  const todo = "Emit to the tag in a process function, or give it to sideOutputLateData before the window's function";
  throw invalidArgument(
    call,
    `the tag "${tagId}" on a ${spec.kind === "transform" ? spec.label : spec.kind} operator`,
    "a tag that the operator emits to",
    todo,
  );
}

function hasSideOutput(spec: OperatorSpec, tagId: string): boolean {
  switch (spec.kind) {
    case "process":
    case "keyedProcess":
    case "intervalJoin":
      return true;
    case "co":
      return spec.flavour === "process";
    case "window":
      return hasWindowOutput(spec, tagId);
    case "transform":
      return spec.hasSideOutput(tagId);
    case "source":
      return spec.deadLetterTag.id === tagId;
    default:
      return false;
  }
}

/** The side outputs that a window operator can have: the late records, and what its process function emits. */
function hasWindowOutput(spec: WindowSpec, tagId: string): boolean {
  switch (spec.emit.kind) {
    case "process":
      return true;
    case "value":
    case "function":
      return spec.lateTag?.id === tagId;
    default:
      return unreachable(spec.emit);
  }
}
