/** What is said of a job of a cluster when it has ended. */
import type { AccumulatorBody, ExecutionResultBody, JobProgressBody, RestClient } from "@millrace/rest/client";
import { MillraceError } from "millrace";
import { accumulatorLines, resultLines } from "../progress.ts";

/** @internal */
export type JobResultBody = NonNullable<ExecutionResultBody["job-execution-result"]>;

/** Of one that has finished. @internal */
export async function endedLines(client: RestClient, result: JobResultBody): Promise<string> {
  const { id, name, "net-runtime": netRuntimeMs } = result;
  const [progress, accumulators] = await Promise.all([progressOf(client, id), client.accumulators(id)]);
  // It had ended before the JobManager began that is asked.
  if (progress === undefined) return `Job "${name}" FINISHED\n`;
  const summary = resultLines({
    jobName: name,
    recordsRead: progress.recordsRead,
    recordsWritten: progress.recordsWritten,
    netRuntimeMs,
    checkpointsCompleted: progress.checkpoints.completed,
    restartCount: progress.restarts,
  });
  const values = accumulators["user-task-accumulators"].map((each) => [each.name, accumulated(each)] as const);
  return summary + accumulatorLines(new Map(values));
}

/** Undefined while the job's code is being loaded, and where it could not be or was not needed any more. @internal */
export async function progressOf(
  client: Pick<RestClient, "progress">,
  jobId: string,
): Promise<JobProgressBody | undefined> {
  try {
    return await client.progress(jobId);
  } catch (error) {
    if (error instanceof MillraceError && error.code === "MR_JOB_NOT_RUNNING") return undefined;
    throw error;
  }
}

function accumulated({ type, value }: AccumulatorBody): unknown {
  if (type === "number") return Number(value);
  if (type === "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Of one that has failed: which of its subtasks it was, and where. @internal */
export async function failureLines(client: RestClient, jobId: string): Promise<string> {
  const [{ exceptionHistory }, taskManagers] = await Promise.all([client.exceptions(jobId), client.taskManagers()]);
  const last = exceptionHistory.entries.find(({ taskName }) => taskName !== undefined);
  if (last === undefined) return "";
  const { taskName, endpoint, taskManagerId } = last;
  const path = taskManagers.find(({ id }) => id === taskManagerId)?.path;
  const where = [path ?? endpoint, taskManagerId === undefined || path !== undefined ? undefined : "which is gone"];
  const place = where.filter((part) => part !== undefined).join(", ");
  return `Failed in ${taskName}${place === "" ? "" : ` on the TaskManager ${place}`}\n`;
}
