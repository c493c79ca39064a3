/**
 * Holds source files and functions to the sizes of CONTRIBUTING.md: a file over 800 lines fails, one over 500 needs a
 * reason in tools/size-reasons.json (path → reason), a function over 70 lines fails.
 *
 * A function's length runs from its first to its last line, without its doc comment. Callbacks that only group tests
 * (`describe`) do not count: they are lists, not procedures.
 *
 *     node tools/check-sizes.mjs [root]
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { repositoryRoot, sourceFiles } from "./source-files.mjs";

const FILE_LINES_MAX = 800;
const FILE_LINES_WITH_REASON = 500;
const FUNCTION_LINES_MAX = 70;

const root = process.argv[2] ?? repositoryRoot;
const reasons = readReasons();
const problems = [];
const needed = new Set();

for (const path of sourceFiles(root, [".ts", ".mjs"])) {
  const text = readFileSync(join(root, path), "utf8");
  const lineCount = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  checkFile(path, lineCount);
  checkFunctions(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true));
}
for (const path of Object.keys(reasons)) {
  if (!needed.has(path))
    problems.push(`tools/size-reasons.json: ${path} is not over ${FILE_LINES_WITH_REASON} lines; remove it`);
}

for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "sizes: all within limits" : `sizes: ${problems.length} over the limit`);
process.exitCode = problems.length === 0 ? 0 : 1;

function readReasons() {
  try {
    return JSON.parse(readFileSync(join(root, "tools/size-reasons.json"), "utf8"));
  } catch (cause) {
    if (cause.code === "ENOENT") return {};
    throw cause;
  }
}

function checkFile(path, lineCount) {
  if (lineCount > FILE_LINES_WITH_REASON) needed.add(path);
  if (lineCount > FILE_LINES_MAX)
    problems.push(`${path}: ${lineCount} lines, at most ${FILE_LINES_MAX}; split it by concept`);
  else if (lineCount > FILE_LINES_WITH_REASON && !(reasons[path]?.length > 0)) {
    problems.push(
      `${path}: ${lineCount} lines; over ${FILE_LINES_WITH_REASON} it needs a reason in tools/size-reasons.json`,
    );
  }
}

function checkFunctions(source) {
  const visit = (node) => {
    if (ts.isFunctionLike(node) && node.body !== undefined && !isTestGroup(node)) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      const lineCount = source.getLineAndCharacterOfPosition(node.end).line + 2 - first;
      if (lineCount > FUNCTION_LINES_MAX) {
        problems.push(
          `${source.fileName}:${first}: ${nameOf(node)} is ${lineCount} lines, at most ${FUNCTION_LINES_MAX}`,
        );
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

function isTestGroup(node) {
  const call = node.parent;
  if (!ts.isCallExpression(call)) return false;
  const callee = call.expression.getText();
  return callee === "describe" || callee.startsWith("describe.");
}

function nameOf(node) {
  if (ts.isConstructorDeclaration(node)) return "constructor";
  const name = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return name === undefined ? "a function" : name.getText();
}
