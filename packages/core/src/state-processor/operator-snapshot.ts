/** One operator of a snapshot: what states it has, and how large they are. */
import { MillraceError } from "../base/errors.ts";
import { readState } from "../checkpoint/checkpoint-reader.ts";
import type { FileSystems } from "../checkpoint/file-systems.ts";
import { decodeOperatorLists, type OperatorList } from "../checkpoint/operator-lists.ts";
import { stateSizeOf } from "../checkpoint/snapshot-files.ts";
import { openState } from "../checkpoint/state-bytes.ts";
import type { OperatorStateMetadata, StateHandle, StoreHandle } from "../checkpoint/state-handles.ts";
import { TIMERS_SECTION } from "../state/keyed-snapshot-format.ts";
import { keyGroupRange } from "../types/key-encoding.ts";
import type { Schema } from "../types/type.ts";
import { EnumeratorReader } from "./enumerator-reader.ts";
import { KeyedStateFile } from "./keyed-state-file.ts";
import { KeyedStateReader } from "./keyed-state-reader.ts";
import { ListStateReader } from "./list-state-reader.ts";
import type { StateReader } from "./state-reader.ts";
import type { StoreExports } from "./store-export.ts";

/** Stands for all keyed states of an operator that are in local stores. */
const STORE_STATE = "keyed state";
const BYTES: Schema = { kind: "bytes" };
/** What lists of user functions are called in a snapshot (operators/function-states.ts). */
export const FUNCTION_PREFIX = "function/";

/** Name and kind of what the enumerator of a source keeps. */
const ENUMERATOR = "enumerator";

/** One state of an operator, over all subtasks. @internal */
export interface StateSummary {
  /** As the job calls it; with the name in the snapshot where two states would be called the same. */
  readonly name: string;
  /**
   * value, list, map, windows, timers, those with `ttl-`; store for a store that cannot be opened here; or of operator state
   * split, union, broadcast; or enumerator.
   */
  readonly kind: string;
  readonly schema: Schema;
  /** Key groups that have entries; undefined for operator state. */
  readonly keyGroups: number | undefined;
  /** Keys, or elements of a list; 0 of a store that is not looked into. */
  readonly entries: number;
  readonly bytes: number;
  /** The name in the snapshot. */
  readonly storedName: string;
}

type Counts = { kind: string; schema: Schema; keyGroups: number | undefined; entries: number; bytes: number };

/** Where snapshots are. @internal */
export interface SnapshotSources {
  readonly files: FileSystems;
  /** Undefined: stores are not looked into. */
  readonly stores: StoreExports | undefined;
}

/** @internal */
export class OperatorSnapshot {
  readonly metadata: OperatorStateMetadata;
  readonly #fs: FileSystems;
  readonly #stores: StoreExports | undefined;
  readonly directory: string;
  /** What the enumerator of a source keeps: bytes of its own, in no subtask. */
  readonly #enumerator: StateHandle | undefined;

  constructor(
    { files, stores }: SnapshotSources,
    directory: string,
    metadata: OperatorStateMetadata,
    enumerator: StateHandle | undefined,
  ) {
    this.#fs = files;
    this.#stores = stores;
    this.directory = directory;
    this.metadata = metadata;
    this.#enumerator = enumerator;
  }

