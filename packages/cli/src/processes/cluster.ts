/** A whole cluster on this machine from one command: for trying things out, and for a machine that is all there is. */
import { type ChildProcess, spawn } from "node:child_process";
import { MillraceError } from "millrace";
import { JOBMANAGER_RPC_ADDRESS, JOBMANAGER_RPC_PORT, TASKMANAGER_RESOURCE_ID } from "millrace/internal";
import { type JobManagerOptions, jobManagerSettings, openJobManager, type RunningJobManager } from "./jobmanager.ts";
import { processLog } from "./process-log.ts";
import { type TaskManagerOptions, taskManagerSettings } from "./taskmanager.ts";
import { outliveJobs, untilEnded } from "./until-ended.ts";

/** TaskManagers of one machine. */
const TASKMANAGERS_MAX = 64;

/** What `millrace cluster` takes. @internal */
export interface ClusterOptions extends JobManagerOptions, TaskManagerOptions {
  readonly taskmanagers: string;
}

/** Runs a JobManager here and TaskManagers in processes of their own, until it is told to end; then all of them end. @internal */
export async function clusterProcess(options: ClusterOptions): Promise<void> {
  const count = taskManagerCount(options.taskmanagers);
  const log = processLog("jobmanager");
  const configuration = jobManagerSettings(options);
  // What only they would refuse is refused here.
  taskManagerSettings(options);
  const jobManager = await openJobManager(configuration, log);
  const exit = outliveJobs(log);
  const ended = untilEnded(log, exit);
  const taskManagers = Array.from({ length: count }, (_, index) => start(`tm-${index + 1}`, options, jobManager));
  let isEnding = false;
  for (const { name, child } of taskManagers) {
    child.once("exit", (code, signal) => {
      if (!isEnding)
        log.warn(
          `TaskManager ${name} has ended (${signal ?? `exit code ${code}`}); start the cluster anew, or another one with millrace taskmanager`,
        );
    });
  }
  await Promise.race([ended, jobManager.dismissed.then((why) => log.warn(why))]);
  isEnding = true;
  await Promise.all([jobManager.close(), ...taskManagers.map(({ child }) => stop(child))]);
  log.info("ended; its jobs go on when a JobManager with the same directory starts");
  exit(0);
}

interface Started {
  readonly name: string;
  readonly child: ChildProcess;
}

/** In a process of its own: what the code of a job does to its process, it does to nobody else. */
function start(name: string, options: ClusterOptions, { rpc }: RunningJobManager): Started {
  const own = [
    [JOBMANAGER_RPC_ADDRESS.key, rpc.host],
    [JOBMANAGER_RPC_PORT.key, String(rpc.port)],
    [TASKMANAGER_RESOURCE_ID.key, name],
  ] as const;
  const given = options.D.filter((entry) => !own.some(([key]) => entry.split("=", 1)[0]!.trim() === key));
  const args = [
    ...process.execArgv,
    process.argv[1]!,
    "taskmanager",
    ...(options.config === undefined ? [] : ["-c", options.config]),
    ...(options.slots === undefined ? [] : ["--slots", options.slots]),
    ...[...given, ...own.map(([key, value]) => `${key}=${value}`)].flatMap((entry) => ["-D", entry]),
  ];
  // The channel says to a TaskManager that this process is gone, however it went.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  return { name, child };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await exited;
}

function taskManagerCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= TASKMANAGERS_MAX) return count;
  throw new MillraceError("MR_CONFIG_INVALID", {
    what: "The number of TaskManagers cannot be read",
    found: `--taskmanagers ${JSON.stringify(text)}`,
    expected: `a whole number from 1 to ${TASKMANAGERS_MAX}`,
    todo: "Correct it, or leave it out: 1 is the default",
  });
}
