/** Errors as messages between threads: a structured clone keeps neither their class nor their code. */
import { type ErrorWhere, MillraceError } from "./errors.ts";

/** Causes of causes beyond this are left out. */
const CAUSES_MAX = 8;

export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly coded:
    | {
        readonly code: `MR_${string}`;
        readonly what: string;
        readonly where: ErrorWhere;
        readonly found: string | undefined;
        readonly expected: string | undefined;
        readonly todo: string;
      }
    | undefined;
  readonly cause: ErrorMessage | undefined;
}

export function toErrorMessage(thrown: unknown, causesLeft: number = CAUSES_MAX): ErrorMessage {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const hasCause = error.cause !== undefined && causesLeft > 0;
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    coded: error instanceof MillraceError ? codedParts(error) : undefined,
    cause: hasCause ? toErrorMessage(error.cause, causesLeft - 1) : undefined,
  };
}

function codedParts(error: MillraceError): NonNullable<ErrorMessage["coded"]> {
  const { code, what, where, found, expected, todo } = error;
  return { code: code as `MR_${string}`, what, where, found, expected, todo };
}

/** The error as it was, with its stack; errors of the user's own classes keep their name. */
export function fromErrorMessage({ name, message, stack, coded, cause }: ErrorMessage): Error {
  const own = cause === undefined ? undefined : { cause: fromErrorMessage(cause) };
  const error = coded === undefined ? new Error(message, own) : fromCoded(coded, own);
  if (coded === undefined && name !== "Error")
    Object.defineProperty(error, "name", { value: name, configurable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}

function fromCoded(
  { code, what, where, found, expected, todo }: NonNullable<ErrorMessage["coded"]>,
  cause: { readonly cause: Error } | undefined,
): MillraceError {
  return new MillraceError(code, {
    what,
    where,
    ...(found === undefined ? {} : { found }),
    ...(expected === undefined ? {} : { expected }),
    todo,
    ...cause,
  });
}
