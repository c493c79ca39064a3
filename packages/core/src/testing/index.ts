/**
 * What tests of jobs are written with: a simulated machine and a sink that commits into memory.
 * @packageDocumentation
 */

export {
  createSimulatedPlatform,
  type SimulatedPlatform,
  type SimulatedPlatformOptions,
} from "../platform/simulated-platform.ts";
export { type CheckJobOptions, checkJob } from "./check-job.ts";
export { CommittedRows } from "./committed-rows.ts";
export type { ArbitraryOf, FastCheck } from "./fast-check.ts";
export { harnessOf, twoInputHarnessOf } from "./harness-of.ts";
export type { TimestampedValue } from "./harness-subtask.ts";
export { JobTestDriver, type JobTestDriverOptions, type TestInput, type TestOutput } from "./job-test-driver.ts";
export {
  type AddsOperator,
  type NeighbourRuns,
  neighbourRuns,
  type OperatorUnderTest,
  oneInput,
  twoInputs,
} from "./neighbour-runs.ts";
export { OperatorHarness } from "./operator-harness.ts";
export {
  type HarnessSnapshot,
  OneInputOperatorTestHarness,
  OperatorTestHarness,
  type OperatorTestHarnessOptions,
  TwoInputOperatorTestHarness,
} from "./operator-test-harness.ts";
export type { SubtaskEvent } from "./subtask-run.ts";
export type { JobUnderTest } from "./test-ends.ts";
