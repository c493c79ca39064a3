/** The commands that read checkpoints and savepoints without their job. What they need is loaded when one is used. */
import type { Command } from "commander";
import { withSettingFlags } from "../setting-flags.ts";
import type { SettingOptions } from "../settings.ts";
import type { DiffOptions } from "./diff-states.ts";
import { writeLines } from "./lines.ts";
import type { ListStateOptions } from "./list-states.ts";
import type { QueryOptions } from "./query-state.ts";

const SNAPSHOT = "directory of a checkpoint or savepoint, its _metadata file, or a job's directory: the newest in it";

/** @internal */
export function addStateCommands(program: Command): void {
  const state = program
    .command("state")
    .description("look into checkpoints and savepoints, without the job that wrote them")
    .exitOverride()
    .addHelpText("after", examples);
  const add = (name: string): Command => withSettingFlags(state.command(name));
  add("ls")
    .description("operators and their states: kind, type, key groups, entries, bytes")
    .argument("<path>", SNAPSHOT)
    .option("--json", "as JSON")
    .action(async (path: string, options: ListStateOptions) => {
      process.stdout.write(await (await import("./list-states.ts")).listStates(path, options));
    });
  add("get")
    .description("what a state has for one key, as JSON lines; exit code 1 when it has nothing")
    .argument("<path>", SNAPSHOT)
    .argument("<operator>", "its uid, or its name")
    .argument("<state>", "its name, as ls shows it")
    .argument("<key>", 'as JSON, or any other text: paris, 12, {"$bigint":"12"}, ["a",1]')
    .action(async (path: string, operator: string, name: string, key: string, options: SettingOptions) => {
      const { getState } = await import("./query-state.ts");
      await writeLines(getState({ path, operator, state: name }, key, options));
    });
  add("query")
    .description("the entries of a state as JSON lines, in no order")
    .argument("<path>", SNAPSHOT)
    .argument("<operator>", "its uid, or its name")
    .argument("<state>", "its name, as ls shows it")
    .option(
      "--where <field=value>",
      "only entries with this field of the value, or key=..., window.start=..., value=...; may be repeated",
      (condition: string, all: readonly string[]) => [...all, condition],
      [],
    )
    .option("--limit <n>", "at most so many entries (default: all)")
    .action(async (path: string, operator: string, name: string, options: QueryOptions) => {
      const { queryState } = await import("./query-state.ts");
      await writeLines(queryState({ path, operator, state: name }, options));
    });
  add("diff")
    .description("what is different in the second of two snapshots; exit code 1 when anything is")
    .argument("<path1>", SNAPSHOT)
    .argument("<path2>", SNAPSHOT)
    .option("--limit <n>", "show so many entries of each state at most (default: 20); all are counted")
    .option("--json", "as JSON lines")
    .action(async (from: string, to: string, options: DiffOptions) => {
      const { diffStates } = await import("./diff-states.ts");
      const isDifferent = await writeLines(diffStates({ from, to }, options));
      if (isDifferent) process.exitCode = 1;
    });
}

const examples = `
Examples:
  millrace state ls savepoints/savepoint-5a1fe0-0c2b3d495867
  millrace state get savepoints/savepoint-5a1fe0-0c2b3d495867 totals total paris
  millrace state query checkpoints/<job id> totals total --where currency=EUR --limit 10
  millrace state ls s3://bucket/checkpoints/<job id> -D s3.endpoint=http://127.0.0.1:9000
  millrace state diff checkpoints/<job id>/chk-41 checkpoints/<job id>/chk-42`;
