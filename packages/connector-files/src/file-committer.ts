import type { Committer } from "millrace";
import type { FileCommittable } from "./file-sink-state.ts";
import type { SinkDirectory } from "./sink-directory.ts";
import { writeFailure } from "./sink-errors.ts";

/**
 * Gives finished parts their visible names.
 *
 * An earlier run's parts go first, once the checkpoint that holds the new ones is complete: from then on they will be
 * committed whatever happens, so nothing is deleted for a run that fails before its first checkpoint.
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
      for (const { replaces } of committables) for (const earlier of replaces) await directory.removeEarlier(earlier);
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
