/**
 * What a failure means for the job. Pure but for the time and the random number it asks for: the JobMaster brings the
 * failures and does the waiting.
 *
 * - Z1. The same failures at the same times give the same decisions, up to the jitter.
 * - Z2. "fail" is final: the JobMaster asks no more.
 * - Z3. Every failure of a region counts; only exponential-delay counts those as one that come while it waits (as in Flink).
 */
import { unreachable } from "../../base/errors.ts";
import type {
  CountingStrategyConfig,
  RestartStrategyConfig,
  TimedStrategyConfig,
} from "../../config/restart-strategy.ts";

/** @internal */
export type RestartDecision = { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "fail" };

/** What a strategy sees of the world; `Platform.clock` and a fork of `Platform.random` fit. @internal */
export interface RestartSurroundings {
  readonly clock: { monoMs(): number };
  readonly random: { u32(): number };
}

/** Of one job; remembers its failures. @internal */
export class RestartStrategy {
  readonly #decide: () => RestartDecision;

  constructor(config: CountingStrategyConfig);
  constructor(config: RestartStrategyConfig, surroundings: RestartSurroundings);
  constructor(config: RestartStrategyConfig, surroundings?: RestartSurroundings) {
    switch (config.kind) {
      case "none":
        this.#decide = () => ({ kind: "fail" });
        return;
      case "fixed-delay":
        this.#decide = fixedDelay(config);
        return;
      case "failure-rate":
        // The overloads demand the surroundings for these two.
        this.#decide = failureRate(config, surroundings!);
        return;
      case "exponential-delay":
        this.#decide = exponentialDelay(config, surroundings!);
        return;
      default:
        unreachable(config);
    }
  }

  /** To be asked once for every failure of the job, when it happens. */
  onFailure(): RestartDecision {
    return this.#decide();
  }
}

function fixedDelay(config: CountingStrategyConfig & { readonly kind: "fixed-delay" }): () => RestartDecision {
  let restarts = 0;
  return () => {
    if (restarts >= config.attemptsMax) return { kind: "fail" };
    restarts++;
    return { kind: "restart", delayMs: config.delayMs };
  };
}

function failureRate(
  config: TimedStrategyConfig & { readonly kind: "failure-rate" },
  { clock }: RestartSurroundings,
): () => RestartDecision {
  // Never longer than `failuresMax`: one more fails the job.
  let failuresMs: number[] = [];
  return () => {
    const nowMs = clock.monoMs();
    failuresMs = failuresMs.filter((atMs) => nowMs - atMs < config.intervalMs);
    if (failuresMs.length >= config.failuresMax) return { kind: "fail" };
    failuresMs.push(nowMs);
    return { kind: "restart", delayMs: config.delayMs };
  };
}

function exponentialDelay(
  config: TimedStrategyConfig & { readonly kind: "exponential-delay" },
  { clock, random }: RestartSurroundings,
): () => RestartDecision {
  let attempts = 0;
  let delayMs = config.initialDelayMs;
  /** When the restart after the last failure was due. */
  let restartedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.monoMs();
    // What fails while a restart is waited for, in another region perhaps, has failed of the same and waits with it.
    if (nowMs < restartedMs) return { kind: "restart", delayMs: restartedMs - nowMs };
    if (nowMs - restartedMs >= config.resetAfterMs) {
      attempts = 0;
      delayMs = config.initialDelayMs;
    }
    if (attempts >= config.attemptsMax) return { kind: "fail" };
    attempts++;
    const share = config.jitter * ((random.u32() / 0xffff_ffff) * 2 - 1);
    const jittered = Math.min(delayMs * (1 + share), config.delayMaxMs);
    delayMs = Math.min(delayMs * config.multiplier, config.delayMaxMs);
    restartedMs = nowMs + jittered;
    return { kind: "restart", delayMs: jittered };
  };
}
