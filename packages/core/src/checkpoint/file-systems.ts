/** All places that checkpoints and savepoints can be in, by the schemes of their URIs. */
import { MillraceError } from "../base/errors.ts";
import { localPathOf } from "../base/local-path.ts";
import { formatRemoteUri, parseRemoteUri, resolveRemoteUri } from "../base/remote-uri.ts";
import type { Configuration } from "../config/configuration.ts";
import { ALLOWED_PREFIXES, FILE_SYSTEM_PACKAGES } from "../config/file-system-options.ts";
import type { ByteSource, FileSystem, ReadableFile } from "../platform/file-system.ts";
import type { FileStat, LocalFs, Platform } from "../platform/platform.ts";
import { isFileSystemFactory } from "./file-system-factory.ts";
import { LocalFileSystem } from "./local-file-system.ts";

/** Packages that need no entry in `fs.packages`. */
const KNOWN_PACKAGES: ReadonlyMap<string, string> = new Map([
  ["s3", "@millrace/storage-s3"],
  ["s3a", "@millrace/storage-s3"],
  ["hdfs", "@millrace/storage-hdfs"],
  ["webhdfs", "@millrace/storage-hdfs"],
  ["swebhdfs", "@millrace/storage-hdfs"],
]);

/** What of the platform file systems are made with. @internal */
export type FileSystemsPlatform = Pick<Platform, "fs" | "clock" | "random" | "proc" | "packages">;

/**
 * One file system over all: a plain path or a `file:` URL is on the disk, any other URI in the file system of its scheme, whose
 * package is loaded when it is first needed. What is loaded is kept as long as this object.
 *
 * @throws MillraceError from every method that takes a path: `MR_FILE_SYSTEM_UNSUPPORTED` when nobody has the scheme,
 *   `MR_FILE_SYSTEM_NOT_ALLOWED` outside of `fs.allowed-prefixes`
 * @internal
 */
export class FileSystems implements FileSystem {
  readonly #localFs: LocalFs;
  readonly #local: FileSystem;
  readonly #load: (scheme: string, path: string) => Promise<FileSystem>;
  readonly #loaded = new Map<string, Promise<FileSystem>>();
  /** Resolved. Undefined: anything is allowed. */
  readonly #allowed: readonly string[] | undefined;

  private constructor(
    localFs: LocalFs,
    load: (scheme: string, path: string) => Promise<FileSystem>,
    allowed: readonly string[] | undefined,
  ) {
    this.#localFs = localFs;
    this.#local = new LocalFileSystem(localFs);
    this.#load = load;
    this.#allowed = allowed?.map((prefix) => this.resolve(prefix));
  }

  static of(platform: FileSystemsPlatform, configuration: Configuration): FileSystems {
    return new FileSystems(
      platform.fs,
      (scheme, path) => loadFileSystem(platform, configuration, scheme, path),
      configuration.get(ALLOWED_PREFIXES),
    );
  }

  /** A disk, and nothing else. */
  static local(fs: LocalFs): FileSystems {
    return new FileSystems(fs, (_scheme, path) => Promise.reject(unsupported(path, undefined)), undefined);
  }

  /** The place that `parts` lead to: an absolute path, or a URI. ".." leads to the parent; that of a bucket is itself. */
  resolve(first: string, ...parts: readonly string[]): string {
    const uri = parseRemoteUri(first);
    if (uri !== undefined) return formatRemoteUri(resolveRemoteUri(uri, parts));
    return this.#localFs.resolve(localPathOf(first, "The checkpoint or savepoint"), ...parts);
  }

  async write(path: string, source: Uint8Array | ByteSource): Promise<void> {
    const at = await this.#at(path);
    return at.fs.write(at.path, source);
  }

  async writeNew(path: string, bytes: Uint8Array): Promise<void> {
    const at = await this.#at(path);
    return at.fs.writeNew(at.path, bytes);
  }

  async open(path: string): Promise<ReadableFile> {
    const at = await this.#at(path);
    return at.fs.open(at.path);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    const at = await this.#at(path);
    return at.fs.stat(at.path);
  }