  /** Of all its files and of what of it is in the metadata. */
  get bytes(): number {
    const { subtasks } = this.metadata;
    const ofSubtasks = subtasks.reduce((sum, { keyed, lists }) => sum + stateSizeOf(keyed) + stateSizeOf(lists), 0);
    return ofSubtasks + stateSizeOf(this.#enumerator);
  }

  /** Of elements on their way to it, in an unaligned checkpoint. */
  get channelBytes(): number {
    return this.metadata.subtasks.reduce((sum, { channels }) => sum + stateSizeOf(channels?.handle), 0);
  }

  /** All states that have been registered, empty ones included; timers only where there are some. */
  async states(): Promise<readonly StateSummary[]> {
    const keyed = new Map<string, Counts>();
    const lists = new Map<string, Counts>();
    for (const subtask of this.metadata.subtasks.keys()) {
      await this.#countKeyed(subtask, keyed);
      for (const list of await this.lists(subtask)) countList(list, subtask, lists);
    }
    if (keyed.get(TIMERS_SECTION.name)?.entries === 0) keyed.delete(TIMERS_SECTION.name);
    if (this.#enumerator !== undefined) {
      const counts = {
        kind: ENUMERATOR,
        schema: BYTES,
        keyGroups: undefined,
        entries: 1,
        bytes: stateSizeOf(this.#enumerator),
      };
      lists.set(ENUMERATOR, counts);
    }
    const counted = [...keyed, ...lists];
    const names = stateNamesOf(counted.map(([storedName]) => storedName));
    return counted.map(([, counts], index) => ({ ...names[index]!, ...counts }));
  }

  /** @param name - As `states` says, or its name in the snapshot. @throws MillraceError `MR_STATE_NOT_FOUND` */
  async state(name: string): Promise<StateReader> {
    const states = await this.states();
    const found = states.find((state) => state.name === name) ?? states.find((state) => state.storedName === name);
    if (found !== undefined) return this.readerOf(found);
    throw this.stateNotFound(name, states);
  }

  /** @param states - Those that there are. */
  stateNotFound(name: string, states: readonly { readonly name: string }[]): MillraceError {
    return new MillraceError("MR_STATE_NOT_FOUND", {
      what: "The operator has no such state in the snapshot",
      where: { state: name, uid: this.metadata.uid, path: this.directory },
      found: states.length === 0 ? "no state" : states.map((state) => state.name).join(", "),
      expected: "the name of a state",
      todo: `Take one of these names; millrace state ls ${this.directory} shows the states of all operators`,
    });
  }

  /** @param state - One of `states`. */
  readerOf({ storedName, kind, schema, keyGroups }: StateSummary): StateReader {
    const { uid, name, maxParallelism } = this.metadata;
    const owner = { operator: name, uid, state: storedName, path: this.directory };
    if (kind === ENUMERATOR) return new EnumeratorReader(() => readState(this.#fs, this.directory, this.#enumerator!));
    if (keyGroups === undefined) {
      const lists = (subtask: number): Promise<readonly OperatorList[]> => this.lists(subtask);
      return new ListStateReader(storedName, { kind, schema, parallelism: this.metadata.subtasks.length, lists });
    }
    const open = (subtask: number): Promise<KeyedStateFile | undefined> => this.openKeyed(subtask);
    return new KeyedStateReader(owner, { parallelism: this.metadata.subtasks.length, maxParallelism, open });
  }

  /** The keyed state of an old subtask, when it has any; to be closed. */
  async openKeyed(subtask: number): Promise<KeyedStateFile | undefined> {
    const { keyed } = this.metadata.subtasks[subtask]!;
    if (keyed === undefined) return undefined;
    if (keyed.kind === "store") {
      if (this.#stores === undefined) throw this.#notReadable(keyed);
      return this.#stores.open(this.directory, keyed);
    }
    const bytes = await openState(this.#fs, this.directory, keyed);
    const file = keyed.kind === "file" ? this.#fs.resolve(this.directory, keyed.name) : this.directory;
    try {
      return await KeyedStateFile.open(bytes, { file, uid: this.metadata.uid });
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  /** A store that cannot be looked into: how much there is of it is known. */
  #countStore(subtask: number, keyed: StoreHandle, states: Map<string, Counts>): void {
    const { parallelism, maxParallelism } = this.metadata;
    const { start, end } = keyGroupRange(maxParallelism, parallelism, subtask);
    const counts = states.get(STORE_STATE) ?? { kind: "store", schema: BYTES, keyGroups: 0, entries: 0, bytes: 0 };
    states.set(STORE_STATE, counts);
    counts.keyGroups! += end - start;
    counts.bytes += stateSizeOf(keyed);
  }

  #notReadable({ files }: StoreHandle): MillraceError {
    const { uid, name } = this.metadata;
    return new MillraceError("MR_STATE_NOT_READABLE", {
      what: "The keyed state of the operator is in the snapshot as the files of its state backend, whose entries only a job reads",
      where: { operator: name, uid, path: this.directory },
      found: `a local store of ${files.length} files`,
      expected: "keyed state in the canonical format",
      todo: "Take a canonical savepoint of the job, and read that",
    });
  }

  /** The operator states of an old subtask, by their names in the snapshot. */
  async lists(subtask: number): Promise<readonly OperatorList[]> {
    return decodeOperatorLists(await readState(this.#fs, this.directory, this.metadata.subtasks[subtask]!.lists));
  }

  async #countKeyed(subtask: number, states: Map<string, Counts>): Promise<void> {
    const { keyed } = this.metadata.subtasks[subtask]!;
    if (keyed === undefined) return;
    let file: KeyedStateFile | undefined;
    try {
      file = await this.openKeyed(subtask);
    } catch (error) {
      if (keyed.kind !== "store" || !isUnopened(error)) throw error;
      this.#countStore(subtask, keyed, states);
    }
    if (file === undefined) return;
    try {
      for (const section of file.sections) {
        const { name, kind, schema } = section;
        const counts = states.get(name) ?? { kind, schema, keyGroups: 0, entries: 0, bytes: 0 };
        states.set(name, counts);
        counts.bytes += section.end - section.start;
        let last = -1;
        for await (const { group, count } of file.groupsOf(section)) {
          // One may come in several parts.
          if (count > 0 && group !== last) counts.keyGroups!++;
          if (count > 0) last = group;
          counts.entries += count;
        }
      }
    } finally {
      await file.close();
    }
  }
}

/** There is nothing on this machine that opens stores. */
function isUnopened(error: unknown): boolean {
  return (
    error instanceof MillraceError &&
    (error.code === "MR_STATE_NOT_READABLE" || error.code === "MR_ROCKSDB_UNAVAILABLE")
  );
}

function countList({ name, mode, schema, elements }: OperatorList, subtask: number, lists: Map<string, Counts>): void {
  const empty = { kind: mode, schema: schema ?? BYTES, keyGroups: undefined, entries: 0, bytes: 0 };
  const counts: Counts = lists.get(name) ?? empty;
  lists.set(name, counts);
  counts.bytes += elements.reduce((sum, element) => sum + element.length, 0);
  // A broadcast state is the same in every subtask.
  if (mode !== "broadcast" || subtask === 0) counts.entries += elements.length;
}

/** What the job calls states; their names in the snapshot where two would be called the same. @internal */
export function stateNamesOf(storedNames: readonly string[]): readonly Pick<StateSummary, "name" | "storedName">[] {
  const short = storedNames.map(shortNameOf);
  const isUnique = (name: string): boolean => short.filter((each) => each === name).length === 1;
  return storedNames.map((storedName, index) => ({
    storedName,
    name: isUnique(short[index]!) ? short[index]! : storedName,
  }));
}

function shortNameOf(storedName: string): string {
  if (storedName === TIMERS_SECTION.name) return "timers";
  return storedName.startsWith(FUNCTION_PREFIX) ? storedName.slice(FUNCTION_PREFIX.length) : storedName;
}
