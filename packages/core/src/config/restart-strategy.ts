import { invariant } from "../base/errors.ts";
import { CHECKPOINTING_INTERVAL } from "./checkpointing-options.ts";
import type { Configuration } from "./configuration.ts";
import { FIXED_DELAY_ATTEMPTS, FIXED_DELAY_DELAY, RESTART_STRATEGY_TYPE } from "./restart-options.ts";

/** How the engine answers a failure of the job. @internal */
export type RestartStrategy =
  | { readonly kind: "none" }
  | { readonly kind: "fixed-delay"; readonly attemptsMax: number; readonly delayMs: number };

/** The strategy that a configuration asks for; unset, it is fixed-delay with checkpointing and none without. @internal */
export function restartStrategyOf(configuration: Configuration): RestartStrategy {
  const isCheckpointing = configuration.get(CHECKPOINTING_INTERVAL) !== undefined;
  const type = configuration.get(RESTART_STRATEGY_TYPE) ?? (isCheckpointing ? "fixed-delay" : "none");
  if (type === "none") return { kind: "none" };
  invariant(type === "fixed-delay", `restart strategy ${type} was let into a configuration`);
  return {
    kind: "fixed-delay",
    attemptsMax: configuration.get(FIXED_DELAY_ATTEMPTS),
    delayMs: configuration.get(FIXED_DELAY_DELAY),
  };
}
