import type { ChainedOperator } from "../operators/chain-plan.ts";
import type { SourceText } from "./source-text.ts";

/** What the templates of operators use to write their part of a chain. */
export interface ChainWriter {
  readonly text: SourceText;
  /** Hands the value to everything that consumes the operator's main output, or one of its side outputs. */
  emit(operator: ChainedOperator, value: string, time: string, sideOutput?: string): void;
  /** Counts a record that leaves the operator, where that is not the same as one that entered it. */
  count(operator: ChainedOperator): void;
}
