/** The code in the documentation: ```ts blocks of Markdown pages, and what follows `@example` in docstrings. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface DocBlock {
  /** Relative to the repository. */
  readonly path: string;
  /** Of the first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  readonly kind: "page" | "docstring";
  /** What a page says that the program prints: the ```text block that comes next. */
  readonly output: string | undefined;
}

/** What a page has between `<!-- ts` and `-->`: names that its blocks use and readers know, and files beside them. */
export interface PageContext {
  readonly path: string;
  readonly line: number;
  /** Undefined: in front of every block of the page. */
  readonly file: string | undefined;
  readonly code: string;
}

export interface Page {
  readonly blocks: readonly DocBlock[];
  readonly contexts: readonly PageContext[];
}

const OPENING = /^(?:```(\w+)|<!-- ts(?: (\S+))?)\s*$/;

export function readPage(root: string, path: string): Page {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  const blocks: DocBlock[] = [];
  const contexts: PageContext[] = [];
  // A block of shell commands may stand between a program and what it prints.
  let program = false;
  for (let index = 0; index < lines.length; index++) {
    const opening = OPENING.exec(lines[index]!);
    if (opening === null) {
      if (lines[index]!.startsWith("#")) program = false;
      continue;
    }
    const [, language, file] = opening;
    const line = index + 2;
    const end = lines.indexOf(language === undefined ? "-->" : "```", index + 1);
    if (end < 0) throw new Error(`${path}:${index + 1}: this block has no end`);
    const code = lines.slice(index + 1, end).join("\n");
    if (language === undefined) contexts.push({ path, line, file, code });
    else if (language === "ts") blocks.push({ path, line, code, kind: "page", output: undefined });
    else if (language === "text" && program) blocks.push({ ...blocks.pop()!, output: code });
    program = language === "ts" || (language === "sh" && program);
    index = end;
  }
  return { blocks, contexts };
}

export function readDocstrings(root: string, path: string): readonly DocBlock[] {
  const lines = readFileSync(join(root, path), "utf8").split("\n");
  const blocks: DocBlock[] = [];
  for (let index = 0; index < lines.length; index++) {
    const opening = /^\s*(?:\/\*\*.*|\*) ?@example\s*(.*?)(\*\/)?$/.exec(lines[index]!);
    if (opening === null) continue;
    const [, first = "", isClosed] = opening;
    const code = [first.trimEnd()];
    const line = index + 1;
    while (isClosed === undefined && !/^\s*\*\/|^\s*\* ?@[a-zA-Z]/.test(lines[index + 1]!))
      code.push(lines[++index]!.replace(/^\s*\* ?/, ""));
    blocks.push({ path, line, code: code.join("\n").trimEnd(), kind: "docstring", output: undefined });
  }
  return blocks;
}
