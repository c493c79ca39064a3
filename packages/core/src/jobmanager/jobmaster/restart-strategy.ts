/** What a failure means for the job. Pure: the JobMaster brings the failures and does the waiting. */
export type RestartDecision = { readonly kind: "restart"; readonly delayMs: number } | { readonly kind: "fail" };

export type RestartStrategyConfig =
  | { readonly kind: "none" }
  | { readonly kind: "fixed-delay"; readonly attemptsMax: number; readonly delayMs: number };

export class RestartStrategy {
  readonly #config: RestartStrategyConfig;
  #restarts = 0;

  constructor(config: RestartStrategyConfig) {
    this.#config = config;
  }

  onFailure(): RestartDecision {
    if (this.#config.kind === "none" || this.#restarts >= this.#config.attemptsMax) return { kind: "fail" };
    this.#restarts++;
    return { kind: "restart", delayMs: this.#config.delayMs };
  }
}
