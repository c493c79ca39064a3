/** A JobManager as a process of this machine. */
import { vi } from "vitest";
import { type StartedCommand, startMillrace } from "./millrace.ts";

/** For what may take long on a busy machine. */
export const LONG: { readonly timeout: number; readonly interval: number } = { timeout: 200_000, interval: 50 };

export interface Leader {
  readonly command: StartedCommand;
  /** Where TaskManagers register. */
  readonly rpcPort: number;
  /** Where clients ask. */
  readonly restPort: number;
}

/** Settles when it can be asked. */
export async function startLeader(
  name: "jobmanager" | "cluster",
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<Leader> {
  const command = startMillrace([name, ...args, ...settingFlags(settings)]);
  await vi.waitFor(() => {
    if (!command.out().includes("clients ask at"))
      throw new Error(`it has not begun: ${command.out()}${command.error()}`);
  }, LONG);
  const port = (text: RegExp): number => Number(text.exec(command.out())![1]);
  return {
    command,
    rpcPort: port(/register at localhost:(\d+)/),
    restPort: port(/clients ask at http:\/\/localhost:(\d+)/),
  };
}

/** `-D key=value` for each of them. */
export function settingFlags(settings: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(settings).flatMap(([key, value]) => ["-D", `${key}=${value}`]);
}
