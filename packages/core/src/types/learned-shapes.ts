/**
 * The shapes (ordered property names) that one learned codec has seen, each with a generated codec.
 *
 * A shape's place in a stream is not known here: the stream's table gives it a number when it is first written there.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { setOwn } from "./plain-object.ts";
import { quoteProperty, quoteText } from "./quote.ts";

/** A codec learns this many shapes; objects of further ones are written with their names. Each costs a compilation. */
export const SHAPES_MAX = 256;
/** Objects with more properties are dictionaries rather than records. */
export const SHAPE_FIELDS_MAX = 128;

/** Writes one part; false when it cannot be written. */
export type WritePart = (value: unknown, out: BinaryWriter, depth: number) => boolean;
/** Reads the part that follows its tag. */
export type ReadPart = (tag: number, input: BinaryReader, depth: number) => unknown;

/** @internal */
export interface Shape {
  readonly names: readonly string[];
  readonly write: (value: Record<string, unknown>, out: BinaryWriter, depth: number) => boolean;
  readonly read: (input: BinaryReader, depth: number) => unknown;
  /** For inspection; empty for a shape that is interpreted. */
  readonly source: string;
  /** The stream that last gave the shape a number, and the number: saves a look-up per object. */
  stream: object | undefined;
  id: number;
}

interface TrieNode {
  readonly next: Map<string, TrieNode>;
  shape: Shape | undefined;
}

/** @internal */
export class LearnedShapes {
  readonly #root: TrieNode = { next: new Map(), shape: undefined };
  readonly #writePart: WritePart;
  readonly #readPart: ReadPart;
  #count = 0;

  constructor(writePart: WritePart, readPart: ReadPart) {
    this.#writePart = writePart;
    this.#readPart = readPart;
  }

  get count(): number {
    return this.#count;
  }

  /** The shape of an object, learned if there is room; undefined when the object is to be written with its names. */
  shapeOf(value: Record<string, unknown>): Shape | undefined {
    let node: TrieNode | undefined = this.#root;
    for (const name in value) {
      node = node.next.get(name);
      if (node === undefined) return this.#learn(Object.keys(value));
    }
    return node.shape ?? this.#learn(Object.keys(value));
  }

  /** The shape with these names for reading; interpreted when the codec is full. The names are distinct. */
  shapeWith(names: readonly string[]): Shape {
    let node: TrieNode | undefined = this.#root;
    for (const name of names) node = node?.next.get(name);
    return node?.shape ?? this.#learn(names) ?? interpretedShape(names, this.#writePart, this.#readPart);
  }

  #learn(names: readonly string[]): Shape | undefined {
    if (this.#count >= SHAPES_MAX || names.length > SHAPE_FIELDS_MAX) return undefined;
    this.#count++;
    let node = this.#root;
    for (const name of names) {
      let next = node.next.get(name);
      if (next === undefined) {
        next = { next: new Map(), shape: undefined };
        node.next.set(name, next);
      }
      node = next;
    }
    node.shape = compileShape(names, this.#writePart, this.#readPart);
    return node.shape;
  }
}

/** True when the object has exactly these names in this order. */
export function hasShape(value: Record<string, unknown>, names: readonly string[]): boolean {
  let index = 0;
  for (const name in value) if (names[index++] !== name) return false;
  return index === names.length;
}

function compileShape(names: readonly string[], writePart: WritePart, readPart: ReadPart): Shape {
  const source = shapeSource(names);
  const make = new Function("writePart", "readPart", source);
  const { write, read } = make(writePart, readPart) as Pick<Shape, "write" | "read">;
  return { names, write, read, source, stream: undefined, id: 0 };
}

/**
 * Numbers and short texts, which most fields are, are written and read in line; the tags are those of learned-codec.ts.
 * Every name enters the source through quote.ts; the object is known to have them all.
 */
export function shapeSource(names: readonly string[]): string {
  const writes = names.flatMap((name, index) => [
    `  const v${index} = value[${quoteText(name)}];`,
    `  if (typeof v${index} === "number") {`,
    `    if ((v${index} | 0) === v${index} && (v${index} !== 0 || 1 / v${index} > 0)) out.taggedInt32(4, v${index});`,
    `    else out.taggedF64(5, v${index});`,
    `  } else if (!writePart(v${index}, out, depth)) return false;`,
  ]);
  const reads = names.flatMap((_, index) => [
    `  const t${index} = input.u8();`,
    `  const v${index} = t${index} === 4 ? input.zigzag() : t${index} === 5 ? input.f64() : t${index} === 6 ? input.string() : readPart(t${index}, input, depth);`,
  ]);
  const properties = names.map((name, index) => quoteProperty(name, `v${index}`));
  return [
    '"use strict";',
    "function write(value, out, depth) {",
    ...writes,
    "  return true;",
    "}",
    "function read(input, depth) {",
    ...reads,
    `  return { ${properties.join(", ")} };`,
    "}",
    "return { write, read };",
  ].join("\n");
}

function interpretedShape(names: readonly string[], writePart: WritePart, readPart: ReadPart): Shape {
  return {
    names,
    write: (value, out, depth) => names.every((name) => writePart(value[name], out, depth)),
    read: (input, depth) => {
      const value: Record<string, unknown> = {};
      for (const name of names) setOwn(value, name, readPart(input.u8(), input, depth));
      return value;
    },
    source: "",
    stream: undefined,
    id: 0,
  };
}
