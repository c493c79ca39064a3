import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { crc32c } from "../base/crc32c.ts";
import { CONTRACT_HOSTS, type ContractHost } from "./testdata/contract-hosts.ts";
import { type Connection, type Listener, type NetworkAddress, NetworkError, type Transport } from "./transport.ts";

const LOOPBACK: NetworkAddress = { host: "127.0.0.1", port: 0 };

/** What one end of a connection has seen, and waits for more of it. */
class Seen {
  readonly connection: Connection;
  readonly chunks: Uint8Array[] = [];
  byteCount = 0;
  drains = 0;
  closes: (NetworkError | undefined)[] = [];
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(connection: Connection, isReading = true) {
    this.connection = connection;
    if (isReading) this.read();
    connection.onDrain(() => {
      this.drains++;
      this.#look();
    });
    connection.onClose((failure) => {
      this.closes.push(failure);
      this.#look();
    });
  }

  read(): void {
    this.connection.onData((bytes) => {
      expect(this.closes).toEqual([]);
      this.chunks.push(bytes);
      this.byteCount += bytes.length;
      this.#look();
    });
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.byteCount);
    let at = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
      this.#look();
    });
  }

  received(byteCount: number): Promise<void> {
    return this.until(() => this.byteCount >= byteCount);
  }

  closed(): Promise<void> {
    return this.until(() => this.closes.length > 0);
  }

  #look(): void {
    const open = this.#waiting.filter(({ holds }) => !holds());
    const done = this.#waiting.filter((waiting) => !open.includes(waiting));
    this.#waiting = open;
    for (const { resolve } of done) resolve();
  }
}

