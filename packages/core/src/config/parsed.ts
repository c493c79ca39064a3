/** What came out of reading one raw value: the value, or what should have been there. @internal */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  /** `isUnsupported`: it means something in Flink, and nothing here. */
  | { readonly ok: false; readonly expected: string; readonly isUnsupported?: boolean };

/** @internal */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** @internal */
export function refused<T>(expected: string): Parsed<T> {
  return { ok: false, expected };
}

/** A raw value as a message shows it: short, on one line, strings quoted. Takes anything. @internal */
export function describeRaw(raw: unknown): string {
  const text =
    asJson(raw) ??
    (typeof raw === "object" || typeof raw === "function" ? `a value of type ${typeof raw}` : String(raw));
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

// Not everything has a JSON form: cycles and bigints throw, and functions and symbols give undefined.
function asJson(raw: unknown): string | undefined {
  if (typeof raw === "number") return String(raw);
  try {
    return JSON.stringify(raw);
  } catch {
    return undefined;
  }
}
