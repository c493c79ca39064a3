/** Runs a plan's job in one process that is started again whenever it has died. */
import {
  createSimulatedPlatform,
  type DiskEffect,
  type EffectVerdict,
  type SimulatedPlatform,
} from "millrace/internal";
import { FaultInjector } from "./fault-injector.ts";
import { checkAllSnapshots, watchSnapshots } from "./invariants.ts";
import { checkLeaks } from "./leak-check.ts";
import { checkLocalState } from "./local-state-check.ts";
import { Patience } from "./patience.ts";
import { endOf, type SimulationPlan } from "./plan.ts";
import { ProcessFaults } from "./process-faults.ts";
import { checkRows } from "./row-check.ts";
import { LIVES_MAX, PATIENCE_MS, type RunOptions, type RunOutcome } from "./run-outcome.ts";
import { Life } from "./supervisor.ts";
import { World } from "./world.ts";

/** Between the end of one job and the start of the next. */
const RESTART_MS = 5;

export async function runProcess(plan: SimulationPlan, options: RunOptions): Promise<RunOutcome> {
  const simulation = new ProcessSimulation(plan, options);
  await simulation.run();
  return simulation.outcome();
}

class ProcessSimulation {
  readonly #plan: SimulationPlan;
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #injector: FaultInjector;
  readonly #patience: Patience;
  #platform: SimulatedPlatform;
  #life: Life | undefined;
  #lives = 0;
  /** Beside the faults of the plan. */
  #hasCrashed = false;
  #downMs = RESTART_MS;

  constructor(plan: SimulationPlan, options: RunOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#platform = createSimulatedPlatform({ seed: plan.seed });
    const { scheduler, storage } = this.#platform;
    scheduler.trace.onLine = options.onTrace;
    this.#world = new World(plan, () => scheduler.nowMs);
    const target = new ProcessFaults({
      platform: () => this.#platform,
      workers: () => this.#life?.workers ?? [],
      onDown: (downMs) => {
        this.#downMs = downMs;
      },
      onUser: (fault) => this.#life?.onUser(fault),
    });
    this.#injector = new FaultInjector(this.#world, scheduler, target);
    this.#patience = new Patience(this.#world, () => {
      const life = this.#life;
      return `the job is ${life?.job?.status ?? "not started"}, ${String(life?.failure ?? "")}`;
    });
    storage.onEffect = (effect) => this.#onEffect(effect);
    const lastMs = Math.max(0, ...plan.faults.map(endOf));
    scheduler.schedule(lastMs + PATIENCE_MS, "no more faults", () => this.#injector.giveUp());
  }

  async run(): Promise<void> {
    const { scheduler } = this.#platform;
    let parallelism = this.#plan.parallelism;
    try {
      for (;;) {
        const faultsBefore = this.#world.faultCount;
        const wasDisturbed = this.#injector.isLasting;
        const life = new Life(this.#world, this.#platform, parallelism);
        this.#life = life;
        this.#lives++;
        await scheduler.runUntil(() => life.end !== undefined || this.#platform.isDead || this.#isTooLate());
        if (this.#isTooLate() || (life.end === "finished" && !this.#platform.isDead)) break;
        const hasCause = wasDisturbed || this.#world.faultCount > faultsBefore;
        if (life.end === "failed" && !hasCause && !String(life.failure).includes("injected")) {
          this.#world.violated("E", `the job failed without a fault: ${String(life.failure)}`);
        }
        if (this.#lives === LIVES_MAX) {
          this.#world.violated("I13", `started ${LIVES_MAX} times: ${String(life.failure)}`);
          break;
        }
        parallelism = life.nextParallelism;
        await scheduler.advance(this.#platform.isDead ? this.#downMs : RESTART_MS);
        this.#downMs = RESTART_MS;
        if (this.#platform.isDead) this.#platform = this.#platform.restart();
      }
    } catch (error) {
      this.#world.stuck(error);
    }
    const { disk } = this.#platform.storage;
    if (this.#life?.end === "finished") {
      checkRows(this.#world, disk);
      if (!this.#hasCrashed) checkLeaks(this.#world, disk);
      checkLocalState(this.#world, this.#platform, this.#life.job !== undefined);
    }
    checkAllSnapshots(this.#world, disk);
  }

  outcome(): RunOutcome {
    const { scheduler, storage } = this.#platform;
    return {
      violations: this.#world.violations,
      digest: scheduler.trace.digest(),
      simulatedMs: scheduler.nowMs,
      faults: this.#world.faultCounts,
      lives: this.#lives,
      snapshots: this.#world.completed.size,
      effects: storage.effectCount,
    };
  }

  #isTooLate(): boolean {
    return this.#patience.isOver(this.#injector.isCalm, this.#life?.end === "finished");
  }

  #onEffect(effect: DiskEffect): EffectVerdict | undefined {
    const crash = this.#options.onEffect?.(effect);
    this.#hasCrashed ||= crash !== undefined;
    const verdict = crash ?? this.#injector.onEffect(effect);
    if (effect.phase === "after") {
      const isKnown = verdict?.kind !== "fail";
      watchSnapshots(this.#world, this.#platform.storage.disk, effect, { isKnown, isReplaced: false });
    }
    return verdict;
  }
}
