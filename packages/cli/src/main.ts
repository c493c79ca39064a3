/** The command `millrace`. */
import { createRequire } from "node:module";
import { Command, CommanderError, Option } from "commander";
import { MillraceError } from "millrace";
import { type CheckOptions, checkJob } from "./check-command.ts";
import { type ExplainOptions, explainJob } from "./explain-command.ts";
import { flinkFlags } from "./flink-flags.ts";
import { type LockOptions, lockJob } from "./lock-command.ts";
import { addProcessCommands } from "./processes/process-commands.ts";
import { addRemoteCommands } from "./remote/remote-commands.ts";
import { renderError } from "./report-error.ts";
import { type RunOptions, runJob } from "./run-command.ts";
import { refusesJobFlags, withSettingFlags } from "./setting-flags.ts";
import { addStateCommands } from "./state/state-commands.ts";

/** 1: the job failed; 2: it was not even started, because of a wrong option, setting, path or module. */
const FAILED = 1;
const MISUSED = 2;

const misuseCodes = new Set([
  "MR_CONFIG_INVALID",
  "MR_CONFIG_UNSUPPORTED",
  "MR_JOB_NOT_FOUND",
  "MR_JOB_INVALID",
  "MR_JOB_ARGUMENT_INVALID",
  "MR_JOB_ID_INVALID",
  "MR_CHECKPOINT_NOT_FOUND",
  "MR_SAVEPOINT_NO_SNAPSHOT",
  "MR_STATE_NOT_FOUND",
  "MR_STATE_OPERATOR_NOT_FOUND",
  "MR_INSECURE_BIND",
  "MR_LOCK_INVALID",
  "MR_TARGET_NEEDS_MODULE",
]);

/** Runs one command; sets the exit code of the process. @public */
export async function main(argv: readonly string[]): Promise<void> {
  process.setSourceMapsEnabled(true);
  const program = createProgram();
  try {
    await program.parseAsync([...argv.slice(0, 2), ...flinkFlags(argv.slice(2))]);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : MISUSED;
      return;
    }
    process.stderr.write(renderError(error, argv.includes("--stacktrace")));
    process.exitCode = error instanceof MillraceError && misuseCodes.has(error.code) ? MISUSED : FAILED;
  }
}

/** @internal */
export function createProgram(): Command {
  const { version } = createRequire(import.meta.url)("../package.json") as { readonly version: string };
  const program = new Command("millrace")
    .description("Runs and explains Millrace jobs")
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError("(millrace --help shows what there is)");
  withSettings(program.command("run"))
    .description(
      "run a job until it ends: in this process, which Ctrl-C ends after a last checkpoint, or with -m on a cluster",
    )
    .option(
      "--explain-stall <time>",
      'say why nothing comes out when nothing has come for so long; never: do not (default: "10 s")',
    )
    .addHelpText("after", runExamples)
    .option("-m, --jobmanager <host:port>", "run it on this cluster: the address of its JobManager's REST endpoint")
    .option("-d, --detached", "with -m: do not wait for the job's end")
    .option("--shutdownOnAttachedExit", "-sae; with -m: Ctrl-C cancels the job")
    .action((job: string, args: string[], options: RunOptions) => {
      refuseOptionsAfterJob(args);
      return runJob(job, args, options);
    });
  refusesJobFlags(withSettings(program.command("explain")), [], "Leave them out: the plan is the same with them")
    .description("show the plan of a job without running it")
    .option("--json", "as JSON")
    .option("--code", "with the generated code of every chain")
    .action(async (job: string, args: string[], options: ExplainOptions) => {
      refuseOptionsAfterJob(args);
      process.stdout.write(await explainJob(job, args, options));
    });
  refusesJobFlags(
    withSettings(program.command("check")),
    ["allowNonRestoredState"],
    "Leave them out; --against names what the job is to start from",
  )
    .description(
      "say what a restore would do, for every state, before anything stops; exit code 1 when it would be refused",
    )
    .requiredOption("--against <path>", "the savepoint or checkpoint that the job is to start from")
    .option("--json", "as JSON")
    .action(async (job: string, args: string[], options: CheckOptions) => {
      refuseOptionsAfterJob(args);
      const { text, isPossible } = await checkJob(job, args, options);
      process.stdout.write(text);
      if (!isPossible) process.exitCode = FAILED;
    });
  refusesJobFlags(withSettings(program.command("lock")), [], "Leave them out: the job keeps the same with them")
    .description("write down what the job keeps under which identity, into a file beside it")
    .option("--check", "write nothing; exit code 1 when the job would lose state that the file names")
    .action(async (job: string, args: string[], options: LockOptions) => {
      refuseOptionsAfterJob(args);
      const { text, isKept } = await lockJob(job, args, options);
      process.stdout.write(text);
      if (!isKept) process.exitCode = FAILED;
    });
  addRemoteCommands(program);
  addProcessCommands(program);
  addStateCommands(program);
  return program;
}

/** What looks like an option of the command would silently be an argument of the job; behind `--` it may be one. */
function refuseOptionsAfterJob(args: readonly string[]): void {
  const own = args.slice(0, args.includes("--") ? args.indexOf("--") : args.length);
  const option = own.find((each) => /^-(?:[ptsncmd]|cm|rm|sae|D.*)$/.test(each));
  if (option === undefined) return;
  throw new MillraceError("MR_JOB_ARGUMENT_INVALID", {
    what: "An option of the command stands behind the job",
    where: { argument: option },
    expected: `options, then the job, then the job's own arguments`,
    todo: `Write it before the job's path, such as: millrace run ${option} ... job.ts; or behind -- when it is the job's`,
  });
}

const runExamples = `
Examples:
  millrace run job.ts                                     the job, with its own settings
  millrace run -p 2 -D execution.checkpointing.interval="10 s" job.ts
  millrace run -s out/checkpoints/<job id>/chk-42 job.ts  go on from a checkpoint
  millrace run -m localhost:8081 -d job.ts                on a cluster, without waiting for its end
  millrace run job.ts --input data.jsonl                  what follows the job are its own arguments`;

/** The options that become settings, and the job with its arguments. */
function withSettings(command: Command): Command {
  return withSettingFlags(command)
    .argument("<job>", "path of the job's module, TypeScript or JavaScript")
    .argument("[arguments...]", "arguments of the job, such as --input FILE")
    .option(
      "-p, --parallelism <n>",
      "slots, and parallelism of operators that set none themselves (default: processor cores)",
    )
    .option(
      "-t, --target <where>",
      "threads: every slot in a thread of its own (default); in-thread: all in one; remote: on a cluster",
    )
    .option("-s, --fromSavepoint <path>", "start from this savepoint or checkpoint")
    .option("-n, --allowNonRestoredState", "drop checkpointed state that the job has no operator for")
    .option(
      "--claimMode <mode>",
      "-cm; who owns what the job starts from: no_claim, its owner (default); claim, the job, which removes it in time",
    )
    .addOption(new Option("--restoreMode <mode>", "-rm; the older name of --claimMode").hideHelp())
    .passThroughOptions();
}
