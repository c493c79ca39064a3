/** A real S3 server: moto, from tools/servers/install-moto.sh. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fileSystemFactory } from "@millrace/storage-s3";
import { Configuration, type FileSystem } from "millrace";
import { createNodePlatform } from "millrace/internal";
import { vi } from "vitest";
import { freePorts, startServer } from "./server-process.ts";

const COMMAND = fileURLToPath(new URL("../../.servers/moto/bin/moto_server", import.meta.url));

/** With MILLRACE_REQUIRE_MOTO its tests run, and fail, also where it is not installed. */
export const HAS_MOTO: boolean = existsSync(COMMAND) || process.env["MILLRACE_REQUIRE_MOTO"] === "1";

export interface Moto {
  readonly endpoint: string;
  readonly port: number;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<Moto> {
  const [port] = await freePorts(1);
  const server = startServer(COMMAND, ["-H", "127.0.0.1", "-p", String(port)]);
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await vi.waitFor(() => fetch(endpoint), { timeout: 60_000, interval: 50 });
  } catch (cause) {
    await server.stop();
    throw new Error(`moto does not answer:\n${server.output()}`, { cause });
  }
  return {
    endpoint,
    port: port!,
    stop: server.stop,
    createBucket: async (name) => {
      // Moto asks nobody for a signature.
      const { ok, status } = await fetch(`${endpoint}/${name}`, { method: "PUT" });
      if (!ok) throw new Error(`no bucket: status ${status}`);
    },
  };
}

/** What a job is configured with to use it. */
export function s3Settings(endpoint: string): Readonly<Record<string, string>> {
  return {
    "s3.endpoint": endpoint,
    "s3.path.style.access": "true",
    "s3.access-key": "test-key",
    "s3.secret-key": "test-secret-that-nobody-sees",
    "s3.upload.min.part.size": "5 mb",
  };
}

export function s3FileSystem(
  endpoint: string,
  more: Readonly<Record<string, string>> = {},
  clock = createNodePlatform().clock,
): FileSystem {
  const entries = Object.entries({ ...s3Settings(endpoint), ...more }).map(([key, value]) => ({ key, value }));
  const { random } = createNodePlatform();
  return fileSystemFactory.create({ configuration: Configuration.fromEntries(entries), env: {}, clock, random });
}
