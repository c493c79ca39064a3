import { invariant } from "millrace/internal";
import { type MicroHost, type MicroOptions, measure } from "./micro-benchmark.ts";
import { selectBenchmarks } from "./micro-groups.ts";

/** What `bench micro` sends to the process of one group. @internal */
export interface MicroRequest {
  readonly group: string;
  readonly texts: readonly string[];
  readonly options: MicroOptions;
}

/** Measures the benchmarks of one group in this process and prints a JSON line for each. @internal */
export function microProcess(request: string): void {
  // The parent process wrote it a moment ago.
  const { group, texts, options } = JSON.parse(request) as MicroRequest;
  const { gc } = globalThis;
  invariant(gc !== undefined, "the process of micro benchmarks runs with --expose-gc");
  const host: MicroHost = { cpuMs, collectGarbage: () => gc() };
  for (const benchmark of selectBenchmarks(group, texts)) {
    process.stderr.write(`bench: ${benchmark.name} …\n`);
    process.stdout.write(`${JSON.stringify(measure(benchmark, options, host))}\n`);
  }
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
