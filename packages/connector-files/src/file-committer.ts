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
      const parts = committables.filter(({ part }) => part >= 0);
      const replaced = new Set(parts.map((part) => directory.names.final(part)));
      for (const committable of committables) await directory.clearEarlier(committable, replaced);
      for (const part of parts) await directory.commitPart(part);
      await directory.sync();
    } catch (error) {
      throw writeFailure(error);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
