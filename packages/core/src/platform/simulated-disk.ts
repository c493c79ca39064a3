import { posix } from "node:path";
import { invariant } from "../base/errors.ts";
import { type FileStat, FileSystemError, type OpenMode } from "./platform.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDirectory, type SimulatedNode } from "./simulated-directory.ts";
import { SimulatedFile, type UnsyncedFate } from "./simulated-file.ts";

/** Linux' limit for one name, in UTF-8 bytes. */
const NAME_BYTES_MAX = 255;

/** What a directory says its size is; nothing depends on it. */
const DIRECTORY_BYTES = 4096;

/** 1 TiB: nothing fills up unless a test wants it to. */
const CAPACITY_BYTES_DEFAULT = 2 ** 40;

/**
 * A disk and its file system, with Linux' rules and errors. Everything here is instantaneous; `SimulatedFs` adds time,
 * faults and crashes. Outlives the processes that use it.
 *
 * - D1. After `losePower`, what was synced is there: bytes by `sync`, names by `syncDirectory` of their directory.
 * - D2. Of what was not synced, any part may be there, unless the fate says which.
 * - D3. `usedBytes` is the sum of the sizes of all files that have a name or are open, and never above the capacity.
 * @internal
 */
export class SimulatedDisk {
  readonly #random: SeededRandom;
  readonly #root: SimulatedDirectory;
  #usedBytes = 0;
  /** May be changed at any time; below what is used, nothing can be written until enough is removed. */
  capacityBytes: number;

  constructor(random: SeededRandom, capacityBytes: number = CAPACITY_BYTES_DEFAULT) {
    this.#random = random;
    this.#root = new SimulatedDirectory(0);
    this.capacityBytes = capacityBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.#usedBytes);
  }

  /** @param client - As in {@link SimulatedDisk.loseClient}. */
  open(path: string, mode: OpenMode, nowMs: number, client: string = ""): SimulatedFile {
    const { parent, name, node } = this.#locate("open", path);
    if (mode === "createNew" && node !== undefined) throw new FileSystemError("EEXIST", "open", path);
    if (node?.kind === "directory") throw new FileSystemError("EISDIR", "open", path);
    if (node === undefined && mode !== "create" && mode !== "createNew") {
      throw new FileSystemError("ENOENT", "open", path);
    }
    const file = node ?? new SimulatedFile(nowMs);
    if (node === undefined) this.#changeNames(parent, [[name, file]], nowMs);
    else if (mode === "create") this.truncate(file, path, { sizeBytes: 0, nowMs, client });
    file.openCount++;
    return file;
  }

  close(file: SimulatedFile): void {
    // A file that was open when the power went is closed already.
    if (file.openCount === 0) return;
    file.openCount--;
    this.#releaseIfUnused(file);
  }

  /** Writes what fits; ENOSPC says that it was not all. */
  write(file: SimulatedFile, path: string, { source, position, nowMs, client }: DiskWrite): void {
    const endMax = file.contents.sizeBytes + this.freeBytes;
    const fitting = source.subarray(0, Math.max(0, Math.min(source.length, endMax - position)));
    this.#resizing(file, () => file.write(fitting, position, client));
    file.modifiedMs = nowMs;
    if (fitting.length < source.length) throw new FileSystemError("ENOSPC", "write", path);
  }

  truncate(file: SimulatedFile, path: string, { sizeBytes, nowMs, client }: DiskTruncate): void {
    if (sizeBytes - file.contents.sizeBytes > this.freeBytes) throw new FileSystemError("ENOSPC", "truncate", path);
    this.#resizing(file, () => file.truncate(sizeBytes, client));
    file.modifiedMs = nowMs;
  }

