/** Runs patterns over events that are written as text, without an operator around the matcher. */
import type { SkipRule } from "../after-match-skip-strategy.ts";
import { compilePattern } from "../compile-pattern.ts";
import { compileExpression } from "../conditions.ts";
import { initialRuns, type Match, Matcher, type Runs, type TimedOut } from "../matcher.ts";
import type { Nfa } from "../nfa-state.ts";
import type { Stage } from "../stage.ts";

/** `b2` is an event of name b; its time is its position in the text, times 10 ms. */
export interface Letter {
  readonly id: string;
  readonly name: string;
}

export interface Compiled {
  readonly stage: Stage;
  readonly skip: { readonly rule: SkipRule };
}

export function letters(text: string): readonly Letter[] {
  return text
    .split(" ")
    .filter((id) => id !== "")
    .map((id) => ({ id, name: id.replace(/\d+$/, "") }));
}

/** The condition that an event has one of these names. */
export function is(...names: readonly string[]): (event: Letter) => boolean {
  return (event) => names.includes(event.name);
}

export const MS_PER_EVENT = 10;

export class MatchRun {
  readonly nfa: Nfa;
  readonly runs: Runs;
  readonly matcher: Matcher;
  readonly scheduled: Set<number> = new Set();
  readonly matches: string[] = [];
  readonly timedOut: string[] = [];
  #seq = 0;

  constructor({ stage, skip }: Compiled) {
    this.nfa = compilePattern(stage);
    for (const { transitions } of this.nfa.states.values()) {
      for (const transition of transitions) {
        transition.test = compileExpression(transition.condition, (condition) => condition);
      }
    }
    this.runs = initialRuns(this.nfa);
    this.matcher = new Matcher(this.nfa, skip.rule, {
      wantsTimedOut: true,
      schedule: (timeMs) => this.scheduled.add(timeMs),
      currentProcessingTime: () => 0,
    });
  }

  event(value: unknown, timestampMs: number): void {
    this.advanceTime(timestampMs);
    for (const match of this.matcher.process(this.runs, { seq: this.#seq++, timestampMs, value })) {
      this.matches.push(describeMatch(match));
    }
  }

  advanceTime(untilMs: number): void {
    for (const timeMs of [...this.scheduled].sort((left, right) => left - right)) {
      if (timeMs > untilMs) break;
      this.scheduled.delete(timeMs);
      const { matches, timedOut } = this.matcher.advanceTime(this.runs, timeMs);
      this.matches.push(...matches.map(describeMatch));
      this.timedOut.push(...timedOut.map(describeTimedOut));
    }
  }
}

/** The events of all stages in order, without the stages: `a b1 b2 c`. */
export function describeMatch(match: Match): string {
  return Object.values(match)
    .flat()
    .map((event) => (event as Letter).id)
    .join(" ");
}

function describeTimedOut({ match, timeoutMs }: TimedOut): string {
  return `${describeMatch(match)} @${timeoutMs}`;
}

/** All matches of a pattern in a text, in the order in which they are emitted. */
export function matchesIn(text: string, pattern: Compiled): readonly string[] {
  const run = new MatchRun(pattern);
  letters(text).forEach((event, index) => {
    run.event(event, index * MS_PER_EVENT);
  });
  run.advanceTime(Number.POSITIVE_INFINITY);
  return run.matches;
}
