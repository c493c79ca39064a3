/** The files that a snapshot consists of, by its handles, and where they are. */
import type { CheckpointMetadata, KeyedStateHandle, OperatorSubtaskState, StateHandle } from "./state-handles.ts";

/** The job's directory of files that several of its checkpoints may refer to, beside those of the checkpoints. @internal */
export const SHARED_DIRECTORY = "shared";

const SHARED_PREFIX = `../${SHARED_DIRECTORY}/`;

/** The name of a file handle for a file in the shared directory. @internal */
export function sharedHandleName(name: string): string {
  return SHARED_PREFIX + name;
}

/** The name in the shared directory; undefined for what belongs to one snapshot only. @internal */
export function sharedNameOf(handle: StateHandle): string | undefined {
  if (handle.kind !== "file" || !handle.name.startsWith(SHARED_PREFIX)) return undefined;
  return handle.name.slice(SHARED_PREFIX.length);
}

/** Everything that one operator has written in one subtask. @internal */
export function handlesOf({ keyed, lists, channels }: OperatorSubtaskState): readonly StateHandle[] {
  const others = channels === undefined ? [lists] : [lists, channels.handle];
  return keyed === undefined ? others : [...keyedHandlesOf(keyed), ...others];
}

/** @internal */
export function keyedHandlesOf(keyed: KeyedStateHandle): readonly StateHandle[] {
  return keyed.kind === "store" ? [keyed.header, ...keyed.files.map(({ handle }) => handle)] : [keyed];
}

/** Bytes of a state, wherever they are. @internal */
export function stateSizeOf(handle: KeyedStateHandle | undefined): number {
  if (handle === undefined) return 0;
  if (handle.kind === "store") return keyedHandlesOf(handle).reduce((sum, each) => sum + stateSizeOf(each), 0);
  return handle.kind === "inline" ? handle.bytes.length : handle.sizeBytes;
}

/** The names of a snapshot's files as its handles have them, besides its metadata. @internal */
export function filesOf(metadata: CheckpointMetadata): readonly string[] {
  return snapshotHandlesOf(metadata).flatMap((handle) => (handle.kind === "file" ? [handle.name] : []));
}

/** The names of the files in the snapshot's own directory. @internal */
export function ownFilesOf(metadata: CheckpointMetadata): readonly string[] {
  return snapshotHandlesOf(metadata).flatMap((handle) =>
    handle.kind === "file" && sharedNameOf(handle) === undefined ? [handle.name] : [],
  );
}

/** The names of the files in the shared directory that it refers to, each once. @internal */
export function sharedFilesOf(metadata: CheckpointMetadata): readonly string[] {
  return sharedNamesIn(metadata.operators.flatMap(({ subtasks }) => subtasks));
}

/** As `sharedFilesOf`, of some operators in some subtasks. @internal */
export function sharedNamesIn(states: readonly OperatorSubtaskState[]): readonly string[] {
  return [...new Set(states.flatMap(handlesOf).flatMap((handle) => sharedNameOf(handle) ?? []))];
}

/** All handles of a snapshot. @internal */
export function snapshotHandlesOf({ operators, coordinators }: CheckpointMetadata): readonly StateHandle[] {
  return [
    ...operators.flatMap(({ subtasks }) => subtasks.flatMap(handlesOf)),
    ...coordinators.map(({ handle }) => handle),
  ];
}