  rename(from: string, to: string, nowMs: number): void {
    const source = this.#locate("rename", from);
    const target = this.#locate("rename", to);
    const moved = source.node;
    if (moved === undefined) throw new FileSystemError("ENOENT", "rename", from);
    if (target.node === moved) return;
    if (moved.kind === "directory" && `${posix.resolve("/", to)}/`.startsWith(`${posix.resolve("/", from)}/`)) {
      throw new FileSystemError("EINVAL", "rename", `${from} to ${to}`);
    }
    checkReplaceable(moved, target.node, to);
    if (source.parent === target.parent) {
      this.#changeNames(
        source.parent,
        [
          [source.name, undefined],
          [target.name, moved],
        ],
        nowMs,
      );
    } else {
      // First the new name: a file whose last name goes would give up its space.
      this.#changeNames(target.parent, [[target.name, moved]], nowMs);
      this.#changeNames(source.parent, [[source.name, undefined]], nowMs);
    }
  }

  remove(path: string, nowMs: number): void {
    const found = this.#find("remove", path);
    if (found?.node === undefined) return;
    if (found.node.kind === "directory") throw new FileSystemError("EISDIR", "remove", path);
    this.#changeNames(found.parent, [[found.name, undefined]], nowMs);
  }

  removeTree(path: string, nowMs: number): void {
    const found = this.#find("remove tree", path);
    if (found?.node === undefined) return;
    invariant(found.node !== this.#root, "the root cannot be removed");
    this.#removeContents(found.node, nowMs);
    this.#changeNames(found.parent, [[found.name, undefined]], nowMs);
  }

  makeDirectory(path: string, nowMs: number): void {
    const names = namesOf("make directory", path);
    let directory = this.#root;
    for (const [index, name] of names.entries()) {
      let next = directory.entries.get(name);
      if (next === undefined) {
        next = new SimulatedDirectory(nowMs);
        this.#changeNames(directory, [[name, next]], nowMs);
      }
      if (next.kind === "file") {
        throw new FileSystemError(index === names.length - 1 ? "EEXIST" : "ENOTDIR", "make directory", path);
      }
      directory = next;
    }
  }

  list(path: string): readonly string[] {
    return [...this.#directory("list", path).entries.keys()].sort();
  }

  stat(path: string): FileStat | undefined {
    let node: SimulatedNode | undefined;
    try {
      node = this.#locate("stat", path).node;
    } catch (error) {
      if (error instanceof FileSystemError && (error.errno === "ENOENT" || error.errno === "ENOTDIR")) return undefined;
      throw error;
    }
    if (node === undefined) return undefined;
    const sizeBytes = node.kind === "file" ? node.contents.sizeBytes : DIRECTORY_BYTES;
    return { kind: node.kind, sizeBytes, modifiedMs: node.modifiedMs };
  }

  syncDirectory(path: string): void {
    this.#directory("sync directory", path).sync();
  }

  /** The power goes and comes back. Processes that still hold files open must be dead. */
  losePower(fate: UnsyncedFate): void {
    const seen = new Set<SimulatedNode>();
    this.#usedBytes = 0;
    const visit = (node: SimulatedNode): void => {
      if (node.kind === "file") node.linkCount = seen.has(node) ? node.linkCount + 1 : 1;
      if (seen.has(node)) return;
      seen.add(node);
      node.losePower(fate, this.#random);
      if (node.kind === "file") this.#usedBytes += node.contents.sizeBytes;
      else for (const child of node.entries.values()) visit(child);
    };
    visit(this.#root);
  }

  /**
   * A host that has this disk mounted loses its power: of what it wrote and did not sync, any part may be there. Names are
   * the disk's, and stay.
   */
  loseClient(client: string, fate: UnsyncedFate): void {
    const seen = new Set<SimulatedNode>();
    const visit = (node: SimulatedNode): void => {
      if (seen.has(node)) return;
      seen.add(node);
      if (node.kind === "file") this.#resizing(node, () => node.loseClient(client, fate, this.#random));
      else for (const child of node.entries.values()) visit(child);
    };
    visit(this.#root);
  }

  /** Rot: inverts one bit (0 to 7) of the byte at `position`, in the page cache and on the medium. */
  flipBit(path: string, position: number, bit: number): void {
    const { node } = this.#locate("flip bit", path);
    invariant(node?.kind === "file" && position < node.contents.sizeBytes, `no byte ${position} in ${path}`);
    node.flipBit(position, bit);
  }

  #directory(operation: string, path: string): SimulatedDirectory {
    const { node } = this.#locate(operation, path);
    if (node === undefined) throw new FileSystemError("ENOENT", operation, path);
    if (node.kind === "file") throw new FileSystemError("ENOTDIR", operation, path);
    return node;
  }

  /** Like `#locate`, but undefined when the parent does not exist. */
  #find(operation: string, path: string): Located | undefined {
    try {
      return this.#locate(operation, path);
    } catch (error) {
      if (error instanceof FileSystemError && error.errno === "ENOENT") return undefined;
      throw error;
    }
  }

  #locate(operation: string, path: string): Located {
    const names = namesOf(operation, path);
    const name = names.pop();
    if (name === undefined) return { parent: this.#root, name: "", node: this.#root };
    let parent = this.#root;
    for (const step of names) {
      const next = parent.entries.get(step);
      if (next === undefined) throw new FileSystemError("ENOENT", operation, path);
      if (next.kind === "file") throw new FileSystemError("ENOTDIR", operation, path);
      parent = next;
    }
    return { parent, name, node: parent.entries.get(name) };
  }

  #changeNames(
    directory: SimulatedDirectory,
    change: readonly (readonly [name: string, node: SimulatedNode | undefined])[],
    nowMs: number,
  ): void {
    const replaced = change.map(([name]) => directory.entries.get(name));
    directory.change(change);
    directory.modifiedMs = nowMs;
    for (const [, node] of change) if (node?.kind === "file") this.#link(node, 1);
    for (const node of replaced) if (node?.kind === "file") this.#link(node, -1);
  }

  #link(file: SimulatedFile, delta: number): void {
    if (delta > 0 && file.linkCount + file.openCount === 0) this.#usedBytes += file.contents.sizeBytes;
    file.linkCount += delta;
    if (delta < 0) this.#releaseIfUnused(file);
  }

  #releaseIfUnused(file: SimulatedFile): void {
    if (file.linkCount + file.openCount === 0) this.#usedBytes -= file.contents.sizeBytes;
  }

  #resizing(file: SimulatedFile, change: () => void): void {
    const sizeBytes = file.contents.sizeBytes;
    change();
    this.#usedBytes += file.contents.sizeBytes - sizeBytes;
  }

  #removeContents(node: SimulatedNode, nowMs: number): void {
    if (node.kind === "file") return;
    for (const [name, child] of [...node.entries]) {
      this.#removeContents(child, nowMs);
      this.#changeNames(node, [[name, undefined]], nowMs);
    }
  }
}

