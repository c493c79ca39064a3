/** Flink's flags as it writes them: `-cm claim`, and long names with one dash. */

/** Short names of more than one letter, which commands here do not have. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  "-cm": "--claimMode",
  "-rm": "--restoreMode",
};

/** Long names that Flink's command line takes with one dash as well. */
const ONE_DASH = /^-(?=(?:claimMode|restoreMode|fromSavepoint|allowNonRestoredState|parallelism|target|dispose)$)/;

/** Options that are followed by their value. */
const WITH_VALUE =
  /^(?:-[ptscdD]|--(?:parallelism|target|fromSavepoint|claimMode|restoreMode|config|against|dispose|explain-stall))$/;

/**
 * The arguments of `millrace`, with Flink's flags before the job in the form that the commands know. What follows the job is the
 * job's own, and stays.
 *
 * @internal
 */
export function flinkFlags(args: readonly string[]): readonly string[] {
  const [command, ...rest] = args;
  if (command === undefined) return args;
  const known = [command];
  for (let index = 0; index < rest.length; index++) {
    const given = rest[index]!;
    if (given === "--" || !given.startsWith("-")) return [...known, ...rest.slice(index)];
    const flag = LONG_NAMES[given] ?? given.replace(ONE_DASH, "--");
    known.push(flag);
    if (WITH_VALUE.test(flag) && index + 1 < rest.length) known.push(rest[++index]!);
  }
  return known;
}
