/** The attempts of a job's regions, looked at as one. */
import { type SubtaskId, subtaskKey } from "../graph/subtask-id.ts";
import type { TaskStatistics } from "../task/task-statistics.ts";
import { TimeSharesSampler } from "../task/time-shares.ts";
import type { DescribedTasks, MergedAccumulators } from "../taskmanager/task-executor.ts";
import type { LocalAttempt } from "./local-attempt.ts";

interface RunningTask {
  readonly attempt: LocalAttempt;
  readonly sampler: TimeSharesSampler;
}

export class RunningAttempts {
  /** The newest of each task, also when it has ended. */
  readonly #tasks = new Map<string, RunningTask>();

  /** It takes the place of the one that its tasks were in before. */
  add(attempt: LocalAttempt): void {
    for (const task of attempt.tasks) {
      const sampler = new TimeSharesSampler(attempt.statisticsOf(task));
      this.#tasks.set(subtaskKey(task), { attempt, sampler });
    }
  }

  /** Undefined before its first attempt. */
  statisticsOf(task: SubtaskId): TaskStatistics | undefined {
    return this.#tasks.get(subtaskKey(task))?.attempt.statisticsOf(task);
  }

  samplerOf(task: SubtaskId): TimeSharesSampler | undefined {
    return this.#tasks.get(subtaskKey(task))?.sampler;
  }

  /** From attempt to attempt: the classes of the user's accumulators are known in their slots. */
  async accumulators(answerWithinMs: number | undefined): Promise<MergedAccumulators> {
    let all: MergedAccumulators = { merged: [], missing: [] };
    for (const attempt of this.#attempts) {
      const { merged, missing } = await attempt.mergeAccumulators(all.merged, answerWithinMs);
      all = { merged, missing: [...new Set([...all.missing, ...missing])] };
    }
    return all;
  }

  async describe(): Promise<DescribedTasks> {
    const answers = await Promise.all(this.#attempts.map((attempt) => attempt.describe()));
    return {
      subtasks: answers.flatMap(({ subtasks }) => subtasks),
      silentSlots: answers.flatMap(({ silentSlots }) => silentSlots),
    };
  }

  get #attempts(): readonly LocalAttempt[] {
    return [...new Set([...this.#tasks.values()].map(({ attempt }) => attempt))];
  }
}
