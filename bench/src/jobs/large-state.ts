/** The job of `bench large-state` as one module, which every slot's thread loads: fills keys, changes some, and checks all of them. */
import {
  type Collector,
  DataGeneratorSource,
  DiscardingSink,
  type JobArguments,
  type KeyedProcessContext,
  type KeyedProcessFunction,
  type LongCounter,
  type PipelineEnvironment,
  type RuntimeContext,
  type Type,
  t,
  type ValueState,
  valueState,
  WatermarkStrategy,
} from "millrace";
import type { LargeRun } from "../large/large-run.ts";
import { Pauses } from "../large/pauses.ts";
import { fmix32, GOLDEN } from "../nexmark/hash.ts";

const CHANGE = 0;
const CHECK = 1;

interface Touch {
  readonly key: number;
  readonly phase: number;
  /** The job fails at this one, the first time. */
  readonly isFatal: boolean;
}

const TouchType: Type<Touch> = t.object({
  key: t.int32,
  phase: t.int32,
  isFatal: t.boolean,
});

interface Content {
  readonly count: number;
  readonly payload: Uint8Array;
}

const ContentType: Type<Content> = t.object({ count: t.int32, payload: t.bytes });

const NO_BYTES = new Uint8Array(0);

class KeepContent implements KeyedProcessFunction<number, Touch, number> {
  private readonly valueBytes: number;
  private content!: ValueState<Content>;
  private checked!: LongCounter;
  private counted!: LongCounter;
  private attempt = 0;
  private pauses: Pauses | undefined;
  private subtask = 0;

  constructor(valueBytes: number) {
    this.valueBytes = valueBytes;
  }

  open(context: RuntimeContext): void {
    this.content = context.getState(valueState("content", ContentType));
    this.checked = context.getLongCounter("checked keys");
    this.counted = context.getLongCounter("counted changes");
    this.attempt = context.attemptNumber;
    // Made where it is used: its clock is that of the thread.
    this.pauses = new Pauses();
    this.subtask = context.indexOfThisSubtask;
  }

  processElement(touch: Touch, _context: KeyedProcessContext<number>, _out: Collector<number>): void {
    this.pauses?.onRecord();
    const { key, phase, isFatal } = touch;
    if (isFatal && this.attempt === 0) throw new Error("the run is to restart here");
    const before = this.content.value();
    const count = before?.count ?? 0;
    if (before !== undefined && !isPayload(before.payload, key, count))
      throw new Error(`key ${key} has lost its state`);
    if (phase === CHECK) {
      this.checked.add(1);
      this.counted.add(count);
      return;
    }
    this.content.update({ count: count + 1, payload: payloadOf(this.valueBytes, key, count + 1) });
  }

  close(): void {
    console.error(`subtask ${this.subtask}, attempt ${this.attempt}: ${this.pauses}`);
  }
}

/** Bytes that compression makes nothing of, and that tell key and count. */
function payloadOf(bytes: number, key: number, count: number): Uint8Array {
  if (bytes === 0) return NO_BYTES;
  const words = new Int32Array(bytes >>> 2);
  let word = seedOf(key, count);
  for (let at = 0; at < words.length; at++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[at] = word;
  }
  return new Uint8Array(words.buffer);
}

function isPayload(payload: Uint8Array, key: number, count: number): boolean {
  return Buffer.compare(payloadOf(payload.length, key, count), payload) === 0;
}

function seedOf(key: number, count: number): number {
  return fmix32(Math.imul(key + 1, GOLDEN) ^ count) | 1;
}

/** @internal */
export default function build(env: PipelineEnvironment, args: JobArguments): void {
  // The command has written it.
  const run = JSON.parse(args.get("run")) as LargeRun;
  const { keys, changes, fatalAt } = run;
  const touch = (index: number): Touch => {
    if (index < keys) return { key: index, phase: CHANGE, isFatal: index === fatalAt };
    if (index >= keys + changes) return { key: index - keys - changes, phase: CHECK, isFatal: false };
    return { key: (fmix32(index) >>> 0) % keys, phase: CHANGE, isFatal: index === fatalAt };
  };
  env
    .fromSource(DataGeneratorSource.of(touch, 2 * keys + changes), WatermarkStrategy.noWatermarks<Touch>(), "touches")
    .returns(TouchType)
    .keyBy((each) => each.key)
    .process(new KeepContent(run.valueBytes))
    .uid("content")
    .sinkTo(DiscardingSink.of());
}
