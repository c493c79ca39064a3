/** What the codecs take for a record, and how they name what they refuse. */
const objectPrototype: object = Object.prototype;

/** True for object literals and null-prototype objects, of this realm or another; not for instances of classes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  return prototype === objectPrototype || prototype === null || isForeignObjectPrototype(prototype);
}

/** `Object.prototype` of another realm, such as a vm context. */
function isForeignObjectPrototype(prototype: object): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** Sets an own property even when the name is `__proto__`. */
export function setOwn(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
  } else {
    target[name] = value;
  }
}

const TEXT_SHOWN_MAX = 40;

/** A value in a few words, for messages: `the string "abc"`, `NaN`, `a Date`, `undefined`. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `the string ${shown(value)}`;
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `the bigint ${shown(String(value))}`;
    case "boolean":
    case "undefined":
      return String(value);
    case "symbol":
      return "a symbol";
    case "function":
      return value.name === "" ? "a function" : `the function ${shown(value.name)}`;
    default:
      // Only objects are left, which the compiler does not see through `unknown`.
      return value === null ? "null" : describeObject(value as object);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isPlainObject(value)) return "an object";
  const owner: unknown = Object.getPrototypeOf(value)?.constructor;
  const name = typeof owner === "function" ? owner.name : "";
  return name === "" ? "an instance of an unnamed class" : `an instance of ${name.slice(0, TEXT_SHOWN_MAX)}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > TEXT_SHOWN_MAX ? `${text.slice(0, TEXT_SHOWN_MAX)}…` : text);
}

/** `a.b`, `a["b c"]`: one property further along a path; the root is the empty path. */
export function pathOf(parent: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${parent}[${JSON.stringify(name)}]`;
  return parent === "" ? name : `${parent}.${name}`;
}
