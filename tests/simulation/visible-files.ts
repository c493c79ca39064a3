/** Looks at a simulated disk from outside: takes no simulated time, draws nothing and is no effect. */
import {
  type CheckpointMetadata,
  crc32c,
  decodeMetadata,
  type SimulatedDisk,
  type StateHandle,
} from "millrace/internal";

const METADATA = "_metadata";

export interface VisibleSnapshot {
  readonly directory: string;
  readonly metadata: CheckpointMetadata;
}

export function namesIn(disk: SimulatedDisk, directory: string): readonly string[] {
  return disk.stat(directory)?.kind === "directory" ? disk.list(directory) : [];
}

export function bytesOf(disk: SimulatedDisk, path: string): Uint8Array | undefined {
  if (disk.stat(path)?.kind !== "file") return undefined;
  const file = disk.open(path, "read", 0);
  const bytes = new Uint8Array(file.contents.sizeBytes);
  file.contents.read(bytes, 0);
  disk.close(file);
  return bytes;
}

/** Directories with a `_metadata`: checkpoints below `/checkpoints/<job>`, savepoints in `/savepoints`. */
export function snapshotDirectories(disk: SimulatedDisk): readonly string[] {
  const parents = namesIn(disk, "/checkpoints").map((job) => `/checkpoints/${job}`);
  return [...parents, "/savepoints"]
    .flatMap((parent) => namesIn(disk, parent).map((name) => `${parent}/${name}`))
    .filter((directory) => isListed(disk, directory));
}

export function isListed(disk: SimulatedDisk, directory: string): boolean {
  return disk.stat(`${directory}/${METADATA}`)?.kind === "file";
}

/** The checkpoint that a JobManager has noted as the one to go on from, when it is such a note: JSON in a container. */
export function notedIdIn(disk: SimulatedDisk, path: string): number | undefined {
  if (!/^\/jobs\/jobs\/[^/]+\/checkpoint-\d+$/.test(path)) return undefined;
  const [, id] = /"checkpointId":(\d+)/.exec(new TextDecoder("latin1").decode(bytesOf(disk, path))) ?? [];
  return id === undefined ? undefined : Number(id);
}

/** @throws what `decodeMetadata` throws */
export function snapshotIn(disk: SimulatedDisk, directory: string): VisibleSnapshot | undefined {
  const path = `${directory}/${METADATA}`;
  const bytes = bytesOf(disk, path);
  return bytes === undefined ? undefined : { directory, metadata: decodeMetadata(bytes, path) };
}

/** The state behind a handle; a text says what is wrong with it. */
export function stateOf(disk: SimulatedDisk, directory: string, handle: StateHandle): Uint8Array | string {
  if (handle.kind === "inline") return handle.bytes;
  const path = pathOf(directory, handle.name);
  const bytes = bytesOf(disk, path);
  if (bytes === undefined) return `${path} is missing`;
  if (bytes.length !== handle.sizeBytes) return `${path} has ${bytes.length} bytes`;
  return crc32c(bytes) === handle.crc32c ? bytes : `${path} has another checksum`;
}

/** Shared files lie beside the directory of the snapshot. */
function pathOf(directory: string, name: string): string {
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  return name.startsWith("../") ? `${parent}/${name.slice(3)}` : `${directory}/${name}`;
}
