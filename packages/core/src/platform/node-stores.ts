import { copyFileSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { invariant, MillraceError } from "../base/errors.ts";
import type { ColumnFamily, SortedKv } from "../kv/sorted-kv.ts";
import type { Packages } from "./platform.ts";
import type { StoreMemory, Stores } from "./stores.ts";

/** The package that has the native store; not a dependency: most jobs keep their state in memory. */
const PACKAGE = "@millrace/state-rocksdb";

interface StorePackage {
  readonly RocksDbSortedKv: {
    open(options: { readonly directory: string; readonly columnFamilies: readonly ColumnFamily[] }): SortedKv;
    configureMemory(memory: StoreMemory): void;
    engineVersion(): string;
  };
}

/** Stores of `@millrace/state-rocksdb`, which is loaded when it is asked for. @internal */
export class NodeStores implements Stores {
  readonly #packages: Packages;
  #package: StorePackage | undefined;

  constructor(packages: Packages) {
    this.#packages = packages;
  }

  async load(): Promise<void> {
    if (this.#package !== undefined) return;
    // Named as the package is: its exports are these.
    const loaded = (await this.#packages.load(PACKAGE)) as StorePackage | undefined;
    if (loaded === undefined) throw notInstalled();
    // The addon, not only what wraps it: better now than at the first record.
    loaded.RocksDbSortedKv.engineVersion();
    this.#package = loaded;
  }

  configureMemory(memory: StoreMemory): void {
    invariant(this.#package !== undefined, "the memory of stores is set before stores are loaded");
    this.#package.RocksDbSortedKv.configureMemory(memory);
  }

  open(directory: string, columnFamilies: readonly ColumnFamily[]): SortedKv {
    invariant(this.#package !== undefined, "a store is opened before stores are loaded");
    return this.#package.RocksDbSortedKv.open({ directory, columnFamilies });
  }

  makeDirectory(directory: string): void {
    mkdirSync(directory, { recursive: true });
  }

  link(from: string, to: string): void {
    try {
      linkSync(from, to);
    } catch (error) {
      if (!CANNOT_LINK.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      copyFileSync(from, to);
    }
  }

  remove(directory: string): void {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What a file system without hard links, or another one, answers. */
const CANNOT_LINK: ReadonlySet<string> = new Set(["EXDEV", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

function notInstalled(): MillraceError {
  return new MillraceError("MR_ROCKSDB_UNAVAILABLE", {
    what: "State is to be kept in RocksDB, and the package that has it is not installed",
    found: `no ${PACKAGE} beside the package millrace or in the working directory`,
    todo: `Run npm install ${PACKAGE} on every machine that runs the job's tasks, or set state.backend.type to hashmap`,
  });
}
