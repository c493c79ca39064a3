/**
 * Takes the sources of the ring and the doorbell apart into their atomic steps, so that a model checker runs the code
 * that ships and no copy of it.
 *
 * Every method and getter becomes a generator that yields a `Step` where the source has
 * - a call of `Atomics`: one step;
 * - a `set` of bytes: one step for each byte, since the other thread may come between any two;
 * - a call of the bells: one step.
 * Whoever runs the generator does what the step says and sends the result back. Private fields become plain ones, for
 * the checker to save and restore.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { invariant } from "../../base/errors.ts";

/** What one thread does to what it shares with others, in one indivisible step. */
export type Step =
  | {
      readonly kind: "load" | "store" | "add";
      readonly words: Int32Array;
      readonly index: number;
      readonly value: number;
    }
  | {
      readonly kind: "exchange";
      readonly words: Int32Array;
      readonly index: number;
      readonly expected: number;
      readonly value: number;
    }
  | { readonly kind: "writeByte"; readonly buffer: ArrayBufferLike; readonly cell: number; readonly value: number }
  | { readonly kind: "readByte"; readonly buffer: ArrayBufferLike; readonly cell: number }
  | {
      readonly kind: "wait";
      readonly words: Int32Array;
      readonly index: number;
      readonly expected: number;
      readonly action: () => void;
    }
  | { readonly kind: "notify"; readonly words: Int32Array; readonly index: number };

/** A run of steps; what comes back from a step is a number or nothing. */
export type Steps<T> = Generator<Step, T, number>;

/** Replaces a part of a source file; the part must occur exactly once. */
export interface Edit {
  readonly file: SteppedFile;
  readonly from: string;
  readonly to: string;
}

export type SteppedFile = "ring.ts" | "doorbell.ts";

export interface SteppedProducer {
  _tail: number;
  write(bytes: Uint8Array, start: number, end: number): Steps<number>;
}

export interface SteppedConsumer {
  _head: number;
  isEmpty(): Steps<boolean>;
  read(target: Uint8Array, start: number): Steps<number>;
}

export interface SteppedDoorbell {
  _isWaiting: boolean;
  ring(): Steps<void>;
  park(): Steps<void>;
  sleep(onRing: () => void): Steps<void>;
  unpark(): Steps<void>;
}

/** The exports of both files, with a segment of one byte. */
export interface SteppedCode {
  createRingMemory(generation: number, segments: number): SharedArrayBuffer;
  readonly RingProducer: new (memory: SharedArrayBuffer, generation: number) => SteppedProducer;
  readonly RingConsumer: new (memory: SharedArrayBuffer, generation: number) => SteppedConsumer;
  createDoorbellMemory(slots: number): SharedArrayBuffer;
  readonly Doorbell: new (memory: SharedArrayBuffer, slot: number, bells: unknown) => SteppedDoorbell;
}

const FILES: readonly SteppedFile[] = ["ring.ts", "doorbell.ts"];
const TINY_SEGMENT: Edit = { file: "ring.ts", from: "SEGMENT_BYTES = 32_768", to: "SEGMENT_BYTES = 1" };

/** Compiles the two files as they are on disk, with `edits`. */
export function loadStepped(edits: readonly Edit[] = []): SteppedCode {
  const exports: Record<string, unknown> = {};
  for (const file of FILES) {
    let source = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    for (const edit of [TINY_SEGMENT, ...edits]) if (edit.file === file) source = replaceOnce(source, edit);
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
      transformers: { before: [toSteps] },
    });
    const runModule = new Function("exports", "require", "steps", outputText);
    runModule(exports, () => ({ invariant }), { atomic, copy });
  }
  // The names and shapes of the two files' exports, which the tests that use them check.
  return exports as unknown as SteppedCode;
}

function replaceOnce(source: string, { from, to, file }: Edit): string {
  invariant(source.split(from).length === 2, `${file} has this part exactly once: ${from}`);
  return source.replace(from, () => to);
}

/** The bells of a stepped doorbell: the steps are what the bells do. */
export const steppedBells = {
  *wait(words: Int32Array, index: number, expected: number, action: () => void): Steps<void> {
    yield { kind: "wait", words, index, expected, action };
  },
  *notify(words: Int32Array, index: number): Steps<void> {
    yield { kind: "notify", words, index };
  },
};

