import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeContainer } from "../types/container.ts";
import { decodeMetadata, encodeMetadata, METADATA_FORMAT_VERSION } from "./metadata-codec.ts";
import { sharedHandleName } from "./snapshot-files.ts";
import type { CheckpointMetadata, StateHandle, StoreHandle } from "./state-handles.ts";

/** The worked example of docs/internals/checkpoint-metadata.md. */
const EXAMPLE: CheckpointMetadata = {
  jobId: "5a1fe0c2b3d4958677869504a3b2c1d0",
  jobName: "totals",
  checkpointId: 7,
  timestampMs: 1_700_000_000_000,
  graphHash: "9c1185a5c5e9fc54",
  operators: [
    {
      uid: "sum",
      name: "Sum",
      parallelism: 2,
      maxParallelism: 128,
      isStateful: true,
      subtasks: [
        {
          uid: "sum",
          keyed: {
            kind: "file",
            name: "0f8f3c1e-6d0c-4a6e-9a55-2f7f0f6f9d11",
            sizeBytes: 48_211,
            crc32c: 0xe306_9283,
          },
          lists: { kind: "inline", bytes: new Uint8Array([1, 2]) },
        },
        { uid: "sum", keyed: undefined, lists: { kind: "inline", bytes: new Uint8Array([3]) } },
      ],
    },
  ],
  coordinators: [{ uid: "flights", handle: { kind: "inline", bytes: new Uint8Array([4, 5, 6]) } }],
};

const fileHandles: fc.Arbitrary<StateHandle> = fc.record({
  kind: fc.constant("file" as const),
  name: fc.uuid(),
  sizeBytes: fc.nat(),
  crc32c: fc.nat({ max: 0xffff_ffff }),
});
const handles: fc.Arbitrary<StateHandle> = fc.oneof(
  fc.record({ kind: fc.constant("inline" as const), bytes: fc.uint8Array() }),
  fileHandles,
);
const sharedHandles: fc.Arbitrary<StateHandle> = fileHandles.map((handle) =>
  handle.kind === "file" ? { ...handle, name: sharedHandleName(handle.name) } : handle,
);
const stores: fc.Arbitrary<StoreHandle> = fc.record({
  kind: fc.constant("store" as const),
  storeId: fc.uuid(),
  header: handles,
  files: fc.array(fc.record({ name: fc.uuid(), isImmutable: fc.boolean(), handle: fc.oneof(handles, sharedHandles) }), {
    maxLength: 3,
  }),
});
const texts = fc.string({ unit: "binary", maxLength: 12 });
const subtasks = fc.record(
  {
    keyed: fc.option(fc.oneof(handles, stores), { nil: undefined }),
    lists: handles,
    areListsOwn: fc.constant(true as const),
    channels: fc.record({ handle: handles, edges: fc.array(fc.string(), { maxLength: 2 }) }),
  },
  { requiredKeys: ["keyed", "lists"] },
);
const metadatas: fc.Arbitrary<CheckpointMetadata> = fc.record({
  jobId: texts,
  jobName: texts,
  checkpointId: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  timestampMs: fc.maxSafeInteger(),
  graphHash: texts,
  operators: fc.array(
    fc
      .record({
        uid: texts,
        name: texts,
        parallelism: fc.nat(),
        maxParallelism: fc.nat(),
        isStateful: fc.boolean(),
        subtasks: fc.array(subtasks, {
          maxLength: 3,
        }),
      })
      .map(({ subtasks, ...operator }) => ({
        ...operator,
        subtasks: subtasks.map((subtask) => ({ uid: operator.uid, ...subtask })),
      })),
    { maxLength: 3 },
  ),
  coordinators: fc.array(fc.record({ uid: texts, handle: handles }), { maxLength: 2 }),
});

test("metadata is read back as it was written", () => {
  fc.assert(
    fc.property(metadatas, (metadata) => {
      expect(decodeMetadata(encodeMetadata(metadata), "m")).toEqual(metadata);
    }),
  );
});

test("any flipped bit and any lost end is found, with its place", () => {
  const bytes = encodeMetadata(EXAMPLE);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      bytes[at]! ^= 1 << bit;
      expect(() => decodeMetadata(bytes, "m")).toThrow(/^MR_CHECKPOINT_CORRUPT.*\(file m, offset \d+\)/);
      bytes[at]! ^= 1 << bit;
    }
    expect(() => decodeMetadata(bytes.subarray(0, at), "m")).toThrow(/^MR_CHECKPOINT_CORRUPT.*\(file m, offset \d+\)/);
  }
  expect(decodeMetadata(bytes, "m")).toEqual(EXAMPLE);
});

