/**
 * What an unaligned checkpoint keeps of a subtask's channels: the elements that were in them at the snapshot, and those that
 * come before the barrier. Everything is written down before it is taken, so the subtask goes on with its input meanwhile.
 */
import { invariant } from "../base/errors.ts";
import type { ChannelLook, ChannelReader } from "../exchange/channel.ts";
import type { ChannelEvent } from "../exchange/channel-events.ts";
import {
  type ChannelPlace,
  ChannelStateWriter,
  type EncodedChannels,
  encodeChannels,
} from "../exchange/channel-state.ts";
import type { Serializer } from "../types/type.ts";

/** A channel that can be captured. */
export interface CapturedChannel {
  readonly reader: ChannelReader;
  readonly place: ChannelPlace;
  /** The operator that the channel feeds. */
  readonly operatorUid: string;
  readonly serializer: Serializer<unknown>;
}

interface OpenLook {
  readonly look: ChannelLook;
  readonly writer: ChannelStateWriter;
  /** The barrier that was seen: the end of the look. */
  barrierId: number | undefined;
}

export class ChannelCapture {
  readonly checkpointId: number;
  readonly #writers: { readonly operatorUid: string; readonly writer: ChannelStateWriter }[] = [];
  readonly #looks = new Map<number, OpenLook>();

  constructor(checkpointId: number) {
    this.checkpointId = checkpointId;
  }

  get isComplete(): boolean {
    return this.#looks.size === 0;
  }

  /** Captures the channel from its head on, until `end` is called with its number. */
  begin(number: number, channel: CapturedChannel): void {
    this.#looks.set(number, {
      look: channel.reader.beginLook(),
      writer: this.#writerOf(channel),
      barrierId: undefined,
    });
  }

  /** Captures what is in the channel now, and no more. */
  take(channel: CapturedChannel): void {
    const look = channel.reader.beginLook();
    look.look(visitorOf(this.#writerOf(channel), () => true));
    look.close();
  }

  /** Captures what has come. Tells of the channels that have delivered a barrier of this checkpoint or a newer one. */
  look(onBarrier: (number: number, checkpointId: number) => void): void {
    for (const [number, open] of this.#looks) {
      open.look.look(
        visitorOf(open.writer, (checkpointId) => {
          if (checkpointId < this.checkpointId) return true;
          open.barrierId = checkpointId;
          return false;
        }),
      );
      if (open.barrierId !== undefined) onBarrier(number, open.barrierId);
    }
  }

  /** The channel's barrier is there. */
  end(number: number): void {
    const open = this.#looks.get(number);
    invariant(open !== undefined, `channel ${number} is not captured for checkpoint ${this.checkpointId}`);
    open.look.close();
    this.#looks.delete(number);
  }

  /** Gives up all channels. */
  close(): void {
    for (const number of [...this.#looks.keys()]) this.end(number);
  }

  /** By operator uid; without the operators whose channels were empty. */
  encode(): ReadonlyMap<string, EncodedChannels> {
    const encoded = new Map<string, EncodedChannels>();
    for (const uid of new Set(this.#writers.map(({ operatorUid }) => operatorUid))) {
      const own = this.#writers.filter(({ operatorUid }) => operatorUid === uid);
      const channels = encodeChannels(own.map(({ writer }) => writer));
      if (channels !== undefined) encoded.set(uid, channels);
    }
    return encoded;
  }

  #writerOf({ operatorUid, place, serializer }: CapturedChannel): ChannelStateWriter {
    const writer = new ChannelStateWriter(place, serializer);
    this.#writers.push({ operatorUid, writer });
    return writer;
  }
}

/**
 * Of the events only watermarks are kept: a producer that starts again says anew that it is idle, and finds its end again.
 * @param onBarrier - Returns whether to look further.
 */
function visitorOf(
  writer: ChannelStateWriter,
  onBarrier: (checkpointId: number) => boolean,
): { onRecord(value: unknown, timestampMs: number): void; onEvent(event: ChannelEvent): boolean } {
  return {
    onRecord: (value, timestampMs) => writer.record(value, timestampMs),
    onEvent: (event) => {
      if (event.kind === "watermark") writer.watermark(event.timestampMs);
      return event.kind === "barrier" ? onBarrier(event.checkpointId) : true;
    },
  };
}
