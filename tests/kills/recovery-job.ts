/** A job with a given amount of state that says, with the time, what comes out of it. */
import { readFile, writeFile } from "node:fs/promises";

export interface RecoveryJobSize {
  readonly keys: number;
  /** Of every key, in characters. */
  readonly valueChars: number;
  readonly ratePerSecond: number;
}

const recovery = `
import { openSync, writeSync } from "node:fs";
import { DataGeneratorSource, WatermarkStrategy, valueState } from "millrace";

const WAIT_MS = 2;

/** Numbers that are there from a time on, as those of a log are: what has waited, or is read again, comes at once. */
class Steady {
  constructor(numbers, firstMs, perMs) {
    this.numbers = numbers;
    this.firstMs = firstMs;
    this.perMs = perMs;
    this.description = { kind: "steady", options: { firstMs, perMs } };
    this.boundedness = "continuous-unbounded";
    this.splitSerializer = numbers.splitSerializer;
    this.enumeratorStateSerializer = numbers.enumeratorStateSerializer;
  }
  createEnumerator(context) {
    return this.numbers.createEnumerator(context);
  }
  restoreEnumerator(context, state) {
    return this.numbers.restoreEnumerator(context, state);
  }
  createReader({ platform: { clock } }) {
    const splits = [];
    const due = () => Math.floor((clock.wallMs() - this.firstMs) * this.perMs);
    const readable = () => splits.find(({ next }) => next < due());
    return {
      start() {},
      addSplits: (added) => splits.push(...added.map((split) => ({ ...split }))),
      notifyNoMoreSplits() {},
      pollNext(output) {
        const split = readable();
        if (split === undefined) return "nothing-available";
        output.fromSplit(split.splitId);
        const end = due();
        for (; split.next < end && output.remaining > 0; split.next += split.step) output.collect(split.next);
        return "more-available";
      },
      snapshotState: () => splits.map((split) => ({ ...split })),
      isAvailable: () => new Promise((resolve) => void clock.after(WAIT_MS, resolve)),
      close: () => Promise.resolve(),
    };
  }
}

class Ballast {
  constructor(file, chars) {
    this.file = file;
    this.chars = chars;
  }
  open(context) {
    this.state = context.getState(valueState("ballast"));
    this.attempt = context.attemptNumber;
    this.out = openSync(this.file, "a");
  }
  processElement(n, context) {
    this.state.update({ n, ballast: String(n).padEnd(this.chars, "x") });
    writeSync(this.out, this.attempt + " " + n + " " + (performance.timeOrigin + performance.now()) + "\\n");
  }
}

export default function recovery(env, args) {
  const keys = args.number("keys");
  const rate = args.number("rate");
  const fill = DataGeneratorSource.of((n) => n, keys, {});
  const steady = new Steady(DataGeneratorSource.of((n) => n, 1e9), args.number("first"), rate / 1000);
  const never = WatermarkStrategy.noWatermarks();
  env
    .fromSource(fill, never, "fill")
    .uid("fill")
    .union(env.fromSource(steady, never, "steady").uid("steady").map((n) => keys + n))
    .keyBy((n) => n % keys)
    .process(new Ballast(args.get("output"), args.number("chars")))
    .uid("ballast");
}
`;

export async function makeRecoveryJob(file: string): Promise<void> {
  await writeFile(file, recovery);
}

export interface Output {
  readonly attempt: number;
  readonly n: number;
  /** Epoch ms. */
  readonly atMs: number;
}

/** What has come out, in the order of time. */
export async function readOutputs(file: string): Promise<readonly Output[]> {
  const lines = (await readFile(file, "utf8")).split("\n").slice(0, -1);
  const outputs = lines.map((line) => {
    const [attempt, n, atMs] = line.split(" ").map(Number);
    return { attempt: attempt!, n: n!, atMs: atMs! };
  });
  return outputs.sort((left, right) => left.atMs - right.atMs);
}
