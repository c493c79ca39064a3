/**
 * Makes the automaton of a pattern, from its last stage to its first.
 *
 * - P1. An optional stage is a state that also proceeds to what follows; once it has ignored an event it waits in a twin
 *   that does not, so that each way through the pattern is tried once.
 * - P2. `times(from, to)` is a chain of states, a loop a state that takes into itself, each behind as many as are needed.
 * - P3. A `notFollowedBy` is no state of its own: those that wait behind it proceed to a stop state. At the end of a
 *   pattern it is a pending state.
 * - P4. A stage that took an event is behind the not-stages before it. Where these lie before an optional stage, what
 *   follows exists twice: with them and without.
 * - P5. The first stage of a group takes the place of the group: its strategy and whether it is optional are the group's.
 */
import type { MillraceError } from "millrace";
import { always, and, type Expression, not } from "./conditions.ts";
import { type Nfa, NfaState, type StateKind } from "./nfa-state.ts";
import { malformed } from "./pattern-errors.ts";
import { isNot, leavesOf, type Stage, sequenceOf, type Times, windowOf } from "./stage.ts";

const NO_LIMIT = Number.POSITIVE_INFINITY;

/** @throws MillraceError `MR_PATTERN_INVALID` @internal */
export function compilePattern(last: Stage): Nfa {
  const windowMs = windowOf(last);
  checkNames(last);
  checkEnd(last, windowMs);
  checkGroups(last);
  const compiler = new PatternCompiler(windowMs ?? NO_LIMIT);
  const start = compiler.compile(last);
  checkLoops(compiler.states);
  return {
    start,
    states: new Map(compiler.states.map((state) => [state.id, state])),
    stages: leavesOf(last)
      .filter((stage) => !isNot(stage))
      .map((stage) => stage.name),
    windowMs: windowMs ?? NO_LIMIT,
  };
}

/** How many states a pattern may have: `times` makes one for each repetition. */
const STATES_MAX = 10_000;

