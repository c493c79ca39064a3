/**
 * Explores every order in which the slots of a model can do their steps, breadth first, each state once.
 *
 * A state is the shared memory, and for each slot its snapshot at its last rest and the results of the steps since: what
 * a slot does depends on nothing else. To go on from a state the slot's generator is started again at the rest and given
 * those results.
 *
 * What is checked in every state, besides M1 to M3 of the memory and what the ends check themselves:
 * - No two slots are about to touch the same byte (a data race). Programs without one behave as if their steps came one
 *   after the other, which is what makes this exploration cover weakly ordered processors too.
 * - Some slot can go on, timers left aside, or all are done: nobody sleeps over work that nobody will ring for.
 * - From everywhere, the end can be reached without the help of timers.
 */
import { isRace, type MemorySnapshot, type ModelMemory, Violation } from "./model-memory.ts";
import type { ModelSlot, SlotSnapshot } from "./model-slot.ts";
import type { Step } from "./stepwise.ts";

export interface Model {
  readonly memory: ModelMemory;
  readonly slots: readonly ModelSlot[];
  /** Index of each slot's word. */
  readonly ownWords: readonly number[];
  /** How often something else than the bell may wake each slot. */
  readonly timers: number;
}

export interface Exploration {
  readonly states: number;
  /** Undefined when every order is right. */
  readonly violation: string | undefined;
  /** The steps that lead there, shortest way. */
  readonly trace: readonly string[];
}

/** A model with more states is too large for a test. */
const STATES_MAX = 2_000_000;

interface SlotState {
  readonly rest: SlotSnapshot;
  readonly results: readonly number[];
  /** What the slot does next; undefined when it rests. */
  readonly next: Step | undefined;
  readonly timers: number;
}

interface State {
  readonly memory: MemorySnapshot;
  readonly slots: readonly SlotState[];
  readonly parent: number;
  readonly label: string;
}

interface Move {
  readonly label: string;
  readonly isTimer: boolean;
  readonly make: () => SlotState;
}

export function explore(model: Model): Exploration {
  return new Explorer(model).run();
}

class Explorer {
  readonly #model: Model;
  readonly #states: State[] = [];
  readonly #ids: Map<string, number> = new Map();
  /** Where each state was reached from without a timer. */
  readonly #origins: number[][] = [];
  readonly #ends: number[] = [];

  constructor(model: Model) {
    this.#model = model;
  }

  run(): Exploration {
    const { slots, timers } = this.#model;
    const first = slots.map((slot) => this.#settle(slot, slot.save(), [], timers));
    this.#add(first, -1, "", false);
    let id = 0;
    try {
      for (; id < this.#states.length; id++) this.#expand(id);
      id = this.#findStateWithoutEnd();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return { states: this.#states.length, violation: error.message, trace: this.#traceTo(id) };
    }
    const violation = id < 0 ? undefined : "the end cannot be reached";
    return { states: this.#states.length, violation, trace: this.#traceTo(id) };
  }

  #expand(id: number): void {
    const state = this.#states[id]!;
    this.#checkRaces(state);
    let canGoOn = false;
    for (let slot = 0; slot < state.slots.length; slot++) {
      for (const move of this.#movesOf(state, slot)) {
        canGoOn ||= !move.isTimer;
        this.#model.memory.restore(state.memory);
        const slots = [...state.slots];
        slots[slot] = move.make();
        this.#add(slots, id, move.label, move.isTimer);
      }
    }
    if (canGoOn) return;
    if (!state.slots.every(({ rest }) => rest.phase === "done"))
      throw new Violation("every slot sleeps, and there is work");
    this.#model.memory.restore(state.memory);
    if (this.#model.memory.hasUnread) throw new Violation("bytes are left in a ring");
    this.#ends.push(id);
  }

  #movesOf(state: State, index: number): readonly Move[] {
    const { memory, slots, ownWords } = this.#model;
    const slot = slots[index]!;
    const { rest, results, next, timers } = state.slots[index]!;
    if (next !== undefined) {
      const make = (): SlotState =>
        this.#settle(slot, rest, [...results, memory.do(next, index, ownWords[index]!)], timers);
      return [{ label: `slot ${index}: ${rest.phase}: ${describe(next)}`, isTimer: false, make }];
    }
    const moves: Move[] = [];
    memory.restore(state.memory);
    slot.restore(rest);
    const act = (label: string, isTimer: boolean, action: () => void): void => {
      const make = (): SlotState => {
        slot.restore(rest);
        action();
        return this.#settle(slot, slot.save(), [], timers - (isTimer ? 1 : 0));
      };
      moves.push({ label: `slot ${index}: ${label}`, isTimer, make });
    };
    if (slot.isBetweenTurns && memory.isRung(index)) act("hears the bell", false, () => memory.runRung(index));
    if (slot.isAsleep && timers > 0) act("is woken by a timer", true, slot.wake);
    if (rest.phase === "scheduled") act("has its turn", false, () => void slot.run().next());
    return moves;
  }

  /** Runs the slot from its rest through the steps whose results are known to its next step, or to where it has to wait. */
  #settle(slot: ModelSlot, from: SlotSnapshot, known: readonly number[], timers: number): SlotState {
    let rest = from;
    let results = known;
    slot.restore(rest);
    for (;;) {
      if (slot.isDone || slot.isBetweenTurns) return { rest: slot.save(), results: [], next: undefined, timers };
      const steps = slot.run();
      let next = steps.next();
      for (const result of results) next = steps.next(result);
      if (next.done !== true) return { rest, results, next: next.value, timers };
      rest = slot.save();
      results = [];
    }
  }

  #add(slots: readonly SlotState[], parent: number, label: string, isTimer: boolean): void {
    const { memory } = this.#model;
    const key = `${memory.key()}|${slots.map(({ rest, results, timers }) => JSON.stringify([rest, results, timers])).join("|")}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#states.length;
      if (id === STATES_MAX) throw new Error("the model has too many states");
      this.#ids.set(key, id);
      this.#states.push({ memory: memory.save(), slots, parent, label });
      this.#origins.push([]);
    }
    if (parent >= 0 && !isTimer) this.#origins[id]!.push(parent);
  }

  #checkRaces({ slots }: State): void {
    for (const [index, { next }] of slots.entries()) {
      for (const other of slots.slice(index + 1)) {
        if (next !== undefined && other.next !== undefined && isRace(next, other.next)) {
          throw new Violation("two threads touch a byte at once");
        }
      }
    }
  }

  #findStateWithoutEnd(): number {
    const reaching = new Set(this.#ends);
    for (const id of reaching) for (const origin of this.#origins[id]!) reaching.add(origin);
    return this.#states.findIndex((_, id) => !reaching.has(id));
  }

  #traceTo(id: number): readonly string[] {
    const trace: string[] = [];
    for (let at = id; at > 0; at = this.#states[at]!.parent) trace.push(this.#states[at]!.label);
    return trace.reverse();
  }
}

function describe(step: Step): string {
  switch (step.kind) {
    case "writeByte":
    case "readByte":
      return `${step.kind} ${step.cell}`;
    case "load":
    case "wait":
    case "notify":
      return `${step.kind} ${step.index}`;
    default:
      return `${step.kind} ${step.index} = ${step.value}`;
  }
}
