/**
 * The grammar of CSV records (RFC 4180): fields between delimiters, quoted ones may hold delimiters, line ends and
 * doubled quotes. A quote counts only as the first character of a field, so one stray quote inside a field does not
 * swallow the records after it. Lines end with LF or CRLF.
 */
const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/**
 * The index behind the record that starts at `from`, its line end included; -1 when the record does not end in the
 * bytes.
 * @internal
 */
export function findCsvRecordEnd(bytes: Uint8Array, from: number, delimiter: number): number {
  const lineEnd = bytes.indexOf(LF, from);
  if (lineEnd < 0) return -1;
  const quote = bytes.indexOf(QUOTE, from);
  if (quote < 0 || quote > lineEnd) return lineEnd + 1;
  let isFieldStart = true;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === LF) return at + 1;
    if (byte === QUOTE && isFieldStart) {
      at = findQuotedEnd(bytes, at + 1);
      if (at < 0) return -1;
    }
    isFieldStart = byte === delimiter;
  }
  return -1;
}

/** The index of the quote that closes a quoted field, or -1. */
function findQuotedEnd(bytes: Uint8Array, from: number): number {
  for (let at = from; ; at += 2) {
    at = bytes.indexOf(QUOTE, at);
    // A quote as the last byte may be the first half of a doubled one.
    if (at < 0 || at + 1 === bytes.length) return -1;
    if (bytes[at + 1] !== QUOTE) return at;
  }
}

/**
 * The fields of one record, without its line end.
 * @throws Error that says what is wrong, when a quoted field does not end or goes on behind its quote.
 * @internal
 */
export function splitCsvRecord(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter);
  const fields: string[] = [];
  let at = 0;
  while (true) {
    if (text.charCodeAt(at) === QUOTE) {
      const end = closingQuote(text, at + 1);
      fields.push(text.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 1;
      if (at < text.length && text[at] !== delimiter) {
        throw new Error(
          `field ${fields.length} goes on behind its closing quote with ${JSON.stringify(text.slice(at, at + 20))}`,
        );
      }
    } else {
      const end = text.indexOf(delimiter, at);
      fields.push(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length : end;
    }
    if (at >= text.length) return fields;
    at++;
  }
}

function closingQuote(text: string, from: number): number {
  for (let at = from; ; at += 2) {
    at = text.indexOf('"', at);
    if (at < 0) throw new Error("a quoted field does not end");
    if (text[at + 1] !== '"') return at;
  }
}

/** One field as it stands in a file: quoted when it must be, or when a reader could take it for something else. @internal */
export function quoteCsvField(text: string, delimiter: string): string {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  const isPlain =
    first > 0x20 &&
    last > 0x20 &&
    !text.includes('"') &&
    !text.includes(delimiter) &&
    !text.includes("\n") &&
    !text.includes("\r");
  return isPlain ? text : `"${text.replaceAll('"', '""')}"`;
}

/** True when the record holds nothing but its line end. @internal */
export function isEmptyCsvLine(text: string): boolean {
  return text.length === 0 || (text.length === 1 && text.charCodeAt(0) === CR);
}
