import type { Platform, Schema, Type } from "millrace";
import { readFailure } from "./file-errors.ts";
import type { FileSplit } from "./file-split.ts";
import { fromJson, toJson } from "./json-values.ts";
import { openText } from "./open-text.ts";
import type { CursorOpener, FileRange, FileReadFormat, FileToRead, SplitCursor } from "./read-format.ts";
import { TextCursor, type TextRecords } from "./text-cursor.ts";
import type { FileWriteFormat } from "./write-format.ts";

/** Reads and writes JSON lines. @public */
export interface JsonLinesFormat<T> extends FileReadFormat<T>, FileWriteFormat<T> {}

/**
 * One JSON value a line, in UTF-8; empty lines are skipped. Files are cut into splits anywhere.
 *
 * Reading, records get exactly the fields of the type; a timestamp may be epoch milliseconds or ISO 8601 text (UTC
 * without a zone), a bigint text or an integer, bytes Base64, a set an array, a map an array of pairs. Without a type
 * whatever the line holds is taken. Writing is the reverse; NaN, infinities, functions and class instances are refused.
 *
 * @example
 * const source = FileSource.of("clicks.jsonl", jsonLines(t.object({ user: t.string, at: t.timestamp })));
 * const sink = FileSink.to("out/clicks", jsonLines());
 * @public
 */
export function jsonLines<T = unknown>(type?: Type<T>): JsonLinesFormat<T> {
  return {
    kind: "json-lines",
    options: {},
    extension: "jsonl",
    header: "",
    encode: (value) => `${JSON.stringify(toJson(value, "")) ?? "null"}\n`,
    planRanges: (_platform, file, { splitBytes }) => Promise.resolve(rangesOf(file, splitBytes)),
    createOpener: (platform) => new JsonLinesOpener(platform, type),
  };
}

class JsonLinesOpener<T> implements CursorOpener<T> {
  readonly #platform: Platform;
  readonly #records: TextRecords<T>;

  constructor(platform: Platform, type: Type<T> | undefined) {
    this.#platform = platform;
    this.#records = { isLineBased: true, findEnd: findLineEnd, decode: decoderOf(type) };
  }

  async open(split: FileSplit): Promise<SplitCursor<T>> {
    try {
      const { file, sizeBytes } = await openText(this.#platform.fs, split);
      const isFresh = split.position < 0;
      // A range that begins with a line's first byte must not skip it: look at the byte before.
      const position = isFresh ? Math.max(0, split.start - 1) : split.position;
      const skipPartial = isFresh && split.start > 0;
      return new TextCursor({ file, split, sizeBytes, position, skipPartial, records: this.#records });
    } catch (error) {
      throw readFailure(split.path, error);
    }
  }
}

function rangesOf(file: FileToRead, splitBytes: number): FileRange[] {
  const ranges: FileRange[] = [];
  for (let start = 0; start < file.sizeBytes; start += splitBytes) {
    ranges.push({ start, end: Math.min(start + splitBytes, file.sizeBytes) });
  }
  return ranges;
}

function findLineEnd(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(0x0a, from);
  return at < 0 ? -1 : at + 1;
}

function decoderOf<T>(type: Type<T> | undefined): (text: string) => T | undefined {
  if (type === undefined) return (text) => (isBlank(text) ? undefined : (JSON.parse(text) as T));
  const schema: Schema = type.schema;
  return (text) => {
    if (isBlank(text)) return undefined;
    const value = fromJson(schema, JSON.parse(text));
    // Spelled out because an assertion needs an annotated name.
    const declared: Type<T> = type;
    declared.validate(value);
    return value;
  };
}

function isBlank(text: string): boolean {
  return text === "" || text.trim() === "";
}
