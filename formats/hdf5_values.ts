/**
 * Elements of HDF5 to numbers and texts: which bits count, byte order, and floats of any fields.
 *
 * @module
 */
import { UnsupportedError } from "../core/errors.ts";
import type { Dtype, TypedArray } from "../core/types.ts";
import {
  decodeInteger,
  describeType,
  type FloatType,
  type Hdf5Type,
  type IntegerType,
  isBoolean,
} from "./hdf5_type.ts";

/** Where elements lie in a block of records. */
export interface Place {
  /** Bytes from one record to the next. */
  readonly recordBytes: number;
  /** Where the first element begins in each record. */
  readonly offset: number;
  /** Elements in each record, one after the other. */
  readonly perRecord: number;
}

/** How elements of a type become numbers. */
export interface NumberDecoder {
  readonly dtype: Dtype;
  /** The bytes in memory are the array as it is. */
  readonly isPlain: boolean;
  /** Fills `target`, record by record. @throws {UnsupportedError} If a value does not fit exactly. */
  decode(bytes: Uint8Array, place: Place, target: TypedArray): void;
}

/**
 * How elements of a type become numbers.
 *
 * @returns Undefined if they are not numbers, or are such that no array of ours holds exactly.
 */
export function numberDecoder(type: Hdf5Type): NumberDecoder | undefined {
  if (isBoolean(type)) return booleans;
  if (type.kind === "enumeration") return integers(type.base);
  if (type.kind === "integer" || type.kind === "bit field") return integers(type);
  return type.kind === "float" ? floats(type) : undefined;
}

/** One element at a byte offset. */
type ReadOne = (view: DataView, at: number) => number | bigint;

function decoder(dtype: Dtype, size: number, isPlain: boolean, read: ReadOne): NumberDecoder {
  return {
    dtype,
    isPlain,
    decode(bytes, { recordBytes, offset, perRecord }, target) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const to = target as unknown as (number | bigint)[]; // the array of `dtype`, whose elements `read` returns
      for (let record = 0, i = 0; i < target.length; record++) {
        const start = record * recordBytes + offset;
        for (let k = 0; k < perRecord; k++) to[i++] = read(view, start + k * size);
      }
    },
  };
}

// h5py writes 0 and 1; any other byte is true, as in the other readers.
const booleans = decoder("bool", 1, false, (view, at) => view.getUint8(at) === 0 ? 0 : 1);

/** By dtype, in the order of a `DataView`. */
const PLAIN: { readonly [dtype: string]: (view: DataView, at: number, little: boolean) => number | bigint } =
  {
    int8: (view, at) => view.getInt8(at),
    uint8: (view, at) => view.getUint8(at),
    int16: (view, at, little) => view.getInt16(at, little),
    uint16: (view, at, little) => view.getUint16(at, little),
    int32: (view, at, little) => view.getInt32(at, little),
    uint32: (view, at, little) => view.getUint32(at, little),
    int64: (view, at, little) => view.getBigInt64(at, little),
    uint64: (view, at, little) => view.getBigUint64(at, little),
    float32: (view, at, little) => view.getFloat32(at, little),
    float64: (view, at, little) => view.getFloat64(at, little),
  };

function plain(dtype: Dtype, size: number, isLittle: boolean): NumberDecoder {
  const read = PLAIN[dtype]!;
  return decoder(dtype, size, isLittle || size === 1, (view, at) => read(view, at, isLittle));
}

function integers(type: IntegerType): NumberDecoder | undefined {
  const { size, offset, precision, isSigned, order } = type;
  if (size > 8 || size < 1 || precision < 1 || offset + precision > 8 * size || order === "vax") {
    return undefined;
  }
  const width = [8, 8, 16, 32, 32, 64, 64, 64, 64][size] as 8 | 16 | 32 | 64;
  const dtype: Dtype = `${isSigned ? "int" : "uint"}${width}`;
  if (precision === width && width === 8 * size) return plain(dtype, size, order === "little");
  return decoder(dtype, size, false, (view, at) => {
    const value = decodeInteger(new Uint8Array(view.buffer, view.byteOffset + at, size), type);
    return width === 64 ? value : Number(value);
  });
}

/** Fields of a float: signAt, exponentAt, exponentBits, mantissaAt, mantissaBits, bias. */
function hasFields(type: FloatType, ...fields: readonly number[]): boolean {
  const { size, offset, precision, isImplied } = type;
  const found = [
    type.signAt,
    type.exponentAt,
    type.exponentBits,
    type.mantissaAt,
    type.mantissaBits,
    type.bias,
  ];
  return isImplied && offset === 0 && precision === 8 * size &&
    found.every((field, i) => field === fields[i]);
}

