import type { JobOfSlots } from "../deployment/job-slots.ts";
import { LocalState } from "../deployment/local-state.ts";

/** The whole job is in this process: its local state comes and goes with it. */
export function localStateOf({
  jobId,
  graph,
  files,
  platform,
  configuration,
  metrics,
  onWarning,
}: JobOfSlots): LocalState {
  const scope = { host: platform.proc.hostName, taskManagerId: "embedded", jobId, jobName: graph.name };
  return new LocalState({
    jobId,
    files,
    platform,
    configuration,
    metrics: metrics.taskManagerJobGroup(scope),
    copies: undefined,
    onWarning,
  });
}
