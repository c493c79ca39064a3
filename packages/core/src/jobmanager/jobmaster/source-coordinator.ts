/**
 * Runs the split enumerator of one source, and knows its readers. It outlives them: a reader that goes back to a checkpoint is
 * lost, then reset, then registers again.
 *
 * - O1. An enumerator's snapshot and the trigger of the checkpoint happen in one turn of the event loop, and assignments
 *   travel in order with triggers, so a split is in the state of exactly one side (S1 of connectors/source.ts).
 * - O2. What is assigned to a lost reader is given back when it is reset; what is assigned between its reset and its
 *   registration waits for it. So nothing is assigned to nobody.
 * - O3. Nothing that an older reader has said is heard after it was lost.
 */
import { BinaryReader } from "../../base/binary-reader.ts";
import { BinaryWriter } from "../../base/binary-writer.ts";
import { invariant } from "../../base/errors.ts";
import type { Source, SourceSplit, SplitEnumerator, SplitEnumeratorContext } from "../../connectors/source.ts";
import type { CoordinatorReport } from "../../graph/stall/job-report.ts";
import type { Platform } from "../../platform/platform.ts";
import type { WatermarkAlignment } from "../../time/watermark-strategy.ts";
import type { ReaderId } from "./execution-attempt.ts";
import { SplitAssignments } from "./split-assignments.ts";

export interface CoordinatedSource {
  readonly uid: string;
  readonly vertexId: number;
  readonly parallelism: number;
  readonly source: Source<unknown, SourceSplit, unknown>;
  readonly alignment: WatermarkAlignment | undefined;
}

/** Reaches the readers where they run. */
export interface SplitAssigner {
  assignSplit(reader: ReaderId, split: SourceSplit): void;
  signalNoMoreSplits(reader: ReaderId): void;
  allowWatermark(sourceUid: string, allowedMs: number): void;
}

/** One reader: what it has asked for and got, and what waits for it. */
interface Reader {
  status: "awaited" | "running" | "registered" | "lost";
  assignedCount: number;
  isAsking: boolean;
  hasAllSplits: boolean;
  /** To be told when it registers. */
  readonly messages: (() => void)[];
  /** What it said before the enumerator knew it. */
  readonly requests: (() => void)[];
}

export class SourceCoordinator {
  readonly #coordinated: CoordinatedSource;
  readonly #assigner: SplitAssigner;
  /** By subtask. */
  readonly #readers: Reader[];
  readonly #assignments = new SplitAssignments<SourceSplit>();
  readonly #enumerator: SplitEnumerator<SourceSplit, unknown>;
  #isStarting = false;
  #isStarted = false;
  #isClosed = false;

