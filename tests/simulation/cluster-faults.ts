/** Strikes the machines of a cluster and the network between them. */
import { type DiskEffect, HEALTHY_NETWORK, type LinkConditions, type SimulatedStorage } from "millrace/internal";
import type { ClusterMachines, Machine } from "./cluster-machines.ts";
import { type EndOfFault, type FaultTarget, type MachineFault, strikeDisk, type UserFault } from "./fault-injector.ts";
import type { ClusterFault, Fault } from "./plan.ts";

type Crash = Extract<Fault, { readonly kind: "kill" | "powerOff" }>;
type NetworkFault = Extract<
  ClusterFault,
  { readonly kind: "partition" | "reset" | "halfOpen" | "slowNetwork" | "unreliableNetwork" }
>;

const SLOW: Partial<LinkConditions> = { latencyMs: [2, 150], stallShare: 0.1 };
const UNRELIABLE: Partial<LinkConditions> = { resetShare: 0.03, refuseShare: 0.3, loseDialShare: 0.2, cutShare: 0.5 };

export class ClusterFaults implements FaultTarget {
  readonly #machines: ClusterMachines;
  readonly onUser: (fault: UserFault) => void;

  constructor(machines: ClusterMachines, onUser: (fault: UserFault) => void) {
    this.#machines = machines;
    this.onUser = onUser;
  }

  isFor(fault: Fault, { host }: DiskEffect): boolean {
    if (!("machine" in fault) || fault.machine === undefined) return true;
    return this.#machine(fault.machine).host.name === host;
  }

  /** Inside an effect: who does it dies by the disk's verdict, others with it. */
  onDeath(fault: Crash): EndOfFault {
    return this.#crash(fault);
  }

  strike(fault: MachineFault): EndOfFault | undefined {
    switch (fault.kind) {
      case "kill":
      case "powerOff":
        return this.#crash(fault);
      case "killWorker": {
        const workers = this.#machine(fault.machine ?? 1).workers;
        void workers[fault.slot % Math.max(1, workers.length)]?.terminate();
        return undefined;
      }
      case "pause": {
        const { platform } = this.#machine(fault.machine ?? 0);
        platform.pause();
        return () => platform.resume();
      }
      case "slowDisk":
      case "stalledDisk":
      case "fullDisk":
      case "failingDisk":
        return strikeDisk(this.#storage(fault.machine), fault.kind);
      case "clockJump":
        this.#machine(fault.machine).host.wall.jump(fault.deltaMs);
        return undefined;
      case "replaceLeader": {
        const { platform } = this.#machines.leader;
        platform.pause();
        this.#machines.replaceLeader();
        return () => platform.resume();
      }
      default:
        return this.#strikeNetwork(fault);
    }
  }

  #crash({ kind, machine }: Crash): EndOfFault {
    const struck = machine === undefined ? this.#machines.all : [this.#machine(machine)];
    for (const each of machine === undefined ? [...struck, ...this.#machines.retired] : struck) {
      if (kind === "powerOff") each.host.powerOff();
      else each.platform.kill();
      each.down();
    }
    // Nothing is left that could write what is in nobody's memory any more.
    if (kind === "powerOff" && machine === undefined) this.#machines.shared.losePower("seeded");
    return () => {
      for (const each of struck) each.up();
    };
  }

  #strikeNetwork(fault: NetworkFault): EndOfFault | undefined {
    const { faults } = this.#machines.cluster;
    switch (fault.kind) {
      case "partition": {
        const [from, to] = [this.#machine(fault.from).host.name, this.#machine(fault.to).host.name];
        faults.block(from, to);
        if (!fault.isOneWay) faults.block(to, from);
        return () => {
          if (fault.endsInReset) faults.reset(from, to);
          faults.unblock(from, to);
          if (!fault.isOneWay) faults.unblock(to, from);
        };
      }
      case "reset":
        faults.reset(this.#machine(fault.from).host.name, this.#machine(fault.to).host.name);
        return undefined;
      case "halfOpen":
        faults.forget(this.#machine(fault.from).host.name, this.#machine(fault.to).host.name);
        return undefined;
      case "slowNetwork":
      case "unreliableNetwork": {
        faults.conditions = { ...HEALTHY_NETWORK, ...(fault.kind === "slowNetwork" ? SLOW : UNRELIABLE) };
        return () => {
          faults.conditions = HEALTHY_NETWORK;
        };
      }
    }
  }

  #storage(machine: number | undefined): SimulatedStorage {
    return machine === undefined ? this.#machines.shared : this.#machine(machine).host.storage;
  }

  #machine(number: number): Machine {
    const { all } = this.#machines;
    return all[number % all.length]!;
  }
}
