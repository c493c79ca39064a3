/** Runs blocks: programs of pages as a user does, what docstrings show in this process. */
import { mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Job, parseJobArguments, StreamExecutionEnvironment } from "millrace";
import ts from "typescript";
import { expect } from "vitest";
import { millraceFromSources } from "../support/millrace.ts";
import type { BlockModule } from "./block-program.ts";

/** Stands for whatever else a program prints. */
const REST = "…";

/** A job's module, or a script that runs one. */
export function isProgram({ block }: BlockModule): boolean {
  return /^export default |\benv\.execute\(/m.test(block.code) && block.code.includes("import ");
}

/** Whether a docstring's example needs nothing that exists in its story only: no stream, no file, no declared name. */
export function isSelfContained({ block, usesScene }: BlockModule): boolean {
  return !usesScene && !/\bdeclare |import\.meta\./.test(block.code);
}

/** @returns What went wrong, as `path:line: message` */
export async function runPage({ block }: BlockModule, directory: string): Promise<string | undefined> {
  const path = join(directory, `${basename(block.path, ".md")}-${block.line}.ts`);
  await writeFile(path, block.code);
  const { code, out, error } = await millraceFromSources("run", "-p", "1", path);
  if (code !== 0) return `${block.path}:${block.line}: exit code ${code}\n${error}`;
  const shown = block.output?.split("\n");
  const printed = out.trimEnd().split("\n");
  const isSame = shown?.every((line, index) => line === REST || line === printed[index]) ?? true;
  const isWhole = shown === undefined || shown.at(-1) === REST || shown.length === printed.length;
  return isSame && isWhole ? undefined : `${block.path}:${block.line}: prints\n${out}\nand not\n${block.output}`;
}

/**
 * Runs an example that needs nothing from outside. `expression; // value` has to be so, where the value is a literal.
 *
 * @param directory - Beside this one, so that the module's imports hold.
 * @returns What went wrong, as `path:line: message`
 */
export async function runDocstring(module: BlockModule, directory: string): Promise<string | undefined> {
  const { block } = module;
  const source = ts.createSourceFile(module.path, module.text, ts.ScriptTarget.ES2023, true);
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
  const { outputText } = ts.transpileModule(withChecks(source), { compilerOptions });
  const path = join(directory, basename(module.path).replace(/ts$/, "mjs"));
  await mkdir(directory, { recursive: true });
  await writeFile(path, outputText);
  const throws = source.statements.some(ts.isThrowStatement);
  try {
    const { default: job } = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as { readonly default?: Job };
    if (job !== undefined) await runJob(job);
  } catch (error) {
    return throws ? undefined : `${block.path}:${block.line}: ${String(error)}`;
  }
  return throws ? `${block.path}:${block.line}: was to throw` : undefined;
}

async function runJob(job: Job): Promise<void> {
  const env = StreamExecutionEnvironment.getExecutionEnvironment();
  await job(env, parseJobArguments([]));
  await env.execute("example");
}

/** How many values of the block are compared. */
export function countChecks({ path, text }: BlockModule): number {
  return checksIn(ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)).length;
}

interface Check {
  readonly expression: ts.Expression;
  readonly value: string;
}

function withChecks(source: ts.SourceFile): string {
  let text = source.text;
  // From the end, so that the positions before stay what they are.
  for (const { expression, value } of checksIn(source).toReversed()) {
    const [start, end] = [expression.getStart(source), expression.getEnd()];
    const checked = `__check(await (${text.slice(start, end)}), ${value})`;
    text = text.slice(0, start) + checked + text.slice(end);
  }
  return `const __check = globalThis[Symbol.for("millrace.docs.check")];\n${text}`;
}

function checksIn(source: ts.SourceFile): readonly Check[] {
  return source.statements.filter(ts.isExpressionStatement).flatMap((statement) => {
    const comment = /^[ \t]*\/\/ (.+)/.exec(source.text.slice(statement.getEnd()));
    const value = comment?.[1]?.trim();
    return value !== undefined && isLiteral(value) ? [{ expression: statement.expression, value }] : [];
  });
}

function isLiteral(text: string): boolean {
  const source = ts.createSourceFile("value.ts", `(${text});`, ts.ScriptTarget.ES2023, true) as ts.SourceFile & {
    readonly parseDiagnostics: readonly unknown[];
  };
  const [statement] = source.statements;
  if (source.parseDiagnostics.length > 0 || source.statements.length !== 1) return false;
  return statement !== undefined && ts.isExpressionStatement(statement) && isValue(statement.expression);
}

function isValue(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node)) return isValue(node.expression);
  if (ts.isPrefixUnaryExpression(node)) return ts.isNumericLiteral(node.operand);
  if (ts.isArrayLiteralExpression(node)) return node.elements.every(isValue);
  if (ts.isObjectLiteralExpression(node))
    return node.properties.every((each) => ts.isPropertyAssignment(each) && isValue(each.initializer));
  if (ts.isIdentifier(node)) return node.text === "undefined";
  return ts.isLiteralExpression(node) || ["true", "false", "null"].includes(node.getText());
}

/** What examples compare with; set before they run. */
export function installCheck(): void {
  Object.defineProperty(globalThis, Symbol.for("millrace.docs.check"), {
    value: (found: unknown, expected: unknown) => expect(found).toEqual(expected),
    configurable: true,
  });
}
