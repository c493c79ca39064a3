import fc from "fast-check";
import { expect, test } from "vitest";
import { Configuration } from "../config/configuration.ts";
import { storeMemoryOf } from "./store-memory.ts";

const MEBIBYTE = 1024 * 1024;

function memoryOf(settings: Readonly<Record<string, string>>): ReturnType<typeof storeMemoryOf> {
  return storeMemoryOf(Configuration.fromEntries(Object.entries(settings).map(([key, value]) => ({ key, value }))));
}

test("cache and write buffers stay within the memory, also when the buffers are overdrawn by a half", () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 65_536 }), fc.integer({ min: 1, max: 90 }), (mebibytes, percent) => {
      const memory = memoryOf({
        "taskmanager.memory.managed.size": `${mebibytes} mb`,
        "state.backend.rocksdb.memory.write-buffer-ratio": String(percent / 100),
      });
      // Buffers are charged to the cache; what is overdrawn comes on top.
      expect(memory.cacheBytes + memory.writeBufferBytes / 2).toBeLessThanOrEqual(mebibytes * MEBIBYTE);
      expect(memory.writeBufferBytes).toBeLessThanOrEqual(memory.cacheBytes);
    }),
  );
});

test("a size for each slot stands in place of the managed memory, whose old name is known", () => {
  expect(memoryOf({})).toMatchObject({ cacheBytes: Math.floor((2.5 * 256 * MEBIBYTE) / 3), isPerSlot: false });
  expect(memoryOf({ "taskmanager.memory.size": "30 mb" }).cacheBytes).toBe(25 * MEBIBYTE);
  expect(
    memoryOf({
      "taskmanager.memory.managed.size": "1 gb",
      "state.backend.rocksdb.memory.fixed-per-slot": "30 mb",
      "state.backend.rocksdb.memory.managed": "false",
    }),
  ).toEqual({ cacheBytes: 25 * MEBIBYTE, writeBufferBytes: 10 * MEBIBYTE, highPriorityShare: 0.1, isPerSlot: true });
});

test("memory that is not managed bounds the cache only", () => {
  expect(
    memoryOf({ "taskmanager.memory.managed.size": "30 mb", "state.backend.rocksdb.memory.managed": "false" }),
  ).toMatchObject({ cacheBytes: 30 * MEBIBYTE, writeBufferBytes: 0 });
});

test.each([
  ["state.backend.rocksdb.memory.write-buffer-ratio", "0", /MR_CONFIG_INVALID .*write-buffer-ratio/s],
  ["state.backend.rocksdb.memory.write-buffer-ratio", "0.95", /MR_CONFIG_INVALID .*more memory than there is/s],
  ["state.backend.rocksdb.memory.high-prio-pool-ratio", "0.6", /MR_CONFIG_INVALID .*more memory than there is/s],
  ["state.backend.rocksdb.memory.fixed-per-slot", "1 kb", /MR_CONFIG_INVALID .*fixed-per-slot/s],
  ["taskmanager.memory.managed.size", "much", /MR_CONFIG_INVALID .*managed.size/s],
])("%s: %s is refused", (key, value, message) => {
  expect(() => memoryOf({ [key]: value })).toThrow(message);
});
