import { type Type, t } from "millrace";

/** A logistic regression. */
export interface Model {
  version: number;
  /** From when on it is used: epoch ms. */
  validFrom: number;
  weights: number[];
  bias: number;
}

export const ModelType: Type<Model> = t.object({
  version: t.int32,
  validFrom: t.timestamp,
  weights: t.array(t.float64),
  bias: t.float64,
});

/** The probability of a click, 0 to 1. */
export function predict(model: Pick<Model, "weights" | "bias">, features: readonly number[]): number {
  const sum = model.weights.reduce((total, weight, feature) => total + weight * features[feature]!, model.bias);
  return 1 / (1 + Math.exp(-sum));
}

const LEARNING_RATE = 0.3;

/** One step of gradient descent. */
export function learn(
  model: Pick<Model, "weights" | "bias">,
  features: readonly number[],
  isClicked: boolean,
): { weights: number[]; bias: number } {
  const step = LEARNING_RATE * ((isClicked ? 1 : 0) - predict(model, features));
  return {
    weights: model.weights.map((weight, feature) => weight + step * features[feature]!),
    bias: model.bias + step,
  };
}
