/** Channels whose ends are in two processes: what the threads need of whoever carries them. */
import type { ChannelId } from "../slot-layout.ts";

/** One end of a channel, as a ring between a slot's thread and the wire. */
export interface WiredChannel {
  readonly deploymentNumber: number;
  readonly channel: ChannelId;
  /** `out`: the thread writes into the ring and the wire reads it; `in`: the wire writes. */
  readonly direction: "out" | "in";
  /** The slot in this process, whose doorbell is rung when its end of the ring has changed. */
  readonly slot: number;
  /** Where the other end is. */
  readonly peerAddress: string;
  readonly memory: SharedArrayBuffer;
}

export interface ChannelWire {
  /**
   * From now on bytes are carried. A wire that breaks fails the attempt through `onBroken`, once.
   * @param doorbells - Memory of the job's doorbells; the wire's own is the one at `wireBell`.
   */
  connect(
    channels: readonly WiredChannel[],
    doorbells: SharedArrayBuffer,
    wireBell: number,
    onBroken: (channel: WiredChannel, error: Error) => void,
  ): void;
  /** Carries nothing of the attempt any more; settles when nothing of it can arrive. */
  disconnect(deploymentNumber: number): Promise<void>;
}
