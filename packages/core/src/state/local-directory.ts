import type { LocalFs, Proc } from "../platform/platform.ts";

/** Before host and process id in the names of directories that processes have on their machine's disk. */
const PREFIX = "millrace-state-";

/** What the names of the machine's directories begin with; the process id follows. @internal */
export function localDirectoryPrefix({ hostName }: Pick<Proc, "hostName">): string {
  return `${PREFIX}${hostName}-`;
}

/** Where this process has something of that name, in a directory; removed by a later process of the machine when this one is killed. @internal */
export function processDirectoryOf(
  { fs, proc }: { readonly fs: Pick<LocalFs, "resolve">; readonly proc: Pick<Proc, "hostName" | "processId"> },
  root: string,
  name: string,
): string {
  return fs.resolve(root, `${localDirectoryPrefix(proc)}${proc.processId}-${name}`);
}