interface DiskWrite {
  readonly source: Uint8Array;
  readonly position: number;
  readonly nowMs: number;
  readonly client: string;
}

interface DiskTruncate {
  readonly sizeBytes: number;
  readonly nowMs: number;
  readonly client: string;
}

interface Located {
  readonly parent: SimulatedDirectory;
  readonly name: string;
  readonly node: SimulatedNode | undefined;
}

function namesOf(operation: string, path: string): string[] {
  if (path.includes("\0")) throw new FileSystemError("EINVAL", operation, path);
  if (path === "") throw new FileSystemError("ENOENT", operation, path);
  const names = posix
    .resolve("/", path)
    .split("/")
    .filter((name) => name !== "");
  const isTooLong = names.some((name) => new TextEncoder().encode(name).length > NAME_BYTES_MAX);
  if (isTooLong) throw new FileSystemError("ENAMETOOLONG", operation, path);
  return names;
}

function checkReplaceable(moved: SimulatedNode, target: SimulatedNode | undefined, path: string): void {
  if (target === undefined) return;
  if (moved.kind === "file" && target.kind === "directory") throw new FileSystemError("EISDIR", "rename", path);
  if (moved.kind === "directory" && target.kind === "file") throw new FileSystemError("ENOTDIR", "rename", path);
  if (target.kind === "directory" && target.entries.size > 0) throw new FileSystemError("ENOTEMPTY", "rename", path);
}
