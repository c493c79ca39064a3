import type { RecordInput } from "../codegen/compile-chain.ts";
import type { ChannelReader } from "../exchange/channel.ts";
import type { ChannelEvent } from "../exchange/channel-events.ts";

/** A fused edge that a checkpoint found records on. */
export interface RestoredEntry {
  readonly reader: ChannelReader;
  /** Takes its records into the middle of the chain. */
  readonly input: RecordInput;
}

/** What a subtask is fed by; see InputGate. */
interface RestoredGate {
  readonly channels: readonly ChannelReader[];
}

/**
 * The elements that a checkpoint found on their way to a subtask. All of them are taken before anything new: a record of a
 * key never overtakes an older one of the same key, whichever channels the two are on after a rescale.
 */
export class RestoredInput {
  readonly #gates: readonly RestoredGate[];
  readonly #entries: readonly RestoredEntry[];

  constructor(gates: readonly RestoredGate[], entries: readonly RestoredEntry[]) {
    this.#gates = gates;
    this.#entries = entries;
  }

  get isDone(): boolean {
    return (
      this.#entries.every(({ reader }) => reader.restoredCount === 0) &&
      this.#gates.every(({ channels }) => channels.every((reader) => reader.restoredCount === 0))
    );
  }

  /** Takes up to `elementsMax` elements of one channel; records go into the chain, events to `onEvent`. */
  take(
    elementsMax: number,
    inputOf: (gate: number) => RecordInput,
    onEvent: (gate: number, channel: number, event: ChannelEvent) => void,
  ): void {
    for (const { reader, input } of this.#entries) {
      if (reader.restoredCount === 0) continue;
      reader.takeRecords(input, Math.min(elementsMax, reader.restoredCount));
      return;
    }
    for (const [gate, { channels }] of this.#gates.entries()) {
      const channel = channels.findIndex((reader) => reader.restoredCount > 0);
      const reader = channels[channel];
      if (reader === undefined) continue;
      if (reader.takeRecords(inputOf(gate), Math.min(elementsMax, reader.restoredCount)) > 0) return;
      onEvent(gate, channel, reader.takeEvent()!);
      return;
    }
  }
}
