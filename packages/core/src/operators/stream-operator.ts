/**
 * Operators whose reaction to a record is a method of their own and not text that is generated for them: all that are not
 * on the hottest paths, and those of other packages. Generated code makes the record's key current, if the operator is
 * keyed, and calls `processElement`.
 *
 * - O1. What the operator emits leaves through `emit` and, for side outputs, through `context`; at any time on the
 *   subtask's thread between `open` and `finish`.
 * - O2. An operator that `holdsWatermarks` says itself when a watermark leaves it; its `currentWatermark` is the last that did.
 */
import { invariant } from "../base/errors.ts";
import { OperatorContext, type SideEmitter } from "./keyed-context.ts";
import { BaseOperator } from "./operator-runtime.ts";

export abstract class StreamOperator extends BaseOperator {
  /** Side outputs, clock and watermark. Operators with a context of their own override it. */
  readonly context: OperatorContext = new OperatorContext(this);
  /** Set by generated code: hands a result with its event time to whatever comes next. */
  emit: SideEmitter = () => {};

  /** A record of the only input, or of the first one; its key is current. */
  abstract processElement(value: unknown, timestampMs: number): void;

  /** A record of the second input; its key is current when that input is keyed. */
  processElement2(_value: unknown, _timestampMs: number): void {
    invariant(false, `operator ${this.host.operatorName} has one input`);
  }
}
