import { InvariantViolation } from "../base/errors.ts";
import type { AggregateFunction, ReduceFunction } from "../operators/functions.ts";
import type { AnyWindowAssigner } from "../operators/window/element-assigner.ts";
import { WindowAssigner } from "../operators/window/window-assigner.ts";
import { windowStateIncompatible } from "../operators/window/window-layout.ts";
import { reduceOf } from "../state/state-descriptors.ts";
import { TimeWindow } from "../time/time-window.ts";
import { GlobalWindow, type Window } from "../time/window.ts";
import type { SlidingAssigner } from "../time/window-assigner.ts";
import { compileType } from "../types/compiled-type.ts";
import { t } from "../types/declared-types.ts";
import { decodeKey } from "../types/key-encoding.ts";
import { migratingSerializer } from "../types/schema-compatibility.ts";
import type { Type } from "../types/type.ts";
import { copyValue } from "../types/value-operations.ts";
import type { KeyedStateFile, StateSection } from "./keyed-state-file.ts";
import type { OperatorSnapshot } from "./operator-snapshot.ts";
import type { EntryWindow, StateEntry } from "./state-entry.ts";
import { windowEntries } from "./window-entries.ts";

/** What one window of one key holds. @public */
export interface WindowState<K, W, V> {
  readonly key: K;
  readonly window: W;
  readonly value: V;
}

/** How what is in the snapshot becomes what a window gives. */
interface Contents {
  /** What the contents are read as; left out: as the snapshot says. */
  readonly type: Type<unknown> | undefined;
  /** Joins the contents of two parts, those of the older one first; may change the first, which is a copy. */
  merge(left: unknown, right: unknown): unknown;
  resultOf(contents: unknown): unknown;
}

/** Made by `SavepointReader.window`. @public */
export class WindowSavepointReader<W extends Window> {
  readonly #operatorOf: (uid: string) => OperatorSnapshot;
  readonly #assigner: AnyWindowAssigner<never>;

  /** @internal */
  constructor(operatorOf: (uid: string) => OperatorSnapshot, assigner: AnyWindowAssigner<never>) {
    this.#operatorOf = operatorOf;
    this.#assigner = assigner;
  }

  /**
   * The values that windows of a `reduce` have come to.
   *
   * @param fn - As the job's own: it joins what overlapping windows share.
   * @param type - What the values are read as; left out: as the snapshot says.
   * @throws MillraceError `MR_STATE_OPERATOR_NOT_FOUND`; by the loop `MR_STATE_NOT_FOUND` when the operator has no windows,
   *   `MR_WINDOW_STATE_INCOMPATIBLE` for windows of another size, `MR_STATE_SCHEMA_INCOMPATIBLE`
   */
  reduce<T, K = unknown>(
    uid: string,
    fn: ReduceFunction<T> | ((accumulated: T, value: T) => T),
    type?: Type<T>,
  ): AsyncIterable<WindowState<K, W, T>> {
    const merge = reduceOf(fn) as (left: unknown, right: unknown) => unknown;
    return this.#read(uid, { type: type as Type<unknown> | undefined, merge, resultOf: (value) => value });
  }

  /** The results that windows of an `aggregate` have come to. @throws as {@link WindowSavepointReader.reduce} */
  aggregate<T, ACC, R, K = unknown>(
    uid: string,
    fn: AggregateFunction<T, ACC, R>,
    accumulatorType?: Type<ACC>,
  ): AsyncIterable<WindowState<K, W, R>> {
    return this.#read(uid, {
      type: accumulatorType as Type<unknown> | undefined,
      merge: (left, right) => {
        if (fn.merge === undefined) throw new InvariantViolation("slices are kept only of what can be merged");
        return fn.merge(left as ACC, right as ACC);
      },
      resultOf: (accumulator) => fn.getResult(accumulator as ACC),
    });
  }

  /** The elements of windows that keep them all. @throws as {@link WindowSavepointReader.reduce} */
  process<T = unknown, K = unknown>(
    uid: string,
    elementType?: Type<T>,
  ): AsyncIterable<WindowState<K, W, readonly T[]>> {
    return this.#read(uid, {
      type: elementType === undefined ? undefined : (t.array(elementType) as Type<unknown>),
      merge: (left, right) => [...(left as unknown[]), ...(right as unknown[])],
      resultOf: (elements) => elements,
    });
  }

  // The caller says what keys and values are, and the assigner what windows are.
  #read<K, V>(uid: string, contents: Contents): AsyncIterable<WindowState<K, W, V>> {
    const read = readWindows(this.#operatorOf(uid), this.#assigner, contents);
    return read as AsyncIterable<WindowState<K, W, V>>;
  }
}

