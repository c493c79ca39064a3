/** The source of the oracle programs: one line of an input file at a time, on simulated time. */
import { readFileSync } from "node:fs";
import type {
  InputStatus,
  ReaderOutput,
  Serializer,
  Source,
  SourceReader,
  SourceReaderContext,
  SourceSplit,
  SplitEnumerator,
  SplitEnumeratorContext,
  WatermarkGenerator,
  WatermarkOutput,
} from "millrace";
import { t } from "millrace";

/** Between two lines; all that follows from a line is done long before the next one. */
const LINE_MS = 10;

/** A record of an input file. */
export interface OracleEvent {
  /** The stream that the record belongs to. */
  readonly s: string;
  /** Its key, another key, and a number. */
  readonly k: string;
  readonly o: string;
  readonly v: number;
  /** Event time in epoch ms. */
  readonly t: number;
  /** The line of the input file, counted from 0: the identity of the record. */
  readonly n: number;
}

/** One step of one stream: a record, a watermark, or silence from here on. */
export type Line =
  | { readonly kind: "record"; readonly stream: string; readonly event: OracleEvent }
  | { readonly kind: "watermark"; readonly stream: string; readonly timestampMs: number }
  | { readonly kind: "idle"; readonly stream: string };

interface RawLine {
  readonly s: string;
  readonly w?: number;
  readonly idle?: boolean;
  readonly k?: string;
  readonly o?: string;
  readonly v?: number;
  readonly t?: number;
}

/** The lines of `inputs/NAME.jsonl`. */
export function readLines(name: string): readonly Line[] {
  const text = readFileSync(new URL(`inputs/${name}.jsonl`, import.meta.url), "utf8");
  return text.trimEnd().split("\n").map(lineOf);
}

function lineOf(text: string, n: number): Line {
  // Written by make-inputs.ts: a record has a key and a time.
  const { s, w, idle, k, o, v, t: timestampMs } = JSON.parse(text) as RawLine;
  if (w !== undefined) return { kind: "watermark", stream: s, timestampMs: w };
  if (idle === true) return { kind: "idle", stream: s };
  return { kind: "record", stream: s, event: { s, k: k!, o: o ?? "", v: v ?? 0, t: timestampMs!, n } };
}

/** When each line of a run is due. All sources of a job share one, so that lines come in the order of the file. */
export class Schedule {
  readonly lines: readonly Line[];
  #startMs: number | undefined;

  constructor(lines: readonly Line[]) {
    this.lines = lines;
  }

  /** The clock's time of line `index`. The first call of a run starts it. */
  dueMs(index: number, nowMs: number): number {
    this.#startMs ??= nowMs + 100 * LINE_MS;
    return this.#startMs + index * LINE_MS;
  }
}

/** Takes event time and idleness from the lines themselves. */
export class LineWatermarks implements WatermarkGenerator<Line> {
  #highestMs = Number.NEGATIVE_INFINITY;

  onEvent(line: Line, _timestampMs: number, output: WatermarkOutput): void {
    if (line.kind === "watermark") this.#emit(line.timestampMs, output);
    else if (line.kind === "idle") output.markIdle();
    else output.markActive();
  }

  onPeriodicEmit(): void {}

  // In Flink a watermark that does not advance leaves a source without splits idle; see README.md.
  #emit(timestampMs: number, output: WatermarkOutput): void {
    if (timestampMs <= this.#highestMs) return;
    this.#highestMs = timestampMs;
    output.emitWatermark(timestampMs);
  }
}

const splitType = t.object({ splitId: t.string });

/** The lines of one stream, by one reader; it ends after the last line of the file, in the order of `streamIndex`. */
export function lineSource(
  schedule: Schedule,
  stream: string,
  streamIndex: number,
): Source<Line, SourceSplit, { splitId: string }> {
  const createEnumerator = (
    context: SplitEnumeratorContext<SourceSplit>,
  ): SplitEnumerator<SourceSplit, { splitId: string }> => ({
    start: async () => {},
    addReader: (subtask) => context.signalNoMoreSplits(subtask),
    handleSplitRequest: () => {},
    addSplitsBack: () => {},
    snapshotState: () => ({ splitId: "" }),
    close: async () => {},
  });
  return {
    description: { kind: "oracle-lines", options: { stream } },
    boundedness: "bounded",
    // There are no splits, so nothing is ever written with these.
    splitSerializer: splitType.serializer as Serializer<SourceSplit>,
    enumeratorStateSerializer: splitType.serializer,
    createReader: (context) => new LineReader(context, schedule, stream, streamIndex),
    createEnumerator,
    restoreEnumerator: createEnumerator,
  };
}

class LineReader implements SourceReader<Line, SourceSplit> {
  readonly #context: SourceReaderContext;
  readonly #schedule: Schedule;
  readonly #stream: string;
  readonly #streamIndex: number;
  #next = 0;

  constructor(context: SourceReaderContext, schedule: Schedule, stream: string, streamIndex: number) {
    this.#context = context;
    this.#schedule = schedule;
    this.#stream = stream;
    this.#streamIndex = streamIndex;
  }

  start(): void {}

  pollNext(output: ReaderOutput<Line>): InputStatus {
    if (this.#waitMs() > 0) return "nothing-available";
    const line = this.#schedule.lines[this.#next];
    if (line === undefined) return "end-of-input";
    // What is no record is filtered out again; until then it needs a time like everything that has event time.
    output.collect(line, line.kind === "record" ? line.event.t : 0);
    this.#next++;
    return "nothing-available";
  }

  isAvailable(): Promise<void> {
    const { clock } = this.#context.platform;
    const waitMs = this.#waitMs();
    return waitMs > 0 ? new Promise((resolve) => clock.after(waitMs, resolve)) : Promise.resolve();
  }

  snapshotState(): readonly SourceSplit[] {
    return [];
  }

  addSplits(): void {}

  notifyNoMoreSplits(): void {}

  async close(): Promise<void> {}

  /** Until the next line of this stream, or the end. */
  #waitMs(): number {
    const { lines } = this.#schedule;
    while (this.#next < lines.length && lines[this.#next]!.stream !== this.#stream) this.#next++;
    const index = this.#next < lines.length ? this.#next : lines.length + this.#streamIndex;
    const nowMs = this.#context.platform.clock.monoMs();
    return this.#schedule.dueMs(index, nowMs) - nowMs;
  }
}
