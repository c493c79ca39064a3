import type { JobExecutionResult } from "millrace";

export function linesOf(result: JobExecutionResult): number {
  // expect-error: Type 'number | undefined' is not assignable to type 'number'
  return result.getAccumulatorResult<number>("lines");
}
