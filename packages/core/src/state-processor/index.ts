/**
 * The State Processor API: reads, makes and changes savepoints with programs of one's own, without running their jobs.
 * @packageDocumentation
 */

export type {
  BroadcastStateBootstrapContext,
  BroadcastStateBootstrapFunction,
  KeyedStateBootstrapContext,
  KeyedStateBootstrapFunction,
  StateBootstrapContext,
  StateBootstrapFunction,
} from "./bootstrap-functions.ts";
export type { BootstrapElements } from "./bootstrap-target.ts";
export {
  KeyedOperatorTransformation,
  OneInputOperatorTransformation,
  OperatorTransformation,
  StateBootstrapTransformation,
} from "./operator-transformation.ts";
export { SavepointReader } from "./savepoint-reader.ts";
export { SavepointWriter } from "./savepoint-writer.ts";
export type { KeyedStateReaderContext, KeyedStateReaderFunction } from "./state-reader-functions.ts";
export { WindowSavepointReader, type WindowState } from "./window-savepoint-reader.ts";
