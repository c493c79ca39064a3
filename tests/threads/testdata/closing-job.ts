/** Runs for ever; its function closes as `--close` says: well, throws, late (with a file that tells when) or never. */
import { writeFileSync } from "node:fs";
import { DataGeneratorSource, type JobArguments, type Sink, type StreamExecutionEnvironment } from "millrace";

const closings: Readonly<Record<string, (file: string) => void | Promise<void>>> = {
  well: () => {},
  throws: () => {
    throw new Error("close fails");
  },
  late: (file) =>
    new Promise((resolve) =>
      setTimeout(() => {
        writeFileSync(file, "closed");
        resolve();
      }, 700),
    ),
  never: () => new Promise(() => {}),
};

export default function closing(env: StreamExecutionEnvironment, args: JobArguments): void {
  const close = closings[args.get("close")]!;
  const file = args.get("file", "");
  const sink: Sink<number, never, never> = {
    description: { kind: "closing", options: {} },
    createWriter: (context) => ({
      write: () => {},
      isAvailable: () => true,
      whenAvailable: async () => {},
      prepareCommit: () => [],
      flush: async () => {},
      close: async () => close(`${file}.${context.subtaskIndex}`),
    }),
  };
  env
    .fromSource(
      DataGeneratorSource.of((n) => n, 1e9, { ratePerSecond: 1000 }),
      { boundedOutOfOrderness: 0, timestamp: (n) => n },
      "numbers",
    )
    .keyBy((n) => n % 1000)
    .reduce((sum, n) => sum + n)
    .uid("sums")
    .sinkTo(sink);
}
