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
export { type Emitted, type HarnessOptions, type HarnessSnapshot, OperatorHarness } from "./operator-harness.ts";
