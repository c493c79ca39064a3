/**
 * Holds what packages export to a docstring: every name that a package's `src/index.ts` (and core's `src/testing/index.ts` and `src/state-processor/index.ts`)
 * exports has one that says something and carries `@public`, `@experimental` or `@internal`.
 *
 *     node tools/check-public-docs.mjs [root]
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { repositoryRoot } from "./source-files.mjs";

const root = process.argv[2] ?? repositoryRoot;
const problems = [];
const sources = new Map();
let count = 0;

for (const name of readdirSync(join(root, "packages")).sort()) {
  for (const entry of ["src/index.ts", "src/testing/index.ts", "src/state-processor/index.ts"]) {
    const path = join(root, "packages", name, entry);
    if (existsSync(path)) checkExportsOf(path);
  }
}

for (const problem of problems) console.error(problem);
console.log(
  problems.length === 0 ? `public names: ${count} documented` : `public names: ${problems.length} to document`,
);
process.exitCode = problems.length === 0 ? 0 : 1;

function checkExportsOf(path) {
  for (const statement of parse(path).statements) {
    if (ts.isExportDeclaration(statement)) {
      const from = statement.moduleSpecifier === undefined ? path : resolved(path, statement.moduleSpecifier.text);
      if (statement.exportClause === undefined) checkExportsOf(from);
      else
        for (const { name, propertyName } of statement.exportClause.elements)
          checkName(from, (propertyName ?? name).text);
    } else for (const name of namesOf(statement)) if (isExported(statement)) checkName(path, name);
  }
}

/** Overloads and a type beside a value of one name: one of the declarations has the docstring. */
function checkName(path, name) {
  if (path === undefined) return; // of another package, which is checked where it is declared
  const source = parse(path);
  const declarations = source.statements.filter((statement) => namesOf(statement).includes(name));
  if (declarations.length === 0) return checkImported(source, path, name);
  count++;
  const docs = declarations.flatMap((declaration) => ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc));
  const line = source.getLineAndCharacterOfPosition(declarations[0].getStart(source)).line + 1;
  const place = `${relative(root, path)}:${line}`;
  const tags = docs.flatMap((doc) => (doc.tags ?? []).map((tag) => tag.tagName.text));
  const isSilent = !docs.some((doc) => (ts.getTextOfJSDocComment(doc.comment) ?? "").trim() !== "");
  if (isSilent) problems.push(`${place}: ${name} is exported and has no docstring`);
  if (!tags.some((tag) => ["public", "experimental", "internal"].includes(tag)))
    problems.push(`${place}: ${name} is exported and has none of @public, @experimental, @internal`);
}

/** A name that the file has from elsewhere and passes on. */
function checkImported(source, path, name) {
  for (const statement of source.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue;
    const passed = statement.exportClause.elements.find((element) => element.name.text === name);
    if (passed !== undefined && statement.moduleSpecifier !== undefined)
      return checkName(resolved(path, statement.moduleSpecifier.text), (passed.propertyName ?? passed.name).text);
  }
  problems.push(`${relative(root, path)}: ${name} is exported and not found`);
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map((each) => each.name.getText());
  return statement.name === undefined ? [] : [statement.name.text];
}

function isExported(statement) {
  return (statement.modifiers ?? []).some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword);
}

function resolved(path, specifier) {
  return specifier.startsWith(".") ? join(dirname(path), specifier) : undefined;
}

function parse(path) {
  if (!sources.has(path))
    sources.set(path, ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023, true));
  return sources.get(path);
}
