export type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

interface TypedArrayConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (memory: ArrayBuffer): TypedArray;
}

/** The typed arrays that values may hold, in the order of their numbers in the tagged encoding. Append only. */
const CONSTRUCTORS: readonly TypedArrayConstructor[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
];

/** The number of a typed array's kind, or -1. Subclasses such as Node's Buffer count as what they extend. */
export function typedArrayKind(value: object): number {
  for (let kind = 0; kind < CONSTRUCTORS.length; kind++) if (value instanceof CONSTRUCTORS[kind]!) return kind;
  return -1;
}

export function isTypedArray(value: object): value is TypedArray {
  return ArrayBuffer.isView(value) && typedArrayKind(value) >= 0;
}

/** Its memory as bytes, without a copy. Every host of Node is little-endian, and so is the format. */
export function typedArrayBytes(value: TypedArray): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/** A typed array of a kind with these bytes, copied; undefined when there is no such kind or the length does not fit. */
export function typedArrayOf(kind: number, bytes: Uint8Array): TypedArray | undefined {
  const TypedArrayOfKind = CONSTRUCTORS[kind];
  if (TypedArrayOfKind === undefined || bytes.length % TypedArrayOfKind.BYTES_PER_ELEMENT !== 0) return undefined;
  return new TypedArrayOfKind(bytes.slice().buffer);
}
