import { MillraceError } from "millrace";
import { createNodePlatform, disposeSnapshot, loadCheckpoint } from "millrace/internal";

/**
 * Removes a savepoint or checkpoint by its directory or `_metadata` file, and says what was left there.
 *
 * @throws MillraceError `MR_SAVEPOINT_NO_SNAPSHOT` for anything else, such as the directory of a job; what reading it throws
 * @internal
 */
export async function disposeSavepoint(path: string): Promise<string> {
  const { fs } = createNodePlatform();
  const given = fs.resolve(path);
  const directory = given.endsWith("_metadata") ? fs.resolve(given, "..") : given;
  if ((await fs.stat(fs.resolve(directory, "_metadata")))?.kind !== "file") {
    throw new MillraceError("MR_SAVEPOINT_NO_SNAPSHOT", {
      what: "There is no savepoint or checkpoint to remove",
      where: { path: given },
      expected: "the directory of one, with its _metadata, or that file",
      todo: "Correct the path; a job's directory is not removed as a whole",
    });
  }
  const { kept } = await disposeSnapshot(fs, await loadCheckpoint(fs, directory));
  const left = kept.length === 0 ? "" : `Left in its directory, since it is not part of it: ${kept.join(", ")}\n`;
  return `Savepoint '${directory}' disposed.\n${left}`;
}
