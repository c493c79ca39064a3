import { describe, expect, test } from "vitest";
import type { DataStream } from "../api/data-stream.ts";
import { DiscardingSink } from "../connectors/discarding-sink.ts";
import type { Collector, KeyedProcessContext, KeyedProcessFunction, OnTimerContext } from "../operators/functions.ts";
import type { StreamExecutionEnvironment } from "../stream-execution-environment.ts";
import { harnessOf } from "../testing/harness-of.ts";
import { JobTestDriver } from "../testing/job-test-driver.ts";
import { TumblingProcessingTimeWindows } from "../time/tumbling-windows.ts";

/** Registers a timer so many milliseconds from now; says when it fires. */
class After implements KeyedProcessFunction<number, number, string> {
  processElement(delayMs: number, context: KeyedProcessContext<number>): void {
    context.timerService.registerProcessingTimeTimer(context.currentProcessingTime() + delayMs);
  }

  onTimer(timeMs: number, context: OnTimerContext<number>, out: Collector<string>): void {
    out.collect(`${timeMs} at ${context.currentProcessingTime()}`);
  }
}

const timersOf = (input: DataStream<number>) => input.keyBy(() => 0).process(new After());

describe("S18: processing time", () => {
  test("S18: a timer of a process function fires when its millisecond is over, in a job", async () => {
    const driver = await JobTestDriver.of((env: StreamExecutionEnvironment) => {
      timersOf(env.fromData([0]).name("delays"))
        .sinkTo(DiscardingSink.of())
        .name("fired");
    });
    const fired = driver.output<string>("fired");
    for (const delayMs of [100, 0, -5]) driver.input<number>("delays").pipe(delayMs);
    expect(fired.readValues()).toEqual(["-5 at 0"]);
    driver.advanceProcessingTime(1);
    expect(fired.readValues()).toEqual(["0 at 1"]);
    driver.advanceProcessingTime(99);
    expect(fired.readValues()).toEqual([]);
    driver.advanceProcessingTime(1);
    expect(fired.readValues()).toEqual(["100 at 101"]);
    await driver.close();
  });

  test("S18: the operator harness shows the same", () => {
    const harness = harnessOf(timersOf, { processingTime: 1_000 });
    for (const delayMs of [100, 0]) harness.processElement(delayMs);
    expect(harness.extractOutputValues()).toEqual([]);
    harness.setProcessingTime(1_001);
    expect(harness.extractOutputValues()).toEqual(["1000 at 1001"]);
    harness.setProcessingTime(1_100);
    expect(harness.extractOutputValues()).toEqual(["1000 at 1001"]);
    harness.setProcessingTime(1_101);
    expect(harness.extractOutputValues()).toEqual(["1000 at 1001", "1100 at 1101"]);
  });

  test("S18: a record of a window's last millisecond is in it, and a timer of that millisecond fires with the window", async () => {
    const driver = await JobTestDriver.of((env: StreamExecutionEnvironment) => {
      const numbers = env
        .fromData([0])
        .name("numbers")
        .keyBy(() => 0);
      numbers
        .window(TumblingProcessingTimeWindows.of(100))
        .reduce((left, right) => left + right)
        .sinkTo(DiscardingSink.of())
        .name("sums");
      numbers.process(new After()).sinkTo(DiscardingSink.of()).name("fired");
    });
    const numbers = driver.input<number>("numbers");
    const sums = driver.output<number>("sums");
    const fired = driver.output<string>("fired");
    numbers.pipe(99);
    driver.advanceProcessingTime(99);
    numbers.pipe(50);
    expect([sums.readValues(), fired.readValues()]).toEqual([[], []]);
    driver.advanceProcessingTime(1);
    expect([sums.readValues(), fired.readValues()]).toEqual([[149], ["99 at 100"]]);
    await driver.close();
  });
});
