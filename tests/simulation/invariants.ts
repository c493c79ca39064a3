/**
 * What is checked of every snapshot at the moment at which it becomes visible: that it is whole (I3), that it leaves the others
 * alone (I4), that ids rise (I12), that every split is somewhere once (I10), and that books and positions agree (I1).
 */
import {
  BinaryReader,
  type CheckpointMetadata,
  type DiskEffect,
  decodeOperatorLists,
  type SimulatedDisk,
  type StateHandle,
  sharedFilesOf,
  snapshotHandlesOf,
} from "millrace/internal";
import { LEDGER, seenType } from "./checking-functions.ts";
import { type NumberedSplit, type Records, splitSerializer, stateSerializer } from "./numbered-source.ts";
import { besideOf } from "./shapes.ts";
import {
  isListed,
  notedIdIn,
  snapshotDirectories,
  snapshotIn,
  stateOf,
  type VisibleSnapshot,
} from "./visible-files.ts";
import type { World } from "./world.ts";

/** Where functions keep the list {@link LEDGER}: behind a prefix of the engine's. */
const isLedger = (name: string): boolean => name.endsWith(LEDGER);

interface EffectOwner {
  /** Whether who asked for the effect hears that it has happened; otherwise it may be undone. */
  readonly isKnown: boolean;
  /** Whether another one has its place, or is about to: it may be late. */
  readonly isReplaced: boolean;
}

/** Called after every effect on the disk that snapshots are on. */
export function watchSnapshots(
  world: World,
  disk: SimulatedDisk,
  { operation, path }: DiskEffect,
  { isKnown, isReplaced }: EffectOwner,
): void {
  if (operation === "rename") {
    const to = path.slice(path.lastIndexOf(" ") + 1);
    if (to.endsWith("/_metadata")) checkCompleted(world, disk, to.slice(0, to.lastIndexOf("/")), isReplaced);
    const notedId = world.plan.hosts === "cluster" ? notedIdIn(disk, to) : undefined;
    if (notedId !== undefined) isThereToStay(world, notedId);
  }
  if (operation === "remove") checkUnused(world, disk, path);
  // In a cluster a checkpoint is complete when the JobManager has noted it: before, who takes the job over removes it.
  if (operation !== "sync directory" || !isKnown || world.plan.hosts === "cluster") return;
  const checkpointId = world.completed.get(path);
  // Its `_metadata` may have been removed meanwhile: that is what is synced when a checkpoint is discarded.
  if (checkpointId !== undefined && isListed(disk, path)) isThereToStay(world, checkpointId);
}

function isThereToStay(world: World, checkpointId: number): void {
  world.newestDurableId = Math.max(world.newestDurableId, checkpointId);
  if (world.completing?.checkpointId === checkpointId) world.completing = undefined;
}

/** What was visible, and is gone before it was there to stay, has not completed: an older one still may. */
function forgetLost(world: World, disk: SimulatedDisk): void {
  if (world.completing === undefined || isListed(disk, world.completing.directory)) return;
  world.completed.delete(world.completing.directory);
  world.lastCheckpointId = world.completing.lastCheckpointId;
  world.completing = undefined;
}

function checkCompleted(world: World, disk: SimulatedDisk, directory: string, isReplaced: boolean): void {
  forgetLost(world, disk);
  if (world.completed.has(directory)) return;
  const snapshot = read(world, disk, directory);
  if (snapshot === undefined) return;
  const { metadata } = snapshot;
  const isSavepoint = metadata.savepoint !== undefined;
  // A savepoint may be overtaken by checkpoints, which are not held up by it.
  const isInOrder = !isSavepoint && !isReplaced;
  if (isInOrder && metadata.checkpointId <= world.lastCheckpointId) {
    world.violated("I12", `checkpoint ${metadata.checkpointId} completes after checkpoint ${world.lastCheckpointId}`);
  }
  if (isInOrder) {
    const { checkpointId } = metadata;
    world.completing = { directory, checkpointId, lastCheckpointId: world.lastCheckpointId };
    world.lastCheckpointId = metadata.checkpointId;
  }
  world.completed.set(directory, metadata.checkpointId);
  checkWhole(world, disk, snapshot);
  for (const books of booksOf(world)) checkBooks(world, disk, snapshot, books);
}

/** I3, I4: whatever is listed can be restored, now and whenever it is asked. */
export function checkAllSnapshots(world: World, disk: SimulatedDisk): void {
  for (const directory of snapshotDirectories(disk)) {
    const snapshot = read(world, disk, directory);
    if (snapshot === undefined) continue;
    for (const handle of snapshotHandlesOf(snapshot.metadata)) {
      const state = stateOf(disk, directory, handle);
      if (typeof state === "string") world.violated("I4", `${directory} is listed, and ${state}`);
    }
  }
}

/** I4, for the files that several snapshots refer to: at the moment at which one goes. */
function checkUnused(world: World, disk: SimulatedDisk, path: string): void {
  const [, job, file] = /^(.*)\/shared\/([^/]+)$/.exec(path) ?? [];
  if (job === undefined) return;
  for (const directory of snapshotDirectories(disk)) {
    if (!directory.startsWith(`${job}/`)) continue;
    const snapshot = read(world, disk, directory);
    if (snapshot !== undefined && sharedFilesOf(snapshot.metadata).includes(file!))
      world.violated("I4", `${path} is removed, and ${directory} refers to it`);
  }
}

