/** What a trigger does to the window at hand. One object per operator, reused for every call. */
import { invariant } from "../../base/errors.ts";
import type { MetricGroup } from "../../metrics/metric-group.ts";
import type { ListState, ReducingState, ValueState } from "../../state/keyed-state.ts";
import type { KeyedStateTable } from "../../state/keyed-state-table.ts";
import type { KeyedStateDescriptor } from "../../state/state-descriptors.ts";
import type { BaseOperator } from "../operator-runtime.ts";
import type { KeyedWindows, WindowPane } from "./keyed-windows.ts";
import type { OnMergeContext } from "./triggers/trigger.ts";
import type { WindowStateTable } from "./window-state-table.ts";
import { WindowStates } from "./window-states.ts";

type Fold = (left: unknown, right: unknown) => unknown;

export class PaneTriggerContext implements OnMergeContext {
  /** What the window at hand has become out of; set by the operator around `onMerge`. */
  merged: readonly WindowPane[] = [];
  #windows: KeyedWindows | undefined = undefined;
  #pane: WindowPane | undefined = undefined;
  readonly #operator: BaseOperator;
  readonly #table: KeyedStateTable;
  readonly #stateTable: WindowStateTable;
  readonly #states: WindowStates;

  constructor(operator: BaseOperator, table: KeyedStateTable, stateTable: WindowStateTable) {
    this.#operator = operator;
    this.#table = table;
    this.#stateTable = stateTable;
    this.#states = new WindowStates(stateTable, "_trigger.");
  }

  /** Makes a window of the current key the one at hand, for its function too. */
  select(windows: KeyedWindows, pane: WindowPane): void {
    this.#windows = windows;
    this.#pane = pane;
    this.#stateTable.activate(pane);
  }

  getCurrentProcessingTime(): number {
    return this.#operator.host.clock.wallMs();
  }

  getCurrentWatermark(): number {
    return this.#operator.currentWatermark;
  }

  getMetricGroup(): MetricGroup {
    return this.#operator.host.context.metricGroup;
  }

  registerEventTimeTimer(timeMs: number): void {
    this.#windows!.addTimer(this.#table, "event", this.#pane!, timeMs);
  }

  registerProcessingTimeTimer(timeMs: number): void {
    this.#windows!.addTimer(this.#table, "processing", this.#pane!, timeMs);
  }

  deleteEventTimeTimer(timeMs: number): void {
    this.#windows!.deleteTimer(this.#table, "event", this.#pane!, timeMs);
  }

  deleteProcessingTimeTimer(timeMs: number): void {
    this.#windows!.deleteTimer(this.#table, "processing", this.#pane!, timeMs);
  }

  // The overloads of the interface say which handle a descriptor gives; it is the one that is made here.
  getPartitionedState(descriptor: unknown): never {
    return this.#states.keyedState(descriptor as KeyedStateDescriptor) as never;
  }

  mergePartitionedState(descriptor: unknown, fold?: Fold): void {
    const state = descriptor as KeyedStateDescriptor;
    const handle = this.#states.keyedState(state);
    if (state.kind === "list") this.#mergeLists(handle as ListState<unknown>);
    else if (state.kind === "reducing") this.#mergeReduced(handle as ReducingState<unknown>);
    else if (state.kind === "value" && fold !== undefined) this.#mergeValues(handle as ValueState<unknown>, fold);
    else invariant(false, `state ${state.name} of kind ${state.kind} cannot be merged`);
  }

  #mergeLists(handle: ListState<unknown>): void {
    const elements = this.#ofMerged(() => [...handle.get()]).flat();
    if (elements.length > 0) handle.update(elements);
  }

  #mergeValues(handle: ValueState<unknown>, fold: Fold): void {
    const values = this.#ofMerged(() => handle.value()).filter((value) => value !== undefined);
    if (values.length > 0) handle.update(values.reduce((left, right) => fold(left, right) as never));
  }

  #mergeReduced(handle: ReducingState<unknown>): void {
    const values = this.#ofMerged(() => handle.get());
    handle.clear();
    for (const value of values) if (value !== undefined) handle.add(value);
  }

  #ofMerged<R>(read: () => R): R[] {
    const found = this.merged.map((pane) => {
      this.#stateTable.activate(pane);
      return read();
    });
    this.#stateTable.activate(this.#pane!);
    return found;
  }
}
