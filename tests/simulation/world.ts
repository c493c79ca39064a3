/** What is around the jobs of one simulation and outlives them: the sink's store, what went wrong, what was done to them. */
import { allRecords, type Numbered } from "./numbered-source.ts";
import type { FaultKind, SimulationPlan } from "./plan.ts";
import { TransactionalStore } from "./transactional-store.ts";

/** The invariants of docs/internals/simulation.md. */
export type InvariantId =
  | "I1"
  | "I2"
  | "I3"
  | "I4"
  | "I5"
  | "I6"
  | "I7"
  | "I8"
  | "I9"
  | "I10"
  | "I11"
  | "I12"
  | "I13"
  | "I14"
  | "I15"
  | "L1"
  | "L4"
  | "M8"
  | "E";

export interface Violation {
  readonly invariant: InvariantId;
  readonly text: string;
  readonly atMs: number;
}

export interface Completing {
  readonly directory: string;
  readonly checkpointId: number;
  readonly lastCheckpointId: number;
}

/** More of the same say nothing new. */
const VIOLATIONS_MAX = 20;

export class World {
  readonly plan: SimulationPlan;
  readonly store: TransactionalStore;
  readonly violations: Violation[] = [];
  readonly faultCounts: Map<FaultKind, number> = new Map();
  /** Completed snapshots, by directory. */
  readonly completed: Map<string, number> = new Map();
  /** Of the checkpoints, savepoints left out, the one that completed last. */
  lastCheckpointId = 0;
  /** The newest checkpoint while it is visible and may still be taken back, and which one was the last before it. */
  completing: Completing | undefined = undefined;
  /** Of the snapshots that are there to stay: durable, in a cluster noted as the one to go on from. */
  newestDurableId = 0;
  /** By key and split: from each number (-1: none) to the next. */
  readonly #order: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** When something went wrong last, or stopped to. */
  lastDisturbedMs: number = Number.NEGATIVE_INFINITY;
  /** How many user functions are to throw. */
  pendingThrows = 0;
  isStoreDown = false;
  readonly #nowMs: () => number;
  /** Regions in which a user's function has thrown. */
  readonly #thrownIn: Set<string> = new Set();

  constructor(plan: SimulationPlan, nowMs: () => number) {
    this.plan = plan;
    this.#nowMs = nowMs;
    this.#order = orderOf(allRecords(plan));
    this.store = new TransactionalStore(this);
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  /** The number of the next record of the same split and key. */
  numberAfter({ key, split }: Numbered, last: number): number | undefined {
    return this.#order.get(`${key}/${split}`)?.get(last);
  }

  violated(invariant: InvariantId, text: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push({ invariant, text, atMs: this.nowMs });
  }

  /** The run itself has ended with an error. */
  stuck(error: unknown): void {
    this.violated("I13", error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
  }

  get faultCount(): number {
    let sum = 0;
    for (const count of this.faultCounts.values()) sum += count;
    return sum;
  }

  countFault(kind: FaultKind): void {
    this.faultCounts.set(kind, (this.faultCounts.get(kind) ?? 0) + 1);
    this.disturbed();
  }

  disturbed(): void {
    this.lastDisturbedMs = this.nowMs;
  }

  /** Called by user functions for every record. @throws the failure that is due */
  onRecord(region: string): void {
    if (this.pendingThrows === 0) return;
    this.pendingThrows--;
    this.#thrownIn.add(region);
    this.disturbed();
    throw new Error("injected: a user's function throws");
  }

  /** Called by user functions when they are opened: where nothing else can go wrong, only a region that has failed is again. */
  onOpen(region: string, attemptNumber: number): void {
    const isOnlyThrowing = this.plan.faults.every(({ kind }) => kind === "throw");
    if (attemptNumber > 0 && isOnlyThrowing && !this.#thrownIn.has(region))
      this.violated("M8", `${region} is in attempt ${attemptNumber}, and has not failed`);
  }
}

function orderOf(records: readonly Numbered[]): ReadonlyMap<string, ReadonlyMap<number, number>> {
  const order = new Map<string, Map<number, number>>();
  const last = new Map<string, number>();
  for (const { key, split, number } of records) {
    const lane = `${key}/${split}`;
    const next = order.get(lane) ?? new Map<number, number>();
    next.set(last.get(lane) ?? -1, number);
    order.set(lane, next);
    last.set(lane, number);
  }
  return order;
}
