/** The ids that locate a failure: job, operator, uid, subtask, file, offset, line … @public */
export type ErrorWhere = Readonly<Record<string, string | number>>;

/** What a {@link MillraceError} is made of; every part ends up in the message. @public */
export interface ErrorParts {
  /** One sentence: what could not be done. No trailing full stop. */
  readonly what: string;
  readonly where?: ErrorWhere;
  readonly found?: string;
  readonly expected?: string;
  /** What the reader can do about it, as an instruction. */
  readonly todo: string;
  readonly cause?: unknown;
}

/**
 * A failure that somebody can act on: a stable code, the place, what was found, what was expected, what to do.
 *
 * Every code has an entry in `docs/reference/errors.md` and a test that provokes it.
 *
 * @example
 * throw new MillraceError("MR_WINDOW_SIZE_INVALID", {
 *   what: "A tumbling window needs a positive size",
 *   found: "0 ms",
 *   expected: "more than 0 ms",
 *   todo: "Pass a size such as \"1 h\"",
 * });
 * @public
 */
export class MillraceError extends Error {
  readonly code: string;
  readonly what: string;
  readonly where: ErrorWhere;
  readonly found: string | undefined;
  readonly expected: string | undefined;
  readonly todo: string;

  constructor(code: `MR_${string}`, parts: ErrorParts) {
    super(messageOf(code, parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "MillraceError";
    this.code = code;
    this.what = parts.what;
    this.where = parts.where ?? {};
    this.found = parts.found;
    this.expected = parts.expected;
    this.todo = parts.todo;
  }
}

function messageOf(code: string, parts: ErrorParts): string {
  const place = Object.entries(parts.where ?? {}).map(([name, value]) => `${name} ${value}`);
  const sentences = [`${code} ${parts.what}${place.length > 0 ? ` (${place.join(", ")})` : ""}.`];
  if (parts.found !== undefined) sentences.push(`Found: ${parts.found}.`);
  if (parts.expected !== undefined) sentences.push(`Expected: ${parts.expected}.`);
  sentences.push(`${parts.todo}.`);
  return sentences.join(" ");
}

/** The engine itself is wrong. The task fails loudly with the values; nobody is expected to handle it. @internal */
export class InvariantViolation extends Error {
  constructor(message: string) {
    super(`invariant violated: ${message}`);
    this.name = "InvariantViolation";
  }
}

/** Throws {@link InvariantViolation} unless `claim` holds. @internal */
export function invariant(claim: unknown, message: string): asserts claim {
  if (!claim) throw new InvariantViolation(message);
}

/** Closes a `switch` over a discriminated union: a new variant becomes a compile error. @internal */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unexpected variant ${JSON.stringify(value)}`);
}
