/**
 * How a running job is at one moment, as its parts tell when they are asked: from these reports `explain-stall.ts` finds out
 * why nothing comes out. Plain data, because most of it comes from other threads. The moments of different subtasks are
 * a little apart, so reports may contradict each other; whoever reads them must come to an end all the same.
 */
import type { OperatorWaiting, SourceReport } from "../../operators/waiting.ts";
import type { ChannelStatus } from "../../time/watermark-valve.ts";
import type { SubtaskId } from "../subtask-id.ts";

/** An input that watermarks come from. */
export interface InputReport {
  readonly status: ChannelStatus;
  /** `MIN_WATERMARK` before the first. */
  readonly watermarkMs: number;
}

/** A channel from one producing subtask. */
export interface ChannelReport extends InputReport {
  /** Subtask of the producing vertex. */
  readonly producer: number;
  /** Its barrier has come: nothing is read until those of all others have. */
  readonly isBlocked: boolean;
  /** Something is there that has not been read. */
  readonly hasNext: boolean;
}

export interface GateReport extends InputReport {
  readonly edge: number;
  readonly channels: readonly ChannelReport[];
}

/** What is known of a source subtask beside its splits. */
export interface ReaderReport extends SourceReport {
  /** The reader has said that it has nothing for now. */
  readonly isWaiting: boolean;
  readonly hasEnded: boolean;
  /** It is not read until the barriers of all inputs have come. */
  readonly isBlocked: boolean;
  /** The job is being stopped. */
  readonly isStopped: boolean;
}

export interface OperatorReport {
  readonly watermarkMs: number;
  /** By input of the plan; none for a source. */
  readonly inputs: readonly InputReport[];
  readonly recordsIn: number;
  readonly recordsOut: number;
  /** False: it takes no record until something outside has answered. */
  readonly isAvailable: boolean;
  readonly waiting: OperatorWaiting;
  readonly reader: ReaderReport | undefined;
}

export interface SubtaskReport extends SubtaskId {
  /** False: operators are being opened, or finish what a restored checkpoint has left, and nothing is known of them. */
  readonly isRunning: boolean;
  readonly isInputFinished: boolean;
  readonly isBackPressured: boolean;
  /** Whether the chain collects its input and sorts it when that has ended (batch jobs). */
  readonly sortsInputs: boolean;
  readonly gates: readonly GateReport[];
  /** By output of the plan: the consuming subtasks whose channels are full. */
  readonly full: readonly { readonly edge: number; readonly consumers: readonly number[] }[];
  /** The checkpoint that is being aligned, with the inputs whose barrier has not come. */
  readonly alignment:
    | {
        readonly checkpointId: number;
        readonly missing: readonly { readonly gate: number; readonly channel: number }[];
      }
    | undefined;
  /** By index of the plan; none unless it is running. */
  readonly operators: readonly OperatorReport[];
}

/** A slot whose thread has not answered. */
export interface SilentSlot {
  readonly slot: number;
  readonly subtasks: readonly SubtaskId[];
  /** Where it is, as far as that can be seen from outside. */
  readonly place: string;
}

/** What the enumerator of a source has done for each of its readers. */
export interface CoordinatorReport {
  readonly uid: string;
  readonly readers: readonly {
    readonly assignedCount: number;
    /** It has asked for a split and has not been answered. */
    readonly isAsking: boolean;
    readonly hasAllSplits: boolean;
  }[];
}

/** Sources that wait for each other, with the watermarks that their subtasks have reported. */
export interface AlignmentGroupReport {
  readonly group: string;
  /** `MIN_WATERMARK` before the first; `MAX_WATERMARK` of a subtask that nobody waits for. */
  readonly members: readonly {
    readonly uid: string;
    readonly subtaskIndex: number;
    readonly watermarkMs: number;
  }[];
}

export interface CheckpointsReport {
  readonly isEnabled: boolean;
  /** Undefined: only when asked for. */
  readonly intervalMs: number | undefined;
  readonly completedCount: number;
  readonly failedCount: number;
  /** How long ago the last one was completed. */
  readonly sinceCompletedMs: number | undefined;
  /** The oldest that has not ended, with those who have not acknowledged it. */
  readonly pending:
    | {
        readonly checkpointId: number;
        readonly sinceMs: number;
        readonly missing: readonly SubtaskId[];
      }
    | undefined;
}

/** How a job is, all together. */
export interface JobReport {
  /** By the wall clock, in epoch ms. */
  readonly atMs: number;
  readonly status: string;
  /** What the last attempt ended with. */
  readonly failure: string | undefined;
  readonly subtasks: readonly SubtaskReport[];
  readonly silentSlots: readonly SilentSlot[];
  readonly coordinators: readonly CoordinatorReport[];
  readonly alignments: readonly AlignmentGroupReport[];
  readonly checkpoints: CheckpointsReport;
}
