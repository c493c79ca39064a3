/** One process of a cluster: `jobmanager` or `taskmanager`, with its settings as JSON. Says what happens on standard output. */
import { readFile } from "node:fs/promises";
import { Configuration } from "millrace";
import { sha256Hex, startJobManager, startTaskManager } from "millrace/internal";

export interface ProcessSettings {
  readonly directory: string;
  readonly codeDirectory: string;
  readonly port: number;
  readonly name: string;
  /** The job that a JobManager submits, under an id that makes a second submission no second job. */
  readonly job?: { readonly file: string; readonly id: string; readonly settings: Readonly<Record<string, string>>; readonly args: readonly string[] };
}

const [role, json] = process.argv.slice(2);
const settings = JSON.parse(json!) as ProcessSettings;
const configuration = Configuration.fromEntries([{ key: "taskmanager.numberOfTaskSlots", value: "2" }]);
const onWarning = (text: string): void => void process.stderr.write(`${settings.name}: ${text}\n`);
const { codeDirectory, directory, port, name, job } = settings;
const address = { host: "localhost", port };

if (role === "taskmanager") {
  const jobManagerAddress = () => address;
  const dataBind = { host: "localhost", port: 0 };
  await startTaskManager({ configuration, name, jobManagerAddress, codeDirectory, dataBind, onWarning });
  process.stdout.write("STARTED\n");
} else {
  const onFenced = (): void => process.exit(0);
  const jobManager = await startJobManager({ configuration, address, directory, codeDirectory, onWarning, onFenced });
  process.stdout.write(`PORT ${jobManager.address.port}\n`);
  const bytes = await readFile(job!.file);
  await jobManager.submitJob({
    jobId: job!.id,
    name: "counts",
    code: { bytes, hash: sha256Hex(bytes) },
    args: job!.args,
    configuration: Object.entries(job!.settings).map(([key, value]) => ({ key, value })),
  });
  let last = "";
  setInterval(async () => {
    const { status, restarts, failure } = await jobManager.job(job!.id);
    const { counts } = await jobManager.checkpoints(job!.id);
    const used = jobManager.taskManagers().filter((each) => each.allocations.length > 0);
    const now = JSON.stringify({ status, restarts, completed: counts.completed, used: used.map((each) => each.name), failure });
    if (now !== last) process.stdout.write(`JOB ${now}\n`);
    last = now;
  }, 50);
}
