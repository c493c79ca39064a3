/**
 * The split enumerators of a job, and the groups of sources that wait for each other.
 *
 * - E1. A source all of whose readers go back at once goes back as a whole: its enumerator is made anew from the checkpoint.
 *   Otherwise the enumerator goes on, and gets back what the readers do not have any more.
 */

import { invariant } from "../../base/errors.ts";
import type { AlignmentGroupReport, CoordinatorReport } from "../../graph/stall/job-report.ts";
import type { SubtaskId } from "../../graph/subtask-id.ts";
import type { Cancel, Platform } from "../../platform/platform.ts";
import { AlignmentGroup, type Allowance } from "../../time/alignment-group.ts";
import type { ReaderId } from "./execution-attempt.ts";
import { type CoordinatedSource, SourceCoordinator, type SplitAssigner } from "./source-coordinator.ts";

/** The sources of one alignment group, with how long the group waits for the first of their watermarks. */
interface CoordinatedGroup {
  readonly name: string;
  readonly group: AlignmentGroup;
  readonly patienceMs: number;
  opening: Cancel | undefined;
}

export interface SourceCoordinatorsOptions {
  readonly sources: readonly CoordinatedSource[];
  readonly platform: Platform;
  readonly assigner: SplitAssigner;
  /** An enumerator has failed, or has started. */
  readonly onFailed: (error: unknown) => void;
  readonly onStarted: () => void;
}

export class SourceCoordinators {
  readonly #options: SourceCoordinatorsOptions;
  /** By source; undefined while its enumerator has to be made (E1). */
  readonly #coordinators: (SourceCoordinator | undefined)[];
  #groups: readonly CoordinatedGroup[];

  constructor(options: SourceCoordinatorsOptions) {
    this.#options = options;
    this.#coordinators = options.sources.map(() => undefined);
    this.#groups = groupsOf(options.sources);
  }

  get isStarted(): boolean {
    return this.#coordinators.every((coordinator) => coordinator?.isStarted === true);
  }

  /** The sources whose enumerators are made when their readers are reset. */
  get unmadeUids(): readonly string[] {
    return this.#options.sources.flatMap(({ uid }, index) => (this.#coordinators[index] === undefined ? [uid] : []));
  }

