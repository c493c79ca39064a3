/** Snapshots that are written without a job: what tests of their readers read. */
import { FileSystems } from "../checkpoint/file-systems.ts";
import type { OperatorList } from "../checkpoint/operator-lists.ts";
import { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { Clock } from "../platform/platform.ts";
import type { SimulatedPlatform } from "../platform/simulated-platform.ts";
import { KeyedStateTable } from "../state/keyed-state-table.ts";
import { writeOperatorState } from "../state-processor/operator-state-files.ts";
import { hashKey, keyGroup, subtaskForKeyGroup } from "../types/key-encoding.ts";

export interface WrittenOperator {
  readonly uid: string;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly keys: readonly unknown[];
  /** Registers states with the subtask's table; what it returns is called for each key of the subtask, made current. */
  readonly fill: (table: KeyedStateTable) => (key: unknown) => void;
  readonly lists?: (subtask: number) => readonly OperatorList[];
}

/** Writes a savepoint with these operators and returns its directory. */
export async function writeSnapshot(
  platform: SimulatedPlatform,
  path: string,
  operators: readonly WrittenOperator[],
): Promise<string> {
  const { random } = platform;
  const fs = FileSystems.local(platform.fs);
  const limits = { inlineBelowBytes: 0, stateBytesMax: Number.POSITIVE_INFINITY };
  const directory = new SnapshotDirectory({ fs, random, path, limits, setting: "execution.checkpointing.dir" });
  await directory.prepare(1);
  const written = [];
  for (const operator of operators) {
    const { uid, parallelism, maxParallelism } = operator;
    const subtasks = Array.from({ length: parallelism }, (_, subtask) => ({
      keyed: keyedBytes(operator, subtask, platform.clock),
      lists: operator.lists?.(subtask) ?? [],
    }));
    written.push(await writeOperatorState(directory, 1, { uid, name: `The ${uid}`, maxParallelism }, { subtasks }));
  }
  await directory.storeMetadata({
    jobId: "5a".repeat(16),
    jobName: "written",
    checkpointId: 1,
    timestampMs: 1_767_225_600_000,
    graphHash: "",
    savepoint: { format: "CANONICAL", isDrained: false },
    operators: written,
    coordinators: [],
  });
  return path;
}

function keyedBytes(
  { uid, keys, fill, parallelism, maxParallelism }: WrittenOperator,
  subtask: number,
  clock: Clock,
): Uint8Array {
  const table = new KeyedStateTable({ operatorName: uid, uid, clock }, maxParallelism);
  const fillKey = fill(table);
  for (const key of keys) {
    if (subtaskForKeyGroup(keyGroup(hashKey(key), maxParallelism), maxParallelism, parallelism) !== subtask) continue;
    table.select(key);
    fillKey(key);
  }
  return table.beginSnapshot().encode();
}
