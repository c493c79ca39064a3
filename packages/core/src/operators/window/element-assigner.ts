/** All kinds of assigners as the general window operator sees them. */
import { MillraceError, unreachable } from "../../base/errors.ts";
import { mergeSessionWindows } from "../../time/session-windows.ts";
import { TimeWindow } from "../../time/time-window.ts";
import type { Window } from "../../time/window.ts";
import type { BuiltInAssigner, SlidingAssigner, TumblingAssigner } from "../../time/window-assigner.ts";
import { staggerOffsetMs } from "../../time/window-stagger.ts";
import type { Serializer } from "../../types/type.ts";
import { cloneFunction } from "../clone-function.ts";
import type { OperatorHost } from "../operator-runtime.ts";
import { EventTimeTrigger } from "./triggers/event-time-trigger.ts";
import { EndOfStreamTrigger, NeverTrigger } from "./triggers/global-window-triggers.ts";
import { ProcessingTimeTrigger } from "./triggers/processing-time-trigger.ts";
import type { Trigger } from "./triggers/trigger.ts";
import { MergingWindowAssigner, WindowAssigner } from "./window-assigner.ts";

/** Everything that a windowed stream can be cut with. @public */
export type AnyWindowAssigner<T> = BuiltInAssigner<T> | WindowAssigner<T, Window>;

/** The windows that an assigner makes. @public */
export type WindowOf<A> =
  A extends WindowAssigner<never, infer W>
    ? W
    : A extends { assign(...args: never): readonly (infer W extends Window)[] }
      ? W
      : never;

/** Reports windows that become one. */
export type MergeWindows = (
  windows: readonly Window[],
  merge: (toBeMerged: readonly Window[], result: Window) => void,
) => void;

export interface ElementAssigner {
  readonly isEventTime: boolean;
  /** Undefined when windows stay as they are assigned. */
  readonly merge: MergeWindows | undefined;
  /** Of windows that are no time windows and not the global one. */
  readonly windowSerializer: Serializer<Window> | undefined;
  assign(element: unknown, timestampMs: number, nowMs: number): readonly Window[];
}

export function isMerging(assigner: AnyWindowAssigner<never>): boolean {
  if (assigner instanceof WindowAssigner) return assigner instanceof MergingWindowAssigner;
  return assigner.kind === "session" || assigner.kind === "dynamicSession";
}

/** The assigner, if its windows differ between subtasks. */
export function staggered(assigner: AnyWindowAssigner<never>): TumblingAssigner | SlidingAssigner | undefined {
  if (assigner instanceof WindowAssigner) return undefined;
  if (assigner.kind !== "tumbling" && assigner.kind !== "sliding") return undefined;
  return assigner.stagger === undefined || assigner.stagger === "ALIGNED" ? undefined : assigner;
}

export function defaultTriggerOf(assigner: AnyWindowAssigner<never>): Trigger<never, never> {
  if (assigner instanceof WindowAssigner) return assigner.getDefaultTrigger();
  if (assigner.kind === "global") return assigner.firesAtEnd ? EndOfStreamTrigger.create() : NeverTrigger.create();
  return assigner.isEventTime ? EventTimeTrigger.create() : ProcessingTimeTrigger.create();
}

/** One subtask's assigner. */
export function elementAssigner(assigner: AnyWindowAssigner<unknown>, host: OperatorHost): ElementAssigner {
  if (assigner instanceof WindowAssigner) return customAssigner(cloneFunction(assigner, host.operatorName));
  const merge = isMerging(assigner) ? mergeTimeWindows : undefined;
  const grid = staggered(assigner);
  const assign = grid === undefined ? builtInAssign(assigner) : staggeredAssign(grid, host);
  return { isEventTime: assigner.isEventTime, merge, windowSerializer: undefined, assign };
}

function builtInAssign(assigner: BuiltInAssigner<unknown>): ElementAssigner["assign"] {
  switch (assigner.kind) {
    case "tumbling":
    case "sliding":
    case "session":
      return assigner.isEventTime
        ? (_element, timestampMs) => assigner.assign(timestampMs)
        : (_element, _timestampMs, nowMs) => assigner.assign(nowMs);
    case "dynamicSession":
      return assigner.isEventTime
        ? (element, timestampMs) => assigner.assign(timestampMs, element)
        : (element, _timestampMs, nowMs) => assigner.assign(nowMs, element);
    case "global":
      return () => assigner.assign();
    default:
      return unreachable(assigner);
  }
}

/** The subtask decides by how much when it has its first record. */
function staggeredAssign(
  assigner: TumblingAssigner | SlidingAssigner,
  { platform, uid, context }: OperatorHost,
): ElementAssigner["assign"] {
  const random = platform.random.fork(`stagger-${uid}-${context.indexOfThisSubtask}-${context.attemptNumber}`);
  const stepMs = assigner.kind === "sliding" ? assigner.slideMs : assigner.sizeMs;
  let staggerMs: number | undefined;
  return (_element, timestampMs, nowMs) => {
    staggerMs ??= staggerOffsetMs(assigner.stagger ?? "ALIGNED", stepMs, nowMs, random);
    const shiftMs = staggerMs;
    const windows = assigner.assign((assigner.isEventTime ? timestampMs : nowMs) - shiftMs);
    return windows.map(({ start, end }) => new TimeWindow(start + shiftMs, end + shiftMs));
  };
}

function customAssigner(assigner: WindowAssigner<unknown, Window>): ElementAssigner {
  let now = 0;
  const context = { getCurrentProcessingTime: (): number => now };
  return {
    isEventTime: assigner.isEventTime,
    merge:
      assigner instanceof MergingWindowAssigner ? (windows, merge) => assigner.mergeWindows(windows, merge) : undefined,
    windowSerializer: assigner.windowType?.serializer,
    assign: (element, timestampMs, nowMs) => {
      now = nowMs;
      return assigner.assignWindows(element, timestampMs, context);
    },
  };
}

const mergeTimeWindows: MergeWindows = (windows, merge) => {
  // Assigners of the kinds that merge give time windows only.
  for (const { merged, parts } of mergeSessionWindows(windows as readonly TimeWindow[])) {
    if (parts.length > 1) merge(parts, merged);
  }
};

/** @throws MillraceError `MR_WINDOW_MERGE_INVALID` @internal */
export function mergedIntoThePast(operator: string, found: string, expected: string): MillraceError {
  return new MillraceError("MR_WINDOW_MERGE_INVALID", {
    what: "Windows were merged into one that would have ended already",
    where: { operator },
    found,
    expected,
    todo: "Let mergeWindows return a window that ends no earlier than the windows it is made of",
  });
}
