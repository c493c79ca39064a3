import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNodePlatform, FileSystems, SimulatedObjectStore } from "millrace/internal";
import { describe } from "vitest";
import { fileSystemContract } from "./file-system-contract.ts";

describe("S32: a directory of a disk, as a place for checkpoints", () => {
  fileSystemContract({
    name: "disk",
    hasDirectories: true,
    isNewAtomic: false,
    start: async () => {
      const root = mkdtempSync(join(tmpdir(), "millrace-storage-"));
      return {
        fs: FileSystems.local(createNodePlatform().fs),
        root,
        close: async () => rmSync(root, { recursive: true }),
      };
    },
  });
});

describe("the object store of simulations, as a place for checkpoints", () => {
  fileSystemContract({
    name: "simulated object store",
    hasDirectories: false,
    isNewAtomic: true,
    start: async () => {
      const { clock } = createNodePlatform();
      // Its latencies are for simulated time.
      const soon = { ...clock, after: (_delayMs: number, action: () => void) => clock.soon(action) };
      return { fs: new SimulatedObjectStore().connect(soon), root: "sim://store", close: async () => undefined };
    },
  });
});
