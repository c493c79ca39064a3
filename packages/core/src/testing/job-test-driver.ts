/**
 * Runs a whole job on virtual time, within the calls of a test: no threads, no broker, no waiting. Each source of the job
 * is an input that the test pipes records into, each sink an output that it reads.
 */
import type { Duration } from "../base/duration.ts";
import { durationMs } from "../base/duration.ts";
import { Configuration } from "../config/configuration.ts";
import { buildJobGraph } from "../graph/build-job-graph.ts";
import { graphOptionsOf } from "../graph/graph-options.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import { MetricRegistry } from "../metrics/metric-registry.ts";
import type { SinkSpec } from "../operators/operator-spec.ts";
import { createSimulatedPlatform } from "../platform/simulated-platform.ts";
import { SlotLoop } from "../task/slot-loop.ts";
import { TaskStatistics } from "../task/task-statistics.ts";
import { taskSettingsOf } from "../taskmanager/task-settings.ts";
import { TaskSlot } from "../taskmanager/task-slot.ts";
import { MAX_WATERMARK, NO_TIMESTAMP } from "../time/timestamps.ts";
import type { TimestampedValue } from "./harness-subtask.ts";
import { ManualClock } from "./manual-clock.ts";
import { PipedSource } from "./piped-source.ts";
import { type JobUnderTest, pipelineOf, withTestEnds } from "./test-ends.ts";
import { testKitMisused } from "./test-kit-misused.ts";

/** What a driven job starts with. @public */
export interface JobTestDriverOptions {
  /** The job's own arguments, as on a command line. */
  readonly args?: readonly string[];
  readonly configuration?: Configuration;
  /** Wall time at the beginning, in epoch ms. Default 0. */
  readonly processingTime?: number;
}

/** Where a test pipes the records of one source in. Every call returns when the job has done all it can do with them. @public */
export interface TestInput<T> {
  /** @param timestamp - Epoch ms; for sources whose watermark strategy has no timestamp assigner. */
  pipe(value: T, timestamp?: number): void;
  pipeAll(values: Iterable<T>): void;
  /** No record follows. When all inputs have ended, event time has, too. */
  end(): void;
}

/** What one sink of the job has taken. @public */
export interface TestOutput<T> {
  readonly isEmpty: boolean;
  /** Takes what has come since the last reading, in order. */
  readValues(): readonly T[];
  readRecords(): readonly TimestampedValue<T>[];
}

/** More turns of promises than opening a job's operators takes. */
const START_TURNS_MAX = 10_000;

/**
 * A whole job in memory: a test pipes records in, moves the clock, and reads what came out.
 *
 * @example
 * const driver = await JobTestDriver.of(job);
 * driver.input<Click>("clicks").pipeAll(recordedClicks);
 * driver.advanceProcessingTime("1 min");
 * expect(driver.output<Total>("totals").readValues()).toEqual([{ user: "ada", clicks: 2 }]);
 * await driver.close();
 * @public
 */
export class JobTestDriver {
  readonly #clock: ManualClock;
  readonly #inputs: ReadonlyMap<string, PipedSource>;
  readonly #outputs: ReadonlyMap<string, TimestampedValue<unknown>[]>;
  readonly #slot: TaskSlot;
  #runningCount = 0;
  #failure: { readonly error: unknown } | undefined;

  /**
   * Builds the job and starts it. Its sources are replaced, each by one subtask; everything else is as the job says.
   *
   * @param job - The default export of the job's module. It must not execute the pipeline.
   * @throws MillraceError what building the job throws, and what its functions throw in `open`
   */
  static async of(job: JobUnderTest, options: JobTestDriverOptions = {}): Promise<JobTestDriver> {
    const configuration = options.configuration?.copy() ?? new Configuration();
    const inputs = new Map<string, PipedSource>();
    const outputs = new Map<string, TimestampedValue<unknown>[]>();
    const built = await pipelineOf(job, configuration, options.args ?? []);
    const transformations = withTestEnds(built, {
      sourceParallelism: 1,
      source: (spec, name) => {
        const source = new PipedSource();
        addOnce(inputs, name, source, "source");
        return { ...spec, source: source as never };
      },
      sink: (_spec, name) => {
        const taken: TimestampedValue<unknown>[] = [];
        addOnce(outputs, name, taken, "sink");
        return takingSink(taken);
      },
    });
    const graph = buildJobGraph(transformations, graphOptionsOf(configuration, "test"));
    const driver = new JobTestDriver(graph, configuration, options.processingTime ?? 0, inputs, outputs);
    await driver.#start(graph);
    return driver;
  }

