import type { FileSystem } from "millrace";

/** A place for snapshots that is ready to be used. */
export interface StorageHost {
  readonly fs: FileSystem;
  /** A place in it that nobody else uses. */
  readonly root: string;
  close(): Promise<void>;
}

/** What a kind of place can do, and how one is made. */
export interface StorageKind {
  readonly name: string;
  /** Directories are there by themselves; one that is missing cannot be listed. */
  readonly hasDirectories: boolean;
  /** Of several that write a new file at the same moment, exactly one succeeds. */
  readonly isNewAtomic: boolean;
  start(): Promise<StorageHost>;
}