function* atomic(kind: string, words: Int32Array, index: number, value = 0, replacement = 0): Steps<number> {
  switch (kind) {
    case "load":
    case "store":
    case "add":
      return yield { kind, words, index, value };
    case "compareExchange":
      return yield { kind: "exchange", words, index, expected: value, value: replacement };
    default:
      throw new Error(`the model has no step for Atomics.${kind}`);
  }
}

/** `target.set(source, at)`, of which one is in shared memory. */
function* copy(target: Uint8Array, source: Uint8Array, at = 0): Steps<void> {
  const isWrite = target.buffer instanceof SharedArrayBuffer;
  for (let index = 0; index < source.length; index++) {
    if (isWrite) {
      yield { kind: "writeByte", buffer: target.buffer, cell: target.byteOffset + at + index, value: source[index]! };
    } else {
      target[at + index] = yield { kind: "readByte", buffer: source.buffer, cell: source.byteOffset + index };
    }
  }
}

/** Names of the members whose use runs steps: every method and getter of the file's classes, and the bells'. */
function steppedMembers(file: ts.SourceFile): { methods: ReadonlySet<string>; getters: ReadonlySet<string> } {
  const methods = new Set(["wait", "notify"]);
  const getters = new Set<string>();
  for (const statement of file.statements) {
    if (!ts.isClassDeclaration(statement)) continue;
    for (const member of statement.members) {
      if (ts.isMethodDeclaration(member)) methods.add(member.name.getText(file));
      else if (ts.isGetAccessorDeclaration(member)) getters.add(member.name.getText(file));
    }
  }
  return { methods, getters };
}

const toSteps: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
  const { factory } = context;
  const { methods, getters } = steppedMembers(file);
  const runSteps = (steps: ts.Expression): ts.Expression =>
    factory.createParenthesizedExpression(
      factory.createYieldExpression(factory.createToken(ts.SyntaxKind.AsteriskToken), steps),
    );
  const helper = (name: string, parts: readonly ts.Expression[]): ts.Expression =>
    runSteps(
      factory.createCallExpression(
        factory.createPropertyAccessExpression(factory.createIdentifier("steps"), name),
        undefined,
        parts,
      ),
    );

  const visit: ts.Visitor = (node) => {
    if (ts.isConstructorDeclaration(node) || ts.isFunctionDeclaration(node)) return rename(node);
    if (ts.isMethodDeclaration(node) || ts.isGetAccessorDeclaration(node)) {
      const star = factory.createToken(ts.SyntaxKind.AsteriskToken);
      const body = ts.visitEachChild(node.body!, visit, context);
      return factory.createMethodDeclaration(
        undefined,
        star,
        node.name,
        undefined,
        undefined,
        node.parameters,
        undefined,
        body,
      );
    }
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const { expression: owner, name } = node.expression;
      const parts = node.arguments.map((argument) => ts.visitNode(argument, visit) as ts.Expression);
      if (owner.getText(file) === "Atomics")
        return helper("atomic", [factory.createStringLiteral(name.text), ...parts]);
      const visitedOwner = ts.visitNode(owner, visit) as ts.Expression;
      if (name.text === "set") return helper("copy", [visitedOwner, ...parts]);
      const call = factory.createCallExpression(
        factory.createPropertyAccessExpression(visitedOwner, rename(name) as ts.MemberName),
        undefined,
        parts,
      );
      return methods.has(name.text) ? runSteps(call) : call;
    }
    if (ts.isPropertyAccessExpression(node) && getters.has(node.name.text)) {
      const owner = ts.visitNode(node.expression, visit) as ts.Expression;
      return runSteps(
        factory.createCallExpression(factory.createPropertyAccessExpression(owner, node.name), undefined, []),
      );
    }
    return rename(node, visit);
  };
  /** `#name` becomes `_name`. */
  function rename(node: ts.Node, next: ts.Visitor = (child): ts.Node => rename(child)): ts.Node {
    if (ts.isPrivateIdentifier(node)) return factory.createIdentifier(`_${node.text.slice(1)}`);
    return ts.visitEachChild(node, next, context);
  }

  return ts.visitEachChild(file, visit, context);
};