class PatternCompiler {
  readonly states: NfaState[] = [];
  readonly #windowMs: number;
  readonly #counts = new Map<string, number>();
  readonly #stopStates = new Map<string, NfaState>();
  /** Where a greedy stage with `until` left to before what follows it was changed; by the id of what was changed. */
  readonly #beforeGreedy = new Map<string, NfaState>();
  /** Whether the states of a group that are made now begin it, or repeat it. */
  readonly #isFirstOfLoop = new Map<Stage, boolean>();
  #current: Stage | undefined = undefined;
  #following: Stage | undefined = undefined;
  #group: Stage | undefined = undefined;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  compile(last: Stage): NfaState {
    const start = this.#sequence(last, this.#state("", "final"));
    start.isStart = true;
    return start;
  }

  get #stage(): Stage {
    return this.#current!;
  }

  #state(stage: string, kind: StateKind): NfaState {
    const count = this.#counts.get(stage) ?? 0;
    this.#counts.set(stage, count + 1);
    const state = new NfaState(`${stage}:${count}`, stage, kind);
    this.states.push(state);
    if (this.states.length > STATES_MAX) throw tooLarge(stage);
    return state;
  }

  /** The stages up to `last`, which leads to `sink`. Returns the state that the first one begins with. */
  #sequence(last: Stage, end: NfaState): NfaState {
    let sink = end;
    this.#current = last;
    while (this.#stage.previous !== undefined) {
      sink = this.#middle(sink);
      this.#following = this.#stage;
      this.#current = this.#stage.previous;
    }
    return this.#converted(sink);
  }

  #middle(sink: NfaState): NfaState {
    const stage = this.#stage;
    if (stage.consuming === "notFollow") return sink.kind === "final" ? this.#pending(sink) : sink;
    if (stage.consuming !== "notNext") return this.#converted(sink);
    const state = this.#state(stage.name, "normal");
    const condition = this.#takeCondition(stage);
    // To the end by an event that is ignored: the stage before must not find the way open.
    if (sink.kind === "final") state.ignore(sink, not(condition));
    else state.proceed(sink, not(condition));
    state.proceed(this.#stopState(condition, stage.name), condition);
    if (stage.gapMs !== undefined) state.timeoutMs = stage.gapMs;
    return state;
  }

  #pending(sink: NfaState): NfaState {
    const stage = this.#stage;
    if (stage.gapMs === undefined && this.#windowMs === NO_LIMIT) return sink;
    const state = this.#state(stage.name, "pending");
    const condition = this.#takeCondition(stage);
    state.proceed(this.#stopState(condition, stage.name), condition);
    state.ignore(state, not(condition));
    if (stage.gapMs !== undefined) state.timeoutMs = stage.gapMs;
    return state;
  }

  #converted(sink: NfaState): NfaState {
    const stage = this.#stage;
    let state: NfaState;
    if (stage.quantifier === "looping") {
      this.#setFirstOfLoop(false);
      const loop = this.#loop(this.#withoutEarlierNots(sink));
      this.#setFirstOfLoop(true);
      state = this.#repeated(loop, sink, stage.times!);
    } else if (stage.quantifier === "times") state = this.#repeated(sink, sink, stage.times!);
    else {
      const [take, ignore] = [this.#takeCondition(stage), this.#ignoreCondition(stage)];
      state = this.#single(sink, {
        take,
        ignore,
        proceedTo: this.#isOptional(stage) ? sink : undefined,
        isEntry: true,
      });
    }
    this.#addStops(state);
    return state;
  }

  /** P2, all but the loop. */
  #repeated(end: NfaState, proceedTo: NfaState, times: Times): NfaState {
    const stage = this.#stage;
    this.#setFirstOfLoop(false);
    const take = this.#unlessUntil(this.#takeCondition(stage), stage.until);
    const ignore = this.#ignoredUnlessUntil(this.#innerIgnoreCondition(stage), stage.until);
    if (stage.isGreedy && times.from !== times.to) {
      if (stage.until !== undefined) this.#beforeGreedy.set(proceedTo.id, this.#copyOf(proceedTo));
      proceedTo.leaveTo(take);
    }
    const gapMs = Math.min(times.gapMs ?? NO_LIMIT, stage.gapMs ?? NO_LIMIT);
    let sink = end;
    for (let count = times.from; count < times.to; count++) {
      sink = this.#single(sink, { take, ignore, proceedTo, gapMs, isEntry: false });
      this.#addStopOfFollowing(sink);
    }
    for (let count = 1; count < times.from; count++) {
      sink = this.#single(sink, { take, ignore, proceedTo: undefined, gapMs, isEntry: false });
      this.#addStopOfFollowing(sink);
    }
    this.#setFirstOfLoop(true);
    const entry = { take, ignore: this.#ignoreCondition(stage), isEntry: true };
    return this.#single(sink, { ...entry, proceedTo: this.#isOptional(stage) ? proceedTo : undefined });
  }

  /** P1: a state for one event of the current stage. */
  #single(sink: NfaState, step: Step): NfaState {
    const stage = this.#stage;
    if (stage.group !== undefined) return this.#groupOnce(stage, sink, step.proceedTo);
    const gapMs = step.gapMs ?? stage.gapMs ?? NO_LIMIT;
    const state = this.#state(stage.name, "normal");
    const target = this.#withoutEarlierNots(sink);
    state.take(target, step.take, gapMs);
    // What the entry of a group proceeds to is known when the group is complete.
    const isGroupEntry = step.isEntry && this.#isHeadOfGroup(stage);
    if (step.proceedTo !== undefined && !isGroupEntry) this.#proceed(state, step.proceedTo);
    if (step.proceedTo === undefined) state.timeoutMs = gapMs;
    if (step.ignore === undefined) return state;
    if (step.proceedTo === undefined) {
      state.ignore(state, step.ignore);
      return state;
    }
    const waiting = this.#state(stage.name, "normal");
    waiting.take(target, step.take, gapMs);
    waiting.ignore(waiting, step.ignore);
    waiting.timeoutMs = gapMs;
    this.#addStops(waiting);
    state.ignore(waiting, step.ignore);
    return state;
  }

  /** A greedy stage goes on to what follows unchanged once its `until` holds. */
  #proceed(state: NfaState, target: NfaState): void {
    const { isGreedy, until } = this.#stage;
    if (!isGreedy || until === undefined) {
      state.proceed(target);
      return;
    }
    state.proceed(this.#beforeGreedy.get(target.id) ?? target, until);
    state.proceed(target, not(until));
  }

  /** P2: a state that takes into itself and proceeds to `sink`. */
  #loop(sink: NfaState): NfaState {
    const stage = this.#stage;
    if (stage.group !== undefined) return this.#groupLoop(stage, sink);
    const take = this.#unlessUntil(this.#takeCondition(stage), stage.until);
    const ignore = this.#ignoredUnlessUntil(this.#innerIgnoreCondition(stage), stage.until);
    const gapMs = Math.min(stage.times!.gapMs ?? NO_LIMIT, stage.gapMs ?? NO_LIMIT);
    const loop = this.#state(stage.name, "normal");
    if (stage.isGreedy && stage.until !== undefined) this.#beforeGreedy.set(sink.id, this.#copyOf(sink));
    this.#proceed(loop, sink);
    if (stage.isGreedy) sink.leaveTo(this.#takeCondition(stage));
    loop.take(loop, take, gapMs);
    this.#addStopOfFollowing(loop);
    if (ignore !== undefined) {
      const waiting = this.#state(stage.name, "normal");
      waiting.take(loop, take, gapMs);
      waiting.ignore(waiting, ignore);
      waiting.timeoutMs = gapMs;
      loop.ignore(waiting, ignore);
      this.#addStopOfFollowing(waiting);
    }
    return loop;
  }

  #groupOnce(group: Stage, sink: NfaState, proceedTo: NfaState | undefined): NfaState {
    const head = this.#inGroup(group, () => this.#sequence(group.group!, sink));
    if (proceedTo === undefined) return head;
    head.proceed(proceedTo);
    head.timeoutMs = NO_LIMIT;
    return head;
  }

  #groupLoop(group: Stage, sink: NfaState): NfaState {
    const back = this.#state(group.name, "normal");
    const head = this.#inGroup(group, () => this.#sequence(group.group!, back));
    head.proceed(sink);
    back.proceed(head);
    return head;
  }

  #inGroup<R>(group: Stage, make: () => R): R {
    const [current, following, outer] = [this.#current, this.#following, this.#group];
    this.#group = group;
    const made = make();
    this.#current = current;
    this.#following = following;
    this.#group = outer;
    return made;
  }

  /** P4: what follows, for those that took an event of an optional stage behind not-stages. */
  #withoutEarlierNots(sink: NfaState): NfaState {
    const nots = this.#earlierNots();
    if (nots.length === 0 || !this.#stage.isOptional) return sink;
    const copy = this.#state(sink.stage, sink.kind);
    copy.timeoutMs = sink.timeoutMs;
    for (const { action, target, condition, gapMs } of sink.transitions) {
      if (action === "take") copy.take(target === sink ? copy : target, condition, gapMs);
      else if (action === "ignore") copy.ignore(target === sink ? copy : target, condition);
      else if (target.kind !== "stop") copy.proceed(this.#withoutEarlierNots(target), condition);
      else if (!nots.some((each) => each.name === target.stage)) copy.proceed(target, condition);
    }
    return copy;
  }

  #copyOf(state: NfaState): NfaState {
    const copy = this.#state(state.stage, state.kind);
    copy.copyTransitionsOf(state);
    return copy;
  }

  /** The `notFollowedBy` right before the current stage, and those before optional stages in between. */
  #earlierNots(): readonly Stage[] {
    const nots: Stage[] = [];
    for (let stage = this.#stage.previous; stage !== undefined; stage = stage.previous) {
      if (!stage.isOptional && stage.consuming !== "notFollow") break;
      if (stage.consuming === "notFollow") nots.push(stage);
    }
    return nots;
  }

  #addStops(state: NfaState): void {
    for (const stage of this.#earlierNots()) {
      const condition = this.#takeCondition(stage);
      state.proceed(this.#stopState(condition, stage.name), condition);
    }
  }

  // A run that may still repeat its stage has to look out for what must not follow, too.
  #addStopOfFollowing(state: NfaState): void {
    const following = this.#following;
    if (following?.consuming !== "notFollow") return;
    const condition = this.#takeCondition(following);
    state.proceed(this.#stopState(condition, following.name), condition);
  }

  #stopState(condition: Expression, name: string): NfaState {
    const existing = this.#stopStates.get(name);
    if (existing !== undefined) return existing;
    const state = this.#state(name, "stop");
    state.take(state, condition);
    this.#stopStates.set(name, state);
    return state;
  }

  #takeCondition(stage: Stage): Expression {
    return this.#unlessUntil(stage.condition ?? always, this.#group?.until);
  }

  #ignoreCondition(stage: Stage): Expression | undefined {
    const group = this.#isHeadOfGroup(stage) ? this.#group! : undefined;
    if (group === undefined) return this.#ignored(stage, stage.consuming);
    return this.#ignored(stage, this.#isInFirstOfLoop() ? group.consuming : group.inner);
  }

  #innerIgnoreCondition(stage: Stage): Expression | undefined {
    return this.#ignored(stage, this.#isHeadOfGroup(stage) ? this.#group!.inner : stage.inner);
  }

  #ignored(stage: Stage, strategy: Stage["consuming"]): Expression | undefined {
    if (strategy === "skipTillNext")
      return this.#ignoredUnlessUntil(not(stage.condition ?? always), this.#group?.until);
    return strategy === "skipTillAny" ? this.#ignoredUnlessUntil(always, this.#group?.until) : undefined;
  }

  #unlessUntil(condition: Expression, until: Expression | undefined): Expression {
    return until === undefined ? condition : and(not(until), condition);
  }

  #ignoredUnlessUntil(condition: Expression | undefined, until: Expression | undefined): Expression | undefined {
    return condition === undefined ? undefined : this.#unlessUntil(condition, until);
  }

  #isHeadOfGroup(stage: Stage): boolean {
    return this.#group !== undefined && stage.previous === undefined;
  }

  /** P5. */
  #isOptional(stage: Stage): boolean {
    return this.#isHeadOfGroup(stage) ? this.#isInFirstOfLoop() && this.#group!.isOptional : stage.isOptional;
  }

  #isInFirstOfLoop(): boolean {
    return this.#isFirstOfLoop.get(this.#group!) ?? true;
  }

  #setFirstOfLoop(isFirst: boolean): void {
    if (this.#stage.group !== undefined) this.#isFirstOfLoop.set(this.#stage, isFirst);
  }
}

