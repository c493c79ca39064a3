/**
 * Who has which slot of the cluster: TaskManagers come and go, jobs ask for slots and give them back.
 *
 * Pure: no clock, no I/O; whoever drives it tells the time and carries out the actions.
 *
 * - R1. A slot belongs to one job at a time, and only while its TaskManager is there.
 * - R2. A request gets all of its slots at once, or none: two jobs that have half of their slots each would wait forever.
 * - R3. The oldest request that can be met is met first; one that is too large for now does not hold up the others.
 * - R4. A request is granted or refused once: refused when it has waited for `slot.request.timeout`.
 * - R5. A slot goes to a TaskManager of the name that had it before, where one has room: there may be copies of its state.
 */
import { invariant } from "../../base/errors.ts";

/** A slot of a TaskManager. */
export interface SlotAddress {
  readonly taskManagerId: string;
  readonly slotIndex: number;
}

export interface SlotRequest {
  readonly requestId: number;
  readonly jobId: string;
  /** At least 1. */
  readonly count: number;
  /** By place in the request: the name of the TaskManager that had the slot before (R5). */
  readonly previous?: readonly (string | undefined)[];
}

export type ResourceAction =
  | { readonly kind: "grant"; readonly request: SlotRequest; readonly slots: readonly SlotAddress[] }
  | { readonly kind: "refuse"; readonly request: SlotRequest };

export interface ResourceManagerOptions {
  readonly requestTimeoutMs: number;
  /**
   * `spread`: over as many TaskManagers as there are, the emptiest first. `together`: all slots of a job in one
   * TaskManager, for processes between which no records can travel.
   */
  readonly placement: "spread" | "together";
}

interface TaskManagerSlots {
  /** For R5. */
  readonly name: string | undefined;
  /** By slot: the job that has it. */
  readonly owners: (string | undefined)[];
}

interface WaitingRequest {
  readonly request: SlotRequest;
  readonly dueMs: number;
}

export class ResourceManager {
  readonly #options: ResourceManagerOptions;
  /** In the order of their registration. */
  readonly #taskManagers = new Map<string, TaskManagerSlots>();
  /** The oldest first. */
  readonly #waiting = new Map<number, WaitingRequest>();

  constructor(options: ResourceManagerOptions) {
    this.#options = options;
  }

  get slotCount(): number {
    return this.#sum(({ owners }) => owners.length);
  }

  get freeSlotCount(): number {
    return this.#sum(freeCount);
  }

  freeSlotsOf(taskManagerId: string): number {
    const known = this.#taskManagers.get(taskManagerId);
    return known === undefined ? 0 : freeCount(known);
  }

  /** The slots of a TaskManager that jobs have. */
  allocationsOf(taskManagerId: string): readonly { readonly slotIndex: number; readonly jobId: string }[] {
    const owners = this.#taskManagers.get(taskManagerId)?.owners ?? [];
    return owners.flatMap((jobId, slotIndex) => (jobId === undefined ? [] : [{ slotIndex, jobId }]));
  }

  /** The slots that a job has. */
  slotsOf(jobId: string): readonly SlotAddress[] {
    return [...this.#taskManagers.keys()].flatMap((taskManagerId) =>
      this.allocationsOf(taskManagerId)
        .filter((allocation) => allocation.jobId === jobId)
        .map(({ slotIndex }) => ({ taskManagerId, slotIndex })),
    );
  }

