/**
 * Running counts per key, written to files exactly once, with a fault in the middle: `--fault KIND --at N --marker FILE`.
 * The fault happens once: whoever is about to cause it creates the marker file first.
 */
import { closeSync, openSync } from "node:fs";
import { FileSink, jsonLines } from "@millrace/connector-files";
import { DataGeneratorSource, type JobArguments, type StreamExecutionEnvironment, t } from "millrace";

const Row = t.object({ key: t.int32, count: t.int32, sum: t.int64 });

type Fault = (n: number) => void;

const faults: Readonly<Record<string, Fault>> = {
  none: () => {},
  throw: (n) => {
    throw new RangeError(`thrown at ${n}`);
  },
  "throw-outside": () => {
    setImmediate(() => {
      throw new RangeError("thrown outside of the data path");
    });
  },
  exit: () => process.exit(7),
  heap: () => {
    const hoard: unknown[] = [];
    for (;;) hoard.push(new Array(1000).fill(hoard.length));
  },
  loop: function endlessLoop() {
    for (let turns = 0; ; turns++) if (turns < 0) return;
  },
};

export default function faulty(env: StreamExecutionEnvironment, args: JobArguments): void {
  const fault = faults[args.get("fault")]!;
  const at = args.number("at");
  const marker = args.get("marker");
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, args.number("count"), { ratePerSecond: args.number("rate", 40_000) }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .keyBy((n) => n % 97)
    .map((n) => {
      if (n === at && isFirst(marker)) fault(n);
      return { key: n % 97, count: 1, sum: n };
    })
    .name("Trouble")
    .keyBy((row) => row.key)
    .reduce((a, b) => ({ key: a.key, count: a.count + b.count, sum: a.sum + b.sum }))
    .returns(Row)
    .uid("sums")
    .sinkTo(FileSink.to(args.get("output"), jsonLines(Row)))
    .uid("rows");
}

function isFirst(marker: string): boolean {
  try {
    closeSync(openSync(marker, "wx"));
    return true;
  } catch {
    // The marker is there: the fault has happened.
    return false;
  }
}
