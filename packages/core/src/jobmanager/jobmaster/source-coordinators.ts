/**
 * Runs the split enumerators of a job. An enumerator's snapshot and the trigger of the checkpoint happen in one turn of
 * the event loop, and assignments travel in order with triggers, so a split is in the state of exactly one side (S1 of
 * connectors/source.ts).
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { invariant } from "../../base/errors.ts";
import type { Source, SourceSplit, SplitEnumerator } from "../../connectors/source.ts";
import type { AlignmentGroupReport, CoordinatorReport } from "../../graph/stall/job-report.ts";
import type { Cancel, Platform } from "../../platform/platform.ts";
import { AlignmentGroup, type Allowance } from "../../time/alignment-group.ts";
import type { WatermarkAlignment } from "../../time/watermark-strategy.ts";
import type { ReaderId } from "./execution-attempt.ts";

export interface CoordinatedSource {
  readonly uid: string;
  readonly parallelism: number;
  readonly source: Source<unknown, SourceSplit, unknown>;
  readonly alignment: WatermarkAlignment | undefined;
}

export interface SplitAssigner {
  assignSplit(reader: ReaderId, split: SourceSplit): void;
  signalNoMoreSplits(reader: ReaderId): void;
  allowWatermark(sourceUid: string, allowedMs: number): void;
}

/** The sources of one alignment group, with how long the group waits for the first of their watermarks. */
interface CoordinatedGroup {
  readonly name: string;
  readonly group: AlignmentGroup;
  readonly patienceMs: number;
}

/** What one reader has asked for and got. */
interface ReaderCounts {
  assignedCount: number;
  isAsking: boolean;
  hasAllSplits: boolean;
}

interface Coordinator {
  readonly coordinated: CoordinatedSource;
  /** By subtask. */
  readonly readers: readonly ReaderCounts[];
  readonly enumerator: SplitEnumerator<SourceSplit, unknown>;
}

export class SourceCoordinators {
  readonly #coordinators: readonly Coordinator[];
  readonly #groups: readonly CoordinatedGroup[];
  readonly #platform: Platform;
  readonly #assigner: SplitAssigner;
  readonly #openings: Cancel[] = [];
  /** What readers sent before the enumerators had started. */
  readonly #waiting: (() => void)[] = [];
  #isStarted = false;
  #isClosed = false;

  /** @param restored - Enumerator state by source uid; a source without one starts afresh. */
  constructor(
    sources: readonly CoordinatedSource[],
    platform: Platform,
    assigner: SplitAssigner,
    restored: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#platform = platform;
    this.#assigner = assigner;
    this.#groups = groupsOf(sources);
    this.#coordinators = sources.map((coordinated) => {
      const { source, uid, parallelism } = coordinated;
      const readers = Array.from({ length: parallelism }, () => ({
        assignedCount: 0,
        isAsking: false,
        hasAllSplits: false,
      }));
      const context = {
        platform,
        currentParallelism: parallelism,
        assignSplit: (split: SourceSplit, subtaskIndex: number) => {
          const reader = readers[subtaskIndex];
          if (reader !== undefined) Object.assign(reader, { assignedCount: reader.assignedCount + 1, isAsking: false });
          assigner.assignSplit({ sourceUid: uid, subtaskIndex }, split);
        },
        signalNoMoreSplits: (subtaskIndex: number) => {
          const reader = readers[subtaskIndex];
          if (reader !== undefined) Object.assign(reader, { hasAllSplits: true, isAsking: false });
          assigner.signalNoMoreSplits({ sourceUid: uid, subtaskIndex });
        },
      };
      const state = restored.get(uid);
      const enumerator =
        state === undefined
          ? source.createEnumerator(context)
          : source.restoreEnumerator(context, source.enumeratorStateSerializer.read(new BinaryReader(state)));
      return { coordinated, readers, enumerator };
    });
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Starts the enumerators and announces all readers; to be called when every reader runs. */
  async start(): Promise<void> {
    await Promise.all(this.#coordinators.map(({ enumerator }) => enumerator.start()));
    if (this.#isClosed) return;
    this.#isStarted = true;
    for (const { coordinated, enumerator } of this.#coordinators) {
      for (let subtaskIndex = 0; subtaskIndex < coordinated.parallelism; subtaskIndex++)
        enumerator.addReader(subtaskIndex);
    }
    for (const deliver of this.#waiting.splice(0)) deliver();
    for (const { group, patienceMs } of this.#groups) {
      this.#openings.push(this.#platform.clock.after(patienceMs, () => this.#allow(group.open())));
    }
  }

  onSplitRequest(reader: ReaderId): void {
    if (!this.#isStarted) {
      this.#waiting.push(() => this.onSplitRequest(reader));
      return;
    }
    const coordinator = this.#coordinatorOf(reader);
    const counts = coordinator?.readers[reader.subtaskIndex];
    if (counts !== undefined) counts.isAsking = true;
    coordinator?.enumerator.handleSplitRequest(reader.subtaskIndex);
  }

  /** Settles when the enumerator has done what the event asks for; an error of it is the job's. */
  async onSourceEvent(reader: ReaderId, event: unknown): Promise<void> {
    if (!this.#isStarted) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(() => this.onSourceEvent(reader, event).then(resolve, reject));
      });
      return;
    }
    const enumerator = this.#coordinatorOf(reader)?.enumerator;
    if (enumerator === undefined) return;
    invariant(
      enumerator.handleSourceEvent !== undefined,
      `a reader of ${reader.sourceUid} sent an event, which its enumerator does not handle`,
    );
    await enumerator.handleSourceEvent(reader.subtaskIndex, event);
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
      coordinators: this.#coordinators.map(({ coordinated, readers }) => ({
        uid: coordinated.uid,
        readers: readers.map((reader) => ({ ...reader })),
      })),
      alignments: this.#groups.map(({ name, group }) => ({ group: name, members: group.members })),
    };
  }

  /** The state of every enumerator, by source uid. */
  snapshot(checkpointId: number): ReadonlyMap<string, Uint8Array> {
    return new Map(
      this.#coordinators.map(({ coordinated, enumerator }) => {
        const writer = new BinaryWriter();
        coordinated.source.enumeratorStateSerializer.write(enumerator.snapshotState(checkpointId), writer);
        return [coordinated.uid, writer.finish()];
      }),
    );
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#openings) cancel();
    await Promise.all(this.#coordinators.map(({ enumerator }) => enumerator.close()));
  }

  #coordinatorOf(reader: ReaderId): Coordinator | undefined {
    return this.#coordinators.find(({ coordinated }) => coordinated.uid === reader.sourceUid);
  }

  #allow(allowances: readonly Allowance[]): void {
    for (const { uid, allowedMs } of allowances) this.#assigner.allowWatermark(uid, allowedMs);
  }
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
    };
  });
}
