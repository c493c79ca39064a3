import { invariant, MillraceError } from "../base/errors.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { Accumulator, AnyAccumulator } from "../operators/accumulators/accumulator.ts";
import { AccumulatorRegistry } from "../operators/accumulators/accumulator-registry.ts";
import { DoubleCounter, IntCounter, LongCounter } from "../operators/accumulators/counters.ts";
import { HistogramAccumulator } from "../operators/accumulators/histogram-accumulator.ts";
import { DistributedCache } from "../operators/distributed-cache.ts";
import type { FunctionContext, FunctionStates } from "../operators/function-states.ts";
import { TypedStates } from "../operators/typed-states.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import type { KeyedStateDescriptor } from "../state/state-descriptors.ts";
import { createStateHandle } from "../state/state-handles.ts";

/** What stays the same for all operators of a subtask. */
export interface SubtaskPlace {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly attemptNumber: number;
  /** Absolute paths of the job's cached files, by name. */
  readonly cachedFiles?: ReadonlyMap<string, string>;
}

/** The runtime context of one operator in one subtask. */
export class OperatorRuntimeContext extends TypedStates implements FunctionContext {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly attemptNumber: number;
  readonly metricGroup: MetricGroup;
  readonly #operatorName: string;
  readonly #accumulators: AccumulatorRegistry;
  readonly #cachedFiles: ReadonlyMap<string, string>;
  readonly #handles = new Map<string, unknown>();
  #table: KeyedStateTable | undefined;
  #functionStates: FunctionStates | undefined;

  /** @param accumulators - Those of the subtask. */
  constructor(
    place: SubtaskPlace,
    operatorName: string,
    metricGroup: MetricGroup,
    accumulators: AccumulatorRegistry = new AccumulatorRegistry(),
  ) {
    super();
    this.jobName = place.jobName;
    this.taskName = place.taskName;
    this.indexOfThisSubtask = place.indexOfThisSubtask;
    this.numberOfParallelSubtasks = place.numberOfParallelSubtasks;
    this.maxNumberOfParallelSubtasks = place.maxNumberOfParallelSubtasks;
    this.attemptNumber = place.attemptNumber;
    this.metricGroup = metricGroup;
    this.#cachedFiles = place.cachedFiles ?? new Map();
    this.#operatorName = operatorName;
    this.#accumulators = accumulators;
  }

  get functionStates(): FunctionStates {
    invariant(this.#functionStates !== undefined, `operator ${this.#operatorName} has no states yet`);
    return this.#functionStates;
  }

  /** Called once, before the operator is made. */
  bindFunctionStates(states: FunctionStates): void {
    this.#functionStates = states;
  }

  /** Called once, when the operator has been made. */
  bindTable(table: KeyedStateTable | undefined): void {
    this.#table = table;
  }

  override keyedState(descriptor: KeyedStateDescriptor): unknown {
    const table = this.#table;
    if (table === undefined) throw this.#notKeyed(descriptor.name);
    const known = this.#handles.get(descriptor.name);
    if (known !== undefined) return known;
    const handle = createStateHandle(table, descriptor);
    this.#handles.set(descriptor.name, handle);
    return handle;
  }

  getDistributedCache(): DistributedCache {
    return new DistributedCache(this.#cachedFiles, this.#operatorName);
  }

  addAccumulator<V, R>(name: string, accumulator: Accumulator<V, R>): void {
    // Nobody but its owner adds to it, and what it adds up to is whatever it says.
    this.#accumulators.add(name, accumulator as unknown as AnyAccumulator, this.#operatorName);
  }

  getAccumulator<V, R>(name: string): Accumulator<V, R> | undefined {
    // The caller says what it has added.
    return this.#accumulators.get(name) as unknown as Accumulator<V, R> | undefined;
  }

  getIntCounter(name: string): IntCounter {
    return this.#accumulators.getOrAdd(name, IntCounter, this.#operatorName);
  }

  getLongCounter(name: string): LongCounter {
    return this.#accumulators.getOrAdd(name, LongCounter, this.#operatorName);
  }

  getDoubleCounter(name: string): DoubleCounter {
    return this.#accumulators.getOrAdd(name, DoubleCounter, this.#operatorName);
  }

  getHistogram(name: string): HistogramAccumulator {
    return this.#accumulators.getOrAdd(name, HistogramAccumulator, this.#operatorName);
  }

  #notKeyed(state: string): MillraceError {
    return new MillraceError("MR_STATE_NOT_KEYED", {
      what: "Keyed state was asked for by a function that is not on a keyed stream",
      where: { operator: this.#operatorName, state },
      todo: "Call keyBy before the operator",
    });
  }
}
