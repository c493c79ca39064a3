import { Configuration } from "../config/configuration.ts";
import type { AnyWindowAssigner, WindowOf } from "../operators/window/element-assigner.ts";
import { createNodePlatform } from "../platform/node-platform.ts";
import type { Platform } from "../platform/platform.ts";
import type { Type } from "../types/type.ts";
import { readKeyedState } from "./keyed-table-reader.ts";
import { readBroadcast, readList } from "./operator-list-reader.ts";
import type { KeyedStateReaderFunction } from "./state-reader-functions.ts";
import { StateSnapshot } from "./state-snapshot.ts";
import type { SnapshotPlatform } from "./store-export.ts";
import { WindowSavepointReader } from "./window-savepoint-reader.ts";

/**
 * Reads the state of a savepoint or checkpoint with a program of one's own, without running its job.
 *
 * Operators are named by uid, or by a name that only one of them has; states as the job names them. All that is read was
 * verified before. Of keyed state one key group is in memory at a time, of operator state one subtask's lists.
 *
 * @example
 * const savepoint = await SavepointReader.read("savepoints/savepoint-5a1fe0-0c2b3d495867");
 * for await (const { key, total } of savepoint.readKeyedState("totals", new Totals())) console.log(key, total);
 * for await (const offset of savepoint.readListState("numbers", "offsets", t.int64)) console.log(offset);
 * @public
 */
export class SavepointReader {
  readonly #snapshot: StateSnapshot;
  readonly #platform: Pick<Platform, "clock">;

  private constructor(snapshot: StateSnapshot, platform: Pick<Platform, "clock">) {
    this.#snapshot = snapshot;
    this.#platform = platform;
  }

  /**
   * Opens a snapshot.
   *
   * @param path - Its directory, its `_metadata` file, or a job's directory of checkpoints: then the newest one in it.
   * @param configuration - How the file systems of URIs are reached, such as `s3.endpoint`, and where files of a native snapshot
   *   are copied to, to be read (`state.backend.rocksdb.localdir`).
   * @throws MillraceError `MR_CHECKPOINT_NOT_FOUND`, `MR_CHECKPOINT_CORRUPT`, `MR_CHECKPOINT_UNREADABLE`,
   *   `MR_FORMAT_VERSION_UNSUPPORTED`
   */
  static read(path: string, configuration?: Configuration): Promise<SavepointReader> {
    return SavepointReader.on(createNodePlatform(), path, configuration);
  }

  /** Opens a snapshot on a platform of the caller's, such as a simulated one. @internal */
  static async on(
    platform: SnapshotPlatform,
    path: string,
    configuration: Configuration = new Configuration(),
  ): Promise<SavepointReader> {
    return new SavepointReader(await StateSnapshot.on(platform, configuration, path), platform);
  }

  /**
   * What a function collects that is called for every key of an operator.
   *
   * Values are migrated where the function's types are later ones than the snapshot's, as on a restore. Values with a time to
   * live have expired by now, or not, as for the job.
   *
   * @throws MillraceError by the loop: `MR_STATE_OPERATOR_NOT_FOUND`; `MR_STATE_NOT_FOUND` when the snapshot does not have a
   *   state that `open` asks for; `MR_STATE_SCHEMA_INCOMPATIBLE`; `MR_STATE_FILE_CORRUPT`
   */
  readKeyedState<K, OUT>(uid: string, fn: KeyedStateReaderFunction<K, OUT>): AsyncIterable<OUT> {
    return readKeyedState(this.#snapshot.operator(uid), fn, this.#platform.clock);
  }

  /**
   * The elements of a list state, which is split between subtasks: of all of them, one after the other.
   *
   * @param type - What they are read as; left out: as the snapshot says.
   * @throws MillraceError as {@link SavepointReader.readKeyedState}
   */
  readListState<T = unknown>(uid: string, name: string, type?: Type<T>): AsyncIterable<T> {
    return readList({ operator: this.#snapshot.operator(uid), name, mode: "split" }, type);
  }

  /** As {@link SavepointReader.readListState}, of a list that every subtask gets as a whole. */
  readUnionState<T = unknown>(uid: string, name: string, type?: Type<T>): AsyncIterable<T> {
    return readList({ operator: this.#snapshot.operator(uid), name, mode: "union" }, type);
  }

  /** The entries of a broadcast state, as pairs. @throws MillraceError as {@link SavepointReader.readKeyedState} */
  readBroadcastState<K = unknown, V = unknown>(
    uid: string,
    name: string,
    keyType?: Type<K>,
    valueType?: Type<V>,
  ): AsyncIterable<[K, V]> {
    return readBroadcast({ operator: this.#snapshot.operator(uid), name, mode: "broadcast" }, keyType, valueType);
  }

  /**
   * Reads what windows hold that have not fired yet, or that are kept for late records.
   *
   * @param assigner - As the job's own: it says which windows parts that several of them share belong to, and what windows of a
   *   type of their own are.
   * @example
   * const averages = savepoint.window(TumblingEventTimeWindows.of("1 h")).aggregate("averages", new Average());
   */
  window<A extends AnyWindowAssigner<never>>(assigner: A): WindowSavepointReader<WindowOf<A>> {
    return new WindowSavepointReader((uid) => this.#snapshot.operator(uid), assigner);
  }
}
