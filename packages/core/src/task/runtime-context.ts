import { invariant, MillraceError } from "../base/errors.ts";
import type { MetricGroup } from "../metrics/metric-group.ts";
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
  readonly #handles = new Map<string, unknown>();
  #table: KeyedStateTable | undefined;
  #functionStates: FunctionStates | undefined;

  constructor(place: SubtaskPlace, operatorName: string, metricGroup: MetricGroup) {
    super();
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

  override keyedState(descriptor: KeyedStateDescriptor): unknown {
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
