/**
 * A tiny host for sinks in tests: writes records, takes checkpoints, commits, and starts again from the last one.
 * The checkpoint lives in the test's memory, as durable as it gets. Imported by tests only.
 */
import type { Platform, Sink, SinkWriter, WriterInitContext } from "millrace";
import type { FileCommittable, FileWriterState } from "../file-sink-state.ts";
import { through } from "./source-driver.ts";

/** @internal */
export interface StoredCheckpoint {
  readonly id: number;
  /** Records written before it. */
  readonly position: number;
  readonly states: readonly FileWriterState[];
  /** By the subtask that prepared them. */
  readonly committables: readonly (readonly FileCommittable[])[];
}

/** @internal */
export interface SinkRunOptions<T> {
  readonly platform: Platform;
  readonly sink: Sink<T, FileCommittable, FileWriterState>;
  readonly records: readonly T[];
  readonly parallelism: number;
  /** A checkpoint after so many records. */
  readonly checkpointEvery: number;
  readonly from: StoredCheckpoint | undefined;
  /** Called when a checkpoint is complete, before it is committed. */
  readonly onComplete?: (checkpoint: StoredCheckpoint) => void;
  /** Ends the run like a crash, at this record, or with the last one before the end of the input. */
  readonly stopAt?: number;
  readonly uid?: string;
  /** False leaves everything uncommitted; true by default. */
  readonly commits?: boolean;
}

type Writer<T> = SinkWriter<T, FileCommittable, FileWriterState>;

/** Record i goes to subtask i mod parallelism. @internal */
export async function driveSink<T>(options: SinkRunOptions<T>): Promise<void> {
  const { sink, records, parallelism, checkpointEvery, from } = options;
  const contexts = Array.from({ length: parallelism }, (_, index) => contextOf(options, index));
  const writers = contexts.map((context, index) => {
    const states = from?.states.filter(
      ({ subtask }) => (subtask < parallelism ? subtask : subtask % parallelism) === index,
    );
    return sink.createWriter(context, states ?? []);
  });
  const committers = contexts.map((context) => sink.createCommitter!(context));
  for (const [index, committables] of (from?.committables ?? []).entries()) {
    await committers[index % parallelism]!.commit(committables);
  }
  let id = from?.id ?? 0;
  for (let position = from?.position ?? 0; position <= records.length; position++) {
    const isEnd = position === records.length;
    if (position === options.stopAt) break;
    if (isEnd || (position > (from?.position ?? 0) && position % checkpointEvery === 0)) {
      const { checkpoint, live } = await take(sink, writers, ++id, position, isEnd);
      options.onComplete?.(checkpoint);
      const due = options.commits === false ? [] : live;
      for (const [index, committables] of due.entries()) await committers[index]!.commit(committables);
    }
    if (!isEnd) await write(writers[position % parallelism]!, records[position]!);
  }
  for (const writer of writers) await writer.close();
}

async function write<T>(writer: Writer<T>, record: T): Promise<void> {
  if (!writer.isAvailable()) await writer.whenAvailable();
  writer.write(record, { timestamp: 0, currentWatermark: 0 });
}

async function take<T>(
  sink: Sink<T, FileCommittable, FileWriterState>,
  writers: readonly Writer<T>[],
  id: number,
  position: number,
  isEnd: boolean,
): Promise<{ checkpoint: StoredCheckpoint; live: readonly (readonly FileCommittable[])[] }> {
  const live = writers.map((writer) => writer.prepareCommit(isEnd));
  // As the engine does it: the state is serialized at the barrier, the commit after it works on what the writer gave.
  const committables = live.map((list) => list.map((one) => through(sink.committableSerializer!, one)));
  const states = writers.flatMap((writer) =>
    writer.snapshotState!(id).map((one) => through(sink.writerStateSerializer!, one)),
  );
  await Promise.all(writers.map((writer) => writer.flush()));
  return { checkpoint: { id, position, states, committables }, live };
}

function contextOf<T>(
  { platform, parallelism, from, uid }: SinkRunOptions<T>,
  subtaskIndex: number,
): WriterInitContext {
  return { platform, subtaskIndex, parallelism, jobId: "job", uid: uid ?? "sink", restoredCheckpointId: from?.id };
}

/** Every file in a directory with its text. @internal */
export async function filesIn(platform: Platform, path: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  if ((await platform.fs.stat(path)) === undefined) return files;
  for (const name of await platform.fs.list(path)) {
    const file = await platform.fs.open(platform.fs.resolve(path, name), "read");
    const bytes = new Uint8Array(await file.sizeBytes());
    await file.read(bytes, 0);
    await file.close();
    files[name] = new TextDecoder().decode(bytes);
  }
  return files;
}
