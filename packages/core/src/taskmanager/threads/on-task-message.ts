import { fromErrorMessage } from "../../base/error-message.ts";
import { unreachable } from "../../base/errors.ts";
import type { DeploymentListener } from "../task-executor.ts";
import type { AttemptMessage } from "./slot-thread-messages.ts";

/** What a thread says about a subtask. */
export type TaskMessage = Extract<
  AttemptMessage,
  { kind: "running" | "inputFinished" | "committed" | "failed" | "splitRequest" | "sourceEvent" | "watermarkReport" }
>;

/** Tells the listener what a slot's thread says about one of its subtasks. */
export function onTaskMessage(listener: DeploymentListener, message: TaskMessage): void {
  switch (message.kind) {
    case "running":
      listener.onRunning(message.task);
      return;
    case "inputFinished":
      listener.onInputFinished(message.task);
      return;
    case "committed":
      listener.onCommitted(message.task, message.checkpointId);
      return;
    case "failed":
      listener.onFailed(message.task, fromErrorMessage(message.error));
      return;
    case "splitRequest":
      listener.onSplitRequest(message.sourceUid, message.subtaskIndex);
      return;
    case "sourceEvent": {
      const { sourceUid, subtaskIndex, event } = message;
      listener.onSourceEvent(sourceUid, subtaskIndex, event);
      return;
    }
    case "watermarkReport": {
      const { sourceUid, subtaskIndex, watermarkMs } = message;
      listener.onWatermarkReport(sourceUid, subtaskIndex, watermarkMs);
      return;
    }
    default:
      unreachable(message);
  }
}
