import { readFile } from "node:fs/promises";
import { type GraphLock, parseLock } from "millrace/internal";

/** The lockfile of a job: beside its module, and called like it. @internal */
export function lockPathOf(job: string): string {
  return `${job.replace(/\.[cm]?[jt]s$/, "")}.millrace-lock.json`;
}

/** Undefined when the job has no lockfile. @throws MillraceError `MR_LOCK_INVALID` @internal */
export async function readLock(job: string): Promise<GraphLock | undefined> {
  const path = lockPathOf(job);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return parseLock(text, path);
}
