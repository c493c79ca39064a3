/** What a JobManager tells of its jobs and TaskManagers, from what it knows of them. */
import { isEnded, type JobEntry } from "../jobmanager/dispatcher/job-table.ts";
import type { JobStatus } from "../jobmanager/jobmaster/job-status.ts";
import type { Clock } from "../platform/platform.ts";
import type { ClusterJob } from "./cluster-job.ts";
import type { ClusterResources } from "./cluster-resources.ts";
import type { ClusterOverview, JobOverview, TaskManagerDetails } from "./job-manager-api.ts";
import { TaskStates } from "./task-states.ts";

/** @param running - Undefined when the job had ended before this process began. */
export function jobOverview(entry: JobEntry, running: ClusterJob | undefined, clock: Clock): JobOverview {
  const { jobId, name, status, submittedMs, lastModifiedMs } = entry;
  const endTimeMs = isEnded(status) ? lastModifiedMs : undefined;
  const states = running?.states ?? new TaskStates(clock, () => {});
  return {
    jobId,
    name,
    status,
    startTimeMs: submittedMs,
    endTimeMs,
    durationMs: (endTimeMs ?? clock.wallMs()) - submittedMs,
    lastModificationMs: lastModifiedMs,
    isBatch: running?.loaded?.graph.isBatch,
    tasks: states.counts(),
  };
}

export function taskManagerDetails(resources: ClusterResources, clock: Clock): readonly TaskManagerDetails[] {
  return resources.taskManagers.map(({ id, registration, registeredMs, lastHeardMs }) => ({
    taskManagerId: id,
    name: registration.name,
    host: registration.host,
    dataAddress: registration.dataAddress ?? undefined,
    slotCount: registration.slotCount,
    freeSlotCount: resources.freeSlotsOf(id),
    registeredMs,
    lastHeardMs: Math.round(clock.wallMs() - (clock.monoMs() - lastHeardMs)),
    processId: registration.processId,
    availableParallelism: registration.availableParallelism,
    allocations: resources.allocationsOf(id),
  }));
}

export function clusterOverview(
  jobs: readonly JobEntry[],
  resources: ClusterResources,
): Omit<ClusterOverview, "epoch"> {
  const count = (status: JobStatus): number => jobs.filter((job) => job.status === status).length;
  const [finished, cancelled, failed] = [count("FINISHED"), count("CANCELED"), count("FAILED")];
  return {
    taskManagers: resources.taskManagers.length,
    slotsTotal: resources.slotCount,
    slotsAvailable: resources.freeSlotCount,
    jobsRunning: jobs.length - finished - cancelled - failed,
    jobsFinished: finished,
    jobsCancelled: cancelled,
    jobsFailed: failed,
  };
}
