/**
 * Runs a source without a job: its enumerator and one subtask that reads its splits, step by step, stopped and restored
 * wherever a test wants it.
 */
import { BinaryReader } from "../base/binary-reader.ts";
import { BinaryWriter } from "../base/binary-writer.ts";
import { invariant } from "../base/errors.ts";
import type { Source, SourceSplit, SplitEnumerator, SplitEnumeratorContext } from "../connectors/source.ts";
import { OutputTag } from "../operators/output-tag.ts";
import type { SourceOperator } from "../operators/source-operator.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { WatermarkStrategy } from "../time/watermark-strategy.ts";
import type { Serializer } from "../types/type.ts";
import { type SubtaskCheckpoint, SubtaskRun } from "./subtask-run.ts";

/** @internal */
export interface SourceRunOptions {
  /** The output has room only in every second step. */
  readonly refuses: boolean;
  /** Batches that are read between two restores; undefined: all. */
  readonly batchesPerRestore: number | undefined;
}

/** Steps without work after which a source has to have ended. */
const QUIET_STEPS = 20;

type AnySource = Source<unknown, SourceSplit, unknown>;
interface Checkpoint {
  readonly reader: SubtaskCheckpoint;
  readonly enumerator: Uint8Array;
}

/** All records of a bounded source, in the order in which they leave its one subtask. @internal */
export async function runSource<T, SplitT extends SourceSplit, StateT>(
  source: Source<T, SplitT, StateT>,
  { refuses, batchesPerRestore }: SourceRunOptions,
): Promise<readonly unknown[]> {
  // Splits and states only ever go back to the source that they are from.
  const any = source as unknown as AnySource;
  const values: unknown[] = [];
  let restore: Checkpoint | undefined;
  for (;;) {
    const { run, enumerator } = await startSource(any, refuses, restore);
    let batches = 0;
    for (let quiet = 0; quiet < QUIET_STEPS && batches !== batchesPerRestore; ) {
      const before = run.results.length;
      quiet = (await run.step(0)) ? 0 : quiet + 1;
      if (run.results.length > before) batches++;
    }
    const hasEnded = batches !== batchesPerRestore;
    invariant(!hasEnded || run.subtask.isInputFinished, "a bounded source ends");
    const reader = await run.checkpoint();
    restore = {
      reader,
      enumerator: written(any.enumeratorStateSerializer, enumerator.snapshotState(reader.checkpointId)),
    };
    values.push(...run.results.slice(0, reader.resultCount).map(({ value }) => value));
    await run.close();
    await enumerator.close();
    if (hasEnded) return values;
  }
}

async function startSource(
  source: AnySource,
  refuses: boolean,
  restore: Checkpoint | undefined,
): Promise<{ readonly run: SubtaskRun; readonly enumerator: SplitEnumerator<SourceSplit, unknown> }> {
  const deadLetterTag = new OutputTag<unknown>("dead letters");
  const spec = {
    kind: "source",
    source: source as never,
    strategy: WatermarkStrategy.noWatermarks(),
    deadLetterTag,
  } as const;
  const run = await SubtaskRun.start(spec, {
    refuses,
    restore: restore?.reader,
    sendSplitRequest: () => run.subtask.mail(() => enumerator.handleSplitRequest(0)),
    sendSourceEvent: (event) => run.subtask.mail(() => void enumerator.handleSourceEvent?.(0, event)),
  });
  const toReader = (call: (operator: SourceOperator) => void): void =>
    run.subtask.mail(() => call(run.subtask.chain.sources[0]!));
  const context: SplitEnumeratorContext<SourceSplit> = {
    platform: createSimulatedPlatform({ seed: 1 }),
    currentParallelism: 1,
    // As bytes, as on its way to another process.
    assignSplit: (split) => toReader(({ reader }) => reader.addSplits([copied(source.splitSerializer, split)])),
    signalNoMoreSplits: () => toReader(({ reader }) => reader.notifyNoMoreSplits()),
  };
  const enumerator =
    restore === undefined
      ? source.createEnumerator(context)
      : source.restoreEnumerator(context, source.enumeratorStateSerializer.read(new BinaryReader(restore.enumerator)));
  await enumerator.start();
  enumerator.addReader(0);
  return { run, enumerator };
}

function written<T>(serializer: Serializer<T>, value: T): Uint8Array {
  const writer = new BinaryWriter();
  serializer.write(value, writer);
  return writer.finish();
}

function copied<T>(serializer: Serializer<T>, value: T): T {
  return serializer.read(new BinaryReader(written(serializer, value)));
}
