/**
 * The file `_metadata`: a container (types/container.ts) with two sections. "metadata" is canonical JSON; a handle in it
 * is `{"file", "size", "crc"}` or `{"at", "size"}`, the latter a range of the section "inline", which holds the bytes of all
 * inline handles one after the other. Keyed state in a store is `{"store", "header", "files"}`, with such handles in it. The
 * container's checksums cover both.
 */
import { type ErrorWhere, MillraceError } from "../base/errors.ts";
import { decodeContainer, encodeContainer } from "../types/container.ts";
import type {
  CheckpointMetadata,
  KeyedStateHandle,
  OperatorStateMetadata,
  OperatorSubtaskState,
  SavepointProperties,
  StateHandle,
  StoreHandle,
} from "./state-handles.ts";

/**
 * Of the JSON in it; the container has its own. Version 2 has channel state, without which version 1 is complete; version 3
 * has stores, and is written only where there are some.
 * @internal
 */
export const METADATA_FORMAT_VERSION = 3;
const VERSION_WITHOUT_STORES = 2;
const READABLE_VERSIONS: readonly number[] = [1, VERSION_WITHOUT_STORES, METADATA_FORMAT_VERSION];

/** A name without a directory. */
const FILE_NAME = /^(?!\.{1,2}$)[^/\\]+$/;

/** The same in the shared directory of the job. */
const SHARED_FILE_NAME = /^\.\.\/shared\/(?!\.{1,2}$)[^/\\]+$/;

type JsonHandle =
  | { readonly file: string; readonly size: number; readonly crc: number }
  | { readonly at: number; readonly size: number };

interface JsonStore {
  readonly store: string;
  readonly header: JsonHandle;
  readonly files: readonly { readonly name: string; readonly isImmutable: boolean; readonly handle: JsonHandle }[];
}

interface JsonSubtask {
  readonly keyed: JsonHandle | JsonStore | null;
  readonly lists: JsonHandle;
  readonly areListsOwn?: true;
  readonly channels?: { readonly handle: JsonHandle; readonly edges: readonly string[] };
}

interface JsonMetadata {
  readonly formatVersion: number;
  readonly jobId: string;
  readonly jobName: string;
  readonly checkpointId: number;
  readonly timestampMs: number;
  readonly graphHash: string;
  /** Left out for checkpoints. */
  readonly savepoint?: SavepointProperties;
  readonly operators: readonly (Omit<OperatorStateMetadata, "subtasks"> & {
    readonly subtasks: readonly JsonSubtask[];
  })[];
  readonly coordinators: readonly { readonly uid: string; readonly handle: JsonHandle }[];
}

/** @internal */
export function encodeMetadata(metadata: CheckpointMetadata): Uint8Array {
  const inline: Uint8Array[] = [];
  let inlineBytes = 0;
  const toJson = (handle: StateHandle): JsonHandle => {
    if (handle.kind === "file") return { file: handle.name, size: handle.sizeBytes, crc: handle.crc32c };
    inline.push(handle.bytes);
    inlineBytes += handle.bytes.length;
    return { at: inlineBytes - handle.bytes.length, size: handle.bytes.length };
  };
  const json: JsonMetadata = {
    formatVersion: hasStores(metadata) ? METADATA_FORMAT_VERSION : VERSION_WITHOUT_STORES,
    jobId: metadata.jobId,
    jobName: metadata.jobName,
    checkpointId: metadata.checkpointId,
    timestampMs: metadata.timestampMs,
    graphHash: metadata.graphHash,
    ...(metadata.savepoint === undefined ? {} : { savepoint: metadata.savepoint }),
    operators: metadata.operators.map(({ uid, name, parallelism, maxParallelism, isStateful, subtasks }) => ({
      uid,
      name,
      parallelism,
      maxParallelism,
      isStateful,
      subtasks: subtasks.map(({ keyed, lists, areListsOwn, channels }) => ({
        keyed: keyed === undefined ? null : keyed.kind === "store" ? storeToJson(keyed, toJson) : toJson(keyed),
        lists: toJson(lists),
        ...(areListsOwn === undefined ? {} : { areListsOwn }),
        ...(channels === undefined ? {} : { channels: { handle: toJson(channels.handle), edges: channels.edges } }),
      })),
    })),
    coordinators: metadata.coordinators.map(({ uid, handle }) => ({ uid, handle: toJson(handle) })),
  };
  const bytes = new Uint8Array(inlineBytes);
  let at = 0;
  for (const part of inline) {
    bytes.set(part, at);
    at += part.length;
  }
  return encodeContainer([
    { name: "metadata", kind: "json", schema: { kind: "json" }, bytes: new TextEncoder().encode(JSON.stringify(json)) },
    { name: "inline", kind: "bytes", schema: { kind: "bytes" }, bytes },
  ]);
}

function hasStores({ operators }: CheckpointMetadata): boolean {
  return operators.some(({ subtasks }) => subtasks.some(({ keyed }) => keyed?.kind === "store"));
}

function storeToJson({ storeId, header, files }: StoreHandle, toJson: (handle: StateHandle) => JsonHandle): JsonStore {
  return {
    store: storeId,
    header: toJson(header),
    files: files.map(({ name, isImmutable, handle }) => ({ name, isImmutable, handle: toJson(handle) })),
  };
}