  /** @param state - Of the enumerator in the checkpoint; undefined: it starts afresh. */
  constructor(
    coordinated: CoordinatedSource,
    platform: Platform,
    assigner: SplitAssigner,
    state: Uint8Array | undefined,
  ) {
    this.#coordinated = coordinated;
    this.#assigner = assigner;
    const { source, parallelism } = coordinated;
    this.#readers = Array.from({ length: parallelism }, newReader);
    const context: SplitEnumeratorContext<SourceSplit> = {
      platform,
      currentParallelism: parallelism,
      assignSplit: (split, subtaskIndex) => this.#assign(split, subtaskIndex),
      signalNoMoreSplits: (subtaskIndex) => this.#signalNoMoreSplits(subtaskIndex),
    };
    this.#enumerator =
      state === undefined
        ? source.createEnumerator(context)
        : source.restoreEnumerator(context, source.enumeratorStateSerializer.read(new BinaryReader(state)));
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  describe(): CoordinatorReport {
    return {
      uid: this.#coordinated.uid,
      readers: this.#readers.map(({ assignedCount, isAsking, hasAllSplits }) => ({
        assignedCount,
        isAsking,
        hasAllSplits,
      })),
    };
  }

  /** The reader has failed, or goes back with others (O2, O3). */
  onReaderLost(subtaskIndex: number): void {
    this.#readers[subtaskIndex] = { ...newReader(), status: "lost" };
  }

  /**
   * The lost reader is about to be made again.
   * @param checkpointId - What it starts from; undefined: from the beginning.
   */
  resetReader(subtaskIndex: number, checkpointId: number | undefined): void {
    this.#readers[subtaskIndex] = newReader();
    const splits = this.#assignments.takeBack(subtaskIndex, checkpointId);
    if (splits.length > 0) this.#enumerator.addSplitsBack(splits, subtaskIndex);
  }

  /** Starts the enumerator when all readers run; an error of it is the job's. */
  async onReaderRunning(subtaskIndex: number): Promise<void> {
    const reader = this.#readers[subtaskIndex]!;
    reader.status = "running";
    if (this.#isStarted) this.#register(reader, subtaskIndex);
    else if (!this.#isStarting && this.#readers.every(({ status }) => status === "running")) await this.#start();
  }

  onSplitRequest(subtaskIndex: number): void {
    const reader = this.#readers[subtaskIndex]!;
    if (reader.status === "lost" || this.#isClosed) return;
    if (reader.status !== "registered") {
      reader.requests.push(() => this.onSplitRequest(subtaskIndex));
      return;
    }
    reader.isAsking = true;
    this.#enumerator.handleSplitRequest(subtaskIndex);
  }

  /** Settles when the enumerator has done what the event asks for; an error of it is the job's. */
  async onSourceEvent(subtaskIndex: number, event: unknown): Promise<void> {
    const reader = this.#readers[subtaskIndex]!;
    if (reader.status === "lost" || this.#isClosed) return;
    if (reader.status !== "registered") {
      await new Promise<void>((resolve, reject) => {
        reader.requests.push(() => this.onSourceEvent(subtaskIndex, event).then(resolve, reject));
      });
      return;
    }
    invariant(
      this.#enumerator.handleSourceEvent !== undefined,
      `a reader of ${this.#coordinated.uid} sent an event, which its enumerator does not handle`,
    );
    try {
      await this.#enumerator.handleSourceEvent(subtaskIndex, event);
    } catch (error) {
      // Whose end is being waited for may fail unheard.
      if (!this.#isClosed) throw error;
    }
  }

  /** O1. */
  snapshot(checkpointId: number): Uint8Array {
    const writer = new BinaryWriter();
    const { enumeratorStateSerializer } = this.#coordinated.source;
    enumeratorStateSerializer.write(this.#enumerator.snapshotState(checkpointId), writer);
    this.#assignments.onSnapshot(checkpointId);
    return writer.finish();
  }

  onCheckpointComplete(checkpointId: number): void {
    this.#assignments.onCompleted(checkpointId);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#enumerator.close();
  }

  async #start(): Promise<void> {
    this.#isStarting = true;
    await this.#enumerator.start();
    if (this.#isClosed) return;
    this.#isStarted = true;
    this.#readers.forEach((reader, subtaskIndex) => {
      if (reader.status === "running") this.#register(reader, subtaskIndex);
    });
  }

  #register(reader: Reader, subtaskIndex: number): void {
    reader.status = "registered";
    for (const tell of reader.messages.splice(0)) tell();
    this.#enumerator.addReader(subtaskIndex);
    for (const request of reader.requests.splice(0)) request();
  }

  #assign(split: SourceSplit, subtaskIndex: number): void {
    this.#assignments.onAssigned(split, subtaskIndex);
    const reader = this.#readers[subtaskIndex];
    if (reader !== undefined) Object.assign(reader, { assignedCount: reader.assignedCount + 1, isAsking: false });
    this.#tell(subtaskIndex, (id) => this.#assigner.assignSplit(id, split));
  }

  #signalNoMoreSplits(subtaskIndex: number): void {
    const reader = this.#readers[subtaskIndex];
    if (reader !== undefined) Object.assign(reader, { hasAllSplits: true, isAsking: false });
    this.#tell(subtaskIndex, (id) => this.#assigner.signalNoMoreSplits(id));
  }

  // O2.
  #tell(subtaskIndex: number, tell: (reader: ReaderId) => void): void {
    const reader = this.#readers[subtaskIndex];
    const id = { sourceUid: this.#coordinated.uid, subtaskIndex };
    // The attempt says by name what is wrong with a reader that there is not.
    if (reader === undefined || reader.status === "registered") tell(id);
    else if (reader.status !== "lost") reader.messages.push(() => tell(id));
  }
}

function newReader(): Reader {
  return { status: "awaited", assignedCount: 0, isAsking: false, hasAllSplits: false, messages: [], requests: [] };
}
