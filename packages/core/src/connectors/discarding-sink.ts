import type { Sink, SinkWriter } from "./sink.ts";

/** Takes every record and keeps none: for benchmarks, and for jobs that only count. @public */
export class DiscardingSink<T> implements Sink<T> {
  readonly description: Sink<T>["description"] = { kind: "discarding", options: {} };

  private constructor() {}

  static of<T>(): DiscardingSink<T> {
    return new DiscardingSink<T>();
  }

  createWriter(): SinkWriter<T> {
    return new DiscardingWriter();
  }
}

class DiscardingWriter implements SinkWriter<unknown> {
  write(): void {}

  isAvailable(): boolean {
    return true;
  }

  whenAvailable(): Promise<void> {
    return Promise.resolve();
  }

  prepareCommit(): readonly never[] {
    return [];
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
