import { type SettingOptions, withoutSecret } from "./settings.ts";

/** Where a job started from: whoever repeats the command names another place. */
const START_KEYS: ReadonlySet<string> = new Set(["execution.state-recovery.path", "execution.savepoint.path"]);

/**
 * What follows the checkpoint in the command that goes on with a job: the settings it was started with, its path, and its own
 * arguments. Without these a job may look for the files of its sinks in another place. What says how the job began, such as
 * `-n` and the claim mode, is not repeated.
 *
 * @internal
 */
export function repeatedCommand(
  job: string,
  args: readonly string[],
  options: SettingOptions & { readonly jobmanager?: string },
): string {
  const words: string[] = [];
  if (options.jobmanager !== undefined) words.push("-m", options.jobmanager);
  if (options.parallelism !== undefined) words.push("-p", options.parallelism);
  if (options.target !== undefined) words.push("-t", options.target);
  if (options.config !== undefined) words.push("-c", options.config);
  for (const setting of options.D) {
    if (!START_KEYS.has(setting.split("=", 1)[0]!.trim())) words.push("-D", withoutSecret(setting));
  }
  return [...words, job, ...args].map(shellWord).join(" ");
}

/** A word as a shell reads it back. @internal */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
