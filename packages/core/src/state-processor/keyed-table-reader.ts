/**
 * Reads the keyed state of an operator through state handles, for functions that know its types. One key group is in memory
 * at a time.
 */
import type { Collector } from "../operators/functions.ts";
import { type KeyEntry, setSlot, type TimeDomain } from "../state/key-entry.ts";
import { readerOf, readTimers, TIMERS_SECTION } from "../state/keyed-snapshot-format.ts";
import type { SlotCodec } from "../state/slot-codec.ts";
import { decodeKey } from "../types/key-encoding.ts";
import type { GroupPlace, KeyedStateFile, StateSection } from "./keyed-state-file.ts";
import type { OperatorSnapshot } from "./operator-snapshot.ts";
import type { KeyedStateReaderContext, KeyedStateReaderFunction } from "./state-reader-functions.ts";
import { type TableOwner, TableStates } from "./table-states.ts";

/** Puts what one key group has of a section into the table. */
type Load = (place: GroupPlace) => Promise<void>;

/**
 * Calls the function for every key, and hands out what it collects.
 *
 * @throws MillraceError `MR_STATE_NOT_FOUND`, `MR_STATE_SCHEMA_INCOMPATIBLE`, and what reading the snapshot throws
 */
export async function* readKeyedState<K, OUT>(
  operator: OperatorSnapshot,
  fn: KeyedStateReaderFunction<K, OUT>,
  clock: TableOwner["clock"],
): AsyncIterable<OUT> {
  const { uid, name, maxParallelism, subtasks } = operator.metadata;
  const states = new TableStates({ operatorName: name, uid, clock }, maxParallelism);
  const registered = new Map<string, SlotCodec>();
  fn.open?.(states);
  states.seal();
  for (const codec of states.table.slots) registered.set(codec.name, codec);
  const read = new KeyReader(states, fn);
  const found = new Set<string>();
  try {
    for (const subtask of subtasks.keys()) {
      const file = await operator.openKeyed(subtask);
      if (file === undefined) continue;
      try {
        for (const { name: section } of file.sections) found.add(section);
        yield* readFile(file, states, read);
      } finally {
        await file.close();
      }
    }
  } finally {
    fn.close?.();
  }
  for (const state of registered.keys()) {
    if (found.has(state)) continue;
    throw operator.stateNotFound(
      state,
      [...found].filter((each) => each !== TIMERS_SECTION.name).map((each) => ({ name: each })),
    );
  }
}

async function* readFile<OUT>(file: KeyedStateFile, states: TableStates, read: KeyReader<OUT>): AsyncIterable<OUT> {
  const groups = new Map<number, { readonly place: GroupPlace; readonly load: Load }[]>();
  for (const section of file.sections) {
    const load = loadOf(file, section, states);
    if (load === undefined) continue;
    for await (const place of file.groupsOf(section)) {
      const parts = groups.get(place.group) ?? [];
      groups.set(place.group, parts);
      parts.push({ place, load });
    }
  }
  for (const parts of groups.values()) {
    states.table.clear();
    for (const { place, load } of parts) await load(place);
    for (const entry of [...states.table.map.values()]) yield* read.key(entry);
  }
}

/** Undefined for a state that the function does not read. */
function loadOf(file: KeyedStateFile, section: StateSection, { table }: TableStates): Load | undefined {
  if (section.name === TIMERS_SECTION.name) {
    return async (place) => {
      const input = await file.read(place);
      for (let left = place.count; left > 0; left--) {
        table.select(decodeKey(input));
        for (const { domain, timeMs } of readTimers(input)) table.addOwnTimer(domain, timeMs);
      }
    };
  }
  const slot = table.slots.findIndex(({ name }) => name === section.name);
  if (slot === -1) return undefined;
  const { read } = readerOf(table.slots[slot]!, section, table.owner);
  return async (place) => {
    const input = await file.read(place);
    for (let left = place.count; left > 0; left--) {
      table.select(decodeKey(input));
      setSlot(table.createCurrent(), slot, read(input));
    }
  };
}

/** Calls the function with one key after the other. */
class KeyReader<OUT> {
  readonly #states: TableStates;
  readonly #fn: KeyedStateReaderFunction<never, OUT>;
  readonly #collector: Collector<OUT>;
  readonly #context: KeyedStateReaderContext;
  #collected: OUT[] = [];
  #entry: KeyEntry | undefined = undefined;

  constructor(states: TableStates, fn: KeyedStateReaderFunction<never, OUT>) {
    this.#states = states;
    this.#fn = fn;
    this.#collector = { collect: (value) => void this.#collected.push(value) };
    const timesOf = (domain: TimeDomain): readonly number[] =>
      [...(this.#entry?.timers?.of(domain).keys() ?? [])].sort((left, right) => left - right);
    this.#context = {
      registeredEventTimeTimers: () => timesOf("event"),
      registeredProcessingTimeTimers: () => timesOf("processing"),
    };
  }

  key(entry: KeyEntry): readonly OUT[] {
    this.#collected = [];
    this.#entry = entry;
    this.#states.table.selectEntry(entry);
    // The caller says what the keys are.
    this.#fn.readKey(entry.key as never, this.#context, this.#collector);
    return this.#collected;
  }
}
