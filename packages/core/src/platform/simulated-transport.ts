import { checkDelay } from "./io-arguments.ts";
import type { NetworkUser, SimulatedNetwork, SimulatedPort } from "./simulated-network.ts";
import {
  type Connection,
  checkBind,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type NetworkAddress,
  type Transport,
} from "./transport.ts";

/** Opening and closing a port takes this long, in ms. */
const PORT_MS = 0.05;

/** The network as one simulated process sees it. @internal */
export class SimulatedTransport implements Transport {
  readonly #user: NetworkUser;
  readonly #network: SimulatedNetwork;

  constructor(user: NetworkUser, network: SimulatedNetwork) {
    this.#user = user;
    this.#network = network;
  }

  async listen(
    address: NetworkAddress,
    onConnection: (connection: Connection) => void,
    options: ListenOptions = {},
  ): Promise<Listener> {
    checkBind(address, options);
    await this.#turn("net listen");
    const port = this.#network.listen(this.#user, address, onConnection);
    return {
      address: port.address,
      close: () => this.#close(port),
    };
  }

  async dial(address: NetworkAddress, options: DialOptions = {}): Promise<Connection> {
    if (options.timeoutMs !== undefined) checkDelay(options.timeoutMs);
    return this.#network.dial(this.#user, address, options);
  }

  /** Closed from the call on; the promise is late, as everything is. */
  #close(port: SimulatedPort): Promise<void> {
    this.#network.closePort(this.#user.host, port);
    return this.#turn("net close port");
  }

  #turn(label: string): Promise<void> {
    return new Promise((resolve) => {
      this.#user.process.schedule(PORT_MS, label, resolve);
    });
  }
}