/**
 * Inline states are views of `bytes`.
 *
 * @throws MillraceError `MR_CHECKPOINT_CORRUPT` with the offset, or `MR_FORMAT_VERSION_UNSUPPORTED` for a later format.
 * @internal
 */
export function decodeMetadata(bytes: Uint8Array, file: string): CheckpointMetadata {
  const [section, inline] = readSections(bytes, file);
  // The container's checksum has been verified, so this is what encodeMetadata wrote.
  const json = JSON.parse(new TextDecoder().decode(section)) as JsonMetadata;
  if (!READABLE_VERSIONS.includes(json.formatVersion)) {
    throw new MillraceError("MR_FORMAT_VERSION_UNSUPPORTED", {
      what: "The checkpoint was written in a format that this release does not read",
      where: { file },
      found: `metadata format ${json.formatVersion}`,
      expected: `metadata format ${READABLE_VERSIONS.join(" or ")}`,
      todo: "Restore it with the release that wrote it, or a later one",
    });
  }
  const fromJson = (handle: JsonHandle): StateHandle => handleOf(handle, inline, file);
  const keyedFromJson = (keyed: JsonHandle | JsonStore): KeyedStateHandle =>
    "store" in keyed ? storeFromJson(keyed, fromJson, file) : fromJson(keyed);
  const { jobId, jobName, checkpointId, timestampMs, graphHash } = json;
  return {
    jobId,
    jobName,
    checkpointId,
    timestampMs,
    graphHash,
    ...(json.savepoint === undefined ? {} : { savepoint: json.savepoint }),
    operators: json.operators.map((operator) => ({
      ...operator,
      subtasks: operator.subtasks.map((subtask) => subtaskOf(operator.uid, subtask, fromJson, keyedFromJson)),
    })),
    coordinators: json.coordinators.map(({ uid, handle }) => ({ uid, handle: fromJson(handle) })),
  };
}

function subtaskOf(
  uid: string,
  { keyed, lists, areListsOwn, channels }: JsonSubtask,
  fromJson: (handle: JsonHandle) => StateHandle,
  keyedFromJson: (keyed: JsonHandle | JsonStore) => KeyedStateHandle,
): OperatorSubtaskState {
  return {
    uid,
    keyed: keyed === null ? undefined : keyedFromJson(keyed),
    lists: fromJson(lists),
    ...(areListsOwn === undefined ? {} : { areListsOwn }),
    ...(channels === undefined ? {} : { channels: { handle: fromJson(channels.handle), edges: channels.edges } }),
  };
}

function storeFromJson(
  { store, header, files }: JsonStore,
  fromJson: (handle: JsonHandle) => StateHandle,
  file: string,
): StoreHandle {
  return {
    kind: "store",
    storeId: store,
    header: fromJson(header),
    files: files.map(({ name, isImmutable, handle }) => {
      // A restore makes files of these names.
      if (!FILE_NAME.test(name)) throw corrupt(file, { found: `a file ${JSON.stringify(name)} of a store` });
      return { name, isImmutable, handle: fromJson(handle) };
    }),
  };
}

function handleOf(handle: JsonHandle, inline: Uint8Array, file: string): StateHandle {
  if ("file" in handle) {
    // A checksum is no signature: a file that was made up must not lead out of the checkpoint's and the shared directory.
    if (!FILE_NAME.test(handle.file) && !SHARED_FILE_NAME.test(handle.file)) {
      throw corrupt(file, { found: `a state file ${JSON.stringify(handle.file)}` });
    }
    return { kind: "file", name: handle.file, sizeBytes: handle.size, crc32c: handle.crc };
  }
  const end = handle.at + handle.size;
  if (!(handle.at >= 0 && handle.size >= 0 && end <= inline.length)) {
    throw corrupt(file, { found: `inline state at ${handle.at} to ${end} of ${inline.length} bytes` });
  }
  return { kind: "inline", bytes: inline.subarray(handle.at, end) };
}

function readSections(bytes: Uint8Array, file: string): readonly [Uint8Array, Uint8Array] {
  try {
    const sections = decodeContainer(bytes, { file });
    const section = sections.find(({ name }) => name === "metadata");
    const inline = sections.find(({ name }) => name === "inline");
    if (section !== undefined && inline !== undefined) return [section.bytes, inline.bytes];
    throw corrupt(file, { found: `sections ${sections.map(({ name }) => name).join(", ")}` });
  } catch (cause) {
    if (cause instanceof MillraceError && cause.code === "MR_DATA_CORRUPT") throw corrupt(file, cause, cause);
    throw cause;
  }
}

function corrupt(
  file: string,
  details: { readonly found?: string | undefined; readonly expected?: string | undefined; readonly where?: ErrorWhere },
  cause?: unknown,
): MillraceError {
  return new MillraceError("MR_CHECKPOINT_CORRUPT", {
    what: "The metadata of a checkpoint is damaged",
    where: { file, ...details.where },
    found: details.found ?? "other bytes",
    expected: details.expected ?? "what was written",
    todo: "Restore from another checkpoint: give its path with -s; nothing falls back to an older one by itself",
    cause,
  });
}