async function* readWindows(
  operator: OperatorSnapshot,
  assigner: AnyWindowAssigner<never>,
  contents: Contents,
): AsyncIterable<WindowState<unknown, Window, unknown>> {
  const names = new Set<string>();
  let isFound = false;
  for (const subtask of operator.metadata.subtasks.keys()) {
    const file = await operator.openKeyed(subtask);
    if (file === undefined) continue;
    try {
      for (const section of file.sections) {
        names.add(section.name);
        if (section.kind !== "windows") continue;
        isFound = true;
        yield* readSection(file, section, new KeyWindows(operator, assigner, contents, section));
      }
    } finally {
      await file.close();
    }
  }
  if (!isFound)
    throw operator.stateNotFound(
      "windows",
      [...names].map((name) => ({ name })),
    );
}

async function* readSection(
  file: KeyedStateFile,
  section: StateSection,
  windows: KeyWindows,
): AsyncIterable<WindowState<unknown, Window, unknown>> {
  for await (const place of file.groupsOf(section)) {
    const input = await file.read(place);
    for (let left = place.count; left > 0; left--) {
      const key = decodeKey(input);
      yield* windows.of(key, windows.read(input, key));
    }
  }
}

/** Makes windows of what the snapshot has of each key. */
class KeyWindows {
  readonly read: (...args: Parameters<ReturnType<typeof windowEntries>>) => Iterable<StateEntry>;
  /** Undefined for others than sliding windows: no two of a key overlap, or each keeps its own contents. */
  readonly #sliding: SlidingAssigner | undefined;
  readonly #contents: Contents;
  /** Of the key at hand, where it has slices. */
  #firedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(
    operator: OperatorSnapshot,
    assigner: AnyWindowAssigner<never>,
    contents: Contents,
    { name: state, schema }: StateSection,
  ) {
    const sliding = !(assigner instanceof WindowAssigner) && assigner.kind === "sliding" ? assigner : undefined;
    this.#sliding = sliding;
    this.#contents = contents;
    const { uid, name, path } = { ...operator.metadata, path: operator.directory };
    const where = { operator: name, uid, state };
    const { read } =
      contents.type === undefined ? compileType(schema) : migratingSerializer(schema, contents.type.serializer, where);
    const own = assigner instanceof WindowAssigner ? assigner.windowType?.serializer : undefined;
    this.read = windowEntries(
      read,
      { ...where, path },
      {
        onSlices: (windowSizeMs, firedUntilMs) => {
          this.#firedUntilMs = firedUntilMs;
          if (windowSizeMs === 0 || sliding?.sizeMs === windowSizeMs) return;
          const owner = { operatorName: name, uid };
          throw windowStateIncompatible(owner, `sliding windows of ${windowSizeMs} ms`, String(assigner));
        },
        ...(own === undefined ? {} : { readOwnWindow: (input) => own.read(input) }),
      },
    );
  }

  *of(key: unknown, entries: Iterable<StateEntry>): Iterable<WindowState<unknown, Window, unknown>> {
    const overlapping = new Map<number, { readonly window: TimeWindow; contents: unknown }>();
    for (const entry of entries) {
      // Timers, and windows without contents.
      if (!("value" in entry)) continue;
      const { value } = entry;
      if (entry.window !== undefined)
        yield { key, window: windowOf(entry.window), value: this.#contents.resultOf(value) };
      else if (entry.slice !== undefined && entry.slice !== "global") this.#add(entry.slice.start, value, overlapping);
    }
    for (const { window, contents } of overlapping.values()) {
      yield { key, window, value: this.#contents.resultOf(contents) };
    }
  }

  /** A slice is a part of every window that it lies in; the contents are shared, so each window begins with a copy. */
  #add(
    startMs: number,
    value: unknown,
    windows: Map<number, { readonly window: TimeWindow; contents: unknown }>,
  ): void {
    for (const window of this.#sliding!.assign(startMs).toReversed()) {
      if (window.maxTimestamp <= this.#firedUntilMs) continue;
      const known = windows.get(window.start);
      if (known === undefined) windows.set(window.start, { window, contents: copyValue(value) });
      else known.contents = this.#contents.merge(known.contents, value);
    }
  }
}

function windowOf(window: EntryWindow): Window {
  if (window === "global") return GlobalWindow.get();
  // One of the assigner's own type is a window already.
  return "maxTimestamp" in window ? (window as unknown as Window) : new TimeWindow(window.start, window.end);
}
