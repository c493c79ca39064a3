import { codecBenchmarks } from "./codec.ts";
import { localChannelBenchmarks } from "./local-channel.ts";
import type { MicroBenchmark } from "./micro-benchmark.ts";
import { ringBenchmarks } from "./ring.ts";
import { slotLoopBenchmarks } from "./slot-loop.ts";
import { stateBenchmarks } from "./state.ts";
import { timerBenchmarks } from "./timers.ts";
import { windowBenchmarks } from "./windows.ts";
import { wireBenchmarks } from "./wire.ts";

/**
 * All micro benchmarks by group, one file each. A group runs in a process of its own: what V8 has seen in one does not
 * slow another one down. A new benchmark is a file and a line here; its names start with the group's.
 * @internal
 */
export const microGroups: Readonly<Record<string, readonly MicroBenchmark[]>> = {
  codec: codecBenchmarks,
  state: stateBenchmarks,
  timers: timerBenchmarks,
  windows: windowBenchmarks,
  "slot-loop": slotLoopBenchmarks,
  "local-channel": localChannelBenchmarks,
  ring: ringBenchmarks,
  wire: wireBenchmarks,
};

/** The benchmarks in whose name a word begins with one of the texts; all of them without texts. @internal */
export function selectBenchmarks(group: string, texts: readonly string[]): readonly MicroBenchmark[] {
  const benchmarks = microGroups[group] ?? [];
  if (texts.length === 0) return benchmarks;
  // Not just anywhere: "ring" would also select the strings.
  return benchmarks.filter(({ name }) =>
    texts.some((text) => ["/", " "].some((gap) => (gap + name).includes(gap + text))),
  );
}
