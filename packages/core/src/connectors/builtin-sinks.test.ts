import { expect, test } from "vitest";
import type { Platform } from "../platform/platform.ts";
import { AsyncQueue } from "./async-queue.ts";
import { CollectSink } from "./collect-sink.ts";
import { DiscardingSink } from "./discarding-sink.ts";
import { PrintSink } from "./print-sink.ts";
import type { WriterInitContext } from "./sink.ts";

const record = { timestamp: 5, currentWatermark: 0 };

function contextWith(out: string[], parallelism = 1, subtaskIndex = 0): WriterInitContext {
  const platform = {
    proc: { writeOut: (text: string) => out.push(text), writeError: (text: string) => out.push(`error: ${text}`) },
    clock: { soon: () => () => {} },
  };
  // The sinks of this file use nothing else of the platform.
  return {
    platform: platform as unknown as Platform,
    subtaskIndex,
    parallelism,
    jobId: "job",
    uid: "sink",
    restoredCheckpointId: undefined,
  };
}

test("F07: one subtask prints bare lines; several put their number in front, counted from 1", async () => {
  const out: string[] = [];
  const alone = PrintSink.of<unknown>().createWriter(contextWith(out));
  alone.write("text", record);
  alone.write({ a: 1, big: 2n, nan: Number.NaN }, record);
  await alone.flush();
  const second = PrintSink.of<unknown>({ prefix: "total" }).createWriter(contextWith(out, 3, 1));
  second.write(new Map([["k", 1]]), record);
  await second.close();
  expect(out).toEqual(['text\n{"a":1,"big":"2","nan":"NaN"}\n', 'total:2> {"k":1}\n']);
});

test("a print sink can write to standard error, and prints something for a cycle", async () => {
  const out: string[] = [];
  const writer = PrintSink.of<unknown>({ to: "error" }).createWriter(contextWith(out));
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  writer.write(cycle, record);
  await writer.flush();
  expect(out).toEqual(["error: [object Object]\n"]);
});

test("a discarding sink is always ready and commits nothing", async () => {
  const writer = DiscardingSink.of<number>().createWriter();
  writer.write(1, record);
  expect(writer.isAvailable()).toBe(true);
  expect(writer.prepareCommit(true)).toEqual([]);
  await writer.flush();
});

test("F07: a collect sink delivers at once, with timestamp and subtask", () => {
  const got: unknown[] = [];
  const sink = CollectSink.to<string>({
    accept: (value, timestamp, subtaskIndex) => got.push([value, timestamp, subtaskIndex]),
    isReady: () => false,
    whenReady: () => Promise.resolve(),
  });
  const writer = sink.createWriter(contextWith([], 2, 1));
  writer.write("a", record);
  expect(got).toEqual([["a", 5, 1]]);
  expect(writer.isAvailable()).toBe(false);
});

test("a full queue pauses the producer and loses nothing", async () => {
  const queue = new AsyncQueue<number>();
  const produced = (async () => {
    for (let value = 0; value < 5000; value++) {
      if (!queue.isReady()) await queue.whenReady();
      queue.accept(value);
    }
    queue.close();
  })();
  const got: number[] = [];
  for await (const value of queue) got.push(value);
  await produced;
  expect(got).toEqual(Array.from({ length: 5000 }, (_, index) => index));
});

test("a failure reaches the consumer after the values before it", async () => {
  const queue = new AsyncQueue<number>();
  queue.accept(1);
  queue.fail(new Error("boom"));
  const got: number[] = [];
  await expect(
    (async () => {
      for await (const value of queue) got.push(value);
    })(),
  ).rejects.toThrow("boom");
  expect(got).toEqual([1]);
});

test("leaving the loop early lets the producer go on into nothing and reports it", async () => {
  let abandoned = 0;
  const queue = new AsyncQueue<number>(() => abandoned++);
  for (let value = 0; value < 2000; value++) queue.accept(value);
  expect(queue.isReady()).toBe(false);
  for await (const value of queue) if (value === 3) break;
  expect(abandoned).toBe(1);
  expect(queue.isReady()).toBe(true);
  queue.accept(9);
});
