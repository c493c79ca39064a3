/** Reads a checkpoint's state and deals it out to the subtasks of a graph. */
import { MillraceError } from "../base/errors.ts";
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import {
  decodeOperatorLists,
  listHeadersOf,
  type OperatorList,
  redistributeLists,
} from "../checkpoint/operator-lists.ts";
import type {
  OperatorStateMetadata,
  OperatorSubtaskState,
  StateHandle,
  StoreHandle,
} from "../checkpoint/state-handles.ts";
import { allEdgeKeys } from "../graph/edge-keys.ts";
import type { JobGraph, JobVertex } from "../graph/job-graph.ts";
import { type SubtaskId, subtaskKey } from "../graph/subtask-id.ts";
import { isKeyed } from "../operators/operator-spec.ts";
import type { RestoredStore } from "../state/store-snapshot.ts";
import { type OperatorRestore, WATERMARK_LIST } from "../task/chain.ts";
import { subtasksOf } from "../taskmanager/slot-layout.ts";
import type { ThreadsExecutorOptions } from "../taskmanager/threads/threads-executor-options.ts";
import { type KeyGroupRange, keyGroupRange } from "../types/key-encoding.ts";
import type { StoreDownloads } from "./store-downloads.ts";

/** What the subtasks of an attempt restore. */
export interface RestoredState {
  readonly checkpointId: number;
  /** By operator uid. */
  of(vertexId: number, subtaskIndex: number): ReadonlyMap<string, OperatorRestore>;
}

/**
 * Reads what some subtasks restore, and no file that none of them needs.
 *
 * @param tasks - The subtasks; all of the graph's when left out.
 * @throws MillraceError `MR_STATE_FILE_CORRUPT`
 */
export async function readRestoredState(
  from: StoreDownloads,
  checkpoint: LoadedCheckpoint,
  graph: JobGraph,
  tasks: readonly SubtaskId[] = subtasksOf(graph),
): Promise<RestoredState> {
  const restores = new Map<string, Map<string, OperatorRestore>>();
  const reader = new StateReader(from, checkpoint);
  const reading = graph.vertices.flatMap((vertex) => {
    const own = tasks.filter(({ vertexId }) => vertexId === vertex.id).map(({ subtaskIndex }) => subtaskIndex);
    return vertex.operators.map(async ({ uid }) => {
      const state = checkpoint.metadata.operators.find((each) => each.uid === uid);
      if (state === undefined || own.length === 0) return;
      for (const [subtaskIndex, restore] of await readOperator(reader, checkpoint, state, vertex, own)) {
        const place = subtaskKey({ vertexId: vertex.id, subtaskIndex });
        const operators = restores.get(place) ?? new Map<string, OperatorRestore>();
        restores.set(place, operators.set(uid, restore));
      }
    });
  });
  await allOf(reading);
  return {
    checkpointId: checkpoint.metadata.checkpointId,
    of: (vertexId, subtaskIndex) => restores.get(subtaskKey({ vertexId, subtaskIndex })) ?? new Map(),
  };
}

/** How the executors of a job read what their subtasks restore. */
export function restoreReader(from: StoreDownloads, graph: JobGraph): ThreadsExecutorOptions["readRestore"] {
  return async (checkpoint, tasks) => {
    const state = await readRestoredState(from, checkpoint, graph, tasks);
    return ({ vertexId, subtaskIndex }) => state.of(vertexId, subtaskIndex);
  };
}

/** Several files at a time: one after the other leaves the disk idle while a checksum is computed. */
const FILES_AT_ONCE_MAX = 4;

class StateReader {
  readonly #from: StoreDownloads;
  readonly #checkpoint: LoadedCheckpoint;
  readonly #waiting: (() => void)[] = [];
  #readingCount = 0;

  constructor(from: StoreDownloads, checkpoint: LoadedCheckpoint) {
    this.#from = from;
    this.#checkpoint = checkpoint;
  }

