/** Flink's flags as it writes them: `-cm claim`, `-sae`, and long names with one dash. */

/** Short names of more than one letter, which commands here do not have. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  "-cm": "--claimMode",
  "-rm": "--restoreMode",
  "-sae": "--shutdownOnAttachedExit",
};

/** Long names that Flink's command line takes with one dash as well. */
const ONE_DASH =
  /^-(?=(?:all|allowNonRestoredState|claimMode|detached|dispose|drain|fromSavepoint|full|jobmanager|parallelism|restoreMode|running|savepointPath|scheduled|shutdownOnAttachedExit|target|type|withSavepoint)$)/;

/** Commands in which the job's own arguments stand behind the job. */
const WITH_JOB: ReadonlySet<string> = new Set(["run", "explain", "check", "lock"]);

/** Options of these that are followed by their value. */
const WITH_VALUE =
  /^(?:-[ptscmD]|--(?:parallelism|target|fromSavepoint|claimMode|restoreMode|config|jobmanager|against|explain-stall))$/;

/**
 * The arguments of `millrace`, with Flink's flags in the form that the commands know. What follows a job is the job's own, and
 * stays.
 *
 * @internal
 */
export function flinkFlags(args: readonly string[]): readonly string[] {
  const [command, ...rest] = args;
  if (command === undefined) return args;
  const known = [command];
  for (let index = 0; index < rest.length; index++) {
    const given = rest[index]!;
    const isFlag = given.startsWith("-");
    if (given === "--" || (!isFlag && WITH_JOB.has(command))) return [...known, ...rest.slice(index)];
    const flag = isFlag ? (LONG_NAMES[given] ?? given.replace(ONE_DASH, "--")) : given;
    known.push(flag);
    if (WITH_JOB.has(command) && WITH_VALUE.test(flag) && index + 1 < rest.length) known.push(rest[++index]!);
  }
  return known;
}
