/** Drives the protocol of one connection: its socket, and its signs of life. */
import type { Cancel, Clock } from "../../platform/platform.ts";
import { type Connection, NetworkError } from "../../platform/transport.ts";
import { WireCore } from "./wire-core.ts";

export interface WireConnectionOptions {
  readonly connection: Connection;
  readonly address: string;
  /** Who was dialled; undefined when this side was. */
  readonly expectedPeer: string | undefined;
  readonly clock: Clock;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** The other side has said who it is. Once. */
  readonly onPeer: (peer: string) => void;
  /** There may be something to send. */
  readonly onNews: () => void;
  /** Nothing goes or comes here any more. Once, and not after `end`. */
  readonly onBroken: (cause: Error) => void;
}

export class WireConnection {
  readonly core: WireCore;
  readonly #options: WireConnectionOptions;
  #isOver = false;
  /** The socket has taken as much as it wants for now. */
  #isFull = false;
  #hasSaidSomething = false;
  /**
   * Beats of our own clock since something came. Counted, not measured: when this process was stopped for a while, what the
   * other side has said meanwhile is only about to be heard.
   */
  #silentBeats = 0;
  #beating: Cancel;

  constructor(options: WireConnectionOptions) {
    const { connection, address, expectedPeer, onNews } = options;
    this.#options = options;
    this.core = new WireCore(address, expectedPeer);
    connection.onClose((failure) => {
      this.#break(failure ?? new Error("the process at the other end has closed the connection"));
    });
    connection.onDrain(() => {
      this.#isFull = false;
      onNews();
    });
    connection.onData((bytes) => this.#onData(bytes));
    this.#beating = this.#beat();
  }

  /** Whether it has broken or was ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends what there is, up to the socket's limit or a few frames; returns whether it sent anything. */
  pump(): boolean {
    if (this.#isOver || this.#isFull) return false;
    let bytes: Uint8Array | undefined;
    try {
      bytes = this.core.produce();
    } catch (error) {
      // A ring was taken away, or announced more than it has. The socket may have half of what the others expect.
      this.#options.connection.destroy();
      this.#break(error);
      return false;
    }
    if (bytes === undefined) return false;
    this.#hasSaidSomething = true;
    this.#isFull = !this.#options.connection.write(bytes);
    return true;
  }

  /** Ends the connection without telling `onBroken`. */
  end(how: "close" | "destroy"): void {
    this.#isOver = true;
    this.#beating();
    this.#options.connection[how]();
  }

  #onData(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#silentBeats = 0;
    const { core } = this;
    const wasUnknown = core.peer === undefined;
    let hasNews: boolean;
    try {
      hasNews = core.receive(bytes);
    } catch (error) {
      this.#options.connection.destroy();
      this.#break(error);
      return;
    }
    if (wasUnknown && core.peer !== undefined) this.#options.onPeer(core.peer);
    if (hasNews) this.#options.onNews();
  }

  #beat(): Cancel {
    const { clock, heartbeatIntervalMs, heartbeatTimeoutMs, connection, onNews } = this.#options;
    return clock.after(heartbeatIntervalMs, () => {
      this.#silentBeats++;
      if (this.#silentBeats * heartbeatIntervalMs > heartbeatTimeoutMs) {
        connection.destroy();
        this.#break(
          new NetworkError("ETIMEDOUT", `${heartbeatTimeoutMs} ms without a sign of life from`, connection.peer),
        );
        return;
      }
      if (!this.#hasSaidSomething && !this.#isFull) {
        this.core.giveSign();
        onNews();
      }
      this.#hasSaidSomething = false;
      this.#beating = this.#beat();
    });
  }

  #break(cause: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#beating();
    this.#options.onBroken(cause instanceof Error ? cause : new Error(String(cause)));
  }
}
