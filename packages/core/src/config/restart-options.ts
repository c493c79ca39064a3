import { type ConfigOption, type OptionGroup, option } from "./option.ts";
import { doubleType, durationType, enumType, intType } from "./option-types.ts";

/** When a failed job is started again. @public */
export type RestartStrategyType = "none" | "fixed-delay" | "failure-rate" | "exponential-delay";

/** The option `restart-strategy.type`. @public */
export const RESTART_STRATEGY_TYPE: ConfigOption<RestartStrategyType | undefined> = option({
  key: "restart-strategy.type",
  type: enumType<RestartStrategyType>(["none", "fixed-delay", "failure-rate", "exponential-delay"], {
    off: "none",
    disable: "none",
    fixeddelay: "fixed-delay",
    failurerate: "failure-rate",
    exponentialdelay: "exponential-delay",
  }),
  legacyKeys: ["restart-strategy"],
  description:
    "What happens when the job fails. Unset means `none` without checkpointing and `exponential-delay` with it. `off` and `disable` are other words for `none`.",
});

/** The option `restart-strategy.fixed-delay.attempts`. @public */
export const FIXED_DELAY_ATTEMPTS: ConfigOption<number> = option({
  key: "restart-strategy.fixed-delay.attempts",
  type: intType({ min: 0 }),
  default: 1,
  description: "How many restarts are tried before the job fails for good.",
});

/** The option `restart-strategy.fixed-delay.delay`. @public */
export const FIXED_DELAY_DELAY: ConfigOption<number> = option({
  key: "restart-strategy.fixed-delay.delay",
  type: durationType(),
  default: 1000,
  description: "The wait between a failure and the restart.",
});

/** The option `restart-strategy.failure-rate.max-failures-per-interval`. @public */
export const FAILURE_RATE_MAX_FAILURES: ConfigOption<number> = option({
  key: "restart-strategy.failure-rate.max-failures-per-interval",
  type: intType({ min: 1 }),
  default: 1,
  description: "How many failures within the interval are answered with a restart.",
});

/** The option `restart-strategy.failure-rate.failure-rate-interval`. @public */
export const FAILURE_RATE_INTERVAL: ConfigOption<number> = option({
  key: "restart-strategy.failure-rate.failure-rate-interval",
  type: durationType({ min: 1 }),
  default: 60_000,
  description: "The time over which failures are counted.",
});

/** The option `restart-strategy.failure-rate.delay`. @public */
export const FAILURE_RATE_DELAY: ConfigOption<number> = option({
  key: "restart-strategy.failure-rate.delay",
  type: durationType(),
  default: 1000,
  description: "The wait between a failure and the restart.",
});

/** The option `restart-strategy.exponential-delay.initial-backoff`. @public */
export const EXPONENTIAL_DELAY_INITIAL_BACKOFF: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.initial-backoff",
  type: durationType({ min: 1 }),
  default: 1000,
  description: "The wait before the first restart.",
});

/** The option `restart-strategy.exponential-delay.max-backoff`. @public */
export const EXPONENTIAL_DELAY_MAX_BACKOFF: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.max-backoff",
  type: durationType({ min: 1 }),
  default: 60_000,
  description: "The longest wait before a restart.",
});

/** The option `restart-strategy.exponential-delay.backoff-multiplier`. @public */
export const EXPONENTIAL_DELAY_MULTIPLIER: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.backoff-multiplier",
  type: doubleType({ min: 1 }),
  default: 1.5,
  description: "The factor by which the wait grows from one failure to the next.",
});

/** The option `restart-strategy.exponential-delay.reset-backoff-threshold`. @public */
export const EXPONENTIAL_DELAY_RESET_THRESHOLD: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.reset-backoff-threshold",
  type: durationType({ min: 1 }),
  default: 3_600_000,
  description: "After this time without a failure the wait starts again from the initial one.",
});

/** The option `restart-strategy.exponential-delay.jitter-factor`. @public */
export const EXPONENTIAL_DELAY_JITTER: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.jitter-factor",
  type: doubleType({ min: 0, max: 1 }),
  default: 0.1,
  description: "The share of the wait that is added or taken away at random.",
});

/** The option `restart-strategy.exponential-delay.attempts-before-reset-backoff`. @public */
export const EXPONENTIAL_DELAY_ATTEMPTS: ConfigOption<number> = option({
  key: "restart-strategy.exponential-delay.attempts-before-reset-backoff",
  type: intType({ min: 0, infinite: true }),
  default: Number.POSITIVE_INFINITY,
  description: "How many restarts are tried before the job fails for good, unless the wait was reset in between.",
});

/** What starts again with a subtask that has failed. @public */
export type FailoverStrategy = "region" | "full";

/** The option `jobmanager.execution.failover-strategy`. @public */
export const FAILOVER_STRATEGY: ConfigOption<FailoverStrategy> = option({
  key: "jobmanager.execution.failover-strategy",
  type: enumType<FailoverStrategy>(["region", "full"], {}),
  default: "region",
  description:
    "What starts again when a subtask fails. `region`: the subtasks that it exchanges records with, directly or by way of others; all others go on. `full`: the whole job.",
});

/** @internal */
export const restartOptions: OptionGroup = {
  title: "Restarts",
  options: [
    RESTART_STRATEGY_TYPE,
    FIXED_DELAY_ATTEMPTS,
    FIXED_DELAY_DELAY,
    FAILURE_RATE_MAX_FAILURES,
    FAILURE_RATE_INTERVAL,
    FAILURE_RATE_DELAY,
    EXPONENTIAL_DELAY_INITIAL_BACKOFF,
    EXPONENTIAL_DELAY_MAX_BACKOFF,
    EXPONENTIAL_DELAY_MULTIPLIER,
    EXPONENTIAL_DELAY_RESET_THRESHOLD,
    EXPONENTIAL_DELAY_JITTER,
    EXPONENTIAL_DELAY_ATTEMPTS,
    FAILOVER_STRATEGY,
  ],
};
