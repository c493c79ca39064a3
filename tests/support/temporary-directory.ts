import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

/** A directory for the tests of one file, removed when they are done. The returned function gives a path in it. */
export function temporaryDirectory(): (name: string) => string {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "millrace-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));
  return (name) => join(directory, name);
}
