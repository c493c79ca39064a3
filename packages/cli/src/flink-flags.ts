/** Flink's flags as it writes them: `-cm claim`, `-sae`, long names with one dash, and a job without `run`. */
import { MillraceError } from "millrace";

/** Short names of more than one letter, which commands here do not have; and a misspelling that is handed down. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  "-cm": "--claimMode",
  "-rm": "--restoreMode",
  "-sae": "--shutdownOnAttachedExit",
  "--allowNonReStoreSlale": "--allowNonRestoredState",
};

/** What a command line can begin with when its action is left out. */
const OPTION_OF_RUN =
  /^(?:-[psnmtcdD]|-cm|-rm|-sae|-D.+|--?(?:parallelism|fromSavepoint|allowNonRestoredState|allowNonReStoreSlale|claimMode|restoreMode|target|jobmanager|detached|class))$/;

/** A Java class, or what may stand for one; files of settings have an extension or lie in a directory. */
const CLASS_NAME = /^(?!.*\.(?:ya?ml|json|conf)$)[\w$]+(?:\.[\w$]+)*$/;

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
 * @throws MillraceError `MR_JOB_ARGUMENT_INVALID` for the class that Flink is told the job by
 * @internal
 */
export function flinkFlags(given: readonly string[]): readonly string[] {
  const args = given[0] !== undefined && OPTION_OF_RUN.test(given[0]) ? ["run", ...given] : given;
  const [command, ...rest] = args;
  if (command === undefined) return args;
  const known = [command];
  for (let index = 0; index < rest.length; index++) {
    const given = rest[index]!;
    const isFlag = given.startsWith("-");
    if (given === "--" || (!isFlag && WITH_JOB.has(command))) return [...known, ...rest.slice(index)];
    const flag = isFlag ? (LONG_NAMES[given] ?? given.replace(ONE_DASH, "--")) : given;
    if (WITH_JOB.has(command)) refuseClass(flag, rest[index + 1]);
    known.push(flag);
    if (WITH_JOB.has(command) && WITH_VALUE.test(flag) && index + 1 < rest.length) known.push(rest[++index]!);
  }
  return known;
}

function refuseClass(flag: string, value: string | undefined): void {
  const isClass = flag === "--class" || flag === "-class" || (flag === "-c" && CLASS_NAME.test(value ?? ""));
  if (!isClass) return;
  throw new MillraceError("MR_JOB_ARGUMENT_INVALID", {
    what: "The command line names a class",
    where: { argument: `${flag} ${value ?? ""}`.trim() },
    expected: "nothing: a job is the default export of its module; -c is for a file of settings, such as settings.yaml",
    todo: "Leave it out, and give the path of the job's module",
  });
}
