/** The TaskManagers of a cluster and their slots: drives the pure ResourceManager with a clock and with sessions. */
import { invariant, type MillraceError, unreachable } from "../base/errors.ts";
import {
  type ResourceAction,
  ResourceManager,
  type ResourceManagerOptions,
} from "../jobmanager/resourcemanager/resource-manager.ts";
import type { Cancel, Clock, Random } from "../platform/platform.ts";
import type { RpcSession } from "../rpc/rpc-session.ts";
import { noResources } from "./cluster-errors.ts";
import type { TaskManagerRegistration } from "./cluster-messages.ts";
import { RegisteredTaskManager } from "./registered-task-manager.ts";

/** A slot that a job has. */
export interface AssignedSlot {
  readonly taskManager: RegisteredTaskManager;
  readonly slotIndex: number;
}

interface Waiting {
  readonly jobId: string;
  resolve(slots: readonly AssignedSlot[]): void;
  reject(error: MillraceError): void;
}

export interface ClusterResourcesOptions extends ResourceManagerOptions {
  readonly clock: Clock;
  readonly random: Random;
}

export class ClusterResources {
  readonly #options: ClusterResourcesOptions;
  readonly #manager: ResourceManager;
  readonly #taskManagers = new Map<string, RegisteredTaskManager>();
  readonly #waiting = new Map<number, Waiting>();
  #requestCount = 0;
  #cancelTimer: Cancel = () => {};

  constructor(options: ClusterResourcesOptions) {
    this.#options = options;
    this.#manager = new ResourceManager(options);
  }

  get slotCount(): number {
    return this.#manager.slotCount;
  }

  get freeSlotCount(): number {
    return this.#manager.freeSlotCount;
  }

  get taskManagers(): readonly RegisteredTaskManager[] {
    return [...this.#taskManagers.values()];
  }

  freeSlotsOf(taskManagerId: string): number {
    return this.#manager.freeSlotsOf(taskManagerId);
  }

  allocationsOf(taskManagerId: string): readonly { readonly slotIndex: number; readonly jobId: string }[] {
    return this.#manager.allocationsOf(taskManagerId);
  }

  taskManager(taskManagerId: string): RegisteredTaskManager | undefined {
    return this.#taskManagers.get(taskManagerId);
  }

  ofSession(session: RpcSession): RegisteredTaskManager | undefined {
    return this.taskManagers.find((each) => each.is(session));
  }

  /** A TaskManager offers its slots for as long as the session lasts. */
  register(registration: TaskManagerRegistration, session: RpcSession): RegisteredTaskManager {
    const { random, clock } = this.#options;
    const taskManager = new RegisteredTaskManager(random.uuid(), registration, session, clock.wallMs());
    this.#taskManagers.set(taskManager.id, taskManager);
    this.#execute(this.#manager.addTaskManager(taskManager.id, registration.slotCount, registration.name));
    return taskManager;
  }

  /** The session of a TaskManager has ended. */
  lose(taskManager: RegisteredTaskManager, reason: MillraceError | undefined): void {
    if (!this.#taskManagers.delete(taskManager.id)) return;
    this.#manager.removeTaskManager(taskManager.id);
    taskManager.lose(reason);
  }

  /**
   * Slots for a job, all of them at once.
   *
   * @param previous - The name of the TaskManager that had each of them before (R5 of resource-manager.ts); as many as slots.
   * @throws MillraceError `MR_NO_RESOURCES` after `slot.request.timeout`
   */
  request(jobId: string, previous: readonly (string | undefined)[]): Promise<readonly AssignedSlot[]> {
    const requestId = this.#requestCount++;
    const count = previous.length;
    return new Promise((resolve, reject) => {
      this.#waiting.set(requestId, { jobId, resolve, reject });
      this.#execute(this.#manager.request({ requestId, jobId, count, previous }, this.#options.clock.monoMs()));
    });
  }

  /** The job needs no slots any more; who waits for some is told `reason`. */
  release(jobId: string, reason: MillraceError): void {
    for (const [requestId, waiting] of [...this.#waiting]) {
      if (waiting.jobId !== jobId) continue;
      this.#waiting.delete(requestId);
      this.#manager.withdraw(requestId);
      waiting.reject(reason);
    }
    this.#execute(this.#manager.release(jobId));
  }

  close(): void {
    this.#cancelTimer();
  }

  #execute(actions: readonly ResourceAction[]): void {
    for (const action of actions) {
      const { requestId, jobId, count } = action.request;
      const waiting = this.#waiting.get(requestId);
      invariant(waiting !== undefined, `nobody waits for the slots of request ${requestId}`);
      this.#waiting.delete(requestId);
      switch (action.kind) {
        case "grant":
          waiting.resolve(
            action.slots.map(({ taskManagerId, slotIndex }) => ({
              taskManager: this.#taskManagers.get(taskManagerId)!,
              slotIndex,
            })),
          );
          break;
        case "refuse":
          waiting.reject(noResources(jobId, count, this.#options.requestTimeoutMs, this.#found()));
          break;
        default:
          unreachable(action);
      }
    }
    this.#schedule();
  }

  #found(): string {
    const { slotCount, freeSlotCount } = this.#manager;
    const each = this.taskManagers.map(({ id }) => this.#manager.freeSlotsOf(id)).join(", ");
    const detail = this.#options.placement === "together" && each !== "" ? `, by TaskManager ${each}` : "";
    return `${freeSlotCount} of ${slotCount} slots free in ${this.#taskManagers.size} TaskManagers${detail}`;
  }

  #schedule(): void {
    this.#cancelTimer();
    const due = this.#manager.nextDueMs();
    if (due === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#options;
    this.#cancelTimer = clock.after(Math.max(0, due - clock.monoMs()), () =>
      this.#execute(this.#manager.onTime(clock.monoMs())),
    );
  }
}
