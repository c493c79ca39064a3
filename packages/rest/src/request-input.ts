/** Reads what is in paths, queries and bodies: everything that comes from outside is looked at here before it is used. */
import { requestInvalid } from "./rest-failures.ts";

const HEX_ID = /^[0-9a-f]{32}$/;
const TEXT_MAX = 4096;
const LIST_MAX = 1000;
const MAP_MAX = 1000;

/** A part of a path that is an id. @throws MillraceError `MR_REST_REQUEST_INVALID` */
export function hexId(params: unknown, name: string): string {
  const value = param(params, name);
  if (HEX_ID.test(value)) return value;
  throw requestInvalid(`Cannot resolve path parameter (${name})`, value, "32 hexadecimal digits in lower case");
}

/** A part of a path that is a number. @throws MillraceError `MR_REST_REQUEST_INVALID` */
export function wholeNumber(params: unknown, name: string): number {
  const value = param(params, name);
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw requestInvalid(`Cannot resolve path parameter (${name})`, value, "a whole number");
}

/** A part of a path. */
export function param(params: unknown, name: string): string {
  return String((params as Readonly<Record<string, unknown>>)[name] ?? "");
}

/** A query's value by name; undefined when it is not there. @throws MillraceError `MR_REST_REQUEST_INVALID` when it is twice */
export function queryText(query: unknown, name: string): string | undefined {
  const value = (query as Readonly<Record<string, unknown>> | undefined)?.[name];
  if (value === undefined) return undefined;
  if (typeof value === "string" && value.length <= TEXT_MAX) return value;
  throw requestInvalid(`Cannot resolve query parameter (${name})`, value, "one value");
}

/** The fields of a JSON body. Null is like nothing, as in Flink, and so are fields that nobody asks for. */
export class BodyFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  /** @throws MillraceError `MR_REST_REQUEST_INVALID` unless it is an object, or nothing */
  constructor(body: unknown) {
    const fields = body ?? {};
    if (typeof fields !== "object" || Array.isArray(fields)) {
      throw requestInvalid("The body of the request is no object", body, "a JSON object");
    }
    this.#fields = fields as Readonly<Record<string, unknown>>;
  }

  text(name: string): string | undefined {
    return this.#read(name, "a text", (value) =>
      typeof value === "string" && value.length <= TEXT_MAX && !value.includes("\0") ? value : undefined,
    );
  }

  flag(name: string): boolean | undefined {
    return this.#read(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  hexId(name: string): string | undefined {
    return this.#read(name, "32 hexadecimal digits in lower case", (value) =>
      typeof value === "string" && HEX_ID.test(value) ? value : undefined,
    );
  }

  /** A whole number above 0. */
  count(name: string): number | undefined {
    return this.#read(name, "a whole number above 0", (value) =>
      Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined,
    );
  }

  oneOf<Name extends string>(name: string, values: readonly Name[]): Name | undefined {
    return this.#read(name, `one of ${values.join(", ")}`, (value) => values.find((each) => each === value));
  }

  texts(name: string): readonly string[] | undefined {
    return this.#read(name, `at most ${LIST_MAX} texts`, (value) =>
      Array.isArray(value) && value.length <= LIST_MAX && value.every((each) => typeof each === "string")
        ? value
        : undefined,
    );
  }

  settings(name: string): readonly (readonly [key: string, value: string])[] | undefined {
    return this.#read(name, `an object of at most ${MAP_MAX} texts`, (value) => {
      if (typeof value !== "object" || Array.isArray(value)) return undefined;
      const entries = Object.entries(value as object);
      const isText = entries.every(([, each]) => typeof each === "string");
      return isText && entries.length <= MAP_MAX ? (entries as [string, string][]) : undefined;
    });
  }

  #read<Value>(name: string, expected: string, parse: (value: NonNullable<unknown>) => Value | undefined) {
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    if (value === undefined || value === null) return undefined;
    const parsed = parse(value);
    if (parsed === undefined)
      throw requestInvalid(`The field ${name} of the request is not what it should be`, value, expected);
    return parsed;
  }
}
