import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import {
  Configuration,
  type JobArguments,
  MillraceError,
  parseJobArguments,
  StreamExecutionEnvironment,
} from "millrace";

interface RunOptions {
  readonly parallelism?: string;
  readonly fromSavepoint?: string;
  readonly D?: string[];
}

interface JobModule {
  readonly default?: (env: StreamExecutionEnvironment, args: JobArguments) => void | Promise<void>;
  readonly summary?: (args: JobArguments) => string | Promise<string>;
}

export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("millrace").enablePositionalOptions();
  program
    .command("run")
    .argument("<job>")
    .argument("[args...]")
    .option("-p, --parallelism <n>")
    .option("-s, --fromSavepoint <path>")
    .option("-D <key=value>", "a configuration setting", (value: string, all: string[]) => [...all, value], [])
    .passThroughOptions()
    .action((job: string, args: string[], options: RunOptions) => run(job, args, options));
  await program.parseAsync([...argv]).catch((error: unknown) => {
    process.stderr.write(`${error instanceof MillraceError ? error.message : String((error as Error).stack)}\n`);
    process.exitCode = 1;
  });
}

async function run(job: string, args: readonly string[], options: RunOptions): Promise<void> {
  const entries = (options.D ?? []).map((entry) => ({
    key: entry.split("=")[0]!,
    value: entry.slice(entry.indexOf("=") + 1),
  }));
  if (options.parallelism !== undefined) entries.push({ key: "parallelism.default", value: options.parallelism });
  if (options.fromSavepoint !== undefined)
    entries.push({ key: "execution.state-recovery.path", value: options.fromSavepoint });
  const module = (await import(pathToFileURL(resolve(job)).href)) as JobModule;
  const env = StreamExecutionEnvironment.getExecutionEnvironment(Configuration.fromEntries(entries, "command line"));
  const jobArguments = parseJobArguments([...args]);
  await module.default!(env, jobArguments);
  const client = await env.executeAsync();
  process.once("SIGINT", () => void client.stop());
  const result = await client.getJobExecutionResult();
  process.stderr.write(`${JSON.stringify(result)}\n`);
  if (module.summary !== undefined) process.stdout.write(await module.summary(jobArguments));
}
