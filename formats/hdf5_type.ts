/**
 * Types of elements in HDF5, parsed from the datatype message.
 * Format: HDF5 file format specification 3.0, section IV.A.2.d.
 *
 * @module
 */
import {
  Cursor,
  type Hdf5Bytes,
  type HeaderMessage,
  malformed,
  MESSAGE,
  readHeader,
  sharedAddress,
} from "./hdf5_header.ts";

/** Order of the bytes; VAX has pairs of bytes the wrong way round. */
export type ByteOrder = "little" | "big" | "vax";

/** Bits that carry the number among those of `size` bytes. */
interface Bits {
  /** Bytes per element. */
  readonly size: number;
  readonly order: ByteOrder;
  /** The lowest bit that counts. */
  readonly offset: number;
  /** How many bits count. */
  readonly precision: number;
}

/** An integer, or a bit field, which is an integer without sign. */
export interface IntegerType extends Bits {
  readonly kind: "integer" | "bit field";
  readonly isSigned: boolean;
}

/** A floating-point number: sign, exponent and mantissa as fields of bits. */
export interface FloatType extends Bits {
  readonly kind: "float";
  readonly signAt: number;
  readonly exponentAt: number;
  readonly exponentBits: number;
  readonly mantissaAt: number;
  readonly mantissaBits: number;
  readonly bias: number;
  /** The first bit of the mantissa is 1 and not stored. */
  readonly isImplied: boolean;
}

/** Text of a fixed number of bytes. */
export interface TextType {
  readonly kind: "text";
  readonly size: number;
  readonly padding: "zero-terminated" | "zeros" | "spaces";
}

/** Text of any length, which lies elsewhere in the file. */
export interface LongTextType {
  readonly kind: "long text";
  readonly size: number;
}

/** Integers with names. */
export interface EnumType {
  readonly kind: "enumeration";
  readonly size: number;
  readonly base: IntegerType;
  readonly members: ReadonlyMap<string, bigint>;
}

/** An array in each element. */
export interface ArrayType {
  readonly kind: "array";
  readonly size: number;
  readonly shape: readonly number[];
  readonly base: Hdf5Type;
}

/** A record of named members. */
export interface CompoundType {
  readonly kind: "compound";
  readonly size: number;
  readonly members: readonly CompoundMember[];
}

/** One member of a record. */
export interface CompoundMember {
  readonly name: string;
  readonly offset: number;
  readonly type: Hdf5Type;
}

/** What is not read. */
export interface OtherType {
  readonly kind: "other";
  readonly size: number;
  /** In words, such as "references". */
  readonly words: string;
}

/** The type of an element. */
export type Hdf5Type =
  | IntegerType
  | FloatType
  | TextType
  | LongTextType
  | EnumType
  | ArrayType
  | CompoundType
  | OtherType;

/** Types within types; the library itself stops somewhere. */
const MAX_DEPTH = 32;

/**
 * The type in the header of a dataset or of a type with a name.
 *
 * @throws {SyntaxError} If there is none.
 */
export function typeOfHeader(file: Hdf5Bytes, header: readonly HeaderMessage[]): Hdf5Type {
  const message = header.find(({ type }) => type === MESSAGE.datatype);
  if (message === undefined) throw malformed(file.source.name, "a dataset must have a type: found none");
  return message.isShared ? sharedType(file, message.body()) : parseType(message.body());
}

/** The type that a shared message stands for. */
export function sharedType(file: Hdf5Bytes, body: Cursor): Hdf5Type {
  const address = sharedAddress(file, body);
  if (address === undefined) return other(0, "a type that lies in a heap of shared messages");
  const message = readHeader(file, address).find(({ type }) => type === MESSAGE.datatype);
  if (message === undefined || message.isShared) {
    throw malformed(file.source.name, "a type with a name must have a type: found none");
  }
  return parseType(message.body());
}

function other(size: number, words: string): OtherType {
  return { kind: "other", size, words };
}

interface Head {
  readonly version: number;
  /** 24 bits whose meaning is that of the class. */
  readonly flags: number;
  readonly size: number;
}

type Parser = (cursor: Cursor, head: Head, depth: number) => Hdf5Type;

/** By number of the class. */
const PARSERS: readonly Parser[] = [
  (cursor, head) => parseInteger(cursor, head, "integer"),
  parseFloating,
  (cursor, { size }) => (cursor.skip(2), other(size, "times")),
  (_cursor, { flags, size }) => ({ kind: "text", size, padding: PADDINGS[flags & 15] ?? "zeros" }),
  (cursor, head) => parseInteger(cursor, head, "bit field"),
  (cursor, { flags, size }) => (cursor.skip(flags & 255), other(size, "opaque data")),
  parseCompound,
  (_cursor, { size }) => other(size, "references"),
  parseEnum,
  parseLong,
  parseArray,
  (cursor, { size }, depth) => (parseType(cursor, depth + 1), other(size, "complex numbers")),
];

const PADDINGS = ["zero-terminated", "zeros", "spaces"] as const;

/**
 * Parses a datatype message.
 *
 * @throws {SyntaxError} If it is malformed.
 */
export function parseType(cursor: Cursor, depth: number = 0): Hdf5Type {
  if (depth > MAX_DEPTH) {
    throw malformed(cursor.name, `a type must have at most ${MAX_DEPTH} levels: found more`);
  }
  const [first, flags, size] = [cursor.uint(1), cursor.uint(3), cursor.uint(4)];
  const parser = PARSERS[first & 15];
  if (parser === undefined) return other(size, `class ${first & 15}`);
  return parser(cursor, { version: first >> 4, flags, size }, depth);
}

