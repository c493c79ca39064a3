import { disposeSavepoint as dispose } from "millrace/internal";
import type { SettingOptions } from "./settings.ts";
import { snapshotFiles } from "./snapshot-files.ts";

/**
 * Removes a savepoint or checkpoint by its directory or `_metadata` file, and says what was left there.
 *
 * @throws MillraceError as `disposeSavepoint` of the engine
 * @internal
 */
export async function disposeSavepoint(path: string, options: SettingOptions): Promise<string> {
  const { directory, kept } = await dispose(snapshotFiles(options), path);
  const left = kept.length === 0 ? "" : `Left in its directory, since it is not part of it: ${kept.join(", ")}\n`;
  return `Savepoint '${directory}' disposed.\n${left}`;
}
