/** Strikes the one process, on the one machine, of a job that runs alone. */
import type { DiskEffect, SimulatedPlatform, WorkerHandle } from "millrace/internal";
import { type EndOfFault, type FaultTarget, type MachineFault, strikeDisk, type UserFault } from "./fault-injector.ts";
import type { Fault } from "./plan.ts";

export interface StruckProcess {
  /** The incarnation that runs. */
  readonly platform: () => SimulatedPlatform;
  /** Living threads of slots. */
  readonly workers: () => readonly WorkerHandle[];
  readonly onDown: (downMs: number) => void;
  readonly onUser: (fault: UserFault) => void;
}

export class ProcessFaults implements FaultTarget {
  readonly #process: StruckProcess;

  constructor(process: StruckProcess) {
    this.#process = process;
  }

  isFor(_fault: Fault, _effect: DiskEffect): boolean {
    return true;
  }

  onUser(fault: UserFault): void {
    this.#process.onUser(fault);
  }

  onDeath({ downMs }: Extract<Fault, { readonly kind: "kill" | "powerOff" }>): undefined {
    this.#process.onDown(downMs);
  }

  strike(fault: MachineFault): EndOfFault | undefined {
    const platform = this.#process.platform();
    switch (fault.kind) {
      case "kill":
      case "powerOff":
        this.onDeath(fault);
        if (fault.kind === "kill") platform.kill();
        else platform.powerOff();
        return undefined;
      case "killWorker": {
        const workers = this.#process.workers();
        void workers[fault.slot % Math.max(1, workers.length)]?.terminate();
        return undefined;
      }
      case "pause":
        platform.pause();
        return () => platform.resume();
      case "slowDisk":
      case "stalledDisk":
      case "fullDisk":
      case "failingDisk":
        return strikeDisk(platform.storage, fault.kind);
      default:
        throw new Error(`there is no network around one process: ${fault.kind}`);
    }
  }
}
