import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { unreachable } from "../base/errors.ts";

/** Divides what belongs to a checkpoint from what does not. */
export interface CheckpointBarrier {
  readonly kind: "barrier";
  readonly checkpointId: number;
  /** Epoch ms at which the checkpoint was triggered. */
  readonly timestampMs: number;
  /**
   * How long a subtask may wait for this barrier on its other channels before it takes its snapshot without it, from when it
   * first hears of the checkpoint. 0: it does not wait; Infinity: as long as it takes.
   */
  readonly unalignedAfterMs: number;
  /** The format of a savepoint; left out for a checkpoint. */
  readonly format?: (typeof FORMATS)[number];
}

const FORMATS = ["CANONICAL", "NATIVE"] as const;

/** What travels between records, in order with them. */
export type ChannelEvent =
  | { readonly kind: "watermark"; readonly timestampMs: number }
  | { readonly kind: "idle" }
  | { readonly kind: "active" }
  | CheckpointBarrier
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

const KINDS = [
  "watermark",
  "idle",
  "active",
  "barrier",
  "endOfInput",
] as const satisfies readonly ChannelEvent["kind"][];

/** u8 kind; a watermark's f64 timestamp; a barrier's varint checkpoint id, f64 timestamp, f64 alignment timeout, u8 format or 0. */
export function writeEvent(event: ChannelEvent, out: BinaryWriter): void {
  out.u8(KINDS.indexOf(event.kind));
  if (event.kind === "watermark") out.f64(event.timestampMs);
  else if (event.kind === "barrier") {
    out.varint(event.checkpointId);
    out.f64(event.timestampMs);
    out.f64(event.unalignedAfterMs);
    out.u8(event.format === undefined ? 0 : 1 + FORMATS.indexOf(event.format));
  }
}

/** @throws MillraceError `MR_DATA_CORRUPT` */
export function readEvent(input: BinaryReader): ChannelEvent {
  const at = input.position;
  const number = input.u8();
  const kind = KINDS[number];
  switch (kind) {
    case "watermark":
      return { kind, timestampMs: input.f64() };
    case "barrier":
      return readBarrier(input);
    case "idle":
    case "active":
    case "endOfInput":
      return { kind };
    default:
      return input.corrupt(`the event kind ${number}`, `a kind below ${KINDS.length}`, at);
  }
}

function readBarrier(input: BinaryReader): CheckpointBarrier {
  const barrier = {
    kind: "barrier",
    checkpointId: input.varint(),
    timestampMs: input.f64(),
    unalignedAfterMs: input.f64(),
  } as const;
  const number = input.u8();
  if (number === 0) return barrier;
  const format = FORMATS[number - 1] ?? input.corrupt(`the snapshot format ${number}`, `at most ${FORMATS.length}`);
  return { ...barrier, format };
}
