import { spawn } from "node:child_process";

/** How a child process ended. @internal */
export interface ChildResult {
  /** Missing when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
}

/** @internal */
export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** "capture" collects stdout; "show" passes it on to stderr, as progress. */
  readonly stdout: "capture" | "show";
}

/**
 * Runs a program to its end; its stderr is ours.
 *
 * @throws Error with code `ENOENT` when there is no such program.
 * @internal
 */
export function runChild(program: string, args: readonly string[], options: ChildOptions): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: options.env ?? process.env,
      stdio: ["ignore", options.stdout === "capture" ? "pipe" : process.stderr, "inherit"],
    });
    let stdout = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.on("error", reject);
    child.on("close", (exitCode, signal) => resolve({ exitCode, signal, stdout }));
  });
}

/** The last line of `stdout` that is a JSON object. @internal */
export function lastJsonLine(stdout: string): unknown {
  const line = stdout
    .trimEnd()
    .split("\n")
    .findLast((text) => text.startsWith("{"));
  if (line === undefined) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    // A line that was cut off is no report; the caller says so.
    return undefined;
  }
}

/** In words, for error messages. @internal */
export function endOf(result: ChildResult): string {
  return result.signal === null ? `exit code ${result.exitCode}` : `signal ${result.signal}`;
}
