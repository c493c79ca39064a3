/** Runs a plan's job on a cluster of simulated machines: JobManager, TaskManagers, the network between them, and a user. */
import { type DiskEffect, type EffectVerdict, SeededRandom } from "millrace/internal";
import { ClusterFaults } from "./cluster-faults.ts";
import { ClusterMachines } from "./cluster-machines.ts";
import { ClusterUser } from "./cluster-user.ts";
import { FaultInjector } from "./fault-injector.ts";
import { checkAllSnapshots, watchSnapshots } from "./invariants.ts";
import { checkLeaks } from "./leak-check.ts";
import { checkLocalState } from "./local-state-check.ts";
import { Patience } from "./patience.ts";
import { endOf, type SimulationPlan } from "./plan.ts";
import { checkRows } from "./row-check.ts";
import { PATIENCE_MS, type RunOptions, type RunOutcome } from "./run-outcome.ts";
import { StatusWatch } from "./status-watch.ts";
import { WireWatch } from "./wire-watch.ts";
import { World } from "./world.ts";

/** For what is removed when the job is over already. */
const GRACE_MS = 200;

/** For what is still wrong when the job is over. */
const ZOMBIE_MS_MAX = 4000;

export async function runCluster(plan: SimulationPlan, options: RunOptions): Promise<RunOutcome> {
  const simulation = new ClusterSimulation(plan, options);
  await simulation.run();
  return simulation.outcome();
}

class ClusterSimulation {
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #machines: ClusterMachines;
  readonly #injector: FaultInjector;
  readonly #user: ClusterUser;
  readonly #patience: Patience;
  readonly #status: StatusWatch;

  constructor(plan: SimulationPlan, options: RunOptions) {
    const { cluster } = plan;
    if (cluster === undefined) throw new Error("a plan for a cluster says what the cluster is");
    this.#options = options;
    this.#world = new World(plan, () => this.#machines.cluster.scheduler.nowMs);
    this.#machines = new ClusterMachines(this.#world, cluster);
    const { scheduler } = this.#machines.cluster;
    scheduler.trace.onLine = options.onTrace;
    const target = new ClusterFaults(this.#machines, (fault) => this.#user.onUser(fault));
    this.#injector = new FaultInjector(this.#world, scheduler, target);
    const random = new SeededRandom(plan.seed).fork("user");
    this.#user = new ClusterUser(this.#world, this.#machines, random, () => this.#injector.isLasting);
    this.#patience = new Patience(this.#world, () => this.#user.describe());
    this.#status = new StatusWatch(this.#world);
    const wires = new WireWatch(this.#world);
    this.#machines.cluster.network.onDelivery = (delivery) => wires.onDelivery(delivery);
    this.#machines.shared.onEffect = (effect) => this.#onEffect(effect);
    const lastMs = Math.max(0, ...plan.faults.map(endOf));
    scheduler.schedule(lastMs + PATIENCE_MS, "no more faults", () => this.#injector.giveUp());
  }

  async run(): Promise<void> {
    const { disk } = this.#machines.shared;
    const { scheduler } = this.#machines.cluster;
    try {
      await scheduler.runUntil(() => {
        this.#status.look(this.#machines.leader.jobManager);
        return this.#user.isFinished || this.#isTooLate();
      });
      await scheduler.advance(GRACE_MS);
      if (this.#user.isFinished) {
        checkLeaks(this.#world, disk);
        for (const { platform } of this.#machines.all) checkLocalState(this.#world, platform, false);
      }
      await this.#wakeZombies();
    } catch (error) {
      this.#world.stuck(error);
    }
    if (this.#user.isFinished) checkRows(this.#world, disk);
    checkAllSnapshots(this.#world, disk);
  }

  /** Who stands still may have something to write yet, beside those who have finished its work. */
  async #wakeZombies(): Promise<void> {
    if (!this.#injector.isLasting) return;
    const { scheduler } = this.#machines.cluster;
    const endMs = scheduler.nowMs + ZOMBIE_MS_MAX;
    await scheduler.runUntil(() => !this.#injector.isLasting || scheduler.nowMs > endMs);
    await scheduler.advance(GRACE_MS);
  }

  outcome(): RunOutcome {
    const { cluster, shared } = this.#machines;
    return {
      violations: this.#world.violations,
      digest: cluster.scheduler.trace.digest(),
      simulatedMs: cluster.scheduler.nowMs,
      faults: this.#world.faultCounts,
      lives: this.#user.lives,
      snapshots: this.#world.completed.size,
      effects: shared.effectCount,
    };
  }

  #isTooLate(): boolean {
    return this.#patience.isOver(this.#injector.isCalm, this.#user.isFinished);
  }

  #onEffect(effect: DiskEffect): EffectVerdict | undefined {
    const verdict = this.#options.onEffect?.(effect) ?? this.#injector.onEffect(effect);
    if (effect.phase === "after") {
      // One that is being replaced completes what it has begun; the next one's ids are higher.
      const isReplaced = this.#machines.retired.some((each) => each.host.name === effect.host);
      const isKnown = verdict?.kind !== "fail";
      watchSnapshots(this.#world, this.#machines.shared.disk, effect, { isKnown, isReplaced });
    }
    return verdict;
  }
}