function read(world: World, disk: SimulatedDisk, directory: string): VisibleSnapshot | undefined {
  try {
    return snapshotIn(disk, directory);
  } catch (error) {
    world.violated("I3", `${directory} is not readable: ${String(error)}`);
    return undefined;
  }
}

function checkWhole(world: World, disk: SimulatedDisk, { directory, metadata }: VisibleSnapshot): void {
  for (const handle of snapshotHandlesOf(metadata)) {
    const state = stateOf(disk, directory, handle);
    if (typeof state === "string") world.violated("I3", `checkpoint ${metadata.checkpointId}: ${state}`);
  }
  for (const { uid, parallelism, subtasks } of metadata.operators) {
    if (subtasks.length !== parallelism || subtasks.some((each) => (each as unknown) === undefined)) {
      world.violated("I3", `checkpoint ${metadata.checkpointId} lacks subtasks of ${uid}`);
    }
  }
}

interface Position {
  readonly count: number;
  readonly sum: number;
}

/** A source, and what has seen its records. */
interface Books {
  readonly source: string;
  readonly ledgers: readonly string[];
  readonly records: Records;
}

function booksOf({ plan }: World): readonly Books[] {
  const front: Books = { source: "numbers", ledgers: ["front"], records: plan };
  if (plan.shape === "pipelines") return [front];
  const shuffled: Books = { ...front, ledgers: ["front", "check"] };
  return plan.shape === "apart"
    ? [shuffled, { source: "beside", ledgers: ["front-beside"], records: besideOf(plan) }]
    : [shuffled];
}

/** I1, I10. */
function checkBooks(world: World, disk: SimulatedDisk, { directory, metadata }: VisibleSnapshot, books: Books): void {
  const elementsOf = (uid: string, isWanted: (name: string) => boolean, isUnion: boolean): readonly Uint8Array[] => {
    const operator = metadata.operators.find((each) => each.uid === uid);
    return (operator?.subtasks ?? []).flatMap(({ lists }) => {
      const bytes = stateOf(disk, directory, lists);
      if (typeof bytes === "string") return [];
      const wanted = decodeOperatorLists(bytes).filter(({ name }) => isWanted(name));
      if (isUnion && wanted.some(({ mode }) => mode !== "union"))
        world.violated("I3", `${uid} has lost its union list`);
      return wanted.flatMap(({ elements }) => elements);
    });
  };
  const splits = elementsOf(books.source, (name) => name === "splits", false).map((bytes) =>
    splitSerializer.read(new BinaryReader(bytes)),
  );
  const unassigned = unassignedIn(disk, { directory, metadata }, books.source);
  const positions = positionsOf(world, metadata, books.records, splits, unassigned);
  const isUnaligned = world.plan.settings["execution.checkpointing.unaligned.enabled"] === "true";
  for (const uid of books.ledgers) {
    const isUnion = uid === "check" && world.plan.shape === "unionState";
    const seen = elementsOf(uid, isLedger, isUnion).map((bytes) => seenType.serializer.read(new BinaryReader(bytes)));
    for (const [split, { count, sum }] of positions) {
      const own = seen.filter((each) => each.split === split);
      const counted = own.reduce((total, each) => total + each.count, 0);
      const summed = own.reduce((total, each) => total + each.sum, 0);
      if (counted === count && summed === sum) continue;
      // What is on the way is in the state of channels.
      if (uid === "check" && isUnaligned && counted < count) continue;
      const found = `${uid} has seen ${counted} records (sum ${summed}) of split ${split}`;
      world.violated("I1", `checkpoint ${metadata.checkpointId}: ${found}, the source has read ${count} (sum ${sum})`);
    }
  }
}

function unassignedIn(
  disk: SimulatedDisk,
  { directory, metadata }: VisibleSnapshot,
  source: string,
): readonly NumberedSplit[] {
  const handle: StateHandle | undefined = metadata.coordinators.find(({ uid }) => uid === source)?.handle;
  const bytes = handle === undefined ? "missing" : stateOf(disk, directory, handle);
  return typeof bytes === "string" ? [] : stateSerializer.read(new BinaryReader(bytes)).unassigned;
}

/** How far every split has been read: one that nobody has any more has been read to its end. */
function positionsOf(
  world: World,
  { checkpointId }: CheckpointMetadata,
  { splits, recordsPerSplit }: Records,
  inReaders: readonly NumberedSplit[],
  unassigned: readonly NumberedSplit[],
): ReadonlyMap<number, Position> {
  const positions = new Map<number, Position>();
  for (let split = 0; split < splits; split++) {
    const own = [...inReaders, ...unassigned].filter(({ index }) => index === split);
    if (own.length > 1) world.violated("I10", `checkpoint ${checkpointId} has split ${split} ${own.length} times`);
    const count = own[0]?.next ?? recordsPerSplit;
    positions.set(split, { count, sum: (count * (count - 1)) / 2 });
  }
  return positions;
}
