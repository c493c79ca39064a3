/** The commands that are processes of a cluster. Loaded when one of them is used: the engine's cluster is not small. */
import type { Command } from "commander";
import { withSettingFlags } from "../setting-flags.ts";
import type { ClusterOptions } from "./cluster.ts";
import type { JobManagerOptions } from "./jobmanager.ts";
import type { TaskManagerOptions } from "./taskmanager.ts";

/** @internal */
export function addProcessCommands(program: Command): void {
  withJobManagerFlags(program.command("jobmanager"))
    .description("lead a cluster from this process, in the foreground; jobs outlive it in its directory")
    .action(async (options: JobManagerOptions) => (await import("./jobmanager.ts")).jobManagerProcess(options));
  withTaskManagerFlags(program.command("taskmanager"))
    .description("offer slots to the cluster of a JobManager, in the foreground")
    .action(async (options: TaskManagerOptions) => (await import("./taskmanager.ts")).taskManagerProcess(options));
  withTaskManagerFlags(withJobManagerFlags(program.command("cluster")))
    .description("a JobManager and TaskManagers on this machine, in the foreground; they end together")
    .option("--taskmanagers <n>", "how many TaskManagers, each a process", "1")
    .action(async (options: ClusterOptions) => (await import("./cluster.ts")).clusterProcess(options));
}

function withJobManagerFlags(command: Command): Command {
  return withSettingFlags(command)
    .option("--host <name>", "where the JobManager listens for TaskManagers: jobmanager.rpc.address")
    .option("-r, --webui-port <port>", "where it listens for clients: rest.port");
}

function withTaskManagerFlags(command: Command): Command {
  return withSettingFlags(command).option("--slots <n>", "slots of a TaskManager: taskmanager.numberOfTaskSlots");
}