function parseInteger(cursor: Cursor, { flags, size }: Head, kind: "integer" | "bit field"): IntegerType {
  const [offset, precision] = [cursor.uint(2), cursor.uint(2)];
  const isSigned = kind === "integer" && (flags & 8) !== 0;
  return { kind, size, order: flags & 1 ? "big" : "little", offset, precision, isSigned };
}

function parseFloating(cursor: Cursor, { flags, size }: Head): Hdf5Type {
  const [offset, precision] = [cursor.uint(2), cursor.uint(2)];
  const [exponentAt, exponentBits, mantissaAt, mantissaBits] = [1, 1, 1, 1].map((bytes) =>
    cursor.uint(bytes)
  );
  return {
    kind: "float",
    size,
    order: flags & 1 ? (flags & 64 ? "vax" : "big") : "little",
    offset,
    precision,
    signAt: flags >> 8 & 255,
    exponentAt: exponentAt!,
    exponentBits: exponentBits!,
    mantissaAt: mantissaAt!,
    mantissaBits: mantissaBits!,
    bias: cursor.uint(4),
    isImplied: (flags >> 4 & 3) === 2,
  };
}

/** A name; before version 3 it is padded to a multiple of 8 bytes. */
function parseName(cursor: Cursor, version: number): string {
  const start = cursor.at;
  const name = cursor.text();
  if (version < 3) cursor.skip(7 - (cursor.at - start + 7) % 8);
  return name;
}

function parseCompound(cursor: Cursor, { version, flags, size }: Head, depth: number): Hdf5Type {
  const members: CompoundMember[] = [];
  const offsetBytes = version < 3 ? 4 : size < 2 ** 8 ? 1 : size < 2 ** 16 ? 2 : size < 2 ** 24 ? 3 : 4;
  for (let n = flags & 0xffff; n > 0; n--) {
    const name = parseName(cursor, version);
    const offset = cursor.uint(offsetBytes);
    const shape = version === 1 ? oldMemberShape(cursor) : [];
    const base = parseType(cursor, depth + 1);
    const type: Hdf5Type = shape.length === 0 ? base : arrayOf(base, shape);
    members.push({ name, offset, type });
  }
  return { kind: "compound", size, members };
}

/** In version 1 each member can be an array. */
function oldMemberShape(cursor: Cursor): number[] {
  const rank = cursor.uint(1);
  cursor.skip(11);
  const lengths = [cursor.uint(4), cursor.uint(4), cursor.uint(4), cursor.uint(4)];
  return lengths.slice(0, rank);
}

function arrayOf(base: Hdf5Type, shape: readonly number[]): ArrayType {
  return { kind: "array", size: shape.reduce((size, length) => size * length, base.size), shape, base };
}

function parseEnum(cursor: Cursor, { version, flags, size }: Head, depth: number): Hdf5Type {
  const base = parseType(cursor, depth + 1);
  const count = flags & 0xffff;
  const names = Array.from({ length: count }, () => parseName(cursor, version));
  const values = names.map(() => cursor.take(base.size));
  if (base.kind !== "integer") return other(size, "enumerations of other than integers");
  const members = new Map(names.map((name, i) => [name, decodeInteger(values[i]!, base)]));
  return { kind: "enumeration", size, base, members };
}

function parseLong(cursor: Cursor, { flags, size }: Head, depth: number): Hdf5Type {
  parseType(cursor, depth + 1);
  return (flags & 15) === 1 ? { kind: "long text", size } : other(size, "variable-length arrays");
}

function parseArray(cursor: Cursor, { version, size }: Head, depth: number): Hdf5Type {
  const rank = cursor.uint(1);
  if (version < 3) cursor.skip(3);
  const shape = Array.from({ length: rank }, () => cursor.uint(4));
  if (version < 3) cursor.skip(4 * rank);
  return { kind: "array", size, shape, base: parseType(cursor, depth + 1) };
}

/** The integer in the bytes of one element, in the type's own order: offset, precision and sign applied. */
export function decodeInteger(
  bytes: Uint8Array,
  { order, offset, precision, isSigned }: IntegerType,
): bigint {
  let raw = 0n;
  for (let i = 0; i < bytes.length; i++) {
    raw = raw << 8n | BigInt(bytes[order === "big" ? i : bytes.length - 1 - i]!);
  }
  const value = raw >> BigInt(offset);
  return isSigned ? BigInt.asIntN(precision, value) : BigInt.asUintN(precision, value);
}

/** h5py's boolean: an enumeration of FALSE = 0 and TRUE = 1 in one byte. */
export function isBoolean(type: Hdf5Type): boolean {
  return type.kind === "enumeration" && type.size === 1 && type.members.size === 2 &&
    type.members.get("FALSE") === 0n && type.members.get("TRUE") === 1n;
}

function bytes(size: number): string {
  return size === 1 ? "1 byte" : `${size} bytes`;
}

/** A type in words, as refusals say it. */
export function describeType(type: Hdf5Type): string {
  switch (type.kind) {
    case "integer":
    case "bit field":
      return `${type.kind}s of ${type.precision} bits at bit ${type.offset} of ${bytes(type.size)}`;
    case "float":
      return `${type.order === "vax" ? "VAX " : ""}floats of ${
        bytes(type.size)
      } with ${type.exponentBits} bits of exponent and ${type.mantissaBits} of mantissa`;
    case "text":
    case "long text":
      return "text";
    case "enumeration":
      return `an enumeration of ${describeType(type.base)}`;
    case "array":
      return `arrays of ${describeType(type.base)}`;
    case "compound":
      return "compounds";
    case "other":
      return type.words;
  }
}
