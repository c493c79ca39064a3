import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NodeFs } from "./node-fs.ts";

test("a directory into which somebody still writes while it is removed is gone afterwards", async () => {
  const parent = await mkdtemp(join(tmpdir(), "millrace-node-fs-"));
  const fs = new NodeFs();
  try {
    for (let round = 0; round < 20; round++) {
      const directory = join(parent, String(round));
      await mkdir(directory);
      for (let file = 0; file < 20; file++) await writeFile(join(directory, `early-${file}`), "");
      const writer = writeUntilGone(directory);
      await fs.removeTree(directory);
      await writer;
      expect(await fs.stat(directory)).toBeUndefined();
    }
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});

/** Like a task that has not heard yet that its checkpoint was given up. */
async function writeUntilGone(directory: string): Promise<void> {
  for (let file = 0; file < 8; file++) {
    try {
      await writeFile(join(directory, `late-${file}`), "");
    } catch {
      return;
    }
  }
}
