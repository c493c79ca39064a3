/** As every operator, the ends of a job: sources that are stopped anywhere go on there, and sinks lose and repeat nothing. */
import { describe, expect, test } from "vitest";
import { AsyncSinkBase } from "../connectors/async-sink.ts";
import type { AsyncSinkClient } from "../connectors/async-sink-writer.ts";
import { CollectionSource } from "../connectors/collection-source.ts";
import { DataGeneratorSource } from "../connectors/generator-source.ts";
import { HybridSource } from "../connectors/hybrid/hybrid-source.ts";
import { NumberSequenceSource } from "../connectors/sequence-source.ts";
import type { Sink } from "../connectors/sink.ts";
import { t } from "../types/declared-types.ts";
import { CommittedRows } from "./committed-rows.ts";
import { Gate, ReplayedSource } from "./replayed-source.ts";
import { runSource } from "./source-run.ts";
import { SubtaskRun } from "./subtask-run.ts";

const numbers = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

function replayed(): ReplayedSource {
  const gate = new Gate();
  const source = new ReplayedSource({ splits: [numbers(0, 9), numbers(10, 24)], batches: [1, 4] }, gate);
  gate.openAll();
  return source;
}

type Run = (options: Parameters<typeof runSource>[1]) => Promise<readonly unknown[]>;

const sources: readonly (readonly [string, Run, readonly number[]])[] = [
  ["collection", (options) => runSource(CollectionSource.of(numbers(0, 99)), options), numbers(0, 99)],
  ["number sequence", (options) => runSource(NumberSequenceSource.of(5, 3_000), options), numbers(5, 3_000)],
  [
    "generator",
    (options) =>
      runSource(
        DataGeneratorSource.of((n) => n * 2, 2_500),
        options,
      ),
    numbers(0, 2_499).map((n) => n * 2),
  ],
  [
    "hybrid",
    (options) =>
      runSource(
        HybridSource.builder(NumberSequenceSource.of(0, 1_499))
          .addSource(NumberSequenceSource.of(1_500, 1_999))
          .addSource(() => NumberSequenceSource.of(2_000, 3_999), "bounded")
          .build(),
        options,
      ),
    numbers(0, 3_999),
  ],
  ["replayed", (options) => runSource(replayed(), options), numbers(0, 24)],
];

describe("F44: every source, whatever its neighbours do", () => {
  test.each(sources)(
    "%s: read to its end, refused every second time, restored after every batch from a snapshot",
    async (name, run, expected) => {
      // Splits that are read in turns, or again after a restore, may come in another order.
      const inOrder = (values: readonly unknown[]): readonly unknown[] =>
        (values as number[]).toSorted((a, b) => a - b);
      for (const refuses of [false, true]) {
        for (const batchesPerRestore of [undefined, 1, 3]) {
          const values = await run({ refuses, batchesPerRestore });
          expect(inOrder(values), `${name} ${refuses} ${batchesPerRestore}`).toEqual(expected);
        }
      }
    },
  );
});

/** What a service has taken, by key: sending an entry again changes nothing. */
class Service {
  readonly entries = new Set<number>();
  #calls = 0;

  /** Refuses a part of every third request. */
  readonly submit: AsyncSinkClient<number>["submit"] = async (entries) => {
    const refused = this.#calls++ % 3 === 2 ? entries.slice(0, 1) : [];
    for (const entry of entries) if (!refused.includes(entry)) this.entries.add(entry);
    return refused;
  };
}

class ServiceSink extends AsyncSinkBase<number, number> {
  readonly #service: Service;

  constructor(service: Service) {
    super("service", t.float64, { maxBatchSize: 4, maxInFlightRequests: 2, maxBufferedRequests: 8 });
    this.#service = service;
  }

  createClient(): AsyncSinkClient<number> {
    return { submit: this.#service.submit };
  }

  toEntry(value: number): number {
    return value;
  }

  sizeInBytes(): number {
    return 8;
  }
}

interface Written {
  readonly sink: Sink<number, never, never>;
  readonly rows: () => readonly number[];
}

const sinks: readonly (readonly [string, () => Written])[] = [
  [
    "a sink that commits",
    () => {
      const target = new CommittedRows();
      return { sink: target.sink() as never, rows: () => target.inOrder.map(Number) };
    },
  ],
  [
    "a sink that sends batches",
    () => {
      const service = new Service();
      return { sink: new ServiceSink(service) as never, rows: () => [...service.entries] };
    },
  ],
];

/** Whether it takes records or not, every second time it is asked. */
function refusing(sink: Written["sink"]): Written["sink"] {
  return {
    description: sink.description,
    ...(sink.writerStateSerializer === undefined ? {} : { writerStateSerializer: sink.writerStateSerializer }),
    ...(sink.committableSerializer === undefined ? {} : { committableSerializer: sink.committableSerializer }),
    ...(sink.createCommitter === undefined ? {} : { createCommitter: (context) => sink.createCommitter!(context) }),
    createWriter: (context, restored) => {
      const writer = sink.createWriter(context, restored);
      let isAsked = false;
      const isAvailable = (): boolean => {
        isAsked = !isAsked;
        return isAsked && writer.isAvailable();
      };
      const whenAvailable = async (): Promise<void> => {
        if (!writer.isAvailable()) await writer.whenAvailable();
      };
      return new Proxy(writer, {
        get: (of, name) => {
          if (name === "isAvailable") return isAvailable;
          if (name === "whenAvailable") return whenAvailable;
          const member = Reflect.get(of, name) as unknown;
          return typeof member === "function" ? (member.bind(of) as unknown) : member;
        },
      });
    },
  };
}

describe("F44: every sink, whatever its neighbours do", () => {
  test.each(sinks)(
    "%s: refuses every second time, is restored after every step from a snapshot",
    async (_name, create) => {
      for (const refuses of [false, true]) {
        for (const isRestored of [false, true]) {
          const { sink, rows } = create();
          const spec = { kind: "sink", sink: refuses ? refusing(sink) : sink } as const;
          let run = await SubtaskRun.start(spec, { refuses: false });
          for (const value of numbers(1, 30)) {
            run.put({ kind: "record", input: 0, value, timestampMs: value });
            if (value % 3 === 0) await run.settle();
            if (!isRestored) continue;
            const restore = await run.checkpoint();
            // Every second time the notice that the checkpoint is complete does not come.
            if (value % 2 === 0) await run.complete(restore);
            await run.close();
            run = await SubtaskRun.start(spec, { refuses: false, restore });
          }
          run.put({ kind: "end" });
          await run.settle();
          await run.complete(await run.checkpoint());
          await run.close();
          expect([...rows()].sort((a, b) => a - b)).toEqual(numbers(1, 30));
        }
      }
    },
  );
});
