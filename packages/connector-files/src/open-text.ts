import type { LocalFs, OpenFile } from "millrace";
import { fileCorrupt } from "./file-errors.ts";
import type { FileSplit } from "./file-split.ts";

/**
 * Opens the file of a split of bytes and checks that it still reaches as far as the split does.
 * @throws MillraceError `MR_FILE_CORRUPT` when the file has become shorter since it was listed.
 * @internal
 */
export async function openText(fs: LocalFs, split: FileSplit): Promise<{ file: OpenFile; sizeBytes: number }> {
  const file = await fs.open(split.path, "read");
  const sizeBytes = await file.sizeBytes();
  if (sizeBytes >= split.end) return { file, sizeBytes };
  await file.close();
  throw fileCorrupt(split.path, {
    found: `${sizeBytes} bytes`,
    expected: `at least ${split.end} bytes, as when the file was listed; files must not change while they are read`,
  });
}