  /** A TaskManager offers its slots; its id is of one session and never comes again, its name may. */
  addTaskManager(taskManagerId: string, slotCount: number, name?: string): readonly ResourceAction[] {
    invariant(!this.#taskManagers.has(taskManagerId), `the TaskManager ${taskManagerId} is registered twice`);
    this.#taskManagers.set(taskManagerId, { name, owners: Array.from({ length: slotCount }, () => undefined) });
    return this.#grantAll();
  }

  /** A TaskManager is gone with all of its slots. */
  removeTaskManager(taskManagerId: string): void {
    this.#taskManagers.delete(taskManagerId);
  }

  request(request: SlotRequest, nowMs: number): readonly ResourceAction[] {
    invariant(request.count >= 1, `a request for ${request.count} slots`);
    invariant(!this.#waiting.has(request.requestId), `the request ${request.requestId} came twice`);
    this.#waiting.set(request.requestId, { request, dueMs: nowMs + this.#options.requestTimeoutMs });
    return this.#grantAll();
  }

  /** Nobody waits for the slots any more. */
  withdraw(requestId: number): void {
    this.#waiting.delete(requestId);
  }

  /** A job gives slots back; those that it does not have (any more) are left as they are. */
  release(jobId: string, slots: readonly SlotAddress[] = this.slotsOf(jobId)): readonly ResourceAction[] {
    for (const { taskManagerId, slotIndex } of slots) {
      const owners = this.#taskManagers.get(taskManagerId)?.owners;
      if (owners?.[slotIndex] === jobId) owners[slotIndex] = undefined;
    }
    return this.#grantAll();
  }

  /** Refuses what has waited for too long (R4). */
  onTime(nowMs: number): readonly ResourceAction[] {
    const late = [...this.#waiting.values()].filter(({ dueMs }) => dueMs <= nowMs);
    for (const { request } of late) this.#waiting.delete(request.requestId);
    return late.map(({ request }) => ({ kind: "refuse", request }));
  }

  /** When `onTime` has something to do. */
  nextDueMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#waiting.values()].map(({ dueMs }) => dueMs));
  }

  // R3.
  #grantAll(): readonly ResourceAction[] {
    const granted: ResourceAction[] = [];
    for (const { request } of [...this.#waiting.values()]) {
      const slots = this.#choose(request);
      if (slots === undefined) continue;
      this.#waiting.delete(request.requestId);
      for (const { taskManagerId, slotIndex } of slots) {
        this.#taskManagers.get(taskManagerId)!.owners[slotIndex] = request.jobId;
      }
      granted.push({ kind: "grant", request, slots });
    }
    return granted;
  }

  /** Free slots for all of the request, or undefined (R2). */
  #choose({ jobId, count, previous = [] }: SlotRequest): readonly SlotAddress[] | undefined {
    const free = new Map(
      [...this.#taskManagers].map(([taskManagerId, { owners }]) => [
        taskManagerId,
        owners.flatMap((owner, slotIndex) => (owner === undefined ? [slotIndex] : [])),
      ]),
    );
    if (this.#options.placement === "together") return this.#chooseTogether(jobId, count, free);
    const chosen = Array.from({ length: count }, (_, place) => this.#takePrevious(previous[place], free));
    for (const [place, taken] of chosen.entries()) {
      if (taken !== undefined) continue;
      const [taskManagerId, slots] = [...free].reduce(
        (best, each) => (each[1].length > best[1].length ? each : best),
        ["", [] as number[]],
      );
      const slotIndex = slots.shift();
      if (slotIndex === undefined) return undefined;
      chosen[place] = { taskManagerId, slotIndex };
    }
    // None is missing.
    return chosen as SlotAddress[];
  }

  /** R5. */
  #takePrevious(name: string | undefined, free: ReadonlyMap<string, number[]>): SlotAddress | undefined {
    if (name === undefined) return undefined;
    for (const [taskManagerId, slots] of free) {
      if (this.#taskManagers.get(taskManagerId)?.name !== name) continue;
      const slotIndex = slots.shift();
      if (slotIndex !== undefined) return { taskManagerId, slotIndex };
    }
    return undefined;
  }

  #chooseTogether(
    jobId: string,
    count: number,
    free: ReadonlyMap<string, readonly number[]>,
  ): readonly SlotAddress[] | undefined {
    const bound = this.slotsOf(jobId)[0]?.taskManagerId;
    for (const [taskManagerId, slots] of free) {
      if (slots.length < count || (bound !== undefined && bound !== taskManagerId)) continue;
      return slots.slice(0, count).map((slotIndex) => ({ taskManagerId, slotIndex }));
    }
    return undefined;
  }

  #sum(of: (slots: TaskManagerSlots) => number): number {
    return [...this.#taskManagers.values()].reduce((sum, each) => sum + of(each), 0);
  }
}

function freeCount({ owners }: TaskManagerSlots): number {
  return owners.filter((owner) => owner === undefined).length;
}
