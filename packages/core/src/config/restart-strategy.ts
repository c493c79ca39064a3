import { unreachable } from "../base/errors.ts";
import { CHECKPOINTING_INTERVAL } from "./checkpointing-options.ts";
import type { Configuration } from "./configuration.ts";
import {
  EXPONENTIAL_DELAY_ATTEMPTS,
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
} from "./restart-options.ts";

/** Strategies that count only; Flink's keys below `restart-strategy`. @internal */
export type CountingStrategyConfig =
  | { readonly kind: "none" }
  | { readonly kind: "fixed-delay"; readonly attemptsMax: number; readonly delayMs: number };

/** Strategies that look at the time between failures. @internal */
export type TimedStrategyConfig =
  | {
      readonly kind: "failure-rate";
      /** Failures within the interval that are answered with a restart; one more fails the job. */
      readonly failuresMax: number;
      readonly intervalMs: number;
      readonly delayMs: number;
    }
  | {
      readonly kind: "exponential-delay";
      readonly initialDelayMs: number;
      readonly delayMaxMs: number;
      /** At least 1. */
      readonly multiplier: number;
      /** The delay starts again when the job ran this long since the last restart. */
      readonly resetAfterMs: number;
      /** Share of the delay, 0 to 1, by which it is at most lengthened or shortened, so that jobs do not restart together. */
      readonly jitter: number;
      /** Restarts without a reset between them; Infinity for no limit. */
      readonly attemptsMax: number;
    };

/** How the engine answers a failure of the job. @internal */
export type RestartStrategyConfig = CountingStrategyConfig | TimedStrategyConfig;

/** The strategy that a configuration asks for; unset, it is exponential-delay with checkpointing and none without. @internal */
export function restartStrategyOf(configuration: Configuration): RestartStrategyConfig {
  const isCheckpointing = configuration.get(CHECKPOINTING_INTERVAL) !== undefined;
  const kind = configuration.get(RESTART_STRATEGY_TYPE) ?? (isCheckpointing ? "exponential-delay" : "none");
  switch (kind) {
    case "none":
      return { kind };
    case "fixed-delay":
      return {
        kind,
        attemptsMax: configuration.get(FIXED_DELAY_ATTEMPTS),
        delayMs: configuration.get(FIXED_DELAY_DELAY),
      };
    case "failure-rate":
      return {
        kind,
        failuresMax: configuration.get(FAILURE_RATE_MAX_FAILURES),
        intervalMs: configuration.get(FAILURE_RATE_INTERVAL),
        delayMs: configuration.get(FAILURE_RATE_DELAY),
      };
    case "exponential-delay":
      return {
        kind,
        initialDelayMs: configuration.get(EXPONENTIAL_DELAY_INITIAL_BACKOFF),
        delayMaxMs: configuration.get(EXPONENTIAL_DELAY_MAX_BACKOFF),
        multiplier: configuration.get(EXPONENTIAL_DELAY_MULTIPLIER),
        resetAfterMs: configuration.get(EXPONENTIAL_DELAY_RESET_THRESHOLD),
        jitter: configuration.get(EXPONENTIAL_DELAY_JITTER),
        attemptsMax: configuration.get(EXPONENTIAL_DELAY_ATTEMPTS),
      };
    default:
      return unreachable(kind);
  }
}
