/**
 * The only way text gets into generated source, for this room and for codegen/.
 *
 * - Q1. The result is a string literal that evaluates to exactly the text, whatever the text is.
 * - Q2. It is printable ASCII on one line and holds no quote, backtick, `${`, comment end or `</`, so it is just as safe
 *   inside a comment, a template or a page that shows the source.
 */

/** What is left as it is; everything else becomes a \u escape. Neither `"`, `\`, `$`, `` ` ``, `/`, `<` nor `'`. */
const PLAIN = /[^A-Za-z0-9 _.,:;!?#%&()*+\-=>@[\]^{|}~]/g;

/** The text as a string literal. @internal */
export function quoteText(text: string): string {
  return `"${text.replace(PLAIN, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** Source that reads an own property of the object that `object` (generated source) stands for. @internal */
export function quoteRead(object: string, name: string): string {
  const read = `${object}[${quoteText(name)}]`;
  // Without an own property of that name the prototype would answer: with a function, or with itself.
  return name in Object.prototype ? `(hasOwn(${object}, ${quoteText(name)}) ? ${read} : undefined)` : read;
}

/**
 * Source of one property of an object literal. The name is computed where the plain form would set the prototype.
 *
 * @internal
 */
export function quoteProperty(name: string, value: string): string {
  return name === "__proto__" ? `["__proto__"]: ${value}` : `${quoteText(name)}: ${value}`;
}

/** A literal value as source. Numbers are finite or not, minus zero included. @internal */
export function quoteLiteral(value: string | number | boolean): string {
  if (typeof value === "string") return quoteText(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return Object.is(value, -0) ? "-0" : String(value);
}
