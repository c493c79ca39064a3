/** `millrace lock`: a file that says what a job keeps, so that a change of that is seen in review and in CI. */
import { writeFile } from "node:fs/promises";
import { createNodePlatform, lockOf, lostState } from "millrace/internal";
import { buildJob } from "./built-job.ts";
import { lockPathOf, readLock } from "./lock-file.ts";
import type { SettingOptions } from "./settings.ts";

/** @internal */
export interface LockOptions extends SettingOptions {
  readonly check?: boolean;
}

/** @throws MillraceError when the job cannot be built, `MR_LOCK_INVALID` @internal */
export async function lockJob(
  path: string,
  args: readonly string[],
  options: LockOptions,
): Promise<{ readonly text: string; readonly isKept: boolean }> {
  const { graph, configuration } = await buildJob(path, args, options, "locked");
  const current = await lockOf(graph, configuration, createNodePlatform());
  const file = lockPathOf(path);
  const before = await readLock(path);
  const lost = before === undefined ? [] : lostState(before, graph, current);
  const said = lost.map((each) => `  ${each}\n`).join("");
  if (options.check !== true) {
    await writeFile(file, `${JSON.stringify(current, undefined, 2)}\n`);
    const count = `${current.operators.length} ${current.operators.length === 1 ? "operator" : "operators"} with state`;
    return { text: `${file}: ${count}\n${said === "" ? "" : `No longer locked:\n${said}`}`, isKept: true };
  }
  if (before === undefined) return { text: `${file} is not there; millrace lock ${path} writes it\n`, isKept: false };
  return said === ""
    ? { text: `${file}: the job keeps everything it names\n`, isKept: true }
    : { text: `The job loses what ${file} names:\n${said}`, isKept: false };
}
