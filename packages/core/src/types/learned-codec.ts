/**
 * The codec of values without a declared type. Every value starts with a tag:
 *
 *     00 undefined   01 null   02 false   03 true
 *     04 integer     zigzag; integers of 32 bits except -0
 *     05 number      f64; every other number
 *     06 string      07 bigint (as in key-encoding.ts)
 *     08 Date        f64 epoch milliseconds, NaN for an invalid one
 *     09 array       varint count, items
 *     0a Map         varint count, (key, value)
 *     0b Set         varint count, items
 *     0c typed array u8 kind, varint length in bytes, bytes
 *     0d object      varint count, (string name, value)
 *     0e new shape   varint id, varint count, string names, then the values in that order
 *     0f shape       varint id, then the values
 *
 * - L1. A shape is defined in a stream before it is used there, so a stream needs nothing from outside. A stream is
 *   what one writer writes from one `reset` to the next; its table of shapes is the writer's `streamContext`.
 * - L2. A definition says its id, and replaces an older one: streams put one behind the other read as one.
 * - L3. Reading allocates nothing from a count that the bytes left cannot hold.
 */
import type { BinaryReader } from "../base/binary-reader.ts";
import type { BinaryWriter } from "../base/binary-writer.ts";
import { readBigint, writeBigint } from "./key-encoding.ts";
import { hasShape, LearnedShapes, type Shape } from "./learned-shapes.ts";
import { isPlainObject, setOwn } from "./plain-object.ts";
import { isTypedArray, typedArrayBytes, typedArrayKind, typedArrayOf } from "./typed-arrays.ts";
import { VALUE_DEPTH_MAX } from "./value-problem.ts";

const UNDEFINED = 0x00;
const NULL = 0x01;
const FALSE = 0x02;
const TRUE = 0x03;
const INTEGER = 0x04;
const NUMBER = 0x05;
const STRING = 0x06;
const BIGINT = 0x07;
const DATE = 0x08;
const ARRAY = 0x09;
const MAP = 0x0a;
const SET = 0x0b;
const TYPED_ARRAY = 0x0c;
const OBJECT = 0x0d;
const NEW_SHAPE = 0x0e;
const SHAPE = 0x0f;

/** The shapes of one stream that is written. */
class WrittenShapes {
  readonly ids: Map<Shape, number> = new Map();
}

/** The shapes of one stream that is read, by id. */
class ReadShapes {
  readonly shapes: Shape[] = [];
}

/** @internal */
export class LearnedCodec {
  readonly shapes: LearnedShapes;
  /** The last shape seen at each depth: records of one stream rarely differ. */
  readonly #recent: (Shape | undefined)[] = new Array<Shape | undefined>(VALUE_DEPTH_MAX + 1).fill(undefined);

  constructor() {
    this.shapes = new LearnedShapes(
      (value, out, depth) => this.write(value, out, depth),
      (tag, input, depth) => this.#readTagged(tag, input, depth),
    );
  }

  /** Writes a value; false when a part of it cannot be written, and then the output is of no use. */
  write(value: unknown, out: BinaryWriter, depth: number): boolean {
    switch (typeof value) {
      case "string":
        out.u8(STRING);
        out.string(value);
        return true;
      case "number":
        writeNumber(value, out);
        return true;
      case "boolean":
        out.u8(value ? TRUE : FALSE);
        return true;
      case "undefined":
        out.u8(UNDEFINED);
        return true;
      case "bigint":
        out.u8(BIGINT);
        writeBigint(value, out);
        return true;
      case "object":
        if (value !== null) return depth < VALUE_DEPTH_MAX && this.#writeObject(value, out, depth);
        out.u8(NULL);
        return true;
      default:
        return false;
    }
  }

  read(input: BinaryReader, depth: number): unknown {
    return this.#readTagged(input.u8(), input, depth);
  }

