/**
 * Copies a record with one field replaced, as `{ ...record, [field]: value }` does. With seven fields that takes about
 * 250 ns; an object literal that names the fields, its check of the shape included, takes about 70 ns. So a literal is
 * made for the shape that records have.
 *
 * - C1. The literal is used only for records whose enumerable names are exactly the shape's, in its order. Records are
 *   plain objects: what one inherits all the same becomes its own.
 * - C2. Names get into source through `types/quote.ts` only.
 * - C3. At most `SHAPES_MAX` literals are made by one copier; after that, and for odd names, it spreads.
 */
import { quoteProperty, quoteText } from "../types/quote.ts";

type Fields = Readonly<Record<string, unknown>>;
/** Returns undefined when the record has another shape. */
type ShapeCopier = (record: Fields, value: unknown) => Fields | undefined;

const SHAPES_MAX = 4;
const FIELDS_MAX = 64;

/** @internal */
export function copierWith(field: string): (record: Fields, value: unknown) => Fields {
  let copyKnown: ShapeCopier | undefined;
  let shapeCount = 0;
  return (record, value) => {
    const copied = copyKnown?.(record, value);
    if (copied !== undefined) return copied;
    if (shapeCount < SHAPES_MAX) {
      shapeCount++;
      copyKnown = shapeCopier(Object.keys(record), field) ?? copyKnown;
    }
    return { ...record, [field]: value };
  };
}

function shapeCopier(names: readonly string[], field: string): ShapeCopier | undefined {
  // A name that every object has is read from the prototype when the record lacks it; such records are rare.
  if (names.length > FIELDS_MAX || names.some((name) => name in Object.prototype)) return undefined;
  const properties = names.map((name) => quoteProperty(name, name === field ? "value" : `record[${quoteText(name)}]`));
  const source = `return (record, value) => {
  let at = 0;
  for (const name in record) if (names[at++] !== name) return undefined;
  return at === ${names.length} ? { ${properties.join(", ")} } : undefined;
};`;
  const make = new Function("names", source) as (names: readonly string[]) => ShapeCopier;
  return make(names);
}
