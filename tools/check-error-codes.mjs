/**
 * Keeps docs/reference/errors.md, the code and the tests in step: every `MR_…` code that packages can throw has a
 * heading there and is named by at least one test, and every heading there is a code that can still be thrown.
 *
 * A code counts as thrown where it stands as a string literal in a packages/x/src file that is not a test: it is
 * data before it is an error in places that collect problems and throw once.
 *
 *     node tools/check-error-codes.mjs [root]
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { repositoryRoot, sourceFiles } from "./source-files.mjs";

const REFERENCE = "docs/reference/errors.md";

const root = process.argv[2] ?? repositoryRoot;
const { thrown, tested } = scanSources();
const problems = [];
const documented = readHeadings();

for (const [code, place] of [...thrown].sort()) {
  if (!documented.has(code)) problems.push(`${code} (${place}) has no entry in ${REFERENCE}`);
  if (!tested.has(code)) problems.push(`${code} (${place}) is not provoked by any *.test.ts`);
}
for (const [code, line] of documented) {
  if (!thrown.has(code)) problems.push(`${REFERENCE}:${line}: ${code} is not thrown anywhere in packages/*/src`);
}

for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? `error codes: ${thrown.size} in step` : `error codes: ${problems.length} out of step`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function scanSources() {
  const thrown = new Map();
  const tested = new Set();
  for (const path of sourceFiles(root, [".ts"])) {
    const text = readFileSync(join(root, path), "utf8");
    if (path.endsWith(".test.ts")) for (const [code] of text.matchAll(/\bMR_[A-Z0-9_]+\b/g)) tested.add(code);
    else if (/^packages\/[^/]+\/src\//.test(path) && !path.includes("/src/testing/"))
      collectLiterals(path, text, thrown);
  }
  return { thrown, tested };
}

function collectLiterals(path, text, codes) {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023);
  const visit = (node) => {
    if (ts.isStringLiteralLike(node) && /^MR_[A-Z0-9_]+$/.test(node.text) && !codes.has(node.text)) {
      codes.set(node.text, `${path}:${source.getLineAndCharacterOfPosition(node.pos).line + 1}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function readHeadings() {
  const headings = new Map();
  if (!existsSync(join(root, REFERENCE))) return headings;
  const lines = readFileSync(join(root, REFERENCE), "utf8").split("\n");
  for (const [index, line] of lines.entries()) {
    const match = /^#+ +`?(MR_[A-Z0-9_]+)`?\s*$/.exec(line);
    if (match === null) continue;
    if (headings.has(match[1])) problems.push(`${REFERENCE}:${index + 1}: ${match[1]} has a second entry`);
    headings.set(match[1], index + 1);
  }
  return headings;
}
