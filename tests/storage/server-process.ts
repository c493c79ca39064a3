/** Servers as processes of this machine, for the time of a test file. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";

export interface ServerProcess {
  /** All of what it has written. */
  readonly output: () => string;
  /** Settles when it is gone. */
  stop(): Promise<void>;
}

/** Ports that nobody listens on right now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const ports = servers.map((server) => (server.address() as { readonly port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export function startServer(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): ServerProcess {
  const child: ChildProcess = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
    env: { ...process.env, ...options.env },
  });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (data: Buffer) => {
      // The end is what says why something failed.
      output = (output + data.toString()).slice(-20_000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      output += String(error);
      resolve();
    });
  });
  // Whoever ends without stopping it, as after a failed test, leaves nothing running.
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  return {
    output: () => output,
    stop: async () => {
      process.off("exit", kill);
      kill();
      await ended;
    },
  };
}
