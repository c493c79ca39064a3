/**
 * What tests of jobs are written with: a simulated machine and a sink that commits into memory.
 * @packageDocumentation
 */

export {
  createSimulatedPlatform,
  type SimulatedPlatform,
  type SimulatedPlatformOptions,
} from "../platform/simulated-platform.ts";
export { CommittedRows } from "./committed-rows.ts";
export { harnessOf, twoInputHarnessOf } from "./harness-of.ts";
export type { TimestampedValue } from "./harness-subtask.ts";
export { OperatorHarness } from "./operator-harness.ts";
export {
  type HarnessSnapshot,
  OneInputOperatorTestHarness,
  OperatorTestHarness,
  type OperatorTestHarnessOptions,
  TwoInputOperatorTestHarness,
} from "./operator-test-harness.ts";
