/**
 * Runs a sink writer, and its committer with it: what the writer hands over at a barrier is kept in state, committed
 * when the checkpoint is complete, and committed again after a restore (K1-K3 of connectors/sink.ts).
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { Committer, SinkWriteContext, SinkWriter, WriterInitContext } from "../connectors/sink.ts";
import { NO_TIMESTAMP } from "../time/timestamps.ts";
import type { Serializer } from "../types/type.ts";
import {
  BaseOperator,
  type OperatorHost,
  type OperatorListState,
  type OperatorSnapshot,
  type RestoredLists,
} from "./operator-runtime.ts";
import type { SinkSpec } from "./operator-spec.ts";
import type { OperatorWaiting } from "./waiting.ts";

export interface SinkHost extends OperatorHost {
  readonly jobId: string;
  readonly restoredCheckpointId: number | undefined;
}

interface PendingCommit {
  readonly checkpointId: number;
  readonly committables: readonly unknown[];
}

const WRITER_STATE = "writer";
const COMMITTABLES = "committables";

class WriteContext implements SinkWriteContext {
  timestamp: number = NO_TIMESTAMP;
  readonly #operator: BaseOperator;

  constructor(operator: BaseOperator) {
    this.#operator = operator;
  }

  get currentWatermark(): number {
    return this.#operator.currentWatermark;
  }
}

export class SinkOperator extends BaseOperator {
  readonly writeContext: WriteContext;
  /** Set in `open`. */
  writer!: SinkWriter<unknown, unknown, unknown>;
  readonly #spec: SinkSpec;
  readonly #sinkHost: SinkHost;
  #committer: Committer<unknown> | undefined;
  #restoredStates: unknown[] = [];
  #restoredCommittables: unknown[] = [];
  #pending: PendingCommit[] = [];
  #isFinished = false;

  constructor(host: SinkHost, spec: SinkSpec) {
    super(host);
    this.#spec = spec;
    this.#sinkHost = host;
    this.writeContext = new WriteContext(this);
  }

  override restoreLists(lists: RestoredLists): void {
    const { writerStateSerializer, committableSerializer } = this.#spec.sink;
    this.#restoredStates = readAll(lists.get(WRITER_STATE), writerStateSerializer);
    this.#restoredCommittables = readAll(lists.get(COMMITTABLES), committableSerializer);
  }

  override open(): void {
    const context = this.#initContext();
    this.#committer = this.#spec.sink.createCommitter?.(context);
    this.writer = this.#spec.sink.createWriter(context, this.#restoredStates);
  }

  // What a restored checkpoint holds may not have been committed before the failure.
  override initialize(): Promise<void> | undefined {
    const committables = this.#restoredCommittables;
    this.#restoredCommittables = [];
    return committables.length === 0 ? undefined : this.#committer!.commit(committables);
  }

  override snapshot(checkpointId: number): OperatorSnapshot {
    const { writerStateSerializer, committableSerializer } = this.#spec.sink;
    const committables = this.writer.prepareCommit(this.#isFinished);
    if (committables.length > 0) this.#pending.push({ checkpointId, committables });
    const states = this.writer.snapshotState?.(checkpointId) ?? [];
    const pending = this.#pending.flatMap((commit) => commit.committables);
    return {
      keyed: undefined,
      lists: [
        { name: WRITER_STATE, mode: "split", elements: writeAll(states, writerStateSerializer) },
        committableList(pending, committableSerializer),
      ],
      durable: this.writer.flush(),
    };
  }

  override notifyCheckpointComplete(checkpointId: number): Promise<void> | undefined {
    const due = this.#pending.filter((commit) => commit.checkpointId <= checkpointId);
    if (due.length === 0) return undefined;
    return this.#commit(due);
  }

  override finish(): void {
    this.#isFinished = true;
  }

  override async commitAtEnd(): Promise<void> {
    const committables = this.writer.prepareCommit(true);
    await this.writer.flush();
    await this.#committer?.commit([...this.#pending.flatMap((commit) => commit.committables), ...committables]);
    this.#pending = [];
  }

  override describeWaiting(): OperatorWaiting {
    return this.#committer === undefined ? {} : { commits: { pending: this.#pending.length } };
  }

  override whenAvailable(): Promise<void> | undefined {
    return this.writer.isAvailable() ? undefined : this.writer.whenAvailable();
  }

  override async close(): Promise<void> {
    await (this.writer as SinkWriter<unknown, unknown, unknown> | undefined)?.close();
    await this.#committer?.close();
  }

  async #commit(due: readonly PendingCommit[]): Promise<void> {
    invariant(this.#committer !== undefined, `sink ${this.host.uid} hands over committables but has no committer`);
    await this.#committer.commit(due.flatMap((commit) => commit.committables));
    // Only what is committed leaves the state: a snapshot taken meanwhile still holds it, and committing is idempotent.
    this.#pending = this.#pending.filter((commit) => !due.includes(commit));
  }

  #initContext(): WriterInitContext {
    const context = this.host.context;
    return {
      platform: this.host.platform,
      subtaskIndex: context.indexOfThisSubtask,
      parallelism: context.numberOfParallelSubtasks,
      jobId: this.#sinkHost.jobId,
      uid: this.host.uid,
      restoredCheckpointId: this.#sinkHost.restoredCheckpointId,
    };
  }
}

/**
 * Serialized when it is asked for, which is when the writer has flushed: until then it may add to what it has handed over,
 * such as what a store answers to the last write.
 */
function committableList(
  committables: readonly unknown[],
  serializer: Serializer<unknown> | undefined,
): OperatorListState {
  let elements: readonly Uint8Array[] | undefined;
  return {
    name: COMMITTABLES,
    mode: "split",
    get elements(): readonly Uint8Array[] {
      elements ??= writeAll(committables, serializer);
      return elements;
    },
  };
}

function writeAll(values: readonly unknown[], serializer: Serializer<unknown> | undefined): readonly Uint8Array[] {
  return values.map((value) => {
    invariant(serializer !== undefined, "a sink with state or committables needs their serializer");
    const writer = new BinaryWriter();
    serializer.write(value, writer);
    return writer.finish();
  });
}

function readAll(elements: readonly Uint8Array[] | undefined, serializer: Serializer<unknown> | undefined): unknown[] {
  return (elements ?? []).map((bytes) => {
    invariant(serializer !== undefined, "a sink with state or committables needs their serializer");
    return serializer.read(new BinaryReader(bytes));
  });
}
