/** Runs one plan to its end and says what was wrong. */
import {
  createSimulatedPlatform,
  type DiskEffect,
  type EffectVerdict,
  type SimulatedPlatform,
} from "millrace/internal";
import { FaultInjector } from "./fault-injector.ts";
import { checkAllSnapshots, checkCompleted } from "./invariants.ts";
import { endOf, type FaultKind, type SimulationPlan } from "./plan.ts";
import { expectedRows, FILES_DIRECTORY } from "./shapes.ts";
import { Life } from "./supervisor.ts";
import { bytesOf, namesIn } from "./visible-files.ts";
import { type Violation, World } from "./world.ts";

/** How long a fault that waits for an effect waits after the last of the plan. */
const PATIENCE_MS = 2000;

/** I13: simulated time from the last fault to a running job with a new checkpoint. */
const RECOVERY_MS_MAX = 10_000;

/** And to the end of its bounded input. */
const FINISH_MS_MAX = 120_000;

/** Between the end of one job and the start of the next. */
const RESTART_MS = 5;

const LIVES_MAX = 100;

export interface RunOutcome {
  readonly violations: readonly Violation[];
  readonly digest: string;
  readonly simulatedMs: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly lives: number;
  readonly snapshots: number;
  /** Durable effects and others on the disk. */
  readonly effects: number;
}

export interface RunOptions {
  /** Looks at every effect on the disk first, and may answer for the injector. */
  readonly onEffect?: ((effect: DiskEffect) => EffectVerdict | undefined) | undefined;
  /** Hears every event. */
  readonly onTrace?: ((line: string) => void) | undefined;
}

export async function runPlan(plan: SimulationPlan, options: RunOptions = {}): Promise<RunOutcome> {
  const simulation = new Simulation(plan, options);
  await simulation.run();
  return simulation.outcome();
}

class Simulation {
  readonly #plan: SimulationPlan;
  readonly #options: RunOptions;
  readonly #world: World;
  readonly #injector: FaultInjector;
  #platform: SimulatedPlatform;
  #life: Life | undefined;
  #lives = 0;
  #downMs = RESTART_MS;
  #calmSinceMs: number | undefined;
  #snapshotsWhenCalm = 0;
  #hasRecovered = false;

  constructor(plan: SimulationPlan, options: RunOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#platform = createSimulatedPlatform({ seed: plan.seed });
    const { scheduler, storage } = this.#platform;
    scheduler.trace.onLine = options.onTrace;
    this.#world = new World(plan, this.#platform, () => scheduler.nowMs);
    this.#injector = new FaultInjector(this.#world, {
      platform: () => this.#platform,
      workers: () => this.#life?.workers ?? [],
      onDown: (downMs) => {
        this.#downMs = downMs;
      },
      onUser: (fault) => this.#life?.onUser(fault),
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
        const life = new Life(this.#world, this.#platform, parallelism);
        this.#life = life;
        this.#lives++;
        const faultsBefore = this.#faultCount();
        await scheduler.runUntil(() => life.end !== undefined || this.#platform.isDead || this.#isTooLate());
        if (this.#isTooLate() || (life.end === "finished" && !this.#platform.isDead)) break;
        const hasCause = this.#faultCount() > faultsBefore || !this.#injector.isCalm;
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
      this.#world.violated("I13", error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error));
    }
    if (this.#life?.end === "finished") this.#checkRows();
    checkAllSnapshots(this.#world, this.#platform.storage.disk);
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

  /** Asked after every event: the end of all patience, which is a violation. */
  #isTooLate(): boolean {
    if (!this.#injector.isCalm) return false;
    const world = this.#world;
    if (this.#calmSinceMs === undefined) {
      this.#calmSinceMs = world.nowMs;
      this.#snapshotsWhenCalm = world.completed.size;
    }
    const calmMs = world.nowMs - this.#calmSinceMs;
    if (!this.#hasRecovered && calmMs > RECOVERY_MS_MAX) {
      this.#hasRecovered = world.completed.size > this.#snapshotsWhenCalm || this.#life?.end === "finished";
      if (!this.#hasRecovered) return this.#stuck(`no checkpoint within ${RECOVERY_MS_MAX} ms after the last fault`);
    }
    return calmMs > FINISH_MS_MAX && this.#stuck(`not finished ${FINISH_MS_MAX} ms after the last fault`);
  }

  #stuck(text: string): true {
    const job = this.#life?.job;
    if (this.#world.violations.at(-1)?.invariant !== "I13") {
      this.#world.violated(
        "I13",
        `${text}; the job is ${job?.status ?? "not started"}, ${String(this.#life?.failure ?? "")}`,
      );
    }
    return true;
  }

  #onEffect(effect: DiskEffect): EffectVerdict | undefined {
    const verdict = this.#options.onEffect?.(effect) ?? this.#injector.onEffect(effect);
    if (effect.phase === "after") this.#watch(effect, verdict?.kind !== "fail");
    return verdict;
  }

  /** @param isKnown - Whether who asked for the effect hears that it has happened; otherwise it may be undone. */
  #watch({ operation, path }: DiskEffect, isKnown: boolean): void {
    const { disk } = this.#platform.storage;
    if (operation === "rename" && path.endsWith("/_metadata")) {
      const to = path.slice(path.lastIndexOf(" ") + 1);
      checkCompleted(this.#world, disk, to.slice(0, to.lastIndexOf("/")));
    }
    const checkpointId = operation === "sync directory" && isKnown ? this.#world.completed.get(path) : undefined;
    // Its `_metadata` may have been removed meanwhile: that is what is synced when a checkpoint is discarded.
    if (checkpointId !== undefined && disk.stat(`${path}/_metadata`) !== undefined) {
      this.#world.newestDurableId = Math.max(this.#world.newestDurableId, checkpointId);
    }
  }

  #faultCount(): number {
    return [...this.#world.faultCounts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** I2: what is visible is what the input says. */
  #checkRows(): void {
    const expected = expectedRows(this.#plan.shape, this.#plan);
    const found = this.#plan.shape === "files" ? this.#rowsInFiles() : this.#world.store.rows;
    const missing = without(expected, found);
    const extra = without(found, expected);
    if (missing.length === 0 && extra.length === 0) return;
    const shown = (rows: readonly string[]): string => `${rows.length} (${rows.slice(0, 5).join(", ")})`;
    this.#world.violated("I2", `rows missing: ${shown(missing)}; rows too many: ${shown(extra)}`);
  }

  #rowsInFiles(): readonly string[] {
    const { disk } = this.#platform.storage;
    const names = namesIn(disk, FILES_DIRECTORY).filter((name) => !name.startsWith("."));
    const texts = names.map((name) => new TextDecoder().decode(bytesOf(disk, `${FILES_DIRECTORY}/${name}`)));
    return texts
      .flatMap((text) => text.split("\n"))
      .filter((line) => line !== "")
      .map((line) => String((JSON.parse(line) as { readonly row: string }).row));
  }
}

/** The rows of `all` that are left when each of `others` takes away an equal one. */
function without(all: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of others) counts.set(row, (counts.get(row) ?? 0) + 1);
  return all.filter((row) => {
    const count = counts.get(row) ?? 0;
    counts.set(row, count - 1);
    return count <= 0;
  });
}