/** How one event of a stage is taken. */
interface Step {
  readonly take: Expression;
  readonly ignore: Expression | undefined;
  /** Where a run goes without the event; undefined where it cannot. */
  readonly proceedTo: NfaState | undefined;
  readonly gapMs?: number;
  /** Whether this is the first event of the stage. */
  readonly isEntry: boolean;
}

function checkNames(last: Stage): void {
  const names = new Set<string>();
  for (const { name } of leavesOf(last)) {
    if (names.has(name)) {
      throw malformed({
        what: "Two stages of a pattern have one name",
        found: `"${name}" twice`,
        expected: "a name of its own for each stage",
        todo: "Rename one of them",
      });
    }
    names.add(name);
  }
}

function checkEnd(last: Stage, windowMs: number | undefined): void {
  if (last.consuming === "notFollow" && windowMs === undefined && last.gapMs === undefined) {
    throw malformed({
      what: "A pattern that ends with notFollowedBy needs a limit: only time shows that nothing followed",
      found: `the last stage "${last.name}" without one`,
      expected: "a pattern with within",
      todo: "Call within on it",
    });
  }
  for (const { gapMs, times } of leavesOf(last)) {
    const longest = Math.max(gapMs ?? 0, times?.gapMs ?? 0);
    if (windowMs === undefined || longest <= windowMs) continue;
    throw malformed({
      what: "The time between two events of a match cannot be longer than that of the whole match",
      found: `${longest} ms between two events, ${windowMs} ms from first to last`,
      expected: "a shorter time between two events",
      todo: "Correct one of the calls of within",
    });
  }
}

