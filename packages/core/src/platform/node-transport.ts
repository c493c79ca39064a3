import type { Server, Socket } from "node:net";
import { checkDelay } from "./io-arguments.ts";
import {
  CLOSE_GRACE_MS,
  type Connection,
  checkBind,
  DIAL_TIMEOUT_MS_DEFAULT,
  type DialOptions,
  type Listener,
  type ListenOptions,
  type NetworkAddress,
  NetworkError,
  type Transport,
  WRITE_BUFFER_BYTES,
} from "./transport.ts";

/** TCP. Node's module is loaded when it is first needed: most processes and threads have no connections. @internal */
export class NodeTransport implements Transport {
  async listen(
    address: NetworkAddress,
    onConnection: (connection: Connection) => void,
    options: ListenOptions = {},
  ): Promise<Listener> {
    checkBind(address, options);
    const { createServer } = await import("node:net");
    const server = createServer({ noDelay: true, pauseOnConnect: true, highWaterMark: WRITE_BUFFER_BYTES });
    server.on("connection", (socket) => onConnection(new NodeConnection(socket, peerOf(socket))));
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => reject(toNetworkError("listen", address, error)));
      server.listen({ host: address.host, port: address.port }, resolve);
    });
    server.removeAllListeners("error");
    server.on("error", (error) => {
      const failure = toNetworkError("accept", address, error);
      if (options.onAcceptFailure === undefined) throw failure;
      options.onAcceptFailure(failure);
    });
    return new NodeListener(server, address);
  }

  async dial(address: NetworkAddress, options: DialOptions = {}): Promise<Connection> {
    const timeoutMs = options.timeoutMs ?? DIAL_TIMEOUT_MS_DEFAULT;
    checkDelay(timeoutMs);
    const { Socket } = await import("node:net");
    return new Promise((resolve, reject) => {
      // A Socket hands its options on to the stream that it is, which Node's types do not say.
      const socket = new Socket({ highWaterMark: WRITE_BUFFER_BYTES } as ConstructorParameters<typeof Socket>[0]);
      const onError = (error: Error): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(error instanceof NetworkError ? error : toNetworkError("dial", address, error));
      };
      const timer = setTimeout(() => onError(new NetworkError("ETIMEDOUT", "dial", address)), timeoutMs);
      socket.on("error", onError);
      socket.once("connect", () => {
        clearTimeout(timer);
        const connection = new NodeConnection(socket, address);
        socket.off("error", onError);
        socket.setNoDelay(true);
        resolve(connection);
      });
      socket.connect({ host: address.host, port: address.port });
    });
  }
}

class NodeListener implements Listener {
  readonly address: NetworkAddress;
  readonly #server: Server;

  constructor(server: Server, asked: NetworkAddress) {
    this.#server = server;
    const bound = server.address();
    this.address = { host: asked.host, port: typeof bound === "object" && bound !== null ? bound.port : asked.port };
  }

  /** The port is free when this returns; Node's own callback would wait for the last connection to end. */
  async close(): Promise<void> {
    this.#server.close();
  }
}

class NodeConnection implements Connection {
  readonly peer: NetworkAddress;
  readonly #socket: Socket;
  #onData: ((bytes: Uint8Array) => void) | undefined;
  #onDrain: () => void = () => {};
  #onClose: ((failure: NetworkError | undefined) => void) | undefined;
  /** This side has ended the connection: nothing more is delivered. */
  #isEnded = false;
  #isPaused = false;
  #failure: NetworkError | undefined;
  #closed: { readonly failure: NetworkError | undefined } | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(socket: Socket, peer: NetworkAddress) {
    this.#socket = socket;
    this.peer = peer;
    socket.on("data", (bytes) => {
      // Not the Buffer itself, whose methods differ from those of a Uint8Array.
      if (!this.#isEnded) this.#onData?.(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    });
    // A data listener makes the stream flow; nobody listens yet.
    socket.pause();
    socket.on("drain", () => {
      if (!this.#isEnded) this.#onDrain();
    });
    socket.on("error", (error) => {
      this.#failure = toNetworkError("connection to", peer, error);
    });
    socket.on("close", () => this.#close());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnded || !this.#socket.writable) return false;
    return this.#socket.write(bytes);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#onData = listener;
    this.#flow();
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener;
  }

  onClose(listener: (failure: NetworkError | undefined) => void): void {
    this.#onClose = listener;
    const closed = this.#closed;
    if (closed !== undefined) setImmediate(() => this.#onClose?.(closed.failure));
  }

  pause(): void {
    this.#isPaused = true;
    this.#flow();
  }

  resume(): void {
    this.#isPaused = false;
    this.#flow();
  }

  close(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#grace = setTimeout(() => this.#socket.destroy(), CLOSE_GRACE_MS);
    this.#socket.end();
    // What still comes has to be read, or the other side's end would not be seen.
    this.#socket.resume();
  }

  destroy(): void {
    this.#isEnded = true;
    this.#socket.resetAndDestroy();
  }

  #flow(): void {
    if (this.#isEnded) return;
    if (this.#isPaused || this.#onData === undefined) this.#socket.pause();
    else this.#socket.resume();
  }

  #close(): void {
    clearTimeout(this.#grace);
    const failure = this.#isEnded ? undefined : this.#failure;
    this.#isEnded = true;
    if (this.#onClose === undefined) this.#closed = { failure };
    else this.#onClose(failure);
  }
}

function peerOf(socket: Socket): NetworkAddress {
  return { host: socket.remoteAddress ?? "unknown", port: socket.remotePort ?? 0 };
}

function toNetworkError(operation: string, address: NetworkAddress, error: Error): NetworkError {
  return new NetworkError(errnoOf(error), operation, address, error);
}

/** Of a name with several addresses that all fail, the error has one for each; the first says it as well as any. */
function errnoOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return errnoOf(error.errors[0]);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EIO";
}
