import { type Type, t } from "millrace";

/** An advertisement that somebody is about to see. */
export interface Impression {
  id: number;
  user: number;
  at: number;
  /** What the model looks at, each from 0 to 1. */
  features: number[];
}

/** An earlier impression of which it is known by now whether it was clicked. `at` is when that became known. */
export interface Feedback {
  at: number;
  features: number[];
  isClicked: boolean;
}

export const ImpressionType: Type<Impression> = t.object({
  id: t.int32,
  user: t.int32,
  at: t.timestamp,
  features: t.array(t.float64),
});

export const FeedbackType: Type<Feedback> = t.object({
  at: t.timestamp,
  features: t.array(t.float64),
  isClicked: t.boolean,
});

export const START: number = Date.UTC(2023, 3, 1);
export const FEATURE_COUNT = 3;

export function impressionAt(index: number): Impression {
  return { id: index, user: index % 97, at: START + index * 500, features: featuresOf(index, 1) };
}

/** People like the first feature and dislike the second; after 3000 impressions it is the other way round. */
export function feedbackAt(index: number): Feedback {
  const features = featuresOf(index, 2);
  const [first = 0, second = 0] = features;
  const liking = index < 3_000 ? first - second : second - first;
  return { at: START + index * 500, features, isClicked: 0.5 + liking / 2 > chance(index, 3) };
}

function featuresOf(index: number, salt: number): number[] {
  return Array.from({ length: FEATURE_COUNT }, (_, feature) => chance(index * FEATURE_COUNT + feature, salt));
}

/** A number from 0 to 1 that looks random and is always the same for the same index and salt. */
function chance(index: number, salt: number): number {
  const mixed = Math.imul(index + salt * 0x9e3779b1, 0x45d9f3b);
  const more = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return ((more ^ (more >>> 13)) >>> 0) / 2 ** 32;
}