/** P5 leaves no place for what these would mean. */
function checkGroups(last: Stage): void {
  for (const { group, name } of sequenceOf(last)) {
    if (group === undefined) continue;
    checkGroups(group);
    const isOptional = sequenceOf(group)[0]!.isOptional;
    if (!isOptional && group.consuming !== "notFollow") continue;
    throw malformed({
      what: "A group cannot begin with an optional stage or end with notFollowedBy",
      found: `the group "${name}" ${isOptional ? "begins" : "ends"} so`,
      expected: "stages that have to match at both ends",
      todo: "Make the group optional, or move the stage out of it",
    });
  }
}

/** A run that proceeds in a circle would never get to its event. */
function checkLoops(states: readonly NfaState[]): void {
  const done = new Set<NfaState>();
  for (const first of states) {
    const onPath = new Set<NfaState>();
    const stack: (readonly [state: NfaState, isLeaving: boolean])[] = [[first, false]];
    for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
      const [state, isLeaving] = step;
      if (isLeaving) {
        onPath.delete(state);
        done.add(state);
        continue;
      }
      if (onPath.has(state)) throw emptyLoop(state);
      if (done.has(state)) continue;
      onPath.add(state);
      stack.push([state, true]);
      for (const { action, target } of state.transitions) if (action === "proceed") stack.push([target, false]);
    }
  }
}

function emptyLoop(state: NfaState): MillraceError {
  return malformed({
    what: "A group that repeats could match nothing, again and again",
    found: `only optional stages around ${state.stage}`,
    expected: "a group with a stage that has to match",
    todo: "Make one of its stages mandatory",
  });
}

function tooLarge(stage: string): MillraceError {
  return malformed({
    what: "A pattern is too large",
    found: `more than ${STATES_MAX} states at stage "${stage}"`,
    expected: `at most ${STATES_MAX}: each repetition counts`,
    todo: "Count in a condition with getEventsForPattern, or with fewer repetitions",
  });
}
