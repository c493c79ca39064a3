import type { Duration } from "../base/duration.ts";
import type { ConfigEntry } from "../config/option-registry.ts";
import {
  EXPONENTIAL_DELAY_INITIAL_BACKOFF,
  EXPONENTIAL_DELAY_JITTER,
  EXPONENTIAL_DELAY_MAX_BACKOFF,
  EXPONENTIAL_DELAY_MULTIPLIER,
  EXPONENTIAL_DELAY_RESET_THRESHOLD,
  FAILURE_RATE_DELAY,
  FAILURE_RATE_INTERVAL,
  FAILURE_RATE_MAX_FAILURES,
  FIXED_DELAY_ATTEMPTS,
  FIXED_DELAY_DELAY,
  RESTART_STRATEGY_TYPE,
  type RestartStrategyType,
} from "../config/restart-options.ts";

/** What {@link RestartStrategies} makes, for `env.setRestartStrategy`. @public */
export interface RestartStrategyConfiguration {
  /** The settings that it stands for. */
  readonly settings: readonly ConfigEntry[];
}

/**
 * What happens when a job fails, under Flink's names: short for the options below `restart-strategy`. Values are checked when
 * the strategy is set.
 *
 * @example
 * env.setRestartStrategy(RestartStrategies.fixedDelayRestart(3, "10 s"));
 * @public
 */
export const RestartStrategies = {
  /** The first failure is the job's end. */
  noRestart: (): RestartStrategyConfiguration => strategyOf("none"),

  /** What the configuration says, or what goes without saying: exponential-delay with checkpoints, none without. */
  fallBackRestart: (): RestartStrategyConfiguration => ({ settings: [] }),

  /** Restarts a number of times, each after the delay. */
  fixedDelayRestart: (attempts: number, delay: Duration): RestartStrategyConfiguration =>
    strategyOf("fixed-delay", [FIXED_DELAY_ATTEMPTS, attempts], [FIXED_DELAY_DELAY, delay]),

  /** Restarts, each time after the delay, unless there are more failures than `failureRate` within the interval. */
  failureRateRestart: (failureRate: number, failureInterval: Duration, delay: Duration): RestartStrategyConfiguration =>
    strategyOf(
      "failure-rate",
      [FAILURE_RATE_MAX_FAILURES, failureRate],
      [FAILURE_RATE_INTERVAL, failureInterval],
      [FAILURE_RATE_DELAY, delay],
    ),

  /** Restarts after delays that grow by the multiplier, and begin again after a time without failures. */
  exponentialDelayRestart: (
    initialBackoff: Duration,
    maxBackoff: Duration,
    backoffMultiplier: number,
    resetBackoffThreshold: Duration,
    jitterFactor: number,
  ): RestartStrategyConfiguration =>
    strategyOf(
      "exponential-delay",
      [EXPONENTIAL_DELAY_INITIAL_BACKOFF, initialBackoff],
      [EXPONENTIAL_DELAY_MAX_BACKOFF, maxBackoff],
      [EXPONENTIAL_DELAY_MULTIPLIER, backoffMultiplier],
      [EXPONENTIAL_DELAY_RESET_THRESHOLD, resetBackoffThreshold],
      [EXPONENTIAL_DELAY_JITTER, jitterFactor],
    ),
} as const;

function strategyOf(
  type: RestartStrategyType,
  ...values: readonly (readonly [{ readonly key: string }, Duration | number])[]
): RestartStrategyConfiguration {
  return {
    settings: [{ key: RESTART_STRATEGY_TYPE.key, value: type }, ...values.map(([{ key }, value]) => ({ key, value }))],
  };
}
