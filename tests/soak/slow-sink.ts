import type { Sink, SinkWriter, WriterInitContext } from "millrace";
import type { RoundJob } from "./edge-check.ts";
import { Pacing } from "./pacing.ts";
import { writeSinkTotals } from "./totals.ts";

/** Takes nothing for a while, at random, and counts what it takes. Its subtasks differ in speed. */
export class SlowSink<T> implements Sink<T> {
  readonly description: Sink<T>["description"];
  readonly #job: RoundJob;
  readonly #name: string;

  constructor(job: RoundJob, name: string) {
    this.#job = job;
    this.#name = name;
    this.description = { kind: "slow", options: { name } };
  }

  createWriter({ platform, subtaskIndex: subtask }: WriterInitContext): SinkWriter<T> {
    const { plan, directory } = this.#job;
    const { everyRecords, msMax } = plan.sinks;
    const pauses = { everyRecords: everyRecords * (1 + subtask), msMax };
    const pacing = new Pacing(`${plan.seed}/${this.#name}/${subtask}`, pauses, plan.ms);
    let written = 0;
    let pause: Promise<void> | undefined;
    return {
      write: () => {
        written++;
        const ms = pacing.pauseAfter(1);
        if (ms === 0 || pause !== undefined) return;
        pause = new Promise((resolve) => {
          platform.clock.after(ms, () => {
            pause = undefined;
            resolve();
          });
        });
      },
      isAvailable: () => pause === undefined,
      whenAvailable: () => pause ?? Promise.resolve(),
      prepareCommit: () => [],
      flush: () => Promise.resolve(),
      close: async () => writeSinkTotals(directory, { sink: this.#name, subtask, written }),
    };
  }
}
