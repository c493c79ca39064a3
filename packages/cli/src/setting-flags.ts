import type { Command } from "commander";
import { MillraceError } from "millrace";
import type { SettingOptions } from "./settings.ts";

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

type JobFlag = "target" | "fromSavepoint" | "allowNonRestoredState" | "claimMode" | "restoreMode";

/** How the options are written that say how a job is run, and not what it is. */
const WRITTEN: Readonly<Record<JobFlag, string>> = {
  target: "-t",
  fromSavepoint: "-s",
  allowNonRestoredState: "-n",
  claimMode: "--claimMode",
  restoreMode: "--restoreMode",
};

/**
 * Takes a job's options, and refuses those of them that mean nothing to a command which only builds the job.
 *
 * @param meant - Those of them that mean something to it.
 * @param todo - What would have the effect that was hoped for.
 * @internal
 */
export function refusesJobFlags(command: Command, meant: readonly JobFlag[], todo: string): Command {
  const refused = (Object.keys(WRITTEN) as readonly JobFlag[]).filter((flag) => !meant.includes(flag));
  for (const option of command.options) if (refused.some((flag) => flag === option.attributeName())) option.hideHelp();
  return command.hook("preAction", () => {
    const options = command.opts<SettingOptions>();
    const found = refused.filter((flag) => options[flag] !== undefined).map((flag) => WRITTEN[flag]);
    if (found.length === 0) return;
    throw new MillraceError("MR_CONFIG_INVALID", {
      what: "The command does not run the job, and these options say how it is run",
      where: { command: command.name() },
      found: found.join(", "),
      expected: ["-p", "-c", "-D", ...meant.map((flag) => WRITTEN[flag])].join(", "),
      todo,
    });
  });
}
