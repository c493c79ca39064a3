import type { Command } from "commander";

/** The flags by which settings are given, as every command that has settings takes them. @internal */
export function withSettingFlags(command: Command): Command {
  // A command that is two things takes them once.
  if (command.options.some(({ short }) => short === "-c")) return command;
  return command
    .option("-c, --config <file>", "a YAML file of settings")
    .option(
      "-D <key=value>",
      "one setting; may be repeated",
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option("--stacktrace", "show the engine's frames of a failure too")
    .exitOverride();
}
