import { unreachable } from "../base/errors.ts";

/** What travels between records, in order with them. */
export type ChannelEvent =
  | { readonly kind: "watermark"; readonly timestampMs: number }
  | { readonly kind: "idle" }
  | { readonly kind: "active" }
  | { readonly kind: "barrier"; readonly checkpointId: number }
  /** No record follows. Barriers still may: a finished subtask takes part in checkpoints until its job ends. */
  | { readonly kind: "endOfInput" };

export function describeEvent(event: ChannelEvent): string {
  switch (event.kind) {
    case "watermark":
      return `watermark ${event.timestampMs}`;
    case "barrier":
      return `barrier ${event.checkpointId}`;
    case "idle":
    case "active":
    case "endOfInput":
      return event.kind;
    default:
      return unreachable(event);
  }
}