  async read(handle: StateHandle): Promise<Uint8Array> {
    if (handle.kind === "inline") return handle.bytes;
    return this.#limited(() => this.#from.read(this.#checkpoint, handle));
  }

  /** A copy of a store in a local directory of its own. */
  async download(handle: StoreHandle, keyGroups: KeyGroupRange): Promise<RestoredStore> {
    const store = await this.#from.download(this.#checkpoint, handle, (action) => this.#limited(action));
    return { ...store, keyGroupStart: keyGroups.start, keyGroupEnd: keyGroups.end };
  }

  async #limited<T>(action: () => Promise<T>): Promise<T> {
    if (this.#readingCount === FILES_AT_ONCE_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#readingCount++;
    try {
      return await action();
    } finally {
      // The place goes to the next one, if there is any.
      const next = this.#waiting.shift();
      if (next === undefined) this.#readingCount--;
      else next();
    }
  }

  /** Of the old subtasks that are needed, what they have written. */
  async readEach(
    indices: Iterable<number>,
    handleOf: (index: number) => StateHandle | undefined,
  ): Promise<ReadonlyMap<number, Uint8Array>> {
    const read = new Map<number, Uint8Array>();
    const reading = [...indices].map(async (index) => {
      const handle = handleOf(index);
      if (handle !== undefined) read.set(index, await this.read(handle));
    });
    await allOf(reading);
    return read;
  }
}

