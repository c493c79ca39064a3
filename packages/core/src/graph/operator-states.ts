/**
 * What an operator keeps, as far as it can be told without running it: what the operator itself is made of, the state
 * descriptors that are fields of a function object, and those that its text makes with a literal name.
 */
import type { OperatorSpec } from "../operators/operator-spec.ts";
import { StateDescriptor } from "../state/state-descriptors.ts";
import { describeSchema } from "../types/schema.ts";
import type { Type } from "../types/type.ts";
import { sourceTextOf, userFunctionsOf } from "./user-functions.ts";

export interface StatePlan {
  readonly name: string;
  /** Of keyed state: value, list, map …; otherwise what the operator keeps: windows, buffer, positions … */
  readonly kind: string;
  /** In the words of its declaration; undefined where the runtime learns it, or where it is not known before. */
  readonly type: string | undefined;
  /** Undefined: values do not expire, or it is not known before. */
  readonly ttlMs: number | undefined;
}

export function statesOf(spec: OperatorSpec): readonly StatePlan[] {
  return [...ownStatesOf(spec), ...declaredStatesOf(spec)];
}

/** The states that the user's functions of an operator declare, by descriptor or in their text. */
export function declaredStatesOf(spec: OperatorSpec): readonly StatePlan[] {
  const states = new Map<string, StatePlan>();
  const own = new Set(ownStatesOf(spec).map(({ name }) => name));
  for (const fn of userFunctionsOf(spec)) {
    for (const state of [...fieldStates(fn), ...textStates(fn)])
      if (!states.has(state.name) && !own.has(state.name)) states.set(state.name, state);
  }
  return [...states.values()];
}

function ownStatesOf(spec: OperatorSpec): readonly StatePlan[] {
  switch (spec.kind) {
    case "source":
      return [{ name: "splits", kind: "positions", type: undefined, ttlMs: undefined }];
    case "keyedReduce":
      return [{ name: spec.label, kind: "value", type: typeText(spec.type), ttlMs: undefined }];
    case "window": {
      const { fold } = spec;
      const type = fold.kind === "aggregate" ? fold.accumulatorType : fold.type;
      const text = typeText(type);
      return [{ name: "windows", kind: fold.kind === "list" ? "list" : "value", type: text, ttlMs: undefined }];
    }
    case "intervalJoin":
      return spec.types.map((type, side) => ({
        name: side === 0 ? "left" : "right",
        kind: "buffer",
        type: typeText(type),
        ttlMs: undefined,
      }));
    case "transform": {
      const names = spec.details["broadcastStates"];
      if (!Array.isArray(names)) return [];
      return names.map((name: string) => ({ name, kind: "broadcast", type: undefined, ttlMs: undefined }));
    }
    default:
      return [];
  }
}

function fieldStates(fn: unknown): readonly StatePlan[] {
  if (typeof fn !== "object" || fn === null) return [];
  return Object.values(fn)
    .filter((value) => value instanceof StateDescriptor)
    .map((descriptor) => ({
      name: descriptor.name,
      kind: descriptor.kind,
      type: descriptorTypes(descriptor),
      ttlMs: descriptor.ttlConfig.isEnabled ? descriptor.ttlConfig.timeToLiveMs : undefined,
    }));
}

/** `valueState("total", …)`, `new MapStateDescriptor("rules", …)`: the name, where it is a literal, and the kind. */
function textStates(fn: unknown): readonly StatePlan[] {
  const made = /\b(value|list|map|reducing|aggregating)State(?:Descriptor)?\)?\s*\(\s*(["'`])((?:(?!\2)[^\\$\n])+)\2/gi;
  return [...sourceTextOf(fn).matchAll(made)].map(([, kind, , name]) => ({
    name: name!,
    kind: kind!.toLowerCase(),
    type: undefined,
    ttlMs: undefined,
  }));
}

/** The types that a descriptor holds, in the order of its declaration. */
function descriptorTypes(descriptor: StateDescriptor): string | undefined {
  const types = Object.values(descriptor).filter(isType);
  return types.length === 0 ? undefined : types.map((type) => typeText(type) ?? "learned").join(" -> ");
}

function isType(value: unknown): value is Type<unknown> {
  return typeof value === "object" && value !== null && "schema" in value && "serializer" in value;
}

function typeText(type: Type<unknown> | undefined): string | undefined {
  return type === undefined || type.schema.kind === "any" ? undefined : describeSchema(type.schema);
}
