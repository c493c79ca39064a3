/** Where unaligned checkpoints are refused: as in Flink, where it cannot be known that records go the same way again. */
import { MillraceError } from "../base/errors.ts";
import { iterationEndOf } from "./iterations.ts";
import type { Transformation } from "./transformation.ts";

/** @throws MillraceError `MR_UNALIGNED_UNSUPPORTED` naming the operator */
export function checkUnaligned(transformations: readonly Transformation[]): void {
  for (const target of transformations) {
    if (iterationEndOf(target)?.role === "head") {
      throw unsupported(target, "an iteration", "records in the loop are in no checkpoint");
    }
    if (target.inputs.some(({ partitioning }) => partitioning?.kind === "custom")) {
      throw unsupported(
        target,
        "a custom partitioner in front of it",
        "a partitioner that chooses anew may lose or repeat records when the parallelism changes",
      );
    }
  }
}

function unsupported(operator: Transformation, found: string, why: string): MillraceError {
  return new MillraceError("MR_UNALIGNED_UNSUPPORTED", {
    what: `Unaligned checkpoints are not taken of this job: ${why}`,
    where: { operator: operator.name, at: operator.callSite },
    found,
    expected: "partitionings of Millrace, and no iterations",
    todo: "Switch execution.checkpointing.unaligned.enabled off, or force it with execution.checkpointing.unaligned.forced",
  });
}
