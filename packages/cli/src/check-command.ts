/** `millrace check`: what a restore would do, said before anything stops. */
import {
  checkAgainst,
  createNodePlatform,
  lockOf,
  lostState,
  type OperatorCheck,
  type RestoreCheck,
} from "millrace/internal";
import { buildJob } from "./built-job.ts";
import { readLock } from "./lock-file.ts";
import type { SettingOptions } from "./settings.ts";

/** @internal */
export interface CheckOptions extends SettingOptions {
  readonly against: string;
  readonly json?: boolean;
}

/** @throws MillraceError when the job cannot be built or the checkpoint cannot be read @internal */
export async function checkJob(
  path: string,
  args: readonly string[],
  options: CheckOptions,
): Promise<{ readonly text: string; readonly isPossible: boolean }> {
  const { graph, configuration } = await buildJob(path, args, options, "checked");
  const platform = createNodePlatform();
  const check = await checkAgainst({ path: options.against, graph, configuration, platform });
  const lock = await readLock(path);
  const warnings = lock === undefined ? [] : lostState(lock, graph, await lockOf(graph, configuration, platform));
  const isPossible = check.refusal === undefined;
  if (options.json === true)
    return { text: `${JSON.stringify({ ...check, isPossible, warnings }, undefined, 2)}\n`, isPossible };
  return { text: `${renderCheck(check)}${warnings.map((warning) => `warning: ${warning}\n`).join("")}`, isPossible };
}

/** @internal */
export function renderCheck(check: RestoreCheck): string {
  const { kind, path, checkpointId, jobName, operators, refusal } = check;
  const lines = [`${kind} ${checkpointId} of job "${jobName}", ${path}`];
  for (const operator of operators) lines.push(...operatorLines(operator));
  if (operators.length === 0) lines.push("  nothing: neither the job nor the checkpoint has state");
  if (refusal === undefined) lines.push("The job can start from it.");
  else lines.push(`The job cannot start from it: ${refusal.message}`);
  return `${lines.join("\n")}\n`;
}

function operatorLines(operator: OperatorCheck): readonly string[] {
  const { uid, name, verdict, parallelism, bytes, states, unknown } = operator;
  const { from, to } = parallelism;
  const scale = from !== undefined && to !== undefined && from !== to ? `, rescaled from ${from} to ${to}` : "";
  const size = verdict === "dropped" ? ` (${bytes} bytes; needs -n)` : "";
  const lines = [`  ${verdict.padEnd(12)} ${uid}${name === uid ? "" : ` "${name}"`}${scale}${size}`];
  for (const state of states) {
    const type = state.isUndeclared ? "no declared type, so values are not compared" : (state.current ?? state.written);
    lines.push(`    ${state.verdict.padEnd(12)} ${state.kind} ${state.name}${type === undefined ? "" : `: ${type}`}`);
    if (state.problem !== undefined) lines.push(`      ${state.problem}`);
  }
  if (unknown !== undefined)
    lines.push(`    not all of its states are known: its function could not be opened here: ${unknown}`);
  return lines;
}
