/** How job files are called: by what is in them, so that the same file is brought to a JobManager once. */
import { MillraceError } from "millrace/internal";

/** The name of a file; nothing of a path can be in it. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.mjs$/;
const ID = /^([0-9a-f]{64})_([A-Za-z0-9][A-Za-z0-9._-]{0,99}\.mjs)$/;

/** @throws MillraceError `MR_JAR_INVALID` when the name is none of a job file @internal */
export function jarIdOf(hash: string, name: string): string {
  if (NAME.test(name)) return `${hash}_${name}`;
  throw new MillraceError("MR_JAR_INVALID", {
    what: "This is no name of a job file",
    found: JSON.stringify(name.slice(0, 200)),
    expected: "at most 104 letters, digits, '.', '-' and '_' with .mjs at the end",
    todo: "Make one file of JavaScript modules of the job, and give it such a name",
  });
}

/** @internal */
export function parseJarId(id: string): { readonly hash: string; readonly name: string } | undefined {
  const [, hash, name] = ID.exec(id) ?? [];
  return hash === undefined || name === undefined ? undefined : { hash, name };
}
