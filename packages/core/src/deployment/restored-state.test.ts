/** What of a checkpoint is read for some of a job's subtasks, and that it is the same as when all of it is read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LoadedCheckpoint } from "../checkpoint/checkpoint-reader.ts";
import { FileSystems } from "../checkpoint/file-systems.ts";
import type { ListMode, OperatorList } from "../checkpoint/operator-lists.ts";
import { SnapshotDirectory } from "../checkpoint/snapshot-directory.ts";
import type { CheckpointMetadata, KeyedStateHandle } from "../checkpoint/state-handles.ts";
import type { JobGraph } from "../graph/job-graph.ts";
import type { LocalFs } from "../platform/platform.ts";
import { createSimulatedPlatform, type SimulatedPlatform } from "../platform/simulated-platform.ts";
import { StatePersister } from "../taskmanager/state-persister.ts";
import { type RestoredState, readRestoredState } from "./restored-state.ts";
import { type StoreDownloads, storeDownloadsOf } from "./store-downloads.ts";

const INLINE_BELOW = 100;
const STATE_BYTES = 1000;

interface Layout {
  readonly oldParallelism: number;
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly modes: readonly ListMode[];
  readonly elementBytes: number;
  readonly hasChannels: boolean;
}

const layouts: fc.Arbitrary<Layout> = fc.record({
  oldParallelism: fc.integer({ min: 1, max: 5 }),
  parallelism: fc.integer({ min: 1, max: 5 }),
  maxParallelism: fc.integer({ min: 5, max: 16 }),
  modes: fc.array(fc.constantFrom<ListMode>("split", "union", "broadcast"), { maxLength: 3 }),
  elementBytes: fc.constantFrom(1, 300),
  hasChannels: fc.boolean(),
});

/** Only what is read of a graph. */
function graphOf({ parallelism, maxParallelism }: Layout): JobGraph {
  const vertex = { id: 0, parallelism, maxParallelism, operators: [{ uid: "counts" }] };
  return { vertices: [vertex] } as unknown as JobGraph;
}

async function write(platform: SimulatedPlatform, layout: Layout): Promise<LoadedCheckpoint> {
  const { oldParallelism, maxParallelism, modes, elementBytes, hasChannels } = layout;
  const { fs, random } = platform;
  const setting = "execution.checkpointing.dir";
  const path = "/chk-1";
  const directory = new SnapshotDirectory({
    fs: FileSystems.local(fs),
    random,
    path,
    limits: { inlineBelowBytes: INLINE_BELOW, stateBytesMax: Number.POSITIVE_INFINITY },
    setting,
  });
  const storage = {
    write: directory.write.bind(directory),
    writeFile: directory.writeFile.bind(directory),
    baseOf: () => undefined,
    removeShared: async () => {},
  };
  const persister = new StatePersister({ storage, localFs: fs, restored: undefined, listener: {} as never });
  const subtasks = [];
  for (let subtask = 0; subtask < oldParallelism; subtask++) {
    const fill = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(subtask + 1);
    const lists = modes.map(
      (mode, index): OperatorList => ({
        name: `list-${index}`,
        mode,
        schema,
        elements: [fill(elementBytes), fill(elementBytes)],
      }),
    );
    const channels = hasChannels ? { bytes: fill(STATE_BYTES), edges: ["edge"] } : undefined;
    const state = { uid: "counts", keyed: fill(STATE_BYTES), lists, ...(channels === undefined ? {} : { channels }) };
    subtasks.push(...(await persister.write(1, [state as never], [])));
  }
  const operator = {
    uid: "counts",
    name: "counts",
    parallelism: oldParallelism,
    maxParallelism,
    isStateful: true,
    subtasks,
  };
  const metadata: CheckpointMetadata = {
    jobId: "0".repeat(32),
    jobName: "job",
    checkpointId: 1,
    timestampMs: 0,
    graphHash: "",
    operators: [operator],
    coordinators: [],
  };
  return { directory: "/chk-1", metadata };
}

/** A file system that counts what is read, by file. */
function counting(fs: LocalFs, read: Map<string, number>): LocalFs {
  return Object.assign(Object.create(fs) as LocalFs, {
    open: async (path: string, mode: Parameters<LocalFs["open"]>[1]) => {
      const file = await fs.open(path, mode);
      const counted = Object.create(file) as typeof file;
      return Object.assign(counted, {
        read: async (target: Uint8Array, position: number) => {
          const count = await file.read(target, position);
          read.set(path, (read.get(path) ?? 0) + count);
          return count;
        },
        sizeBytes: () => file.sizeBytes(),
        close: () => file.close(),
      });
    },
  });
}

const schema = { kind: "int32" } as const;
/** Without whose memory it is, which depends on what else is read. */
const bytesIn = (state: RestoredState, subtaskIndex: number): unknown =>
  [...state.of(0, subtaskIndex)].map(([uid, { ownMemory: _, ...bytes }]) => ({ uid, ...bytes }));
const bytesOf = (handle: KeyedStateHandle | undefined): number => (handle?.kind === "file" ? handle.sizeBytes : 0);
const sum = (values: Iterable<number>): number => [...values].reduce((left, right) => left + right, 0);

