/**
 * What one simulated run is: a job, its settings and an explicit list of faults. Plain JSON, so that a plan can be kept as a
 * file, replayed and made smaller; what is not in it is decided by its seed.
 */

/** When a fault strikes: at a simulated time, or at one of the disk's durable effects after that time. */
export interface Moment {
  /** Since the start of the simulation. */
  readonly ms: number;
  /** The fault waits for this many durable effects after `ms`, and strikes before or after the last of them. */
  readonly effect?: { readonly number: number; readonly phase: "before" | "after" };
}

export type Fault =
  /** The process is killed, or the machine loses its power; either is up again `downMs` later. */
  | { readonly kind: "kill" | "powerOff"; readonly at: Moment; readonly downMs: number }
  /** One of the slots' threads dies. */
  | { readonly kind: "killWorker"; readonly at: Moment; readonly slot: number }
  | { readonly kind: "pause"; readonly at: Moment; readonly durationMs: number }
  | {
      readonly kind: "slowDisk" | "stalledDisk" | "fullDisk" | "failingDisk";
      readonly at: Moment;
      readonly durationMs: number;
    }
  /** One effect fails with EIO; `after`: it has happened all the same. */
  | { readonly kind: "ioError"; readonly at: Moment }
  /** The sink's store refuses commits, half of the time after it has done them. */
  | { readonly kind: "storeDown"; readonly at: Moment; readonly durationMs: number }
  /** A user's function throws at the next record. */
  | { readonly kind: "throw"; readonly at: Moment }
  /** What a user does; the job is started again from there, at the parallelism. */
  | { readonly kind: "cancel" | "stop" | "suspend"; readonly at: Moment; readonly parallelism: number }
  | { readonly kind: "savepoint"; readonly at: Moment };

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
  | "files";

export interface SimulationPlan {
  readonly seed: string;
  readonly shape: ShapeName;
  readonly hosts: "in-thread" | "threads";
  readonly parallelism: number;
  readonly splits: number;
  readonly recordsPerSplit: number;
  readonly keys: number;
  /** How the source reads: so many records, then this pause. */
  readonly batchRecords: number;
  readonly pauseMs: number;
  /** Of the job, as in a configuration file. */
  readonly settings: Readonly<Record<string, string>>;
  readonly faults: readonly Fault[];
}

/** When the fault is over and everything works again; a moment that waits for an effect counts as its time. */
export function endOf(fault: Fault): number {
  if ("durationMs" in fault) return fault.at.ms + fault.durationMs;
  return "downMs" in fault ? fault.at.ms + fault.downMs : fault.at.ms;
}
