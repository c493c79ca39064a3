/** The commands that ask a cluster. What they need is loaded when one of them is used. */
import type { Command } from "commander";
import { withSettingFlags } from "../setting-flags.ts";
import type { CancelOptions, CheckpointOptions, SavepointOptions, StopOptions } from "./job-commands.ts";
import type { ListOptions } from "./list-command.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** @internal */
export function addRemoteCommands(program: Command): void {
  withClusterFlags(program.command("list"))
    .description("the jobs of a cluster")
    .option("-r, --running", "only those that run")
    .option("-s, --scheduled", "only those that do not run yet")
    .option("-a, --all", "those that have ended, too")
    .action(async (options: ListOptions) => {
      process.stdout.write(await (await import("./list-command.ts")).listJobs(options));
    });
  withClusterFlags(program.command("cancel"))
    .description("end a job of a cluster at once")
    .argument("[job id]", "as list shows it")
    .option("-s, --withSavepoint [directory]", "deprecated, use stop: take a savepoint before")
    .action(async (id: string | undefined, options: CancelOptions) =>
      (await jobCommands()).cancelJob(id, options, say),
    );
  withClusterFlags(program.command("stop"))
    .description("end a job of a cluster with a savepoint")
    .argument("<job id>", "as list shows it")
    .option(
      "-p, --savepointPath <directory>",
      "where the savepoint is made (default: execution.checkpointing.savepoint-dir)",
    )
    .option(
      "-d, --drain",
      "bring event time to its end first: all windows and timers fire, and the job is not to go on",
    )
    .option("--type <format>", "-type; of the savepoint: canonical (default) or native")
    .option("--detached", "-detached; do not wait for the savepoint")
    .action(async (id: string, options: StopOptions) => (await jobCommands()).stopJob(id, options, say));
  withClusterFlags(program.command("savepoint"))
    .description("take a savepoint of a job of a cluster, which goes on; or remove one")
    .argument("[job id]", "as list shows it")
    .argument("[directory]", "where the savepoint is made (default: execution.checkpointing.savepoint-dir)")
    .option(
      "-d, --dispose <path>",
      "remove this savepoint, or a checkpoint that a job has left; with -m on the cluster",
    )
    .option("--type <format>", "-type; of the savepoint: canonical (default) or native")
    .option("--detached", "-detached; do not wait for the savepoint")
    .action(savepoint);
  withClusterFlags(program.command("checkpoint"))
    .description("take a checkpoint of a job of a cluster beside its period")
    .argument("<job id>", "as list shows it")
    .option("--full", "-full; all of the state, which every checkpoint has here")
    .action(async (id: string, options: CheckpointOptions) => (await jobCommands()).takeCheckpoint(id, options, say));
}

/** `-m`, and the settings that name the JobManager where it is left out. @internal */
export function withClusterFlags(command: Command): Command {
  return withSettingFlags(command).option(
    "-m, --jobmanager <host:port>",
    "the JobManager's REST endpoint (default: rest.address and rest.port)",
  );
}

async function savepoint(
  this: Command,
  id: string | undefined,
  directory: string | undefined,
  options: SavepointOptions,
): Promise<void> {
  const { dispose, jobmanager } = options;
  if (dispose === undefined) {
    if (id === undefined) this.error("error: missing required argument 'job id', or -d with the path of a savepoint");
    return (await jobCommands()).takeSavepoint(id, directory, options, say);
  }
  if (id !== undefined) this.error("error: a savepoint is removed by its path, without the id of a job");
  if (jobmanager !== undefined) return (await jobCommands()).disposeOnCluster(dispose, options, say);
  process.stdout.write(await (await import("../savepoint-command.ts")).disposeSavepoint(dispose, options));
}

function jobCommands(): Promise<typeof import("./job-commands.ts")> {
  return import("./job-commands.ts");
}