describe("a TaskManager reads what its subtasks restore", () => {
  test("subtask by subtask the same comes out as when everything is read at once, and no file is read twice", async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async (layout) => {
        const platform = createSimulatedPlatform({ seed: 1 });
        await platform.run(async () => {
          const checkpoint = await write(platform, layout);
          const graph = graphOf(layout);
          const all = await readRestoredState(sourcesOf(platform), checkpoint, graph);
          for (let subtaskIndex = 0; subtaskIndex < layout.parallelism; subtaskIndex++) {
            const read = new Map<string, number>();
            const fs = counting(platform.fs, read);
            const one = await readRestoredState(sourcesOf(platform, fs), checkpoint, graph, [
              { vertexId: 0, subtaskIndex },
            ]);
            expect(bytesIn(one, subtaskIndex)).toEqual(bytesIn(all, subtaskIndex));
            expect(one.of(0, (subtaskIndex + 1) % layout.parallelism).size).toBe(layout.parallelism === 1 ? 1 : 0);
            const most = Math.max(0, ...checkpoint.metadata.operators[0]!.subtasks.map(({ lists }) => bytesOf(lists)));
            for (const bytes of read.values()) expect(bytes).toBeLessThanOrEqual(Math.max(STATE_BYTES, most));
          }
        }, 60_000);
      }),
      { numRuns: 20 },
    );
  });

  test("memory that is given away is nobody else's, and all keyed state in files is when the parallelism stays", async () => {
    await fc.assert(
      fc.asyncProperty(layouts, async (layout) => {
        const platform = createSimulatedPlatform({ seed: 1 });
        await platform.run(async () => {
          const state = await readRestoredState(sourcesOf(platform), await write(platform, layout), graphOf(layout));
          const used = new Map<unknown, number>();
          const own = new Set<unknown>();
          for (let subtaskIndex = 0; subtaskIndex < layout.parallelism; subtaskIndex++) {
            const { keyedBlobs, lists, channels = [], ownMemory = [] } = state.of(0, subtaskIndex).get("counts")!;
            const memories = [...keyedBlobs, ...[...lists.values()].flat(), ...channels].map(({ buffer }) => buffer);
            for (const memory of new Set(memories)) used.set(memory, (used.get(memory) ?? 0) + 1);
            for (const memory of ownMemory) own.add(memory);
            if (layout.oldParallelism === layout.parallelism)
              expect(ownMemory).toEqual(keyedBlobs.map(({ buffer }) => buffer));
          }
          for (const memory of own) expect(used.get(memory)).toBe(1);
        }, 60_000);
      }),
      { numRuns: 20 },
    );
  });

  test("at the same parallelism it reads its own share of the bytes, and nobody else's split lists", async () => {
    const layout: Layout = {
      oldParallelism: 4,
      parallelism: 4,
      maxParallelism: 16,
      modes: ["split", "split"],
      elementBytes: 300,
      hasChannels: true,
    };
    const platform = createSimulatedPlatform({ seed: 2 });
    await platform.run(async () => {
      const checkpoint = await write(platform, layout);
      const own = checkpoint.metadata.operators[0]!.subtasks.slice(1, 3);
      const read = new Map<string, number>();
      const tasks = [1, 2].map((subtaskIndex) => ({ vertexId: 0, subtaskIndex }));
      await readRestoredState(sourcesOf(platform, counting(platform.fs, read)), checkpoint, graphOf(layout), tasks);
      const expected = own.flatMap(({ keyed, lists, channels }) => [keyed, lists, channels?.handle].map(bytesOf));
      expect(sum(read.values())).toBe(sum(expected));
    }, 60_000);
  });

  test("S24: union lists are everybody's: they are read whole", async () => {
    const layout: Layout = {
      oldParallelism: 3,
      parallelism: 3,
      maxParallelism: 16,
      modes: ["split", "union"],
      elementBytes: 300,
      hasChannels: false,
    };
    const platform = createSimulatedPlatform({ seed: 3 });
    await platform.run(async () => {
      const checkpoint = await write(platform, layout);
      const tasks = [{ vertexId: 0, subtaskIndex: 2 }];
      const state = await readRestoredState(sourcesOf(platform), checkpoint, graphOf(layout), tasks);
      const { lists } = state.of(0, 2).get("counts")!;
      expect(lists.get("list-1")!.map(([value]) => value)).toEqual([1, 1, 2, 2, 3, 3]);
      expect(lists.get("list-0")!.map(([value]) => value)).toEqual([3, 3]);
    }, 60_000);
  });

  test("at another parallelism it reads the key groups' files that overlap its own", async () => {
    const layout: Layout = {
      oldParallelism: 4,
      parallelism: 2,
      maxParallelism: 16,
      modes: [],
      elementBytes: 1,
      hasChannels: false,
    };
    const platform = createSimulatedPlatform({ seed: 4 });
    await platform.run(async () => {
      const checkpoint = await write(platform, layout);
      const read = new Map<string, number>();
      const tasks = [{ vertexId: 0, subtaskIndex: 0 }];
      await readRestoredState(sourcesOf(platform, counting(platform.fs, read)), checkpoint, graphOf(layout), tasks);
      expect(sum(read.values())).toBe(2 * STATE_BYTES);
    }, 60_000);
  });
});

function sourcesOf(platform: SimulatedPlatform, fs: LocalFs = platform.fs): StoreDownloads {
  return storeDownloadsOf(FileSystems.local(fs), platform, { localDirectory: undefined }, "job");
}