  private constructor(
    graph: JobGraph,
    configuration: Configuration,
    startMs: number,
    inputs: ReadonlyMap<string, PipedSource>,
    outputs: ReadonlyMap<string, TimestampedValue<unknown>[]>,
  ) {
    this.#clock = new ManualClock(startMs);
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#slot = new TaskSlot({
      graph,
      jobId: "test",
      attemptNumber: 0,
      taskManagerId: "test",
      platform: { ...createSimulatedPlatform({ seed: 1 }), clock: this.#clock },
      metrics: new MetricRegistry(),
      // Virtual time has nothing to do with the times of the records.
      settings: { ...taskSettingsOf(configuration), futureSkewMaxMs: Number.MAX_SAFE_INTEGER },
      tasks: graph.vertices.flatMap((vertex) =>
        Array.from({ length: vertex.parallelism }, (_, subtaskIndex) => ({ vertexId: vertex.id, subtaskIndex })),
      ),
      remote: undefined,
      loop: new SlotLoop({ clock: this.#clock, bufferTimeoutMs: taskSettingsOf(configuration).bufferTimeoutMs }),
      restoredCheckpointId: undefined,
      restoreOf: () => undefined,
      statisticsOf: ({ vertexId }) => {
        const { operators, gates } = graph.vertices[vertexId]!;
        return new TaskStatistics(
          new ArrayBuffer(TaskStatistics.bytesFor(operators.length, gates.length)),
          operators.length,
        );
      },
      listener: {
        onRunning: () => {
          this.#runningCount++;
        },
        onInputFinished: () => {},
        onSnapshot: () => {},
        onCommitted: () => {},
        onFailed: (_task, error) => {
          this.#failure ??= { error };
        },
        onSplitRequest: () => {},
        onSourceEvent: () => {},
        // Records come when the test pipes them: no source waits for another.
        onWatermarkReport: (sourceUid) => this.#slot.allowWatermark(sourceUid, MAX_WATERMARK),
      },
    });
  }

  /** The input that stands for a source, by the source's name. @throws MillraceError `MR_TEST_KIT_MISUSED` when there is none */
  input<T>(name: string): TestInput<T> {
    const source = oneOf(this.#inputs, name, "source");
    const pipe = (value: T, timestamp: number = NO_TIMESTAMP): void => {
      if (source.hasEnded)
        throw testKitMisused("A record was piped into an input that has ended", name, "Pipe it before end()");
      source.pipe(value, timestamp);
      this.#run();
    };
    return {
      pipe,
      pipeAll: (values) => {
        for (const value of values) pipe(value);
      },
      end: () => {
        source.end();
        this.#run();
      },
    };
  }

  /** The output that stands for a sink, by the sink's name. @throws MillraceError `MR_TEST_KIT_MISUSED` when there is none */
  output<T>(name: string): TestOutput<T> {
    // What a sink takes is what the job says; the test names that type.
    const taken = oneOf(this.#outputs, name, "sink") as TimestampedValue<T>[];
    return {
      get isEmpty(): boolean {
        return taken.length === 0;
      },
      readRecords: () => taken.splice(0),
      readValues: () => taken.splice(0).map(({ value }) => value),
    };
  }

  /** Lets virtual time pass: timers fire in order, idle sources become idle. */
  advanceProcessingTime(duration: Duration): void {
    this.#clock.advanceTo(this.#clock.wallMs() + durationMs(duration));
    this.#throwFailure();
  }

  getProcessingTime(): number {
    return this.#clock.wallMs();
  }

  /** Ends all inputs: windows fire, and what was collected is emitted. */
  endAllInputs(): void {
    for (const source of this.#inputs.values()) source.end();
    this.#run();
  }

  /** Waits for the promises of asynchronous functions. Virtual time stands still. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) {
      await Promise.resolve();
      this.#clock.runDue();
    }
    this.#throwFailure();
  }

  /** Stops the job and closes its functions. */
  async close(): Promise<void> {
    await this.#slot.cancel();
  }

  async #start(graph: JobGraph): Promise<void> {
    const expected = graph.vertices.reduce((sum, { parallelism }) => sum + parallelism, 0);
    this.#slot.start();
    for (let turn = 0; this.#runningCount < expected && this.#failure === undefined; turn++) {
      if (turn > START_TURNS_MAX)
        throw testKitMisused("The job did not start", "an operator that waits", "Look for what its open() waits for");
      await Promise.resolve();
    }
    this.#run();
  }

  #run(): void {
    this.#clock.runDue();
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function takingSink(taken: TimestampedValue<unknown>[]): SinkSpec {
  return {
    kind: "sink",
    sink: {
      description: { kind: "test-output", options: {} },
      createWriter: () => ({
        write: (value, { timestamp }) => void taken.push({ value, timestamp }),
        isAvailable: () => true,
        whenAvailable: () => Promise.resolve(),
        prepareCommit: () => [],
        flush: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }),
    },
  };
}

function addOnce<V>(all: Map<string, V>, name: string, value: V, kind: "source" | "sink"): void {
  if (all.has(name)) {
    throw testKitMisused(
      `Two ${kind}s have the same name`,
      `"${name}"`,
      `Give each ${kind} a name of its own, with name()`,
    );
  }
  all.set(name, value);
}

function oneOf<V>(all: ReadonlyMap<string, V>, name: string, kind: "source" | "sink"): V {
  const found = all.get(name);
  if (found !== undefined) return found;
  const names = [...all.keys()].map((each) => `"${each}"`).join(", ");
  throw testKitMisused(
    `The job has no ${kind} of this name`,
    `"${name}"; there is ${names}`,
    `Use the name of a ${kind}`,
  );
}