/** All of them, and the first error when none is at work any more. */
async function allOf(reading: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(reading)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/** By subtask index, for `own` ones. */
async function readOperator(
  reader: StateReader,
  checkpoint: LoadedCheckpoint,
  state: OperatorStateMetadata,
  vertex: JobVertex,
  own: readonly number[],
): Promise<ReadonlyMap<number, OperatorRestore>> {
  const { subtasks } = state;
  const isSameParallelism = subtasks.length === vertex.parallelism;
  const lists = await readLists(reader, checkpoint, state, isSameParallelism ? new Set(own) : undefined);
  const dealt = redistributeLists(lists, vertex.parallelism);
  const listHeaders = listHeadersOf(lists.flat());
  const keyedOf = (subtaskIndex: number): readonly number[] => {
    const range = keyGroupRange(vertex.maxParallelism, vertex.parallelism, subtaskIndex);
    return [...subtasks.keys()].filter((index) => {
      const old = keyGroupRange(state.maxParallelism, state.parallelism, index);
      return old.start < range.end && range.start < old.end;
    });
  };
  // At another parallelism a record may belong to any subtask: each looks through all of them.
  const channelsOf = (subtaskIndex: number): readonly number[] =>
    isSameParallelism ? [subtaskIndex] : [...subtasks.keys()];
  const keyedUsed = own.flatMap(keyedOf);
  const keyed = await reader.readEach(new Set(keyedUsed), (index) => blobOf(subtasks[index]!));
  const stores = await readStores(reader, state, own, keyedOf);
  // After a rescale several subtasks may take their parts of one file.
  const isOwn = (index: number): boolean =>
    subtasks[index]!.keyed?.kind === "file" && keyedUsed.filter((used) => used === index).length === 1;
  const channels = await reader.readEach(
    new Set(own.flatMap(channelsOf)),
    (index) => subtasks[index]!.channels?.handle,
  );
  return new Map(
    own.map((subtaskIndex) => {
      const { start, end } = keyGroupRange(vertex.maxParallelism, vertex.parallelism, subtaskIndex);
      const restore = {
        keyedBlobs: keyedOf(subtaskIndex).flatMap((index) => keyed.get(index) ?? []),
        keyedStores: stores.get(subtaskIndex) ?? [],
        keyGroupStart: start,
        keyGroupEnd: end,
        lists: dealt[subtaskIndex]!,
        listHeaders,
        channels: channelsOf(subtaskIndex).flatMap((index) => channels.get(index) ?? []),
        // The reader's memory of a file is never shared.
        ownMemory: keyedOf(subtaskIndex)
          .filter(isOwn)
          .map((index) => keyed.get(index)!.buffer as ArrayBuffer),
      };
      return [subtaskIndex, restore];
    }),
  );
}

function blobOf({ keyed }: OperatorSubtaskState): StateHandle | undefined {
  return keyed?.kind === "store" ? undefined : keyed;
}

/** By new subtask: each takes its stores over, so one that several need is there several times. */
async function readStores(
  reader: StateReader,
  { subtasks, maxParallelism, parallelism }: OperatorStateMetadata,
  own: readonly number[],
  keyedOf: (subtaskIndex: number) => readonly number[],
): Promise<ReadonlyMap<number, readonly RestoredStore[]>> {
  const restored = new Map<number, readonly RestoredStore[]>();
  const reading = own.map(async (subtaskIndex) => {
    const downloads = keyedOf(subtaskIndex).flatMap((index) => {
      const { keyed } = subtasks[index]!;
      return keyed?.kind === "store" ? [reader.download(keyed, keyGroupRange(maxParallelism, parallelism, index))] : [];
    });
    await allOf(downloads);
    restored.set(subtaskIndex, await Promise.all(downloads));
  });
  await allOf(reading);
  return restored;
}

/**
 * By old subtask.
 * @param own - The only ones whose own lists are needed; undefined: everybody's are.
 */
async function readLists(
  reader: StateReader,
  checkpoint: LoadedCheckpoint,
  { subtasks }: OperatorStateMetadata,
  own: ReadonlySet<number> | undefined,
): Promise<readonly (readonly OperatorList[])[]> {
  const isNeeded = (index: number): boolean =>
    own === undefined || own.has(index) || subtasks[index]!.areListsOwn !== true;
  const read = await reader.readEach([...subtasks.keys()].filter(isNeeded), (index) => subtasks[index]!.lists);
  return subtasks.map((_, index) => {
    const bytes = read.get(index);
    if (bytes === undefined) return [];
    const all = decodeOperatorLists(bytes);
    // A job that goes on after it was drained begins its event time again: at its end every record would be late.
    return checkpoint.metadata.savepoint?.isDrained ? all.filter(({ name }) => name !== WATERMARK_LIST) : all;
  });
}

/**
 * The checkpoint as the graph knows it: state that lies under an operator's other identity is under its uid.
 */
export function claimedByUid(checkpoint: LoadedCheckpoint, graph: JobGraph): LoadedCheckpoint {
  const { metadata } = checkpoint;
  const written = new Set(metadata.operators.map(({ uid }) => uid));
  const uidOf = new Map<string, string>();
  for (const { uid, uidHash } of graph.vertices.flatMap(({ operators }) => operators)) {
    if (uidHash !== undefined && written.has(uidHash) && !written.has(uid)) uidOf.set(uidHash, uid);
  }
  if (uidOf.size === 0) return checkpoint;
  const renamed = <T extends { readonly uid: string }>(state: T): T => ({
    ...state,
    uid: uidOf.get(state.uid) ?? state.uid,
  });
  return {
    ...checkpoint,
    metadata: {
      ...metadata,
      operators: metadata.operators.map(renamed),
      coordinators: metadata.coordinators.map(renamed),
    },
  };
}

/**
 * Checks, before anything starts, that the job can take over the checkpoint's state, and returns the maximum parallelism
 * by vertex id where it has to follow the checkpoint.
 *
 * @throws MillraceError `MR_CHECKPOINT_OTHER_JOB`, `MR_STATE_NOT_RESTORED`, `MR_CHANNEL_STATE_NOT_RESTORED`, `MR_MAX_PARALLELISM_MISMATCH`
 */
export function checkRestore(
  checkpoint: LoadedCheckpoint,
  graph: JobGraph,
  allowsNonRestored: boolean,
): ReadonlyMap<number, number> {
  const stateful = checkpoint.metadata.operators.filter((operator) => operator.isStateful);
  const uids = new Set(graph.vertices.flatMap((vertex) => vertex.operators.map(({ uid }) => uid)));
  const orphans = orphansOf(checkpoint, graph);
  const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
  if (stateful.length > 0 && stateful.every(({ uid }) => !uids.has(uid))) {
    throw new MillraceError("MR_CHECKPOINT_OTHER_JOB", {
      what: "The checkpoint belongs to another job: none of its stateful operators is in this one",
      where: { checkpoint: checkpoint.directory, job: checkpoint.metadata.jobName },
      found: `state of ${list(stateful.map(({ uid }) => uid))}`,
      expected: `state of ${list([...uids])}`,
      todo: "Give the path of a checkpoint of this job",
    });
  }
  if (orphans.length > 0 && !allowsNonRestored) {
    throw new MillraceError("MR_STATE_NOT_RESTORED", {
      what: "The checkpoint holds state of operators that the job does not have any more, or that keep no such state",
      where: { checkpoint: checkpoint.directory },
      found: `state of ${list(orphans.map(({ uid }) => uid))}`,
      expected: "an operator for every state",
      todo: "Give the operators their old uids, or drop the state with --allowNonRestoredState",
    });
  }
  checkChannels(checkpoint, graph, allowsNonRestored);
  return followedMaxParallelism(checkpoint, graph);
}

/** What the checkpoint holds that the graph has no operator for, or none that keeps such state any more. */
export function orphansOf({ metadata }: LoadedCheckpoint, graph: JobGraph): readonly OperatorStateMetadata[] {
  const specs = new Map(
    graph.vertices.flatMap(({ operators }) => operators.map(({ uid, spec }) => [uid, spec] as const)),
  );
  return metadata.operators.filter(({ uid, isStateful, subtasks }) => {
    const spec = specs.get(uid);
    if (spec === undefined) return isStateful;
    return subtasks.some(({ keyed }) => keyed !== undefined) && !isKeyed(spec);
  });
}

function checkChannels(checkpoint: LoadedCheckpoint, graph: JobGraph, allowsNonRestored: boolean): void {
  const known = allEdgeKeys(graph);
  const written = checkpoint.metadata.operators.flatMap(({ subtasks }) =>
    subtasks.flatMap(({ channels }) => channels?.edges ?? []),
  );
  const lost = [...new Set(written)].filter((edge) => !known.has(edge));
  if (lost.length === 0 || allowsNonRestored) return;
  throw new MillraceError("MR_CHANNEL_STATE_NOT_RESTORED", {
    what: "The checkpoint holds records on their way between operators that are not connected any more",
    where: { checkpoint: checkpoint.directory },
    found: `records on ${lost.map((edge) => `"${edge}"`).join(", ")}`,
    expected: "the same connections between operators; operators without state need uids too when they change place",
    todo: "Restore with the job that wrote it and stop that with a last checkpoint, which holds no such records, or drop them with --allowNonRestoredState",
  });
}

function followedMaxParallelism(checkpoint: LoadedCheckpoint, graph: JobGraph): ReadonlyMap<number, number> {
  const followed = new Map<number, number>();
  for (const vertex of graph.vertices) {
    for (const operator of vertex.operators) {
      const state = checkpoint.metadata.operators.find(({ uid }) => uid === operator.uid);
      if (state === undefined || !state.subtasks.some(({ keyed }) => keyed !== undefined)) continue;
      if (state.maxParallelism === vertex.maxParallelism) continue;
      if (vertex.isMaxParallelismExplicit || vertex.parallelism > state.maxParallelism) {
        throw new MillraceError("MR_MAX_PARALLELISM_MISMATCH", {
          what: "Keyed state was written with another maximum parallelism",
          where: { operator: operator.name, uid: operator.uid },
          found: `${state.maxParallelism} in the checkpoint, ${vertex.maxParallelism} in the job at parallelism ${vertex.parallelism}`,
          expected: "the same maximum parallelism, and a parallelism that is not above it",
          todo: `Set pipeline.max-parallelism to ${state.maxParallelism}, or start without the state`,
        });
      }
      followed.set(vertex.id, state.maxParallelism);
    }
  }
  return followed;
}
