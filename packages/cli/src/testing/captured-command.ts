/** The command in the process of a test, which is quicker than one of its own. */
import { vi } from "vitest";

export interface CapturedCommand {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

/** @param main - The command line's: of the sources, or of the build. */
export async function captured(
  main: (argv: readonly string[]) => Promise<void>,
  args: readonly string[],
): Promise<CapturedCommand> {
  let [out, error] = ["", ""];
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += text;
      return true;
    }),
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      error += text;
      return true;
    }),
  ];
  process.exitCode = 0;
  try {
    await main(["node", "millrace", ...args]);
    return { code: Number(process.exitCode), out, error };
  } finally {
    process.exitCode = 0;
    for (const spy of spies) spy.mockRestore();
  }
}
