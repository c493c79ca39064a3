/** Runs one operator as a subtask with real channels: what is around it may come all at once, or refuse to take anything. */
import { LocalChannel } from "../exchange/local-channel.ts";
import { RecordWriter } from "../exchange/record-writer.ts";
import { inputCountOf, type OperatorSpec } from "../operators/operator-spec.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { Subtask } from "../task/subtask.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { type HarnessSubtaskOptions, harnessHost, harnessPlan, type TimestampedValue } from "./harness-subtask.ts";
import { ManualClock } from "./manual-clock.ts";

/** @internal */
export type SubtaskEvent =
  | { readonly kind: "record"; readonly input: 0 | 1; readonly value: unknown; readonly timestampMs: number }
  | { readonly kind: "watermark"; readonly timestampMs: number }
  | { readonly kind: "end" };

/** @internal */
export interface SubtaskRunOptions {
  /** All events are there before the first step. Otherwise each of them comes when the one before has been dealt with. */
  readonly isAtOnce: boolean;
  /** The output has room only in every second step. */
  readonly refuses: boolean;
}

/** Steps without work after which nothing more is to come; an output that refuses makes some of them. */
const QUIET_STEPS = 4;
/** Between two steps; a promise that takes longer counts as one that waits. */
const TURNS_OF_PROMISES = 20;

class RefusingWriter extends RecordWriter {
  isFull = false;

  emit(value: unknown, timestampMs: number): void {
    this.channels[0]!.push(value, timestampMs);
  }

  override isAvailable(): boolean {
    return !this.isFull;
  }
}

/** What leaves the operator's main output. @internal */
export async function runSubtask(
  spec: OperatorSpec,
  events: readonly SubtaskEvent[],
  options: SubtaskRunOptions,
): Promise<readonly TimestampedValue<unknown>[]> {
  const clock = new ManualClock(0);
  const output = new LocalChannel();
  const gates = inputCountOf(spec) === 2 ? [new LocalChannel(), new LocalChannel()] : [new LocalChannel()];
  let failure: unknown;
  const host: HarnessSubtaskOptions = {
    name: "operator",
    spec,
    platform: { ...createSimulatedPlatform({ seed: 1 }), clock },
    sideOutputs: [],
    subtaskIndex: 0,
    parallelism: 1,
    maxParallelism: 128,
    attemptNumber: 0,
    restore: undefined,
    restoredCheckpointId: undefined,
    wake: () => {},
    fail: (error) => {
      failure ??= error;
    },
  };
  const writer = new RefusingWriter([output]);
  const plan = harnessPlan(host);
  const subtask = new Subtask({
    chain: {
      plan,
      gateCount: gates.length,
      subtaskIndex: 0,
      parallelism: 1,
      hostOf: (operator) => harnessHost(operator, host),
      restore: undefined,
      url: "millrace-subtask-run.js",
    },
    statistics: new TaskStatistics(new ArrayBuffer(TaskStatistics.bytesFor(1, gates.length)), 1),
    writers: [writer],
    gates: gates.map((channel) => [channel]),
    clock,
    watermarkIntervalMs: 0,
    listener: {
      onRunning: () => {},
      onInputFinished: () => {},
      onSnapshot: () => {},
      onCommitted: () => {},
      onFailed: host.fail,
      onWake: () => {},
    },
  });
  await subtask.start();
  const results: TimestampedValue<unknown>[] = [];
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < QUIET_STEPS; ) {
      writer.isFull = options.refuses && !writer.isFull;
      quiet = subtask.step(0, Number.POSITIVE_INFINITY) ? 0 : quiet + 1;
      for (let turn = 0; turn < TURNS_OF_PROMISES; turn++) await Promise.resolve();
    }
    drain(output, results);
    if (failure !== undefined) throw failure;
  };
  for (const event of events) {
    put(gates, event);
    // Records of two inputs keep their order only when they come one by one.
    if (!options.isAtOnce || (gates.length === 2 && event.kind === "record")) await settle();
  }
  await settle();
  await subtask.close();
  return results;
}

function put(gates: readonly LocalChannel[], event: SubtaskEvent): void {
  if (event.kind === "record") {
    gates[event.input]!.push(event.value, event.timestampMs);
    return;
  }
  for (const gate of gates) gate.pushEvent(event.kind === "end" ? { kind: "endOfInput" } : event);
}

function drain(output: LocalChannel, results: TimestampedValue<unknown>[]): void {
  const take = (value: unknown, timestamp: number): void => void results.push({ value, timestamp });
  do output.takeRecords(take, Number.POSITIVE_INFINITY);
  while (output.takeEvent() !== undefined);
}
