/** Results go to stdout, one JSON object a line. @internal */
export function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Everything else goes to stderr. @internal */
export function note(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}

/** Without a tail of digits. @internal */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
