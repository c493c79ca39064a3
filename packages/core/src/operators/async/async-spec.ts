import { formatDuration } from "../../base/duration.ts";
import type { TransformSpec } from "../operator-spec.ts";
import { AsyncOperator, type AsyncSettings } from "./async-operator.ts";

/** The operator of these settings, as a graph has it. */
export function asyncSpec(settings: AsyncSettings): TransformSpec {
  const { capacity, timeoutMs, isOrdered, retry } = settings;
  return {
    kind: "transform",
    label: "async",
    keys: [undefined],
    isStateful: true,
    details: {
      capacity,
      timeout: timeoutMs === Number.POSITIVE_INFINITY ? "none" : formatDuration(timeoutMs),
      order: isOrdered ? "ordered" : "unordered",
      retries: retry !== undefined,
    },
    hasSideOutput: () => false,
    functions: [settings.fn, settings.onTimeout],
    create: (host) => new AsyncOperator(host, settings),
  };
}
