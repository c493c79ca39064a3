import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { MillraceError } from "millrace/internal";

/** Lines joined per write: one string of all of them could pass V8's limit. */
const LINES_PER_WRITE = 20_000;

/** Writes one line a row, in the order given. @internal */
export async function writeRows(path: string, lines: readonly string[]): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let start = 0; start < lines.length; start += LINES_PER_WRITE) {
      await file.write(`${lines.slice(start, start + LINES_PER_WRITE).join("\n")}\n`);
    }
  } finally {
    await file.close();
  }
}

/**
 * Creates or empties a rows file before a run, rather than fail after it.
 *
 * @throws MillraceError `MR_BENCH_ROWS_UNWRITABLE`
 * @internal
 */
export async function prepareRows(path: string): Promise<void> {
  try {
    await writeRows(path, []);
  } catch (cause) {
    throw new MillraceError("MR_BENCH_ROWS_UNWRITABLE", {
      what: "Result rows cannot be written",
      where: { file: path },
      found: (cause as NodeJS.ErrnoException).code ?? String(cause),
      todo: "Name a file in an existing folder with --rows",
      cause,
    });
  }
}

/** The SHA-256 of a file in hex. @internal */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