function floats(type: FloatType): NumberDecoder | undefined {
  const { size, order, precision, exponentBits, mantissaBits, bias } = type;
  // VAX has neither infinities nor denormal numbers, and the library reads its largest exponent as if it had.
  if (order === "vax" || !fieldsAreWithin(type)) return undefined;
  const isLittle = order === "little";
  if (size === 4 && hasFields(type, 31, 23, 8, 0, 23, 127)) return plain("float32", size, isLittle);
  if (size === 8 && hasFields(type, 63, 52, 11, 0, 52, 1023)) return plain("float64", size, isLittle);
  if (size === 2 && hasFields(type, 15, 10, 5, 0, 10, 15)) {
    return decoder("float32", size, false, (view, at) => view.getFloat16(at, isLittle));
  }
  // Types of less than 16 bits give the largest exponent to numbers, or to infinities, as it pleases their author.
  if (precision < 16 && !hasFields(type, 7, 2, 5, 0, 2, 15)) return undefined;
  const top = 2 ** exponentBits - 2 - bias;
  const isSingle = mantissaBits <= 23 && top <= 127 && 1 - bias - mantissaBits >= -149;
  return decoder(isSingle ? "float32" : "float64", size, false, (view, at) => {
    return decodeFloat(new Uint8Array(view.buffer, view.byteOffset + at, size), type);
  });
}

function fieldsAreWithin(type: FloatType): boolean {
  const { size, offset, precision, signAt, exponentAt, exponentBits, mantissaAt, mantissaBits } = type;
  const bits = 8 * size;
  return size >= 1 && size <= 16 && exponentBits >= 1 && exponentBits <= 15 && mantissaBits >= 1 &&
    signAt < bits &&
    exponentAt + exponentBits <= bits && mantissaAt + mantissaBits <= bits && offset + precision <= bits;
}

/**
 * The number in the bytes of one element: (-1)^sign · 1.mantissa · 2^(exponent - bias), with infinities, NaN and denormal
 * numbers as in IEEE 754; with an explicit first bit, that of x87, in place of "1.".
 *
 * @throws {UnsupportedError} If float64 does not hold it exactly.
 */
function decodeFloat(bytes: Uint8Array, type: FloatType): number {
  const { size, order, signAt, exponentAt, exponentBits, mantissaAt, mantissaBits, bias, isImplied } = type;
  const raw = decodeInteger(bytes, {
    kind: "integer",
    size,
    order,
    offset: 0,
    precision: 8 * size,
    isSigned: false,
  });
  const sign = raw >> BigInt(signAt) & 1n ? -1 : 1;
  const exponent = Number(BigInt.asUintN(exponentBits, raw >> BigInt(exponentAt)));
  const mantissa = BigInt.asUintN(mantissaBits, raw >> BigInt(mantissaAt));
  const fractionBits = isImplied ? mantissaBits : mantissaBits - 1;
  if (exponent === 2 ** exponentBits - 1) {
    return BigInt.asUintN(fractionBits, mantissa) === 0n ? sign * Infinity : NaN;
  }
  const digits = isImplied && exponent > 0 ? mantissa | 1n << BigInt(mantissaBits) : mantissa;
  const value = scale(digits, Math.max(exponent, 1) - bias - fractionBits);
  if (value !== undefined) return sign * value;
  const feature = describeType(type);
  throw new UnsupportedError(
    `Cannot read ${feature} as float64 must hold each exactly: found another`,
    feature,
  );
}

/** digits · 2^exponent; undefined unless it is exact. */
function scale(digits: bigint, exponent: number): number | undefined {
  if (digits === 0n) return 0;
  while ((digits & 1n) === 0n) {
    digits >>= 1n;
    exponent++;
  }
  const bits = digits.toString(2).length;
  if (bits > 53 || exponent < -1074 || exponent + bits > 1024) return undefined;
  // In two steps, as 2^-1074 times a large number would do and 2^-1080 would not.
  const half = Math.trunc(exponent / 2);
  return Number(digits) * 2 ** half * 2 ** (exponent - half);
}

/** A text of fixed length: what comes before its padding. @throws {TypeError} If it is not UTF-8. */
export function decodeText(bytes: Uint8Array, padding: "zero-terminated" | "zeros" | "spaces"): string {
  let end = bytes.length;
  if (padding === "zero-terminated") {
    const zero = bytes.indexOf(0);
    if (zero >= 0) end = zero;
  } else {
    const filler = padding === "zeros" ? 0 : 0x20;
    while (end > 0 && bytes[end - 1] === filler) end--;
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
}

/** An integer as a number where that is exact, else as it is. */
export function exactNumber(value: number | bigint): number | bigint {
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}
