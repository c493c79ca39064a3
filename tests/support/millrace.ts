/** The command as a user runs it, in a process and a directory of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** From the build: it starts in a third of the time, and it is what a package has. */
const builtCommand = fileURLToPath(new URL("../../tools/built-cli.mjs", import.meta.url));
const checkoutCommand = fileURLToPath(new URL("../../packages/cli/bin/millrace.mjs", import.meta.url));
const root = fileURLToPath(new URL("../../", import.meta.url));

export interface CommandExit {
  readonly code: number | null;
  /** What ended it, when that was a signal. */
  readonly signal: string | null;
  readonly out: string;
  readonly error: string;
}

export interface StartedCommand {
  readonly process: ChildProcess;
  readonly exit: Promise<CommandExit>;
  /** What it has written to standard output so far. */
  out(): string;
  /** The same of standard error. */
  error(): string;
}

export function startMillrace(args: readonly string[], command = builtCommand): StartedCommand {
  const child = spawn(process.execPath, [command, ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let error = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    error += chunk;
  });
  const exit = new Promise<CommandExit>((resolve) =>
    child.on("close", (code, signal) => resolve({ code, signal, out, error })),
  );
  return { process: child, exit, out: () => out, error: () => error };
}

export function millrace(...args: readonly string[]): Promise<CommandExit> {
  return startMillrace(args).exit;
}

/** As a checkout runs it that has not been built. */
export function millraceFromSources(...args: readonly string[]): Promise<CommandExit> {
  return startMillrace(args, checkoutCommand).exit;
}
