/**
 * Runs an automaton over the events of one key. Pure: events and times in, matches out; the operator keeps the runs,
 * sorts the events and watches the clock.
 *
 * - N1. Events come in the order of their time, and `advanceTime` before those of a time.
 * - N2. There is always exactly one run that waits for a match to begin.
 * - N3. A run that reaches a stop state is given up with all that came of it by the same event.
 * - N4. Under a skip strategy a complete match waits until no partial one began before it.
 */
import { erased, unreachable } from "millrace/internal";
import type { SkipRule } from "./after-match-skip-strategy.ts";
import type { ConditionContext } from "./conditions.ts";
import type { Nfa, NfaState, Transition } from "./nfa-state.ts";
import { skipMissed } from "./pattern-errors.ts";
import { type BufferedEvent, deadlineOf, gapDeadlineOf, nodesOf, type PathNode, type Run, startRun } from "./run.ts";
import { RunHeap } from "./run-heap.ts";

/** The events that each stage matched. */
export type Match = Record<string, readonly unknown[]>;

/** What is known of one key between two events. */
export interface Runs {
  partial: RunHeap;
  readonly completed: RunHeap;
}

export interface TimedOut {
  readonly match: Match;
  readonly timeoutMs: number;
}

/** What the matcher asks its operator for. */
export interface MatcherHost {
  /** Has `advanceTime` called at this time. */
  schedule(timeMs: number): void;
  /** Whether anybody looks at what timed out. */
  readonly wantsTimedOut: boolean;
  currentProcessingTime(): number;
}

export function initialRuns(nfa: Nfa): Runs {
  const runs: Runs = { partial: new RunHeap(), completed: new RunHeap() };
  runs.partial.add(startRun(nfa.start));
  return runs;
}

/** Whether the runs are as they were before the first event. */
export function areInitial({ partial, completed }: Runs): boolean {
  return partial.size === 1 && completed.size === 0;
}

export class Matcher {
  readonly #nfa: Nfa;
  readonly #skip: SkipRule;
  readonly #host: MatcherHost;
  readonly #context: RunContext;

  constructor(nfa: Nfa, skip: SkipRule, host: MatcherHost) {
    this.#nfa = nfa;
    this.#skip = skip;
    this.#host = host;
    this.#context = new RunContext(host);
  }

