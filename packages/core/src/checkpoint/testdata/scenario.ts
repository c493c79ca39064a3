/**
 * Replays scenario files: blocks of input lines, a line of four dashes, and what the protocol answered. The answers are
 * compared with the file, and rewritten by `vitest -u`; the diff is what is reviewed.
 */
import { readdirSync, readFileSync } from "node:fs";

/** One input line: its first word and its `name=value` parameters; a parameter without a value is "". */
export interface ScenarioCommand {
  readonly verb: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const folder = new URL("./", import.meta.url);

/** The scenario files in this folder whose names start with the prefix, sorted. */
export function scenarioNames(prefix: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && name.endsWith(".txt"))
    .sort();
}

/** The file with its answers replaced by those of `answer`, which returns lines. */
export function replay(name: string, answer: (command: ScenarioCommand) => readonly string[]): string {
  const blocks = readFileSync(new URL(name, folder), "utf8").trimEnd().split(/\n\n+/);
  return `${blocks.map((block) => replayBlock(block, answer)).join("\n\n")}\n`;
}

function replayBlock(block: string, answer: (command: ScenarioCommand) => readonly string[]): string {
  const lines = block.split("\n");
  const divider = lines.indexOf("----");
  const inputs = divider < 0 ? lines : lines.slice(0, divider);
  const answers = inputs.filter((line) => line !== "" && !line.startsWith("#")).flatMap((line) => answer(parse(line)));
  // A block without a divider sets things up and answers nothing.
  if (divider < 0 && answers.length === 0) return block;
  return [...inputs, "----", ...(answers.length === 0 ? ["(nothing)"] : answers)].join("\n");
}

function parse(line: string): ScenarioCommand {
  const [verb, ...words] = line.split(" ");
  const parameters = words.map((word): [string, string] => {
    const [name, value = ""] = word.split("=");
    return [name!, value];
  });
  return { verb: verb!, parameters: Object.fromEntries(parameters) };
}
