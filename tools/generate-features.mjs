/**
 * Writes docs/reference/features.md: every row of tools/features.json with the tests that show it. A test shows a row
 * when its title, or that of a describe() around it, begins with the row's id: `S10: …`, `S05, S06: …`. Tests that are
 * skipped or only planned show nothing. With --check it writes nothing and fails when the page is not what would be
 * written.
 *
 * A row is [name, definition, parts]: each part is a word that at least one of the row's titles has to hold, so that a row
 * of several things is not called shown when one of them is.
 *
 *     node tools/generate-features.mjs [--check] [root]
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { repositoryRoot, sourceFiles } from "./source-files.mjs";

const PAGE = "docs/reference/features.md";
const ROWS = "tools/features.json";
const IDS = /^([SFCU]\d\d(?:, [SFCU]\d\d)*): (.+)$/s;

const root = process.argv.slice(2).find((argument) => argument !== "--check") ?? repositoryRoot;
const rows = JSON.parse(readFileSync(join(root, ROWS), "utf8"));
const problems = [];
const shown = collectTests();
const text = page();

if (problems.length === 0) {
  if (!process.argv.includes("--check")) writeFileSync(join(root, PAGE), text);
  else if (!existsSync(join(root, PAGE)) || readFileSync(join(root, PAGE), "utf8") !== text)
    problems.push(`${PAGE} does not match the titles of the tests; run: npm run docs`);
  else console.log(`${PAGE}: up to date`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;

/** By row: what shows it, as `{ path, title, words }`, in the order of files and lines. */
function collectTests() {
  const tests = new Map(Object.keys(rows).map((id) => [id, []]));
  for (const path of sourceFiles(root, [".test.ts"])) {
    const source = ts.createSourceFile(path, readFileSync(join(root, path), "utf8"), ts.ScriptTarget.ES2023, true);
    for (const { ids, title, words, line } of titlesIn(source)) {
      for (const id of ids) {
        if (tests.has(id)) tests.get(id).push({ path, title, words });
        else problems.push(`${path}:${line}: ${id} is no row of ${ROWS}`);
      }
    }
  }
  return tests;
}

/** Titles with ids. A group's title stands for its tests, so what repeats the id within it is left out. */
function titlesIn(source) {
  const found = [];
  const visit = (node, around) => {
    const call = testCall(node);
    let inherited = around;
    if (call !== undefined) {
      if (call.isSkipped) return;
      const match = IDS.exec(call.title);
      if (match !== null && (!call.isGroup || holdsTests(node))) {
        const ids = match[1].split(", ").filter((id) => !around.includes(id));
        const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
        if (ids.length > 0) found.push({ ids, title: match[2], words: titlesOf(node), line });
        inherited = [...around, ...ids];
      }
    }
    ts.forEachChild(node, (child) => visit(child, inherited));
  };
  visit(source, []);
  return found;
}

/** `test("…")`, `describe("…")`, and `test.each(…)("…")` and its relatives; undefined for everything else. */
function testCall(node) {
  if (!ts.isCallExpression(node) || node.arguments.length < 1) return undefined;
  const [title] = node.arguments;
  const callee = ts.isCallExpression(node.expression) ? node.expression.expression : node.expression;
  const words = callee.getText().split(".");
  if (!["test", "it", "describe"].includes(words[0])) return undefined;
  // The inner call of test.each(…)("…") has the table for its argument.
  if (callee === node.expression && ["each", "for", "skipIf", "runIf"].includes(words.at(-1))) return undefined;
  const isSkipped = words.some((word) => word === "skip" || word === "todo");
  const literal = ts.isStringLiteralLike(title) ? title.text : ts.isTemplateExpression(title) ? title.getText() : "";
  return { isGroup: words[0] === "describe", isSkipped, title: literal.replace(/^`|`$/g, "").replace(/\s+/g, " ") };
}

function holdsTests(node) {
  const call = testCall(node);
  if (call?.isSkipped) return false;
  if (call !== undefined && !call.isGroup) return true;
  return ts.forEachChild(node, (child) => holdsTests(child) || undefined) === true;
}

/** The title of a test, or those of a group and all tests in it. */
function titlesOf(node) {
  const call = testCall(node);
  if (call?.isSkipped) return "";
  const titles = [call?.title.toLowerCase() ?? ""];
  ts.forEachChild(node, (child) => {
    titles.push(titlesOf(child));
  });
  return titles.filter((title) => title !== "").join("\n");
}

function page() {
  const ids = Object.keys(rows);
  const done = ids.filter((id) => shown.get(id).length > 0).length;
  const lines = ids.map((id) => `| [${id}](#${id.toLowerCase()}) | ${rows[id][0]} | ${statusOf(id)} |`);
  return `# Features

What Millrace can do, and the tests that show it. A row's status comes from the tests alone: *shown* means that tests which
run with \`npm test\` begin with its id, *partly* that none of them names a part of it, *open* that there is none yet. ${done} of
${ids.length} rows have tests.

This page is generated from \`tools/features.json\` and the titles of the tests by \`npm run docs\`.

| row | feature | status |
|---|---|---|
${lines.join("\n")}
${ids.map(section).join("")}`;
}

function statusOf(id) {
  const tests = shown.get(id);
  if (tests.length === 0) return "open";
  const [, , parts = []] = rows[id];
  const missing = parts.filter((part) => !tests.some(({ words }) => words.includes(part.toLowerCase())));
  return missing.length === 0 ? "shown" : `partly; no test names: ${missing.join(", ")}`;
}

function section(id) {
  const [name, definition] = rows[id];
  const files = new Map();
  for (const { path, title } of shown.get(id)) files.set(path, [...(files.get(path) ?? []), title]);
  const list = [...files].map(
    ([path, titles]) => `- [${path}](../../${path})\n${titles.map((title) => `  - ${escaped(title)}\n`).join("")}`,
  );
  return `\n## ${id}\n\n**${name}.** ${definition} Status: ${statusOf(id)}.\n${list.length === 0 ? "" : `\n${list.join("")}`}`;
}

/** Titles are text: nothing in them is markup. */
function escaped(title) {
  return title.replace(/[\\`*_<>[\]]/g, "\\$&");
}
