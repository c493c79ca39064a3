import {
  type ColumnMetaData,
  type FileMetaData,
  parquetMetadataAsync,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import { type LocalFs, MillraceError, type OpenFile, type Schema, type SchemaField, type Type } from "millrace";
import { columnMissing, fileCorrupt } from "./file-errors.ts";
import { BadCell, cellConverter, describeColumn } from "./parquet-cells.ts";
import type { FlatColumn } from "./parquet-page.ts";

/** An open Parquet file with its footer. @internal */
export interface ParquetFile {
  readonly path: string;
  readonly file: OpenFile;
  readonly metadata: FileMetaData;
}

/**
 * Opens the file and reads its footer.
 * @throws MillraceError `MR_FILE_CORRUPT`, and the file system's errors.
 * @internal
 */
export async function openParquet(fs: LocalFs, path: string): Promise<ParquetFile> {
  const file = await fs.open(path, "read");
  try {
    const byteLength = await file.sizeBytes();
    const slice = (start: number, end: number = byteLength): Promise<ArrayBuffer> => readRange(file, path, start, end);
    const metadata = await parquetMetadataAsync({ byteLength, slice });
    return { path, file, metadata };
  } catch (error) {
    await file.close();
    // A failed read keeps its own code; everything else is the footer's fault.
    if (error instanceof Error && "errno" in error) throw error;
    throw corrupt(path, error, "a whole Parquet file, with its footer");
  }
}

/** @throws MillraceError `MR_FILE_CORRUPT` when the file ends before. @internal */
export async function readRange(file: OpenFile, path: string, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  const count = await file.read(bytes, start);
  if (count === bytes.length) return bytes.buffer;
  throw fileCorrupt(path, { found: `the end after ${start + count} bytes`, expected: `at least ${end} bytes` });
}

/** @internal */
export function corrupt(path: string, error: unknown, expected: string): MillraceError {
  if (error instanceof MillraceError) return error;
  return fileCorrupt(path, { found: error instanceof Error ? error.message : String(error), expected, cause: error });
}

/**
 * The columns that the fields of a type are read from; a missing optional field has none.
 * @throws MillraceError `MR_COLUMN_MISSING`, `MR_COLUMN_TYPE_MISMATCH`
 * @internal
 */
export function flatColumns({ path, metadata }: ParquetFile, fields: readonly SchemaField[]): FlatColumn[] {
  const root = parquetSchema(metadata);
  const columns: FlatColumn[] = [];
  for (const field of fields) {
    const tree = root.children.find(({ element }) => element.name === field.name);
    if (tree !== undefined) columns.push(flatColumn(path, root, tree, field));
    else if (!field.optional)
      throw columnMissing(
        path,
        field.name,
        root.children.map(({ element }) => element.name),
      );
  }
  return columns;
}

/** @throws MillraceError `MR_FORMAT_TYPE_UNSUPPORTED` unless the type has fields. @internal */
export function fieldsOf(type: Type<unknown>): readonly SchemaField[] {
  if (type.schema.kind === "object") return type.schema.fields;
  throw new MillraceError("MR_FORMAT_TYPE_UNSUPPORTED", {
    what: "Parquet records need a type with fields",
    found: `t.${type.schema.kind}`,
    expected: "t.object({ ... })",
    todo: "Declare the columns to read as fields of a t.object",
  });
}

/** What the footer says about one column of one row group. @internal */
export function chunkOf(parquet: ParquetFile, rowGroup: number, name: string): ColumnMetaData {
  const chunks = parquet.metadata.row_groups[rowGroup]?.columns ?? [];
  const meta = chunks.find(
    (chunk) => chunk.meta_data?.path_in_schema.length === 1 && chunk.meta_data.path_in_schema[0] === name,
  );
  if (meta?.meta_data !== undefined) return meta.meta_data;
  throw fileCorrupt(parquet.path, {
    found: `row group ${rowGroup} without column ${name}`,
    expected: "every column in every row group",
  });
}

function flatColumn(path: string, root: SchemaTree, tree: SchemaTree, field: SchemaField): FlatColumn {
  const isNullable = field.schema.kind === "nullable";
  const schema: Schema = field.schema.kind === "nullable" ? field.schema.item : field.schema;
  const { element } = tree;
  const isFlat = tree.children.length === 0 && element.repetition_type !== "REPEATED";
  const convert = isFlat ? cellConverter(schema, element) : undefined;
  if (convert === undefined) {
    throw new MillraceError("MR_COLUMN_TYPE_MISMATCH", {
      what: `Column ${JSON.stringify(field.name)} cannot be read as its declared type`,
      where: { file: path, column: field.name },
      found: isFlat ? describeColumn(element) : "a nested or repeated column",
      expected: `a column that holds t.${schema.kind}`,
      todo: "Declare the field with the type that the file has; nested columns cannot be read",
    });
  }
  const nullValue = isNullable ? null : field.optional ? undefined : new BadCell("null");
  return { name: field.name, element, schemaPath: [root, tree], convert, nullValue };
}
