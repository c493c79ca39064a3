import type { OptionType } from "./option-types.ts";
import { parsed, refused } from "./parsed.ts";

/** A file or directory that functions may read under a name. @public */
export interface CachedFile {
  readonly name: string;
  /** As it was given: relative paths belong to the directory the job is started in. */
  readonly path: string;
}

const EXPECTED = 'a list like "name:airports,path:data/airports.csv;name:model,path:models/7", with one entry a name';

/**
 * Flink's text form: entries separated by `;`, in each a `name` and a `path`; a value with `,` or `;` in it stands between
 * single quotes, in which a quote is written twice.
 * @internal
 */
export const cachedFilesType: OptionType<readonly CachedFile[]> = {
  name: "list of name and path",
  parse: (raw) => {
    const files = Array.isArray(raw) ? raw.map(fromMap) : typeof raw === "string" ? parseText(raw) : undefined;
    if (files === undefined || !files.every((file) => file !== undefined)) return refused(EXPECTED);
    const names = new Set(files.map(({ name }) => name));
    return names.size === files.length ? parsed(files) : refused(EXPECTED);
  },
  format: (files) => files.map(({ name, path }) => `name:${quoted(name)},path:${quoted(path)}`).join(";"),
};

function fromMap(value: unknown): CachedFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, path } = value as { readonly name?: unknown; readonly path?: unknown };
  if (typeof name !== "string" || name === "" || typeof path !== "string" || path === "") return undefined;
  return { name, path };
}

function parseText(text: string): readonly (CachedFile | undefined)[] {
  return split(text, ";")
    .filter((entry) => entry.trim() !== "")
    .map((entry) => {
      const fields = new Map(
        split(entry, ",").map((field) => {
          const colon = field.indexOf(":");
          return [field.slice(0, colon).trim(), unquoted(field.slice(colon + 1).trim())];
        }),
      );
      // Flink knows whether a file may be executed, too: files are used where they are, with the rights they have.
      const known = [...fields.keys()].every((key) => key === "name" || key === "path" || key === "executable");
      return known ? fromMap({ name: fields.get("name"), path: fields.get("path") }) : undefined;
    });
}

/** Splits at separators that are not between quotes. */
function split(text: string, separator: string): readonly string[] {
  const parts = [""];
  let isQuoted = false;
  for (const character of text) {
    if (character === "'") isQuoted = !isQuoted;
    if (character === separator && !isQuoted) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function quoted(text: string): string {
  return /[,;']/.test(text) ? `'${text.replaceAll("'", "''")}'` : text;
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith("'") && text.endsWith("'")
    ? text.slice(1, -1).replaceAll("''", "'")
    : text;
}
