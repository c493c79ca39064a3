import { Configuration } from "../../config/configuration.ts";
import { SimulatedCluster } from "../../platform/simulated-cluster.ts";
import type { LinkConditions } from "../../platform/network-faults.ts";
import type { SimulatedPlatform } from "../../platform/simulated-platform.ts";
import type { NetworkAddress } from "../../platform/transport.ts";
import { t } from "../../types/declared-types.ts";
import { RpcEndpoint, type RpcEndpointOptions } from "../rpc-endpoint.ts";
import { RpcHandlers } from "../rpc-handlers.ts";
import { type RpcMethod, type RpcTell, rpcMethod, rpcTell } from "../rpc-method.ts";
import { type RpcSettings, rpcSettings } from "../rpc-settings.ts";

export const PORT = 6123;
export const SERVER_ADDRESS: NetworkAddress = { host: "b", port: PORT };

export const echo: RpcMethod<{ text: string; delayMs?: number | undefined }, { text: string }> = rpcMethod("echo", {
  request: t.object({ text: t.string, delayMs: t.optional(t.int32) }),
  response: t.object({ text: t.string }),
});

/** Runs once for each number, or the test has found something. */
export const runOnce: RpcMethod<
  { number: number; delayMs?: number | undefined },
  { number: number; runs: number }
> = rpcMethod("runOnce", {
  request: t.object({ number: t.int32, delayMs: t.optional(t.int32) }),
  response: t.object({ number: t.int32, runs: t.int32 }),
});

export const note: RpcTell<{ number: number }> = rpcTell("note", t.object({ number: t.int32 }));

export const SETTINGS: RpcSettings = rpcSettings(new Configuration());

/** What a server's handlers have done, over all starts of its process. */
export class ServerLog {
  readonly runs: Map<number, number> = new Map();
  readonly notes: number[] = [];
  readonly starts: string[] = [];

  handlers(platform: SimulatedPlatform): RpcHandlers {
    const sleep = (delayMs: number | undefined): Promise<void> =>
      new Promise((resolve) => {
        if (delayMs === undefined) resolve();
        else platform.clock.after(delayMs, resolve);
      });
    return new RpcHandlers()
      .on(echo, async ({ text, delayMs }) => {
        this.starts.push(text);
        await sleep(delayMs);
        if (text === "fail") throw new TypeError("cannot echo that");
        return { text: `${text}!` };
      })
      .on(runOnce, async ({ number, delayMs }) => {
        const runs = (this.runs.get(number) ?? 0) + 1;
        this.runs.set(number, runs);
        await sleep(delayMs);
        return { number, runs };
      })
      .onTell(note, ({ number }) => void this.notes.push(number));
  }
}

/** An endpoint of a simulated process; warnings are kept. */
export function endpointOn(
  platform: SimulatedPlatform,
  name: string,
  handlers: RpcHandlers,
  options: Partial<RpcEndpointOptions> = {},
): { readonly endpoint: RpcEndpoint; readonly warnings: string[] } {
  const warnings: string[] = [];
  const endpoint = new RpcEndpoint({
    platform,
    name,
    handlers,
    settings: SETTINGS,
    onWarning: ({ code }) => void warnings.push(code),
    ...options,
  });
  return { endpoint, warnings };
}

/** A server process on host b, and a client process on host a. */
export interface RpcPair {
  readonly cluster: SimulatedCluster;
  readonly log: ServerLog;
  readonly serverPlatform: SimulatedPlatform;
  readonly clientPlatform: SimulatedPlatform;
  readonly server: ReturnType<typeof endpointOn>;
}

/** A server that listens, with its log; the client is made by the test. */
export async function rpcPair(
  options: { seed?: number | string; network?: Partial<LinkConditions>; server?: Partial<RpcEndpointOptions> } = {},
): Promise<RpcPair> {
  const cluster = new SimulatedCluster({ seed: options.seed ?? 1, network: options.network ?? {} });
  const log = new ServerLog();
  const serverPlatform = cluster.host("b").start("server");
  const clientPlatform = cluster.host("a").start("client");
  const server = endpointOn(serverPlatform, "server", log.handlers(serverPlatform), options.server);
  await cluster.run(() => server.endpoint.listen(SERVER_ADDRESS, { allowNonLoopback: true }));
  return { cluster, log, serverPlatform, clientPlatform, server };
}

/** How a promise came out: its value as JSON, or the code of its error. */
export function outcomeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => JSON.stringify(value),
    (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : String(error)),
  );
}