  /** Shows an event to all runs. Returns the matches, in the order in which they are emitted. */
  process(runs: Runs, event: BufferedEvent): readonly Match[] {
    const partial = new RunHeap();
    const found = new RunHeap();
    for (const run of runs.partial) {
      const next = this.#next(run, event);
      const isStopped = next.some((each) => each.state.kind === "stop");
      for (const each of next) {
        if (each.state.kind === "final") found.add(each);
        else if (!isStopped) this.#keep(partial, each, run);
      }
    }
    runs.partial = partial;
    if (this.#skip.kind === "noSkip") return [...found].map((run) => this.#matchOf(run.path));
    return this.#emit(runs, found);
  }

  /** Ends the runs whose time is over at `timeMs`. Those that waited for nothing to follow are matches. */
  advanceTime(
    runs: Runs,
    timeMs: number,
  ): { readonly matches: readonly Match[]; readonly timedOut: readonly TimedOut[] } {
    const { windowMs } = this.#nfa;
    const partial = new RunHeap();
    const found = new RunHeap();
    const timedOut: TimedOut[] = [];
    for (const run of runs.partial) {
      if (deadlineOf(run, windowMs) > timeMs) partial.add(run);
      else if (run.state.kind === "pending") found.add(run);
      else if (this.#host.wantsTimedOut) {
        const gapDeadline = gapDeadlineOf(run);
        const timeoutMs = gapDeadline <= timeMs ? gapDeadline : run.startMs + windowMs;
        timedOut.push({ match: this.#matchOf(run.path), timeoutMs });
      }
    }
    runs.partial = partial;
    return { matches: this.#emit(runs, found), timedOut };
  }

  /** Where a run goes with an event: to several states if it can. */
  #next(run: Run, event: BufferedEvent): readonly Run[] {
    const context = this.#context;
    context.begin(run.path, event.timestampMs);
    const next: Run[] = [];
    for (const { action, source, target } of this.#edges(run, event)) {
      if (action === "ignore") {
        if (!run.state.isStart) next.push(target === run.state ? run : { ...run, state: target });
        continue;
      }
      const path: PathNode = { stage: source.stage, event, previous: run.path };
      const isFirst = run.path === undefined;
      const startSeq = isFirst ? event.seq : run.startSeq;
      const startMs = isFirst ? event.timestampMs : run.startMs;
      next.push({ state: target, path, startSeq, startMs });
      const final = this.#finalAfter(target, event);
      if (final !== undefined) next.push({ state: final, path, startSeq, startMs });
    }
    if (run.state.isStart) next.push(run);
    return next;
  }

  /** The ways to take or ignore the event, from the run's state and those that it proceeds to. */
  #edges(run: Run, event: BufferedEvent): readonly Transition[] {
    const edges: Transition[] = [];
    const sinceLastMs = run.path === undefined ? 0 : event.timestampMs - run.path.event.timestampMs;
    const states = [run.state];
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      for (const transition of state.transitions) {
        if (transition.gapMs <= sinceLastMs || !transition.test(event.value, this.#context)) continue;
        if (transition.action === "proceed") states.push(transition.target);
        else edges.push(transition);
      }
    }
    return edges;
  }

  /** The final state if what is left of the pattern is optional. */
  #finalAfter(from: NfaState, event: BufferedEvent): NfaState | undefined {
    const states = [from];
    for (let state = states.pop(); state !== undefined; state = states.pop()) {
      for (const { action, target, test } of state.transitions) {
        if (action !== "proceed" || !test(event.value, this.#context)) continue;
        if (target.kind === "final") return target;
        states.push(target);
      }
    }
    return undefined;
  }

  #keep(partial: RunHeap, run: Run, before: Run): void {
    partial.add(run);
    if (run === before || run.path === undefined) return;
    const deadline = deadlineOf(run, this.#nfa.windowMs);
    if (deadline < Number.POSITIVE_INFINITY) this.#host.schedule(deadline);
  }

  /** N4: emits what need not wait, and prunes the others by the skip strategy. */
  #emit(runs: Runs, found: RunHeap): readonly Match[] {
    const { partial, completed } = runs;
    for (const run of found) completed.add(run);
    const matches: Match[] = [];
    for (let run = completed.peek(); run !== undefined; run = completed.peek()) {
      const earliest = partial.peek();
      if (this.#skip.kind !== "noSkip" && earliest !== undefined && run.startSeq > earliest.startSeq) break;
      completed.poll();
      const keptFromSeq = this.#keptFrom(run);
      partial.retain((each) => each.startSeq >= keptFromSeq);
      completed.retain((each) => each.startSeq >= keptFromSeq);
      matches.push(this.#matchOf(run.path));
    }
    return matches;
  }

  /** Runs that began before this are given up once the match is emitted. */
  #keptFrom(run: Run): number {
    switch (this.#skip.kind) {
      case "noSkip":
        return Number.NEGATIVE_INFINITY;
      case "skipToNext":
        return run.startSeq + 1;
      case "skipPastLastEvent":
        return run.path!.event.seq + 1;
      case "skipToFirst":
      case "skipToLast":
        return keptFromElement(this.#skip, run);
      default:
        return unreachable(this.#skip);
    }
  }

  #matchOf(path: PathNode | undefined): Match {
    const match: Record<string, unknown[]> = {};
    for (const stage of this.#nfa.stages) match[stage] = [];
    for (const { stage, event } of nodesOf(path)) match[stage]!.push(event.value);
    return match;
  }
}

function keptFromElement(skip: Extract<SkipRule, { readonly stage: string }>, run: Run): number {
  const nodes = nodesOf(run.path).filter((node) => node.stage === skip.stage);
  const element = skip.kind === "skipToFirst" ? nodes[0] : nodes.at(-1);
  if (skip.throwsOnMiss && (element === undefined || element.event.seq === run.startSeq)) {
    throw skipMissed(
      skip.stage,
      element === undefined ? "a match without an event of it" : "the first event of a match",
    );
  }
  return element?.event.seq ?? Number.NEGATIVE_INFINITY;
}

/** What conditions see of the run that is looked at. */
class RunContext implements ConditionContext<Match> {
  timestamp = 0;
  readonly #host: MatcherHost;
  #path: PathNode | undefined = undefined;
  #nodes: readonly PathNode[] | undefined = undefined;

  constructor(host: MatcherHost) {
    this.#host = host;
  }

  begin(path: PathNode | undefined, timestampMs: number): void {
    this.timestamp = timestampMs;
    this.#path = path;
    this.#nodes = undefined;
  }

  currentProcessingTime(): number {
    return this.#host.currentProcessingTime();
  }

  getEventsForPattern(name: string): readonly never[] {
    // Most conditions never ask, so the path is walked only here.
    this.#nodes ??= nodesOf(this.#path);
    // The pattern's types say what the stage's events are.
    return erased(this.#nodes.filter((node) => node.stage === name).map((node) => node.event.value));
  }
}
