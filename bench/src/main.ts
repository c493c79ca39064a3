import { CommanderError } from "commander";

/**
 * The command `bench`: `bench JOB`, `bench all`, `bench micro` and `bench large-state`.
 * Returns the exit code: 0, 1 when something failed, 2 for bad options.
 * @internal
 */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await run(argv);
  } catch (error) {
    // Commander has said what is wrong.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
}

async function run(argv: readonly string[]): Promise<number> {
  const [node, script, command] = argv;
  const subcommand = [node!, `${script} ${command}`, ...argv.slice(3)];
  if (command === "micro") return (await import("./micro/micro-command.ts")).microCommand(subcommand);
  if (command === "all") return (await import("./suite/suite-command.ts")).suiteCommand(subcommand);
  if (command === "large-state") {
    return (await import("./large/large-state-command.ts")).largeStateCommand(subcommand);
  }
  return (await import("./job-command.ts")).jobCommand(argv);
}
