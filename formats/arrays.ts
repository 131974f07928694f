/**
 * Stored elements to typed arrays and back: sizes, byte order, and the narrow float types that are widened on reading.
 * The host is little-endian, as is every machine that Deno runs on.
 *
 * @module
 */
import { listNames } from "../core/missing_names.ts";
import type { ArrayOf, Dtype, NdArray, TypedArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";

/**
 * Narrow floats, each of which float32 holds exactly. The names of 8 bits are those of the ml_dtypes package: `fn` has no
 * infinities, `u` no sign.
 */
type NarrowFloat = "float16" | "bfloat16" | "float8_e5m2" | "float8_e4m3fn" | "float8_e8m0fnu";
/** Element types that files hold: those of {@linkcode Dtype}, and narrow floats that become float32. */
export type StoredType = Dtype | NarrowFloat;

/** Bytes per stored element. */
export const ITEM_BYTES: { readonly [S in StoredType]: 1 | 2 | 4 | 8 } = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  float8_e5m2: 1,
  float8_e4m3fn: 1,
  float8_e8m0fnu: 1,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint64: 8,
  uint32: 4,
  uint16: 2,
  uint8: 1,
  bool: 1,
};

const ARRAYS = {
  float64: Float64Array,
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
} as const;

/** Every {@linkcode Dtype}. */
export const DTYPES: readonly Dtype[] = Object.keys(ARRAYS) as Dtype[];

function isNarrow(stored: StoredType): stored is NarrowFloat {
  return Object.hasOwn(WIDEN, stored);
}

/** The type in memory of a stored type. */
export function dtypeOf(stored: StoredType): Dtype {
  return isNarrow(stored) ? "float32" : stored;
}

/** Zeros. @throws {RangeError} If the memory is not there. */
export function createArray<D extends Dtype>(dtype: D, length: number): ArrayOf[D] {
  return new ARRAYS[dtype](length) as ArrayOf[D];
}

/** The dtype of a typed array; a `Uint8Array` counts as uint8. @throws {TypeError} For any other object. */
export function dtypeOfArray(data: TypedArray): Dtype {
  for (const dtype of DTYPES) if (data instanceof ARRAYS[dtype]) return dtype;
  throw new TypeError(
    `Cannot use the array as it must be one of ${DTYPES.join(", ")}: found ${kindOf(data)}`,
  );
}

function kindOf(value: unknown): string {
  return value !== null && typeof value === "object" ? value.constructor?.name ?? "object" : typeof value;
}

/** An array in words: `float32[32,24]`; a scalar is `float32[]`. */
export function describeArray(dtype: string, shape: readonly number[]): string {
  return `${dtype}[${shape.join(",")}]`;
}

/** The bytes of a typed array, little-endian, not copied. */
export function bytesOf(data: TypedArray): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A place for stored elements: fill `bytes`, then call `finish()` once for the typed array. */
export interface Receiver {
  readonly bytes: Uint8Array<ArrayBuffer>;
  finish(): TypedArray;
}

/**
 * Makes room for `count` stored elements. `finish()` swaps bytes in place where the file's order is not the host's,
 * widens narrow floats to float32 (exactly), and turns any non-zero bool into 1.
 *
 * @throws {RangeError} If the memory is not there.
 */
export function receive(stored: StoredType, count: number, isLittleEndian: boolean): Receiver {
  const width = ITEM_BYTES[stored];
  const data = createArray(isNarrow(stored) ? (width === 2 ? "uint16" : "uint8") : stored, count);
  const bytes = bytesOf(data);
  return {
    bytes,
    finish() {
      if (!isLittleEndian && width > 1) swapBytes(bytes, width);
      return (FINISH[stored] ?? same)(data);
    },
  };
}

const WIDEN: { readonly [S in NarrowFloat]: (data: TypedArray) => TypedArray } = {
  float16: (data) => new Float32Array(new Float16Array(data.buffer)),
  // bfloat16 is the upper half of a float32.
  bfloat16: (data) => new Float32Array(Uint32Array.from(data as Uint16Array, (half) => half << 16).buffer),
  // ... and E5M2 the upper half of a float16.
  float8_e5m2: (data) => WIDEN.float16(Uint16Array.from(data as Uint8Array, (byte) => byte << 8)),
  float8_e4m3fn: (data) => Float32Array.from(data as Uint8Array, widenE4m3),
  // A power of two with bias 127.
  float8_e8m0fnu: (data) =>
    Float32Array.from(data as Uint8Array, (byte) => byte === 255 ? NaN : 2 ** (byte - 127)),
};

/** Sign, 4 bits of exponent with bias 7, 3 of mantissa; all ones is NaN. See Micikevicius et al., arXiv:2209.05433, table 1. */
function widenE4m3(byte: number): number {
  const [exponent, mantissa] = [(byte >> 3) & 15, byte & 7];
  const size = exponent === 0 ? mantissa * 2 ** -9 : (8 + mantissa) * 2 ** (exponent - 10);
  if ((byte & 127) === 127) return NaN;
  return byte < 128 ? size : -size;
}

