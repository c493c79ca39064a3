import { invariant } from "../base/errors.ts";

/** @internal */
export type AlignmentAction =
  | { readonly kind: "ignore" }
  | { readonly kind: "block"; readonly channel: number; readonly abortedId?: number }
  | { readonly kind: "snapshot"; readonly checkpointId: number; readonly abortedId?: number };

/** @internal */
export class BarrierAligner {
  readonly #channelCount: number;
  readonly #arrived = new Set<number>();
  #checkpointId = 0;

  constructor(channelCount: number) {
    this.#channelCount = channelCount;
  }

  onBarrier(channel: number, checkpointId: number): AlignmentAction {
    if (checkpointId < this.#checkpointId) return { kind: "ignore" };
    if (checkpointId === this.#checkpointId && this.#arrived.size === 0) return { kind: "ignore" };
    const abortedId = checkpointId > this.#checkpointId && this.#arrived.size > 0 ? this.#checkpointId : undefined;
    if (checkpointId > this.#checkpointId) this.#arrived.clear();
    this.#checkpointId = checkpointId;
    invariant(!this.#arrived.has(channel), `second barrier ${checkpointId} on channel ${channel}`);
    this.#arrived.add(channel);
    if (this.#arrived.size === this.#channelCount) {
      this.#arrived.clear();
      return { kind: "snapshot", checkpointId };
    }
    return abortedId === undefined ? { kind: "block", channel } : { kind: "block", channel, abortedId };
  }
}
