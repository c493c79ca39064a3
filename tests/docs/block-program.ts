/**
 * Makes modules of blocks. A block may use names that it does not declare: what its own file exports, what
 * `scene.ts` says that stories are about, and, unless it has imports of its own, what the packages export.
 */
import { basename, dirname, join, relative } from "node:path";
import ts from "typescript";
import type { DocBlock, PageContext } from "./doc-blocks.ts";

export interface BlockModule {
  readonly block: DocBlock;
  /** Where the module stands, absolute; for the compiler only. */
  readonly path: string;
  readonly text: string;
  /** How many lines of the text stand before the block's first one. */
  readonly linesBefore: number;
  /** Whether it needs something that exists in the story only. */
  readonly usesScene: boolean;
}

/** Names and where they come from. */
export interface NameSources {
  readonly scene: ReadonlySet<string>;
  /** By name, the package. */
  readonly packages: ReadonlyMap<string, string>;
  /** What a source file exports itself. */
  readonly exportsOf: (path: string) => ReadonlySet<string>;
}

export class BlockCompiler {
  readonly #root: string;
  readonly #options: ts.CompilerOptions;

  constructor(root: string) {
    this.#root = root;
    const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
    this.#options = {
      ...options,
      // What is asked of the project's files is not asked of a few lines in a text.
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      verbatimModuleSyntax: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
      noPropertyAccessFromIndexSignature: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
      noEmit: true,
    };
  }

  /** Finds the exports of the packages, of the scene and of each source. */
  names(entries: Readonly<Record<string, string>>, scene: string, sources: readonly string[]): NameSources {
    const paths = [...Object.values(entries), scene, ...sources].map((path) => join(this.#root, path));
    const program = ts.createProgram(paths, this.#options);
    const checker = program.getTypeChecker();
    const exportsOf = (path: string): ReadonlySet<string> => {
      const source = program.getSourceFile(join(this.#root, path));
      const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
      return new Set(symbol === undefined ? [] : checker.getExportsOfModule(symbol).map(({ name }) => name));
    };
    const packages = new Map<string, string>();
    for (const [name, entry] of Object.entries(entries).reverse())
      for (const exported of exportsOf(entry)) packages.set(exported, name);
    return { scene: exportsOf(scene), packages, exportsOf };
  }

  moduleOf(block: DocBlock, contexts: readonly PageContext[], names: NameSources, scene: string): BlockModule {
    const before = contexts.filter(({ file }) => file === undefined).map(({ code }) => code);
    const path = join(this.#root, dirname(scene), `${block.path.replaceAll("/", "-")}-${block.line}.ts`);
    const source = ts.createSourceFile(path, [...before, block.code].join("\n"), ts.ScriptTarget.ES2023, true);
    const declared = new Set(source.statements.flatMap(namesDeclared));
    const own = block.kind === "docstring" ? names.exportsOf(block.path) : new Set<string>();
    // With imports a block is complete, but for what the page or the scene adds.
    const hasImports = block.code.includes("import ");
    const wanted = new Map<string, Set<string>>();
    let usesScene = before.length > 0;
    for (const { name, isValue } of namesUsed(source)) {
      if (declared.has(name)) continue;
      const from = own.has(name)
        ? specifier(path, join(this.#root, block.path))
        : names.scene.has(name)
          ? specifier(path, join(this.#root, scene))
          : hasImports
            ? undefined
            : names.packages.get(name);
      if (from === undefined) continue;
      if (isValue && names.scene.has(name) && !own.has(name)) usesScene = true;
      wanted.set(from, (wanted.get(from) ?? new Set()).add(name));
    }
    const imports = [...wanted].map(([from, each]) => `import { ${[...each].join(", ")} } from "${from}";`);
    const head = [`${imports.join(" ")} export {};`, ...before].join("\n");
    return { block, path, text: `${head}\n${block.code}\n`, linesBefore: head.split("\n").length, usesScene };
  }

  /** What the compiler says, each as `path:line: message`. */
  check(modules: readonly BlockModule[], contexts: readonly PageContext[]): readonly string[] {
    const beside = contexts.filter(({ file }) => file !== undefined);
    const texts = new Map(modules.map(({ path, text }) => [path, text]));
    const folder = dirname(modules[0]!.path);
    for (const { file, code } of beside) texts.set(join(folder, basename(file!)), code);
    const host = ts.createCompilerHost(this.#options);
    const { getSourceFile, fileExists, readFile } = host;
    host.fileExists = (path) => texts.has(path) || fileExists(path);
    host.readFile = (path) => texts.get(path) ?? readFile(path);
    host.getSourceFile = (path, target, ...rest) => {
      const text = texts.get(path);
      return text === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, text, target, true);
    };
    const program = ts.createProgram([...texts.keys()], this.#options, host);
    const problems: string[] = [];
    for (const { path, block, linesBefore } of modules) {
      const source = program.getSourceFile(path)!;
      for (const { start = 0, messageText } of [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ]) {
        const line = source.getLineAndCharacterOfPosition(start).line - linesBefore + block.line;
        problems.push(`${block.path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
      }
    }
    return problems;
  }
}

function specifier(from: string, to: string): string {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}

function namesDeclared(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => bound(name));
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {};
    const named = namedBindings !== undefined && ts.isNamedImports(namedBindings) ? namedBindings.elements : [];
    return [...(name === undefined ? [] : [name.text]), ...named.map((each) => each.name.text)];
  }
  const { name } = statement as ts.Statement & { readonly name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}

function bound(name: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? bound(element.name) : []));
}

/** Every identifier that could mean something from outside; properties and keys of objects do not. */
function namesUsed(source: ts.SourceFile): readonly { readonly name: string; readonly isValue: boolean }[] {
  const used: { name: string; isValue: boolean }[] = [];
  const visit = (node: ts.Node): void => {
    const { parent } = node;
    if (
      ts.isIdentifier(node) &&
      !(ts.isPropertyAccessExpression(parent) && parent.name === node) &&
      !(ts.isPropertyAssignment(parent) && parent.name === node) &&
      !((ts.isMethodDeclaration(parent) || ts.isPropertySignature(parent)) && parent.name === node) &&
      !((ts.isParameter(parent) || ts.isPropertyDeclaration(parent)) && parent.name === node)
    )
      used.push({ name: node.text, isValue: !ts.isTypeReferenceNode(parent) });
    ts.forEachChild(node, visit);
  };
  visit(source);
  return used;
}