  /** These tasks go back; settles when enumerators that go back with them have been closed. */
  async lose(tasks: readonly SubtaskId[]): Promise<void> {
    const closed: Promise<void>[] = [];
    this.#options.sources.forEach((source, index) => {
      const coordinator = this.#coordinators[index];
      const readers = readersOf(source, tasks);
      if (coordinator === undefined || readers.length === 0) return;
      if (readers.length === source.parallelism) {
        this.#coordinators[index] = undefined;
        closed.push(coordinator.close());
      } else for (const reader of readers) coordinator.onReaderLost(reader);
    });
    if (this.#coordinators.every((coordinator) => coordinator === undefined)) this.#closeGroups();
    await Promise.all(closed);
  }

  /**
   * Lost tasks, or those of a job that starts, are about to be made.
   * @param checkpointId - What they start from; undefined: from the beginning.
   * @param states - Of the enumerators in it, by source uid.
   */
  reset(tasks: readonly SubtaskId[], checkpointId: number | undefined, states: ReadonlyMap<string, Uint8Array>): void {
    const { sources, platform, assigner } = this.#options;
    sources.forEach((source, index) => {
      const readers = readersOf(source, tasks);
      const coordinator = this.#coordinators[index];
      if (readers.length === 0) return;
      if (coordinator === undefined)
        this.#coordinators[index] = new SourceCoordinator(source, platform, assigner, states.get(source.uid));
      else for (const reader of readers) coordinator.resetReader(reader, checkpointId);
    });
  }

  /** These tasks run; enumerators all of whose readers run start. */
  run(tasks: readonly SubtaskId[]): void {
    this.#options.sources.forEach((source, index) => {
      for (const reader of readersOf(source, tasks)) {
        const coordinator = this.#coordinators[index];
        if (coordinator === undefined) return;
        const wasStarted = coordinator.isStarted;
        coordinator.onReaderRunning(reader).then(
          () => {
            if (!wasStarted && coordinator.isStarted && coordinator === this.#coordinators[index]) this.#onStarted();
          },
          (error: unknown) => this.#onFailed(coordinator, error),
        );
        this.#allowAgain(source.uid);
      }
    });
  }

  onSplitRequest(reader: ReaderId): void {
    this.#coordinatorOf(reader)?.onSplitRequest(reader.subtaskIndex);
  }

  onSourceEvent(reader: ReaderId, event: unknown): void {
    const coordinator = this.#coordinatorOf(reader);
    coordinator
      ?.onSourceEvent(reader.subtaskIndex, event)
      .catch((error: unknown) => this.#onFailed(coordinator, error));
  }

  onWatermarkReport(reader: ReaderId, watermarkMs: number): void {
    const found = this.#groups.find(({ group }) => group.has(reader.sourceUid));
    if (found !== undefined) this.#allow(found.group.onReport(reader.sourceUid, reader.subtaskIndex, watermarkMs));
  }

  /** What the readers have been given, and how far the sources are that wait for each other. */
  describe(): {
    readonly coordinators: readonly CoordinatorReport[];
    readonly alignments: readonly AlignmentGroupReport[];
  } {
    return {
      coordinators: this.#made().map(([, coordinator]) => coordinator.describe()),
      alignments: this.#groups.map(({ name, group }) => ({ group: name, members: group.members })),
    };
  }

  /** The state of every enumerator, by source uid. */
  snapshot(checkpointId: number): ReadonlyMap<string, Uint8Array> {
    const all = this.#made();
    invariant(all.length === this.#coordinators.length, `checkpoint ${checkpointId} while enumerators are missing`);
    return new Map(all.map(([uid, coordinator]) => [uid, coordinator.snapshot(checkpointId)]));
  }

  onCheckpointComplete(checkpointId: number): void {
    for (const [, coordinator] of this.#made()) coordinator.onCheckpointComplete(checkpointId);
  }

  #made(): readonly (readonly [string, SourceCoordinator])[] {
    return this.#options.sources.flatMap(({ uid }, index) => {
      const coordinator = this.#coordinators[index];
      return coordinator === undefined ? [] : [[uid, coordinator] as const];
    });
  }

  #coordinatorOf({ sourceUid }: ReaderId): SourceCoordinator | undefined {
    return this.#coordinators[this.#options.sources.findIndex(({ uid }) => uid === sourceUid)];
  }

  #onStarted(): void {
    const isStarted = new Map(this.#made().map(([uid, coordinator]) => [uid, coordinator.isStarted]));
    for (const each of this.#groups) {
      if (each.opening !== undefined || !each.group.uids.every((uid) => isStarted.get(uid) === true)) continue;
      each.opening = this.#options.platform.clock.after(each.patienceMs, () => this.#allow(each.group.open()));
    }
    this.#options.onStarted();
  }

  #onFailed(coordinator: SourceCoordinator, error: unknown): void {
    if (this.#coordinators.includes(coordinator)) this.#options.onFailed(error);
  }

  #allow(allowances: readonly Allowance[]): void {
    for (const { uid, allowedMs } of allowances) this.#options.assigner.allowWatermark(uid, allowedMs);
  }

  /** A reader that has come back has not heard how far it may go. */
  #allowAgain(sourceUid: string): void {
    const found = this.#groups.find(({ group }) => group.has(sourceUid));
    if (found !== undefined) this.#allow(found.group.allowances.filter(({ uid }) => uid === sourceUid));
  }

  #closeGroups(): void {
    for (const { opening } of this.#groups) opening?.();
    this.#groups = groupsOf(this.#options.sources);
  }
}

function readersOf({ vertexId }: CoordinatedSource, tasks: readonly SubtaskId[]): readonly number[] {
  return tasks.flatMap((task) => (task.vertexId === vertexId ? [task.subtaskIndex] : []));
}

function groupsOf(sources: readonly CoordinatedSource[]): readonly CoordinatedGroup[] {
  const aligned = sources.flatMap(({ uid, parallelism, alignment }) =>
    alignment === undefined ? [] : [{ uid, parallelism, ...alignment }],
  );
  return [...new Set(aligned.map(({ group }) => group))].map((name) => {
    const members = aligned.filter(({ group }) => group === name);
    return {
      name,
      group: new AlignmentGroup(members),
      patienceMs: Math.max(...members.map(({ updateIntervalMs }) => updateIntervalMs)),
      opening: undefined,
    };
  });
}
