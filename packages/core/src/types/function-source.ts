/** Lines of one function with names that are unique in it. */
export class FunctionBody {
  readonly lines: string[] = [];
  #depth = 1;
  #names = 0;

  line(text: string): void {
    this.lines.push("  ".repeat(this.#depth) + text);
  }

  block(head: string, body: () => void, foot = "}"): void {
    this.line(head);
    this.#depth++;
    body();
    this.#depth--;
    this.line(foot);
  }

  name(letter: string): string {
    return `${letter}${this.#names++}`;
  }

  /** A constant with a new name. */
  let(letter: string, value: string): string {
    const name = this.name(letter);
    this.line(`const ${name} = ${value};`);
    return name;
  }
}

/** The lines of one function. */
export function functionSource(head: string, fill: (body: FunctionBody) => void): string[] {
  const body = new FunctionBody();
  fill(body);
  return [`function ${head} {`, ...body.lines, "}"];
}
