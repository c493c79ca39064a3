/**
 * What this process has to do with one other process: the channels between the two, and the connection that carries them.
 *
 * - L1. There is one connection at a time. Of the two processes the one whose address is the lesser string dials, when it has
 *   something to connect; the other one waits for it.
 * - L2. A connection that breaks fails every deployment that used it. Nothing is sent a second time on another one.
 * - L3. A connection that comes in while there is one takes its place: the other process has lost the old one, or was
 *   started anew. Deployments of which nothing has been carried go on with the new one.
 */
import type { WireConnection } from "./wire-connection.ts";
import { deploymentName, type WireDeployment, type WireEnd } from "./wire-ends.ts";
import { channelBroken } from "./wire-errors.ts";

/** The channels of one deployment to one other process. */
export interface LinkedDeployment {
  readonly deployment: WireDeployment;
  readonly ends: readonly WireEnd[];
  /** They carry nothing any more. Once. */
  readonly onBroken: (end: WireEnd, error: Error) => void;
}

export interface WireLinkOptions {
  readonly here: string;
  readonly there: string;
  /** Opens a connection to the other process; tells `connected` or `failed`. */
  readonly dial: () => void;
}

export class WireLink {
  readonly #options: WireLinkOptions;
  /** By deployment. */
  readonly #linked = new Map<string, LinkedDeployment>();
  #connection: WireConnection | undefined;
  #isDialling = false;

  constructor(options: WireLinkOptions) {
    this.#options = options;
  }

  /** Whether nothing is left to do for it. */
  get isIdle(): boolean {
    return this.#linked.size === 0 && this.#connection === undefined && !this.#isDialling;
  }

  attach(linked: LinkedDeployment): void {
    this.#linked.set(deploymentName(linked.deployment), linked);
    if (this.#connection !== undefined) {
      this.#connection.core.attach(linked.deployment, linked.ends);
      return;
    }
    const { here, there, dial } = this.#options;
    if (this.#isDialling || here > there) return;
    this.#isDialling = true;
    dial();
  }

  detach(deployment: string): void {
    if (this.#linked.delete(deployment)) this.#connection?.core.detach(deployment);
  }

  connected(connection: WireConnection): void {
    this.#isDialling = false;
    const old = this.#connection;
    this.#connection = connection;
    old?.end("destroy");
    for (const [name, linked] of [...this.#linked]) {
      if (old?.core.hasCarried(name) === true) {
        this.#fail(name, linked, new Error("the process at the other end has opened another connection"));
      } else connection.core.attach(linked.deployment, linked.ends);
    }
  }

  /** The connection, or the attempt to make one, is over. */
  failed(connection: WireConnection | undefined, cause: Error): void {
    // One that another has taken the place of.
    if (connection !== this.#connection) return;
    this.#isDialling = false;
    this.#connection = undefined;
    for (const [name, linked] of [...this.#linked]) this.#fail(name, linked, cause);
  }

  /** Ends the connection without telling anybody here. */
  close(): void {
    this.#connection?.end("close");
    this.#connection = undefined;
    this.#linked.clear();
  }

  #fail(name: string, { deployment, ends, onBroken }: LinkedDeployment, cause: Error): void {
    this.#linked.delete(name);
    const { here, there } = this.#options;
    const [end] = ends;
    if (end === undefined) return;
    const { channel, direction } = end;
    onBroken(end, channelBroken({ deployment, channel, direction, here, there, cause }));
  }
}
