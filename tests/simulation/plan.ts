/**
 * What one simulated run is: a job, its settings and an explicit list of faults. Plain JSON, so that a plan can be kept as a
 * file, replayed and made smaller; what is not in it is decided by its seed.
 */

/** When a fault strikes: at a simulated time, or at one of the disk's durable effects after that time. */
export interface Moment {
  /** Since the start of the simulation. */
  readonly ms: number;
  /** The fault waits for this many durable effects after `ms`, and strikes before or after the last of them. */
  readonly effect?: AwaitedEffect;
}

export interface AwaitedEffect {
  readonly number: number;
  readonly phase: "before" | "after";
  /**
   * Texts that the operation and the path of an effect have in them, all of them; others are not counted. What a plan is for
   * is said in this way: a number alone is that of another effect when the engine has one more.
   */
  readonly of?: readonly string[] | undefined;
}

/** A machine of a cluster: 0 is the one whose JobManager leads, 1 and on have TaskManagers. Alone, there is one machine. */
interface OfMachine {
  readonly machine?: number | undefined;
}

export type Fault =
  /** The process is killed, or the machine loses its power; either is up again `downMs` later. No machine: all of them. */
  | ({ readonly kind: "kill" | "powerOff"; readonly at: Moment; readonly downMs: number } & OfMachine)
  /** One of the slots' threads dies. */
  | ({ readonly kind: "killWorker"; readonly at: Moment; readonly slot: number } & OfMachine)
  | ({ readonly kind: "pause"; readonly at: Moment; readonly durationMs: number } & OfMachine)
  /** No machine: the disk that all of them share. */
  | ({
      readonly kind: "slowDisk" | "stalledDisk" | "fullDisk" | "failingDisk";
      readonly at: Moment;
      readonly durationMs: number;
    } & OfMachine)
  /** One effect fails with EIO; `after`: it has happened all the same. */
  | { readonly kind: "ioError"; readonly at: Moment }
  /** The sink's store refuses commits, half of the time after it has done them. */
  | { readonly kind: "storeDown"; readonly at: Moment; readonly durationMs: number }
  /** A user's function throws at the next record. */
  | { readonly kind: "throw"; readonly at: Moment }
  /** What a user does; the job is started again from there, at the parallelism. */
  | { readonly kind: "cancel" | "stop" | "suspend"; readonly at: Moment; readonly parallelism: number }
  | { readonly kind: "savepoint"; readonly at: Moment }
  | ClusterFault;

/** What happens only where there are several machines. */
export type ClusterFault =
  /** Nothing gets through, in one direction or in both; `endsInReset`: what was held up is lost, and answers with it. */
  | {
      readonly kind: "partition";
      readonly at: Moment;
      readonly durationMs: number;
      readonly from: number;
      readonly to: number;
      readonly isOneWay: boolean;
      readonly endsInReset: boolean;
    }
  /** All connections between the two break, or carry nothing any more without a word. */
  | { readonly kind: "reset" | "halfOpen"; readonly at: Moment; readonly from: number; readonly to: number }
  /** Long ways, or connections that are refused and reset, everywhere. */
  | { readonly kind: "slowNetwork" | "unreliableNetwork"; readonly at: Moment; readonly durationMs: number }
  /** Of wall time. */
  | { readonly kind: "clockJump"; readonly at: Moment; readonly machine: number; readonly deltaMs: number }
  /** The JobManager stands still and another one takes its place, before it goes on. */
  | { readonly kind: "replaceLeader"; readonly at: Moment; readonly durationMs: number }
  /** What a user does. */
  | { readonly kind: "drain"; readonly at: Moment; readonly parallelism: number }
  | { readonly kind: "checkpoint"; readonly at: Moment };

export type FaultKind = Fault["kind"];

export type ShapeName =
  | "counts"
  | "windows"
  | "timers"
  | "intervalJoin"
  | "unionState"
  | "broadcast"
  | "async"
  | "partitioner"
  | "files"
  | "pipelines"
  | "apart";

export interface ClusterPlan {
  readonly taskManagers: number;
  /** Of each TaskManager. */
  readonly slots: number;
  /** Where each TaskManager listens for the data of others, again when it has started again; 0, or left out: anywhere. */
  readonly dataPort?: number | undefined;
  /** Share of the answers to submissions that get lost; the client then asks again. */
  readonly lostAnswers: number;
  /** Of the processes, as in a configuration file. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface SimulationPlan {
  readonly seed: string;
  readonly shape: ShapeName;
  readonly hosts: "in-thread" | "threads" | "cluster";
  /** Where the hosts are a cluster. */
  readonly cluster?: ClusterPlan | undefined;
  readonly parallelism: number;
  readonly splits: number;
  readonly recordsPerSplit: number;
  readonly keys: number;
  /** What a record carries besides; 0 when left out. */
  readonly recordBytes?: number | undefined;
  /** How the source reads: so many records, then this pause. */
  readonly batchRecords: number;
  readonly pauseMs: number;
  /** Of the job, as in a configuration file. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of savepoints; canonical when left out. */
  readonly savepointFormat?: "NATIVE" | undefined;
  readonly faults: readonly Fault[];
}

/** A plan of the seed book. */
export interface KeptPlan {
  /** What it has found, or is there to find. */
  readonly found: string;
  /** The name of the mutant that it has to kill: it is kept for as long as it does. */
  readonly kills: string;
  readonly plan: SimulationPlan;
}

/** When the fault is over and everything works again; a moment that waits for an effect counts as its time. */
export function endOf(fault: Fault): number {
  if ("durationMs" in fault) return fault.at.ms + fault.durationMs;
  return "downMs" in fault ? fault.at.ms + fault.downMs : fault.at.ms;
}
