import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import type { Configuration } from "millrace";
import {
  checkBind,
  createNodePlatform,
  formatAddress,
  HA_STORAGE_DIR,
  type JobManagerApi,
  type Platform,
  REST_BIND_ADDRESS,
  REST_BIND_PORT,
  REST_PORT,
  WEB_UPLOAD_DIR,
} from "millrace/internal";
import { JarStore } from "./jar-store.ts";
import { createRestApp } from "./rest-app.ts";
import { portsTaken } from "./rest-errors.ts";

/** What a REST API is opened over, and where. @internal */
export interface RestEndpointOptions {
  readonly api: JobManagerApi;
  /** The JobManager's: `rest.*` and `web.*` are read from it. */
  readonly configuration: Configuration;
  readonly onWarning: (text: string) => void;
  /** Called after `DELETE /cluster` has been answered. Left out: it is refused. */
  readonly onShutDown?: () => void;
  /** Default: this machine. */
  readonly platform?: Pick<Platform, "clock" | "fs">;
}

/** A REST API that listens. @internal */
export interface RestEndpoint {
  readonly host: string;
  /** The port that was free. */
  readonly port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/**
 * Opens the REST API of a JobManager at the first free port of `rest.bind-port`.
 *
 * @throws MillraceError `MR_INSECURE_BIND` for anything but a loopback address, `MR_LISTEN_FAILED` when no port is free
 * @internal
 */
export async function startRestEndpoint(options: RestEndpointOptions): Promise<RestEndpoint> {
  const { api, configuration, onWarning, onShutDown, platform = createNodePlatform() } = options;
  const host = configuration.get(REST_BIND_ADDRESS);
  const ports = configuration.get(REST_BIND_PORT) ?? [configuration.get(REST_PORT)];
  checkBind({ host, port: ports[0]! }, {});
  const directory = configuration.get(WEB_UPLOAD_DIR) ?? join(configuration.get(HA_STORAGE_DIR), "jars");
  let url = "";
  const app = await createRestApp({
    api,
    jars: new JarStore(platform.fs, directory),
    configuration,
    clock: platform.clock,
    url: () => url,
    onWarning,
    onShutDown,
  });
  const port = await listen(app, host, ports);
  url = `http://${formatAddress({ host, port })}`;
  return { host, port, close: () => app.close() };
}

async function listen(app: FastifyInstance, host: string, ports: readonly number[]): Promise<number> {
  let failure: unknown;
  for (const port of ports) {
    try {
      await app.listen({ host, port });
      // It listens at a port, so that it has such an address.
      return (app.server.address() as AddressInfo).port;
    } catch (error) {
      failure = error;
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") break;
    }
  }
  await app.close();
  throw portsTaken(host, ports, failure);
}
