import type { Sink, SinkWriter } from "../connectors/sink.ts";
import type { Clock } from "../platform/platform.ts";

/** How slow a sink is. @internal */
export interface Slowness {
  /** Records that are taken without a pause. */
  readonly records: number;
  readonly pauseMs: number;
}

/** The sink with a pause after every so many records, in which it takes nothing: what is behind it waits. @internal */
export function slowSink<T, Committable>(
  sink: Sink<T, Committable>,
  clock: Clock,
  slow: Slowness,
): Sink<T, Committable> {
  return {
    ...sink,
    createWriter: (context, states) => new SlowWriter(sink.createWriter(context, states), clock, slow),
  };
}

class SlowWriter<T, Committable> implements SinkWriter<T, Committable> {
  readonly #writer: SinkWriter<T, Committable>;
  readonly #clock: Clock;
  readonly #slow: Slowness;
  #count = 0;
  #pause: Promise<void> | undefined;

  constructor(writer: SinkWriter<T, Committable>, clock: Clock, slow: Slowness) {
    this.#writer = writer;
    this.#clock = clock;
    this.#slow = slow;
  }

  write(value: T, context: Parameters<SinkWriter<T, Committable>["write"]>[1]): void {
    this.#writer.write(value, context);
    if (++this.#count % this.#slow.records !== 0) return;
    this.#pause = new Promise((resolve) => {
      this.#clock.after(this.#slow.pauseMs, () => {
        this.#pause = undefined;
        resolve();
      });
    });
  }

  isAvailable(): boolean {
    return this.#pause === undefined;
  }

  whenAvailable(): Promise<void> {
    return this.#pause ?? Promise.resolve();
  }

  prepareCommit(isEnd: boolean): readonly Committable[] {
    return this.#writer.prepareCommit(isEnd);
  }

  flush(): Promise<void> {
    return this.#writer.flush();
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}
