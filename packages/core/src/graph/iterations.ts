/** What has to be true of a pipeline's iterations before it can run. */
import { MillraceError } from "../base/errors.ts";
import type { IterationEnd } from "../operators/operator-spec.ts";
import type { Transformation } from "./transformation.ts";

/**
 * @param isRefused - Whether checkpoints or savepoints are taken, and iterations are not forced into them.
 * @throws MillraceError `MR_ITERATION_NOT_CLOSED`, `MR_ITERATION_ENDLESS`, `MR_ITERATION_CHECKPOINTS`
 */
export function checkIterations(transformations: readonly Transformation[], isRefused: boolean): void {
  for (const head of transformations) {
    const end = iterationEndOf(head);
    if (end?.role !== "head") continue;
    const tails = tailsOf(head, transformations);
    if (tails.length === 0) throw notClosed(head);
    if (isRefused) throw checkpointed(head);
    if (end.maxWaitMs !== undefined) continue;
    // Without a wait time the end of the loop is found by watermarks that go around in it.
    const assigner = transformations.find(
      (each) => each.spec.kind === "timestamps" && leadsTo(head, each) && tails.some((tail) => leadsTo(each, tail)),
    );
    if (assigner !== undefined) throw endless(head, assigner);
    // They do not wait for what goes around in a loop within the loop, nor for what an outer one feeds into it again.
    const other = transformations.find(
      (each) => isWithin(each, head, transformations) || isWithin(head, each, transformations),
    );
    if (other !== undefined) throw nested(head, other);
  }
}

function tailsOf(head: Transformation, transformations: readonly Transformation[]): readonly Transformation[] {
  const loop = iterationEndOf(head)?.loop;
  return transformations.filter((each) => {
    const end = iterationEndOf(each);
    return end?.role === "tail" && end.loop === loop;
  });
}

/** Whether the iteration that begins at `inner` is on the way around the one that begins at `outer`. */
function isWithin(inner: Transformation, outer: Transformation, transformations: readonly Transformation[]): boolean {
  if (inner === outer || iterationEndOf(inner)?.role !== "head" || iterationEndOf(outer)?.role !== "head") return false;
  return leadsTo(outer, inner) && tailsOf(outer, transformations).some((tail) => leadsTo(inner, tail));
}

/** What the operator is to an iteration; undefined for all others. */
export function iterationEndOf({ spec }: Transformation): IterationEnd | undefined {
  return spec.kind === "transform" ? spec.iteration : undefined;
}

/** Whether the records of `from` can get to `to`. */
export function leadsTo(from: Transformation, to: Transformation): boolean {
  const feeders = new Set([to]);
  // What is added while the set is walked is walked, too.
  for (const operator of feeders) for (const edge of operator.inputs) feeders.add(edge.source);
  return feeders.has(from);
}

function notClosed(head: Transformation): MillraceError {
  return new MillraceError("MR_ITERATION_NOT_CLOSED", {
    what: "An iteration has no feedback",
    where: { operator: head.name, at: head.callSite },
    expected: "a call of closeWith on what iterate returned, before the job is executed",
    todo: "Call closeWith with the stream of those records that go through the loop again",
  });
}

function endless(head: Transformation, operator: Transformation): MillraceError {
  return new MillraceError("MR_ITERATION_ENDLESS", {
    what: "An iteration that assigns timestamps in its loop cannot find out that the loop is empty",
    where: { operator: head.name, at: head.callSite },
    found: `"${operator.name}" at ${operator.callSite} between iterate and closeWith`,
    expected: "a wait time, or watermarks that go through the loop",
    todo: 'Pass a wait time such as iterate("5 s"), or assign the timestamps before or after the loop',
  });
}

function nested(head: Transformation, other: Transformation): MillraceError {
  return new MillraceError("MR_ITERATION_ENDLESS", {
    what: "Of two iterations, one in the other, one without a wait time cannot find out that its loop is empty",
    where: { operator: head.name, at: head.callSite },
    found: `no wait time, and another iteration at ${other.callSite}`,
    expected: "a wait time for both, or one iteration after the other",
    todo: 'Pass a wait time such as iterate("5 s") to both',
  });
}

function checkpointed(head: Transformation): MillraceError {
  return new MillraceError("MR_ITERATION_CHECKPOINTS", {
    what: "A job with an iteration cannot take exact checkpoints: records on their way through the loop are in none",
    where: { operator: head.name, at: head.callSite },
    found: "a checkpointing interval, or a request for a savepoint",
    expected: "no checkpoints, or consent to lose those records when the job fails",
    todo: "Remove the interval, or force it with execution.checkpointing.iterations.forced: enableCheckpointing(interval, mode, true)",
  });
}
