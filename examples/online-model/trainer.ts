import {
  type Collector,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type RuntimeContext,
  type ValueState,
  valueState,
} from "millrace";
import { FEATURE_COUNT, type Feedback } from "./impressions.ts";
import { learn, type Model, ModelType } from "./model.ts";

/** A new version of the model goes out after so many clicks and non-clicks. */
export const FEEDBACK_PER_VERSION = 100;

/** Learns from feedback. The parameters and how far the next version has come are its state, so both survive a failure. */
export class Trainer implements KeyedProcessFunction<string, Feedback, Model> {
  private model!: ValueState<Model>;
  private seen!: ValueState<number>;

  open(context: RuntimeContext): void {
    this.model = context.getState(valueState("model", ModelType));
    this.seen = context.getState(valueState<number>("seen"));
  }

  processElement(feedback: Feedback, _context: KeyedProcessContext<string>, out: Collector<Model>): void {
    const before = this.model.value() ?? { version: 0, validFrom: 0, weights: Array(FEATURE_COUNT).fill(0), bias: 0 };
    const model = { ...before, ...learn(before, feedback.features, feedback.isClicked) };
    const seen = (this.seen.value() ?? 0) + 1;
    if (seen === FEEDBACK_PER_VERSION) {
      model.version++;
      model.validFrom = feedback.at;
      out.collect(model);
    }
    this.model.update(model);
    this.seen.update(seen % FEEDBACK_PER_VERSION);
  }
}
