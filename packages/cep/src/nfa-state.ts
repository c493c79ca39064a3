/**
 * The automaton that a pattern is compiled to.
 *
 * - take: the event becomes part of the match, the run goes to the target.
 * - ignore: the event does not; the run goes to the target, which is often the same state.
 * - proceed: the run looks at the event from the target, too.
 */
import { always, and, type Expression, not, type Predicate } from "./conditions.ts";

export type Action = "take" | "ignore" | "proceed";

/** Runs in a pending state match when their time is over; one that reaches a stop state is given up. */
export type StateKind = "normal" | "final" | "stop" | "pending";

export class Transition {
  readonly action: Action;
  readonly source: NfaState;
  readonly target: NfaState;
  condition: Expression;
  /** Only events that come sooner than this after the run's last one are taken. */
  readonly gapMs: number;
  /** Set once the automaton is complete. */
  test: Predicate = () => false;

  constructor(action: Action, source: NfaState, target: NfaState, condition: Expression, gapMs: number) {
    this.action = action;
    this.source = source;
    this.target = target;
    this.condition = condition;
    this.gapMs = gapMs;
  }
}

export class NfaState {
  /** Unique in the automaton and the same for the same pattern, in every run of the job. */
  readonly id: string;
  readonly stage: string;
  readonly kind: StateKind;
  /** A run that waits here ends when this long has passed since its last event; Infinity for no limit. */
  timeoutMs: number = Number.POSITIVE_INFINITY;
  isStart = false;
  readonly transitions: Transition[] = [];

  constructor(id: string, stage: string, kind: StateKind) {
    this.id = id;
    this.stage = stage;
    this.kind = kind;
  }

  take(target: NfaState, condition: Expression, gapMs: number = Number.POSITIVE_INFINITY): void {
    this.transitions.push(new Transition("take", this, target, condition, gapMs));
  }

  ignore(target: NfaState, condition: Expression): void {
    this.transitions.push(new Transition("ignore", this, target, condition, Number.POSITIVE_INFINITY));
  }

  proceed(target: NfaState, condition: Expression = always): void {
    this.transitions.push(new Transition("proceed", this, target, condition, Number.POSITIVE_INFINITY));
  }

  /** Takes over the transitions of another state, its loops as loops of this one. */
  copyTransitionsOf(other: NfaState): void {
    for (const { action, target, condition, gapMs } of other.transitions) {
      this.transitions.push(new Transition(action, this, target === other ? this : target, condition, gapMs));
    }
    this.timeoutMs = other.timeoutMs;
  }

  /** A greedy stage before this one keeps the events that it could take. */
  leaveTo(greedy: Expression): void {
    for (const transition of this.transitions) transition.condition = and(transition.condition, not(greedy));
  }
}

/** What runs of one pattern go through. */
export interface Nfa {
  readonly start: NfaState;
  readonly states: ReadonlyMap<string, NfaState>;
  /** The stages that a match has, in the order of the pattern. */
  readonly stages: readonly string[];
  /** From the first to the last event of a match; Infinity for no limit. */
  readonly windowMs: number;
}
