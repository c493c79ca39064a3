/**
 * Conditions: what users write, and the expressions that patterns make of them. An expression is data until a subtask
 * compiles it, because every subtask calls its own copies of function objects.
 */
import type { RichFunction } from "millrace";
import { unreachable } from "millrace/internal";

/**
 * What a condition may ask about the partial match that the event would extend. Valid only during the call.
 *
 * @typeParam M - The stages by name, with the events they match.
 * @public
 */
export interface ConditionContext<M> {
  /** Event time of the event in epoch ms; in processing time, when it is looked at. */
  readonly timestamp: number;
  /** Epoch ms. */
  currentProcessingTime(): number;
  /**
   * The events that the partial match has accepted for a stage, in order and without the event at hand; empty when there
   * are none.
   */
  getEventsForPattern<N extends keyof M & string>(name: N): readonly EventsOf<M[N]>[];
}

/** The events that a match has for each of its patterns, by the pattern's name. @public */
export type EventsOf<A> = A extends readonly (infer E)[] ? E : never;

/** A condition as an object, with a lifecycle. @public */
export interface IterativeCondition<F, M> extends RichFunction {
  filter(event: F, context: ConditionContext<M>): boolean;
}

/**
 * Whether an event may be the next of a match: of the event alone, or with the events that the match has so far.
 *
 * @public
 */
export type Condition<F, M> = ((event: F, context: ConditionContext<M>) => boolean) | IterativeCondition<F, M>;

/** A condition whose types have been checked by the pattern's methods. @internal */
export type AnyCondition = Condition<unknown, Record<string, readonly unknown[]>>;

/** @internal */
export type Expression =
  | { readonly kind: "always" }
  | { readonly kind: "test"; readonly condition: AnyCondition }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression };

/** @internal */
export type Predicate = (event: unknown, context: ConditionContext<Record<string, readonly unknown[]>>) => boolean;

/** @internal */
export const always: Expression = { kind: "always" };

/** @internal */
export function not(of: Expression): Expression {
  return { kind: "not", of };
}

/** The right side is asked only where the left one holds. @internal */
export function and(left: Expression, right: Expression): Expression {
  return left.kind === "always" ? right : right.kind === "always" ? left : { kind: "and", left, right };
}

/** The right side is asked only where the left one does not hold. @internal */
export function or(left: Expression, right: Expression): Expression {
  return { kind: "or", left, right };
}

/** The user's conditions that an expression is made of. @internal */
export function conditionsIn(expression: Expression | undefined): readonly AnyCondition[] {
  switch (expression?.kind) {
    case "test":
      return [expression.condition];
    case "not":
      return conditionsIn(expression.of);
    case "and":
    case "or":
      return [...conditionsIn(expression.left), ...conditionsIn(expression.right)];
    default:
      return [];
  }
}

/** @param own - The subtask's copy of a condition. @internal */
export function compileExpression(expression: Expression, own: (condition: AnyCondition) => AnyCondition): Predicate {
  switch (expression.kind) {
    case "always":
      return () => true;
    case "test": {
      const condition = own(expression.condition);
      return typeof condition === "function" ? condition : (event, context) => condition.filter(event, context);
    }
    case "not": {
      const of = compileExpression(expression.of, own);
      return (event, context) => !of(event, context);
    }
    case "and": {
      const [left, right] = [compileExpression(expression.left, own), compileExpression(expression.right, own)];
      return (event, context) => left(event, context) && right(event, context);
    }
    case "or": {
      const [left, right] = [compileExpression(expression.left, own), compileExpression(expression.right, own)];
      return (event, context) => left(event, context) || right(event, context);
    }
    default:
      return unreachable(expression);
  }
}
