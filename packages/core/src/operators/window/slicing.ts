import type { WindowSpec } from "../operator-spec.ts";

/**
 * Whether records are folded into slices (see SlicedWindowOperator): always when every record has exactly one window of
 * the grid, otherwise when slices can be merged into windows. A reduce function is its own merge.
 *
 * @internal
 */
export function isSliced(spec: WindowSpec): boolean {
  const { assigner, fold } = spec;
  if (assigner.kind === "tumbling") return true;
  if (assigner.kind !== "sliding" || assigner.slideMs > assigner.sizeMs) return false;
  if (assigner.slideMs === assigner.sizeMs) return true;
  return fold.kind === "reduce" || (fold.kind === "aggregate" && fold.aggregate.merge !== undefined);
}

/** Whether a window of the sliced operator is made of several slices. @internal */
export function mergesSlices(spec: WindowSpec): boolean {
  return spec.assigner.kind === "sliding" && spec.assigner.slideMs < spec.assigner.sizeMs;
}
