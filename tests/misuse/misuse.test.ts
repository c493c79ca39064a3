/** What a mistake in a job says: every file of testdata is compiled, and has the error that its comment announces. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { beforeAll, expect, test } from "vitest";

const folder = join(import.meta.dirname, "testdata");
const files = readdirSync(folder).sort();

interface Announced {
  readonly line: number;
  readonly text: string;
}

/** The errors of each file: the line, from 0, and the whole message. */
let errors: ReadonlyMap<string, readonly Announced[]>;

beforeAll(() => {
  const configPath = join(import.meta.dirname, "../tsconfig.json");
  const { options } = ts.getParsedCommandLineOfConfigFile(
    configPath,
    { noEmit: true, composite: false },
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: () => {},
    },
  )!;
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    options,
  );
  errors = new Map(
    files.map((file) => {
      const source = program.getSourceFile(join(folder, file))!;
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [
        file,
        found.map(({ start, messageText }) => ({
          line: source.getLineAndCharacterOfPosition(start!).line,
          text: ts.flattenDiagnosticMessageText(messageText, "\n"),
        })),
      ];
    }),
  );
}, 240_000);

function announced(file: string): readonly Announced[] {
  return readFileSync(join(folder, file), "utf8")
    .split("\n")
    .flatMap((line, index) => {
      const match = /^\s*\/\/ expect-error: (.+)$/.exec(line);
      return match === null ? [] : [{ line: index + 1, text: match[1]! }];
    });
}

test.each(files)("S02: misuse is a compile error that names the mistake: %s", (file) => {
  const expected = announced(file);
  expect(expected).not.toEqual([]);
  expect(errors.get(file)).toEqual(
    expected.map(({ line, text }) => ({ line, text: expect.stringContaining(text) as string })),
  );
});