  async list(path: string): Promise<readonly string[]> {
    const at = await this.#at(path);
    return at.fs.list(at.path);
  }

  async makeDirectory(path: string): Promise<void> {
    const at = await this.#at(path);
    return at.fs.makeDirectory(at.path);
  }

  async removeFiles(directory: string, names: readonly string[]): Promise<void> {
    const at = await this.#at(directory);
    return at.fs.removeFiles(at.path, names);
  }

  async removeTree(path: string): Promise<void> {
    const at = await this.#at(path);
    return at.fs.removeTree(at.path);
  }

  async syncDirectory(path: string): Promise<void> {
    const at = await this.#at(path);
    return at.fs.syncDirectory(at.path);
  }

  async #at(path: string): Promise<{ readonly fs: FileSystem; readonly path: string }> {
    this.#checkAllowed(path);
    const uri = parseRemoteUri(path);
    return uri === undefined
      ? { fs: this.#local, path }
      : { fs: await this.#remote(uri.scheme, path), path: formatRemoteUri(uri) };
  }

  #remote(scheme: string, path: string): Promise<FileSystem> {
    const known = this.#loaded.get(scheme);
    if (known !== undefined) return known;
    const loading = this.#load(scheme, path);
    this.#loaded.set(scheme, loading);
    // Who asks again may find what was missing.
    loading.catch(() => this.#loaded.delete(scheme));
    return loading;
  }

  #checkAllowed(path: string): void {
    if (this.#allowed === undefined) return;
    const place = this.resolve(path);
    if (this.#allowed.some((prefix) => place === prefix || place.startsWith(below(prefix)))) return;
    throw new MillraceError("MR_FILE_SYSTEM_NOT_ALLOWED", {
      what: "Checkpoints and savepoints may not be in this place",
      where: { path: place },
      expected: `a place below ${this.#allowed.join(" or ")}`,
      todo: `Take another place, or have whoever runs the process add it to ${ALLOWED_PREFIXES.key}`,
    });
  }
}

function below(prefix: string): string {
  return prefix.endsWith("/") ? prefix : `${prefix}/`;
}

async function loadFileSystem(
  platform: FileSystemsPlatform,
  configuration: Configuration,
  scheme: string,
  path: string,
): Promise<FileSystem> {
  const name = configuration.get(FILE_SYSTEM_PACKAGES).get(scheme) ?? KNOWN_PACKAGES.get(scheme);
  if (name === undefined) throw unsupported(path, undefined);
  const exported = await platform.packages.load(name);
  if (exported === undefined) throw unsupported(path, name);
  const factory =
    typeof exported === "object" && exported !== null && "fileSystemFactory" in exported
      ? exported.fileSystemFactory
      : undefined;
  if (!isFileSystemFactory(factory)) throw noFactory(scheme, name);
  const { clock, random, proc } = platform;
  return factory.create({ configuration, env: proc.env, clock, random: random.fork(`file system ${scheme}`) });
}

/** @param packageName - Of the package that has it and is not installed; undefined: nobody knows one. */
function unsupported(path: string, packageName: string | undefined): MillraceError {
  return new MillraceError("MR_FILE_SYSTEM_UNSUPPORTED", {
    what: "Checkpoints and savepoints cannot be in this file system: the package that has it is not here",
    where: { path },
    found: packageName === undefined ? "no package for the scheme" : `${packageName} is not installed`,
    expected: "a path, a file: URL, or a URI whose scheme an installed package has",
    todo:
      packageName === undefined
        ? "Correct the scheme, or name the package that has it in fs.packages"
        : `Run npm install ${packageName} wherever the job and its processes run; or mount the file system and give the path`,
  });
}

function noFactory(scheme: string, packageName: string): MillraceError {
  return new MillraceError("MR_FILE_SYSTEM_UNSUPPORTED", {
    what: "A package that is to have a file system has none",
    where: { package: packageName },
    found: "no export fileSystemFactory with a method create",
    expected: "a FileSystemFactory",
    todo: `Correct ${FILE_SYSTEM_PACKAGES.key}: ${scheme}, or install another version of the package`,
  });
}