test("several damages at once, in the bytes of any checkpoint, are found too", () => {
  const damages = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(metadatas, damages, (metadata, changes) => {
      const bytes = encodeMetadata(metadata);
      const damaged = bytes.slice();
      for (const [at, mask] of changes) damaged[at % damaged.length]! ^= mask;
      fc.pre(damaged.some((byte, at) => byte !== bytes[at]));
      expect(() => decodeMetadata(damaged, "m")).toThrow("MR_CHECKPOINT_CORRUPT");
    }),
    { numRuns: 2000 },
  );
});

/** Metadata that was never written by `encodeMetadata`, with right checksums. */
function forged(json: unknown, sectionName: string = "metadata"): Uint8Array {
  return encodeContainer([
    {
      name: sectionName,
      kind: "json",
      schema: { kind: "json" },
      bytes: new TextEncoder().encode(JSON.stringify(json)),
    },
    { name: "inline", kind: "bytes", schema: { kind: "bytes" }, bytes: new Uint8Array(4) },
  ]);
}

test("a later format is refused by both versions, not as damage", () => {
  expect(() => decodeMetadata(forged({ formatVersion: METADATA_FORMAT_VERSION + 1 }), "m")).toThrow(
    /^MR_FORMAT_VERSION_UNSUPPORTED.*metadata format 4.*metadata format 1 or 2 or 3/,
  );
});

test("format 1, which has no channel state, is read", () => {
  const json = { formatVersion: 1, jobId: "j", jobName: "n", checkpointId: 1, timestampMs: 0, graphHash: "g" };
  const subtasks = [{ keyed: null, lists: { at: 0, size: 4 } }];
  const operators = [{ uid: "u", name: "u", parallelism: 1, maxParallelism: 8, isStateful: true, subtasks }];
  const metadata = decodeMetadata(forged({ ...json, operators, coordinators: [] }), "m");
  expect(metadata.operators[0]!.subtasks).toEqual([
    { uid: "u", keyed: undefined, lists: { kind: "inline", bytes: new Uint8Array(4) } },
  ]);
});

test("a container of something else, and handles that lead elsewhere, are refused in spite of right checksums", () => {
  const withHandle = (handle: object): Uint8Array =>
    forged({ formatVersion: 1, operators: [], coordinators: [{ uid: "u", handle }] });
  expect(() => decodeMetadata(forged({}, "state"), "m")).toThrow(/^MR_CHECKPOINT_CORRUPT.*sections state, inline/);
  for (const file of [
    "../../etc/passwd",
    "a/b",
    "..",
    ".",
    "",
    "a\\b",
    "../shared/..",
    "../shared/a/b",
    "../other/a",
  ]) {
    expect(() => decodeMetadata(withHandle({ file, size: 1, crc: 0 }), "m")).toThrow(
      /^MR_CHECKPOINT_CORRUPT.*state file/,
    );
  }
  for (const [at, size] of [
    [2, 3],
    [-1, 2],
    [0, -1],
  ]) {
    expect(() => decodeMetadata(withHandle({ at, size }), "m")).toThrow(/^MR_CHECKPOINT_CORRUPT.*inline state/);
  }
});

test("S31: files of a store that lead elsewhere are refused, and only what has stores needs format 3", () => {
  const withStore = (name: string, file: string): Uint8Array => {
    const files = [{ name, isImmutable: true, handle: { file, size: 1, crc: 0 } }];
    const keyed = { store: "s", header: { at: 0, size: 1 }, files };
    const subtasks = [{ keyed, lists: { at: 0, size: 4 } }];
    return forged({ formatVersion: 3, operators: [{ uid: "u", subtasks }], coordinators: [] });
  };
  expect(() => decodeMetadata(withStore("../../.profile", "../shared/a"), "m")).toThrow(
    /^MR_CHECKPOINT_CORRUPT.*of a store/,
  );
  expect(() => decodeMetadata(withStore("1.sst", "../../shared/a"), "m")).toThrow(/^MR_CHECKPOINT_CORRUPT.*state file/);
  const read = decodeMetadata(withStore("1.sst", "../shared/a"), "m");
  const versionOf = (metadata: CheckpointMetadata): unknown =>
    /"formatVersion":(\d)/.exec(new TextDecoder().decode(encodeMetadata(metadata)))?.[1];
  expect([versionOf(read), versionOf(EXAMPLE)]).toEqual(["3", "2"]);
});

test("the worked example of the documentation is what is written", () => {
  const page = readFileSync(new URL("../../../../docs/internals/checkpoint-metadata.md", import.meta.url), "utf8");
  const dump = page.match(/^[0-9a-f]{4}(?: {1,2}[0-9a-f]{2})+/gm) ?? [];
  const documented = dump.flatMap((line) =>
    line
      .slice(4)
      .trim()
      .split(/ +/)
      .map((digits) => Number.parseInt(digits, 16)),
  );
  expect(Array.from(encodeMetadata(EXAMPLE))).toEqual(documented);
});
