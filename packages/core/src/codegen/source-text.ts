/** Collects generated lines, indented, and remembers which operator each line belongs to. */
export class SourceText {
  readonly #lines: string[] = [];
  readonly #operatorOfLine: number[] = [];
  #indent = 0;
  #operator = -1;
  #names = 0;

  /** Lines added by `body` belong to the operator. */
  forOperator(operator: number, body: () => void): void {
    const outer = this.#operator;
    this.#operator = operator;
    body();
    this.#operator = outer;
  }

  line(text: string): void {
    this.#lines.push(`${"  ".repeat(this.#indent)}${text}`);
    this.#operatorOfLine.push(this.#operator);
  }

  /** A block: `head {`, the body indented, `}` and `tail`. */
  block(head: string, body: () => void, tail = ""): void {
    this.line(`${head} {`);
    this.#indent++;
    body();
    this.#indent--;
    this.line(`}${tail}`);
  }

  /** A variable name that is used once. */
  name(prefix: string): string {
    return `${prefix}_${this.#names++}`;
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  /** By line, from 0: the operator's index, or -1. */
  get operatorOfLine(): readonly number[] {
    return this.#operatorOfLine;
  }
}
