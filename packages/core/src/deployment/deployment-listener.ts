import type { AttemptListener } from "../jobmanager/jobmaster/execution-attempt.ts";
import type { DeploymentListener } from "../taskmanager/task-executor.ts";

/** Tells a JobMaster what happens in slots. */
export function deploymentListenerOf(listener: AttemptListener): DeploymentListener {
  return {
    onRunning: (task) => listener.onRunning(task),
    onInputFinished: (task) => listener.onInputFinished(task),
    onAcknowledged: (task, checkpointId, state, metrics) => listener.onAcknowledged(task, checkpointId, state, metrics),
    onDeclined: (task, checkpointId, reason) => listener.onDeclined(task, checkpointId, reason),
    onCommitted: (task, checkpointId) => listener.onCommitted(task, checkpointId),
    onFailed: (task, error) => listener.onFailed(task, error),
    onSplitRequest: (sourceUid, subtaskIndex) => listener.onSplitRequest({ sourceUid, subtaskIndex }),
    onSourceEvent: (sourceUid, subtaskIndex, event) => listener.onSourceEvent({ sourceUid, subtaskIndex }, event),
    onWatermarkReport: (sourceUid, subtaskIndex, watermarkMs) =>
      listener.onWatermarkReport({ sourceUid, subtaskIndex }, watermarkMs),
  };
}