describe.each(CONTRACT_HOSTS)("transport contract: $name", ({ start }) => {
  let host: ContractHost;
  let transport: Transport;
  const opened: { close(): unknown }[] = [];
  beforeEach(async () => {
    host = await start();
    transport = host.platform.transport;
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await host.run(async () => void (await each.close()));
    await host.close();
  });

  const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

  const turn = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      host.platform.clock.after(delayMs, resolve);
    });

  const listen = async (onConnection: (connection: Connection) => void): Promise<Listener> => {
    const listener = await transport.listen(LOOPBACK, onConnection);
    opened.push(listener);
    return listener;
  };

  /** A connection with both of its ends. */
  const connect = async (): Promise<readonly [client: Connection, server: Connection, listener: Listener]> => {
    let accepted: (connection: Connection) => void = () => {};
    const accepting = new Promise<Connection>((resolve) => {
      accepted = resolve;
    });
    const listener = await listen((connection) => accepted(connection));
    const client = await transport.dial(listener.address);
    const server = await accepting;
    opened.push({ close: () => client.destroy() }, { close: () => server.destroy() });
    return [client, server, listener];
  };

  /** Bytes that differ at every place, so that what is lost, doubled or moved shows. */
  const numbered = (byteCount: number, seed = 1): Uint8Array => {
    const bytes = new Uint8Array(byteCount);
    let state = seed;
    for (let index = 0; index < byteCount; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[index] = state >>> 24;
    }
    return bytes;
  };

  const errnoOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "none",
      (error: unknown) => (error instanceof NetworkError ? error.errno : String(error)),
    );

  test("what is written at one end is read at the other, in both directions", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server)];
      expect(client.write(utf8("to the server"))).toBe(true);
      expect(server.write(utf8("to the client"))).toBe(true);
      await Promise.all([atClient.received(13), atServer.received(13)]);
      expect([atClient.text(), atServer.text()]).toEqual(["to the client", "to the server"]);
    });
  });

  test("T1: bytes arrive in the order of the writes, whatever their sizes", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const atServer = new Seen(server);
      const all = numbered(400_000);
      let at = 0;
      for (const size of [0, 1, 2, 70_000, 3, 65_536, 0, 131_072, 7, 1]) {
        client.write(all.slice(at, at + size));
        at += size;
      }
      for (; at < all.length; at += 10_000) client.write(all.slice(at, at + 10_000));
      await atServer.received(all.length);
      expect([atServer.byteCount, crc32c(atServer.bytes())]).toEqual([all.length, crc32c(all)]);
    });
  });

  test("a listener says which port it got, and each who dials gets a connection of its own", async () => {
    await host.run(async () => {
      const accepted: Seen[] = [];
      const listener = await listen((connection) => {
        connection.write(utf8(`${accepted.length}`));
        accepted.push(new Seen(connection));
      });
      expect(listener.address.host).toBe("127.0.0.1");
      expect(listener.address.port).toBeGreaterThan(0);
      const clients = await Promise.all([1, 2, 3].map(async () => new Seen(await transport.dial(listener.address))));
      await Promise.all(clients.map((client) => client.received(1)));
      expect(clients.map((client) => client.text()).sort()).toEqual(["0", "1", "2"]);
      expect(clients[0]!.connection.peer).toEqual(listener.address);
      expect(new Set(accepted.map(({ connection }) => connection.peer.port)).size).toBe(3);
      for (const { connection } of [...clients, ...accepted]) connection.destroy();
    });
  });

  test("T2: close delivers everything first, then both ends hear of it once and without a failure", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server)];
      const all = numbered(300_000);
      client.write(all);
      client.close();
      expect(atClient.closes).toEqual([]);
      await Promise.all([atClient.closed(), atServer.closed()]);
      expect([atServer.byteCount, crc32c(atServer.bytes())]).toEqual([all.length, crc32c(all)]);
      await turn(20);
      expect([atClient.closes, atServer.closes]).toEqual([[undefined], [undefined]]);
    });
  });

  test("T2: a close is told to who listens late, and after the data that was still unread", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      client.write(utf8("last words"));
      client.close();
      await turn(20);
      const atServer = new Seen(server, false);
      await turn(20);
      expect(atServer.closes).toEqual([]);
      atServer.read();
      await atServer.closed();
      expect(atServer.text()).toBe("last words");
    });
  });

  test("T2: destroy ends at once: ECONNRESET at the other end, no failure at this one", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server)];
      client.destroy();
      expect(atClient.closes).toEqual([]);
      await Promise.all([atClient.closed(), atServer.closed()]);
      client.destroy();
      await turn(20);
      expect(atClient.closes).toEqual([undefined]);
      expect(atServer.closes).toHaveLength(1);
      expect(atServer.closes[0]).toBeInstanceOf(NetworkError);
      expect(atServer.closes[0]).toMatchObject({ errno: "ECONNRESET", address: server.peer });
    });
  });

  test("T3: after close and destroy nothing is delivered, and write does nothing", async () => {
    for (const end of ["close", "destroy"] as const) {
      await host.run(async () => {
        const [client, server] = await connect();
        const [atClient, atServer] = [new Seen(client), new Seen(server)];
        server.write(utf8("too late"));
        client[end]();
        client[end]();
        expect(client.write(utf8("unsaid"))).toBe(false);
        await Promise.all([atClient.closed(), atServer.closed()]);
        expect(server.write(utf8("nobody there"))).toBe(false);
        server[end]();
        await turn(20);
        expect([atClient.byteCount, atServer.byteCount]).toEqual([0, 0]);
        expect([atClient.closes.length, atServer.closes.length]).toEqual([1, 1]);
      });
    }
  });

  test("T3: closing in the middle of a big transfer from the other end ends both", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server)];
      for (let round = 0; round < 64; round++) server.write(numbered(65_536, round));
      await atClient.received(1);
      client.close();
      const { byteCount } = atClient;
      await Promise.all([atClient.closed(), atServer.closed()]);
      expect(atClient.byteCount).toBe(byteCount);
    });
  });

  test("T4, T5: a reader that does not read makes the writer wait, and reading on lets it go on", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server, false)];
      // More than the buffers of a system hold.
      const chunk = numbered(1_000_000);
      for (let round = 0; round < 32; round++) client.write(chunk);
      expect(client.write(utf8("."))).toBe(false);
      await turn(50);
      expect([atServer.byteCount, atClient.drains]).toEqual([0, 0]);
      atServer.read();
      await atClient.until(() => atClient.drains > 0);
      await atServer.received(32_000_001);
      expect(atServer.byteCount).toBe(32_000_001);
      expect(atClient.drains).toBe(1);
      expect(client.write(utf8("!"))).toBe(true);
      await atServer.received(32_000_002);
    });
  });

  test("T4: a paused connection delivers nothing, loses nothing and still writes", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const [atClient, atServer] = [new Seen(client), new Seen(server)];
      client.write(utf8("one "));
      await atServer.received(4);
      server.pause();
      client.write(utf8("two "));
      server.write(utf8("back"));
      await atClient.received(4);
      await turn(20);
      expect(atServer.text()).toBe("one ");
      server.resume();
      client.write(utf8("three"));
      await atServer.received(13);
      expect(atServer.text()).toBe("one two three");
    });
  });

  test("T4: pausing from within a delivery holds the next one", async () => {
    await host.run(async () => {
      const [client, server] = await connect();
      const sizes: number[] = [];
      let onChunk = (): void => {};
      server.onData((bytes) => {
        sizes.push(bytes.length);
        server.pause();
        onChunk();
      });
      const chunks = (count: number): Promise<void> =>
        new Promise((resolve) => {
          onChunk = () => {
            if (sizes.length >= count) resolve();
          };
          onChunk();
        });
      client.write(numbered(500_000));
      await chunks(1);
      await turn(20);
      expect(sizes).toHaveLength(1);
      server.resume();
      await chunks(2);
      await turn(20);
      expect(sizes).toHaveLength(2);
    });
  });

  test("dialling where nobody listens is refused, also where somebody has stopped listening", async () => {
    await host.run(async () => {
      const [client, server, listener] = await connect();
      await listener.close();
      expect(await errnoOf(transport.dial(listener.address))).toBe("ECONNREFUSED");
      await listener.close();
      const atServer = new Seen(server);
      client.write(utf8("still here"));
      await atServer.received(10);
    });
  });

  test("a port is taken until its listener closes", async () => {
    await host.run(async () => {
      const { address, close } = await listen(() => {}).then((listener) => ({
        address: listener.address,
        close: () => listener.close(),
      }));
      expect(await errnoOf(transport.listen(address, () => {}))).toBe("EADDRINUSE");
      await close();
      opened.push(await transport.listen(address, () => {}));
    });
  });

  test("an error names the errno, the operation and the address", async () => {
    const failing = host.run(() => transport.dial({ host: "127.0.0.1", port: 1 }));
    await expect(failing).rejects.toThrow(NetworkError);
    await expect(failing).rejects.toMatchObject({
      name: "NetworkError",
      errno: "ECONNREFUSED",
      address: { host: "127.0.0.1", port: 1 },
      message: "ECONNREFUSED: dial 127.0.0.1:1",
    });
  });

  test("MR_INSECURE_BIND: a bind that other machines could reach is refused unless it is allowed", async () => {
    for (const name of ["0.0.0.0", "", "::", "192.168.0.1", "example.org", "127.0.0.1.example.org", "10.127.0.0"]) {
      const refused = host.run(() => transport.listen({ host: name, port: 0 }, () => {}));
      await expect(refused).rejects.toMatchObject({ code: "MR_INSECURE_BIND", found: expect.any(String) });
    }
    for (const name of ["127.0.0.1", "127.9.8.7", "localhost"]) {
      await host.run(async () => {
        opened.push(await transport.listen({ host: name, port: 0 }, () => {}));
      });
    }
  });
});
