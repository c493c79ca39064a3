import { type Parsed, parsed, refused } from "./parsed.ts";

const MEMORY_EXPECTED = 'bytes, or a whole number with a unit (b, kb, mb, gb, tb; 1 kb is 1024 bytes), such as "32 kb"';

const unitBytes: ReadonlyMap<string, number> = new Map(
  (
    [
      [1, ["", "b", "bytes"]],
      [1024, ["k", "kb", "kibibytes"]],
      [1024 ** 2, ["m", "mb", "mebibytes"]],
      [1024 ** 3, ["g", "gb", "gibibytes"]],
      [1024 ** 4, ["t", "tb", "tebibytes"]],
    ] as const
  ).flatMap(([bytes, names]) => names.map((name): [string, number] => [name, bytes])),
);

/** Reads a memory size as Flink's configuration files write it and returns bytes. Units are powers of 1024. @internal */
export function parseMemorySize(raw: unknown): Parsed<number> {
  const match = /^(\d+)\s*([a-z]*)$/.exec(String(typeof raw === "number" ? raw : asText(raw)).toLowerCase());
  const bytes = match === null ? Number.NaN : Number(match[1]) * (unitBytes.get(match[2]!) ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? parsed(bytes) : refused(MEMORY_EXPECTED);
}

function asText(raw: unknown): string {
  return typeof raw === "string" ? raw.trim() : "";
}

/** The shortest exact text for a number of bytes: `"20 kb"`, `"4 kb"`, `"1000 b"`. @internal */
export function formatMemorySize(bytes: number): string {
  for (const unit of ["tb", "gb", "mb", "kb"]) {
    const size = unitBytes.get(unit)!;
    if (bytes !== 0 && bytes % size === 0) return `${bytes / size} ${unit}`;
  }
  return `${bytes} b`;
}