const FINISH: { readonly [S in StoredType]?: (data: TypedArray) => TypedArray } = {
  ...WIDEN,
  bool: (data) => (data as Uint8Array<ArrayBuffer>).map((byte) => (byte === 0 ? 0 : 1)),
};

function same(data: TypedArray): TypedArray {
  return data;
}

/** Reverses each group of `width` bytes in place. */
export function swapBytes(bytes: Uint8Array, width: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const swap: { readonly [width: number]: (at: number) => void } = {
    2: (at) => view.setUint16(at, view.getUint16(at, true), false),
    4: (at) => view.setUint32(at, view.getUint32(at, true), false),
    8: (at) => {
      const low = view.getUint32(at, true);
      view.setUint32(at, view.getUint32(at + 4, true), false);
      view.setUint32(at + 4, low, false);
    },
  };
  const one = swap[width];
  if (one === undefined) return;
  for (let at = 0; at < bytes.length; at += width) one(at);
}

/**
 * Fortran (first index fastest) to row-major (last index fastest).
 *
 * @param data Elements in Fortran order, length `sizeOf(shape)`.
 * @returns A new array; the same one where the orders agree (rank below 2, or empty). O(n) time.
 */
export function toRowMajor<A extends TypedArray>(data: A, shape: readonly number[]): A {
  if (shape.length < 2 || data.length < 2) return data;
  const source = data as Float64Array<ArrayBuffer>; // One element type for the checker; the loop only moves elements.
  const target = createArray(dtypeOfArray(data), data.length) as Float64Array<ArrayBuffer>;
  const rank = shape.length;
  const last = rank - 1;
  const strides: number[] = [];
  for (let axis = 0, stride = 1; axis < rank; axis++) {
    strides.push(stride);
    stride *= shape[axis]!;
  }
  const index = new Array<number>(rank).fill(0);
  const [length, step] = [shape[last]!, strides[last]!];
  for (let to = 0, start = 0; to < target.length;) {
    for (let i = 0, from = start; i < length; i++, from += step) target[to++] = source[from]!;
    // Next index in row-major order, the last axis left out.
    for (let axis = last - 1; axis >= 0; axis--) {
      start += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      start -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return target as unknown as A;
}

/**
 * Arrays by name, as an object that says why when an array is asked for that the file has but that is not read.
 *
 * @param refused The error of each such array; its name is not among the keys of the object.
 */
export function arraysByName(
  arrays: Iterable<readonly [string, NdArray]>,
  refused: Iterable<readonly [string, Error]> = [],
): { readonly [name: string]: NdArray } {
  const found: { [name: string]: NdArray } = listNames(Object.fromEntries(arrays), { kind: "array" });
  for (const [name, error] of refused) {
    Object.defineProperty(found, name, {
      enumerable: false,
      get() {
        throw error;
      },
    });
  }
  return found;
}

/** What an array must be. */
export interface ArrayExpectation {
  /** One dtype, or several that will do. @default any */
  readonly dtype?: Dtype | readonly Dtype[];
  /** Lengths; `null` stands for any. @default any */
  readonly shape?: readonly (number | null)[];
}

/**
 * Checks dtype and shape of an array.
 *
 * @param name What the message calls it, such as `E_MC`.
 * @param place Where it is, such as a path.
 * @throws {TypeError} If it is something else.
 */
export function checkArray(
  array: Pick<NdArray, "dtype" | "shape">,
  name: string,
  place: string,
  expected: ArrayExpectation,
): void {
  const found = describeArray(array.dtype, array.shape);
  const dtypes = typeof expected.dtype === "string" ? [expected.dtype] : expected.dtype;
  if (dtypes !== undefined && !dtypes.includes(array.dtype)) {
    throw new TypeError(`Cannot read "${place}" as "${name}" must be ${dtypes.join(" or ")}: found ${found}`);
  }
  const { shape } = expected;
  if (shape === undefined) return;
  const fits = shape.length === array.shape.length &&
    shape.every((length, axis) => length === null || length === array.shape[axis]);
  if (fits) return;
  const wanted = shape.map((length) => length ?? "any").join(",");
  throw new TypeError(`Cannot read "${place}" as "${name}" must have shape [${wanted}]: found ${found}`);
}

/** @throws {TypeError} If `data` is not as long as `shape` says, or not the array of `dtype`. */
export function checkNdArray(name: string, array: NdArray): void {
  const { dtype, shape, data } = array;
  const expected = ARRAYS[dtype];
  if (expected === undefined || !(data instanceof expected)) {
    throw new TypeError(
      `Cannot write "${name}" as its data must be of dtype ${dtype}: found ${kindOf(data)}`,
    );
  }
  if (
    !shape.every((length) => Number.isSafeInteger(length) && length >= 0) || data.length !== sizeOf(shape)
  ) {
    throw new TypeError(
      `Cannot write "${name}" as the shape must hold all elements: ${
        describeArray(dtype, shape)
      } has ${data.length} elements`,
    );
  }
}
