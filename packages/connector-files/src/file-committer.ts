import type { Committer } from "millrace";
import type { FileCommittable } from "./file-sink-state.ts";
import type { SinkDirectory } from "./sink-directory.ts";
import { writeFailure } from "./sink-errors.ts";

/**
 * Gives finished parts their visible names.
 *
 * An earlier run's parts go first, once the checkpoint that holds the new ones is complete: from then on they will be
 * committed whatever happens, so nothing is deleted for a run that fails before its first checkpoint.
 *
 * An attempt that was given up may still be in the middle of a commit. Its checkpoint was complete before the successor
 * began, and the successor was restored from that one or a later one; so, step by step:
 *
 * - a leftover: its name is of an attempt before both, and it is removed twice;
 * - a part of an earlier run: {@link SinkDirectory.removeEarlier};
 * - a finished part: both rename the same file to the same name. The second finds it renamed ({@link SinkDirectory.commitPart}).
 *   What the successor commits under another final name, or from a file of its own, has a name that only it knows.
 * @internal
 */
export class FileCommitter implements Committer<FileCommittable> {
  readonly #directory: SinkDirectory;

  constructor(directory: SinkDirectory) {
    this.#directory = directory;
  }

  async commit(committables: readonly FileCommittable[]): Promise<void> {
    if (committables.length === 0) return;
    const directory = this.#directory;
    try {
      for (const { leftovers } of committables) await directory.removeInProgress(leftovers);
      await directory.removeEarlier(committables.flatMap(({ replaces }) => replaces));
      for (const part of committables) if (part.part >= 0) await directory.commitPart(part);
      await directory.sync();
    } catch (error) {
      throw writeFailure(error);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
