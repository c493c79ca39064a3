/** Makes the keyed state of an operator out of elements. All of it is in memory until it is written. */

import type { KeySelector } from "../operators/functions.ts";
import { TableTimerService } from "../operators/keyed-context.ts";
import { decodeKeyedState, encodeKeyedState } from "../state/keyed-snapshot-format.ts";
import { keyGroupRange } from "../types/key-encoding.ts";
import type { KeyedStateBootstrapContext, KeyedStateBootstrapFunction } from "./bootstrap-functions.ts";
import type { BootstrapElements, BootstrapTarget } from "./bootstrap-target.ts";
import type { OperatorState } from "./operator-state-files.ts";
import { TableStates } from "./table-states.ts";

/** The state is dealt out to so many subtasks that each has about this much: a job's subtasks read whole files. */
const SUBTASK_BYTES = 64 * 2 ** 20;

/** @throws MillraceError `MR_KEY_INVALID`, `MR_VALUE_UNSERIALIZABLE`, `MR_TIMER_INVALID`, and what the function throws */
export async function bootstrapKeyedState<K, T>(
  target: BootstrapTarget,
  elements: BootstrapElements<T>,
  keyOf: KeySelector<T, K>,
  fn: KeyedStateBootstrapFunction<K, T>,
): Promise<OperatorState> {
  const { maxParallelism } = target;
  const states = new TableStates(target, maxParallelism);
  const { table } = states;
  const timed = { currentWatermark: Number.MIN_SAFE_INTEGER, host: target };
  const context: KeyedStateBootstrapContext<K> = {
    // It is what the selector has returned.
    get currentKey(): K {
      return table.currentKey as K;
    },
    timerService: new TableTimerService(timed, table),
  };
  try {
    fn.open?.(states);
    for await (const element of elements) {
      table.select(keyOf(element));
      fn.processElement(element, context);
    }
  } finally {
    fn.close?.();
  }
  return { subtasks: inSubtasks(table.beginSnapshot().encode(), maxParallelism) };
}

function inSubtasks(keyed: Uint8Array, maxParallelism: number): OperatorState["subtasks"] {
  const parallelism = Math.min(maxParallelism, Math.ceil(keyed.length / SUBTASK_BYTES));
  if (parallelism === 1) return [{ keyed, lists: [] }];
  return Array.from({ length: parallelism }, (_, subtask) => {
    const { start, end } = keyGroupRange(maxParallelism, parallelism, subtask);
    return { keyed: encodeKeyedState(decodeKeyedState(keyed, start, end)), lists: [] };
  });
}
