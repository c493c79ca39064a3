/** The general window operator as an operator of the graph. */
import type { Window } from "../../time/window.ts";
import type { Type } from "../../types/type.ts";
import { cloneFunction } from "../clone-function.ts";
import type { KeySelector } from "../functions.ts";
import {
  emitFunctions,
  foldFunctions,
  type TransformSpec,
  type WindowEmit,
  type WindowFold,
} from "../operator-spec.ts";
import type { OutputTag } from "../output-tag.ts";
import { type AnyWindowAssigner, defaultTriggerOf, elementAssigner } from "./element-assigner.ts";
import type { Evictor } from "./evictors/evictor.ts";
import { GeneralWindowOperator } from "./general-window-operator.ts";
import { Trigger } from "./triggers/trigger.ts";
import { contentsOf, evictableContents } from "./window-contents.ts";
import { emissionOf } from "./window-emission.ts";

/** A windowed stream with what it does: everything that decides which operator it becomes. */
export interface WindowPlan {
  readonly key: KeySelector<unknown, unknown>;
  readonly assigner: AnyWindowAssigner<unknown>;
  /** Undefined: the assigner's own. */
  readonly trigger: Trigger<unknown, Window> | undefined;
  readonly evictor: Evictor<unknown, Window> | undefined;
  /** Of what an evictor sees. */
  readonly elementType: Type<unknown> | undefined;
  readonly fold: WindowFold;
  readonly emit: WindowEmit;
  readonly allowedLatenessMs: number;
  readonly lateTag: OutputTag<unknown> | undefined;
}

export function generalWindowSpec(plan: WindowPlan): TransformSpec {
  const { assigner, evictor, fold, emit, allowedLatenessMs, lateTag } = plan;
  const trigger = plan.trigger ?? (defaultTriggerOf(assigner) as unknown as Trigger<unknown, Window>);
  return {
    kind: "transform",
    label: "window",
    keys: [plan.key],
    isStateful: true,
    details: {
      window: nameOf(assigner),
      trigger: nameOf(trigger),
      ...(evictor === undefined ? {} : { evictor: nameOf(evictor) }),
      fold: fold.kind,
      allowedLatenessMs,
    },
    functions: [...foldFunctions(fold), ...emitFunctions(emit), ...triggersOf(trigger), evictor, assigner],
    hasSideOutput: (tagId) => emit.kind === "process" || lateTag?.id === tagId,
    create: (host) =>
      new GeneralWindowOperator(host, {
        assigner: elementAssigner(assigner, host),
        trigger: cloneFunction(trigger, host.operatorName),
        evictor: cloneFunction(evictor, host.operatorName),
        contents:
          evictor === undefined
            ? contentsOf(fold, host.operatorName)
            : evictableContents(fold, plan.elementType, host.operatorName),
        emission: emissionOf(emit, fold, host.operatorName),
        allowedLatenessMs,
        lateTag,
      }),
  };
}

/** A trigger and those within it. */
function triggersOf(trigger: object): readonly object[] {
  const nested = Object.values(trigger).filter((part: unknown) => part instanceof Trigger);
  return [trigger, ...nested.flatMap(triggersOf)];
}

/** What plans call an assigner, trigger or evictor: its own name, or that of its class. */
export function nameOf(part: object): string {
  const text = String(part);
  return text === "[object Object]" ? (part.constructor?.name ?? "Object") : text;
}
