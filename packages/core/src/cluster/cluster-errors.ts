/** What goes wrong between the processes of a cluster, by name. */
import { MillraceError } from "../base/errors.ts";

export function codeInvalid(found: string, expected: string): MillraceError {
  return new MillraceError("MR_JOB_CODE_INVALID", {
    what: "The code of a job is not what its hash says",
    found,
    expected,
    todo: "Submit the job again; when that does not help, look at what lies between the machines",
  });
}

export function taskManagerLost(name: string, host: string, cause: unknown): MillraceError {
  return new MillraceError("MR_TASKMANAGER_LOST", {
    what: "A TaskManager is gone, with all that ran in it",
    where: { taskManager: name, host },
    found: cause instanceof Error ? cause.message : "its connection was closed",
    todo: "See whether its process runs and why it ended; the job restarts in other slots as its restart strategy says",
    ...(cause === undefined ? {} : { cause }),
  });
}

export function noResources(job: string, requested: number, timeoutMs: number, found: string): MillraceError {
  return new MillraceError("MR_NO_RESOURCES", {
    what: "The cluster has not enough free slots for the job",
    where: { job },
    found,
    expected: `${requested} free slots within ${timeoutMs} ms (slot.request.timeout)`,
    todo: "Start more TaskManagers, give them more slots (taskmanager.numberOfTaskSlots), or lower the job's parallelism",
  });
}

export function jobUnknown(jobId: string): MillraceError {
  return new MillraceError("MR_JOB_UNKNOWN", {
    what: "The JobManager does not know the job",
    where: { jobId },
    todo: "List the jobs; those that ended long ago are forgotten",
  });
}

export function jobNotRunning(jobId: string, status: string): MillraceError {
  return new MillraceError("MR_JOB_NOT_RUNNING", {
    what: "This can only be asked of a job that runs",
    where: { jobId },
    found: `the job is ${status}`,
    todo: "Wait until the job runs; one that has ended can be started again",
  });
}

export function jobIdInvalid(jobId: string): MillraceError {
  return new MillraceError("MR_JOB_ID_INVALID", {
    what: "This is no id of a job",
    found: JSON.stringify(jobId),
    expected: "32 hexadecimal digits in lower case",
    todo: "Leave the id out, or make one of 16 random bytes",
  });
}

export function operationUnknown(jobId: string | undefined, requestId: string): MillraceError {
  return new MillraceError("MR_OPERATION_UNKNOWN", {
    what: "Nothing is known of this request",
    where: { ...(jobId === undefined ? {} : { jobId }), request: requestId },
    todo: "Take the id that the request was answered with; results are kept for the last requests of each job only",
  });
}

export function jobNotRecoverable(jobId: string, checkpointId: number): MillraceError {
  return new MillraceError("MR_JOB_NOT_RECOVERABLE", {
    what: "The JobManager has restarted, and the job's checkpoints were only in its memory",
    where: { jobId, checkpoint: checkpointId },
    expected: "checkpoints in a directory",
    todo: "Set execution.checkpointing.dir to a directory that all processes see; what the job had written until then is there, so look at it before the job is started again",
  });
}

export function jobManagerStopped(): MillraceError {
  return new MillraceError("MR_JOBMANAGER_STOPPED", {
    what: "The JobManager has stopped",
    todo: "Nothing has to be done for its jobs: the next JobManager with its directory goes on with them",
  });
}
