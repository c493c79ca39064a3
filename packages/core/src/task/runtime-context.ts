import { invariant, MillraceError } from "../base/errors.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
import type { FunctionContext, FunctionStates } from "../operators/function-states.ts";
import type { AggregatingState, ListState, MapState, ReducingState, ValueState } from "../state/keyed-state.ts";
import type { KeyedStateTable } from "../state/keyed-state-table.ts";
import type {
  AggregatingStateDescriptor,
  KeyedStateDescriptor,
  ListStateDescriptor,
  MapStateDescriptor,
  ReducingStateDescriptor,
  ValueStateDescriptor,
} from "../state/state-descriptors.ts";
import { createStateHandle } from "../state/state-handles.ts";

/** What stays the same for all operators of a subtask. */
export interface SubtaskPlace {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly attemptNumber: number;
}

/** The runtime context of one operator in one subtask. */
export class OperatorRuntimeContext implements FunctionContext {
  readonly jobName: string;
  readonly taskName: string;
  readonly indexOfThisSubtask: number;
  readonly numberOfParallelSubtasks: number;
  readonly maxNumberOfParallelSubtasks: number;
  readonly attemptNumber: number;
  readonly metricGroup: MetricGroup;
  readonly #operatorName: string;
  readonly #handles = new Map<string, unknown>();
  #table: KeyedStateTable | undefined;
  #functionStates: FunctionStates | undefined;

  constructor(place: SubtaskPlace, operatorName: string, metricGroup: MetricGroup) {
    this.jobName = place.jobName;
    this.taskName = place.taskName;
    this.indexOfThisSubtask = place.indexOfThisSubtask;
    this.numberOfParallelSubtasks = place.numberOfParallelSubtasks;
    this.maxNumberOfParallelSubtasks = place.maxNumberOfParallelSubtasks;
    this.attemptNumber = place.attemptNumber;
    this.metricGroup = metricGroup;
    this.#operatorName = operatorName;
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

  getState<T>(descriptor: ValueStateDescriptor<T>): ValueState<T> {
    // The handle is registered with this very descriptor, so its values have the descriptor's type.
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ValueState<T>;
  }

  getListState<T>(descriptor: ListStateDescriptor<T>): ListState<T> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ListState<T>;
  }

  getMapState<K, V>(descriptor: MapStateDescriptor<K, V>): MapState<K, V> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as MapState<K, V>;
  }

  getReducingState<T>(descriptor: ReducingStateDescriptor<T>): ReducingState<T> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as ReducingState<T>;
  }

  getAggregatingState<IN, ACC, OUT>(descriptor: AggregatingStateDescriptor<IN, ACC, OUT>): AggregatingState<IN, OUT> {
    return this.keyedState(descriptor as unknown as KeyedStateDescriptor) as AggregatingState<IN, OUT>;
  }

  keyedState(descriptor: KeyedStateDescriptor): unknown {
    const table = this.#table;
    if (table === undefined) throw this.#notKeyed(descriptor.name);
    const known = this.#handles.get(descriptor.name);
    if (known !== undefined) return known;
    const handle = createStateHandle(table, descriptor);
    this.#handles.set(descriptor.name, handle);
    return handle;
  }

  #notKeyed(state: string): MillraceError {
    return new MillraceError("MR_STATE_NOT_KEYED", {
      what: "Keyed state was asked for by a function that is not on a keyed stream",
      where: { operator: this.#operatorName, state },
      todo: "Call keyBy before the operator",
    });
  }
}
