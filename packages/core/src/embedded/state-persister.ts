import type { TaskId } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { EncodedOperatorState } from "../task/snapshot-in-progress.ts";
import type { AttemptOptions } from "./attempt-options.ts";

/** Makes the state of an attempt's subtasks durable and acknowledges it, until the attempt ends. */
export class StatePersister {
  readonly #options: Pick<AttemptOptions, "listener" | "persist">;
  readonly #persisting = new Set<Promise<void>>();
  #isEnded = false;

  constructor(options: Pick<AttemptOptions, "listener" | "persist">) {
    this.#options = options;
  }

  persist(task: TaskId, checkpointId: number, state: readonly EncodedOperatorState[]): void {
    const { listener, persist } = this.#options;
    const persisted: Promise<void> = persist(checkpointId, state)
      .then(
        (handles) => {
          if (!this.#isEnded) listener.onAcknowledged(task, checkpointId, handles);
        },
        (error: unknown) => {
          if (!this.#isEnded) listener.onDeclined(task, checkpointId, error);
        },
      )
      .finally(() => this.#persisting.delete(persisted));
    this.#persisting.add(persisted);
  }

  /** Acknowledges nothing any more. */
  end(): void {
    this.#isEnded = true;
  }

  /** Settles when nothing is being written. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#persisting]);
  }
}