  #readTagged(tag: number, input: BinaryReader, depth: number): unknown {
    const at = input.position - 1;
    switch (tag) {
      case STRING:
        return input.string();
      case INTEGER:
        return input.zigzag();
      case NUMBER:
        return input.f64();
      case TRUE:
      case FALSE:
        return tag === TRUE;
      case NULL:
        return null;
      case UNDEFINED:
        return undefined;
      case BIGINT:
        return readBigint(input);
      case DATE:
        return new Date(input.f64());
      case TYPED_ARRAY:
        return readTypedArray(input, at);
      default:
        if (tag > SHAPE) input.corrupt(`the value tag ${tag}`, `a tag up to ${SHAPE}`, at);
        if (depth >= VALUE_DEPTH_MAX) input.corrupt("more levels", `at most ${VALUE_DEPTH_MAX} levels`, at);
        return this.#readComposite(tag, input, depth + 1);
    }
  }

  #writeObject(value: object, out: BinaryWriter, depth: number): boolean {
    if (isPlainObject(value)) return this.#writeRecord(value, out, depth);
    if (Array.isArray(value)) {
      out.u8(ARRAY);
      out.varint(value.length);
      for (let index = 0; index < value.length; index++) if (!this.write(value[index], out, depth + 1)) return false;
      return true;
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (value instanceof Map && prototype === Map.prototype) {
      out.u8(MAP);
      out.varint(value.size);
      for (const [key, part] of value) {
        if (!this.write(key, out, depth + 1) || !this.write(part, out, depth + 1)) return false;
      }
      return true;
    }
    if (value instanceof Set && prototype === Set.prototype) {
      out.u8(SET);
      out.varint(value.size);
      for (const part of value) if (!this.write(part, out, depth + 1)) return false;
      return true;
    }
    if (value instanceof Date && prototype === Date.prototype) {
      out.u8(DATE);
      out.f64(value.getTime());
      return true;
    }
    if (!isTypedArray(value)) return false;
    out.u8(TYPED_ARRAY);
    out.u8(typedArrayKind(value));
    out.bytes(typedArrayBytes(value));
    return true;
  }

  #writeRecord(value: Record<string, unknown>, out: BinaryWriter, depth: number): boolean {
    let shape = this.#recent[depth];
    if (shape === undefined || !hasShape(value, shape.names)) {
      shape = this.shapes.shapeOf(value);
      if (shape === undefined) return this.#writeNamed(value, out, depth);
      this.#recent[depth] = shape;
    }
    // Only this codec puts anything there.
    let stream = out.streamContext as WrittenShapes | undefined;
    if (stream === undefined) {
      stream = new WrittenShapes();
      out.streamContext = stream;
    }
    if (shape.stream === stream) {
      out.u8(SHAPE);
      out.varint(shape.id);
    } else {
      announce(shape, stream, out);
    }
    return shape.write(value, out, depth + 1);
  }

  #writeNamed(value: Record<string, unknown>, out: BinaryWriter, depth: number): boolean {
    const names = Object.keys(value);
    out.u8(OBJECT);
    out.varint(names.length);
    for (const name of names) {
      out.string(name);
      if (!this.write(value[name], out, depth + 1)) return false;
    }
    return true;
  }

  #readComposite(tag: number, input: BinaryReader, depth: number): unknown {
    switch (tag) {
      case SHAPE:
        return readShapes(input).shapes[this.#knownId(input)]!.read(input, depth);
      case NEW_SHAPE:
        return this.#readDefinition(input).read(input, depth);
      case ARRAY: {
        const items: unknown[] = [];
        for (let left = input.count(); left > 0; left--) items.push(this.read(input, depth));
        return items;
      }
      case MAP: {
        const map = new Map<unknown, unknown>();
        for (let left = input.count(2); left > 0; left--) {
          const key = this.read(input, depth);
          map.set(key, this.read(input, depth));
        }
        return map;
      }
      case SET: {
        const set = new Set<unknown>();
        for (let left = input.count(); left > 0; left--) set.add(this.read(input, depth));
        return set;
      }
      default: {
        const value: Record<string, unknown> = {};
        for (let left = input.count(2); left > 0; left--) setOwn(value, input.string(), this.read(input, depth));
        return value;
      }
    }
  }

  #knownId(input: BinaryReader): number {
    const at = input.position;
    const id = input.varint();
    const known = readShapes(input).shapes.length;
    if (id >= known) input.corrupt(`the shape ${id}`, `one of ${known} shapes defined before`, at);
    return id;
  }

  #readDefinition(input: BinaryReader): Shape {
    const { shapes } = readShapes(input);
    const at = input.position;
    const id = input.varint();
    if (id > shapes.length) input.corrupt(`a definition of shape ${id}`, `at most ${shapes.length}`, at);
    const names: string[] = [];
    // A name and its value take a byte each at least.
    for (let left = input.count(2); left > 0; left--) names.push(input.string());
    if (new Set(names).size !== names.length) input.corrupt("a shape with a name twice", "different names", at);
    const shape = this.shapes.shapeWith(names);
    shapes[id] = shape;
    return shape;
  }
}

// An integer of more than 32 bits is as long as an f64, and slower.
function writeNumber(value: number, out: BinaryWriter): void {
  const int32 = value | 0;
  // 1 / -0 is negative.
  if (int32 === value && (int32 !== 0 || 1 / value > 0)) out.taggedInt32(INTEGER, int32);
  else out.taggedF64(NUMBER, value);
}

/** Writes the shape's number in this stream, with its definition the first time. */
function announce(shape: Shape, stream: WrittenShapes, out: BinaryWriter): void {
  const known = stream.ids.get(shape);
  const id = known ?? stream.ids.size;
  if (known === undefined) {
    stream.ids.set(shape, id);
    out.u8(NEW_SHAPE);
    out.varint(id);
    out.varint(shape.names.length);
    for (const name of shape.names) out.string(name);
  } else {
    out.u8(SHAPE);
    out.varint(id);
  }
  shape.stream = stream;
  shape.id = id;
}

function readShapes(input: BinaryReader): ReadShapes {
  // Only this codec puts anything there.
  let stream = input.streamContext as ReadShapes | undefined;
  if (stream === undefined) {
    stream = new ReadShapes();
    input.streamContext = stream;
  }
  return stream;
}

function readTypedArray(input: BinaryReader, at: number): unknown {
  const kind = input.u8();
  const bytes = input.rawBytes(input.varint());
  return (
    typedArrayOf(kind, bytes) ??
    input.corrupt(`a typed array of kind ${kind} with ${bytes.length} bytes`, "a known kind", at)
  );
}
