/**
 * Attributes of HDF5: numbers, booleans and texts beside a dataset or group, read from the attribute messages themselves,
 * so that every bit of an integer counts and one of an unreadable kind does not hide the others.
 * Format: HDF5 file format specification 3.0, sections IV.A.2.m (attribute) and III.E (global heap).
 *
 * @module
 */
import { UnsupportedError } from "../core/errors.ts";
import { sizeOf } from "../core/types.ts";
import { createArray } from "./arrays.ts";
import { denseAttributes } from "./hdf5_dense.ts";
import { bytesAt, Cursor, type Hdf5Bytes, type HeaderMessage, malformed, MESSAGE } from "./hdf5_header.ts";
import { type Hdf5Type, isBoolean, parseType, sharedType } from "./hdf5_type.ts";
import { decodeText, exactNumber, numberDecoder } from "./hdf5_values.ts";

/** A value of an attribute; an integer beyond ±(2^53 - 1) is a bigint, an array is as nested as its shape. */
export type Hdf5Attribute = number | bigint | string | boolean | readonly Hdf5Attribute[];
/** Attributes by name. */
export type Hdf5Attributes = { readonly [name: string]: Hdf5Attribute };

/** An attribute as it lies in the file. */
interface StoredAttribute {
  readonly name: string;
  readonly type: Hdf5Type;
  /** Null where there is no value at all. */
  readonly shape: readonly number[] | null;
  readonly data: Cursor;
}

/**
 * The attributes in a header whose values are numbers, booleans or texts; others are left out.
 *
 * @throws {SyntaxError} If the messages are malformed.
 */
export function attributesOf(file: Hdf5Bytes, header: readonly HeaderMessage[]): Hdf5Attributes {
  const messages = header.filter(({ type, isShared }) => type === MESSAGE.attribute && !isShared);
  const bodies = messages.map((message) => message.body());
  const info = header.find(({ type }) => type === MESSAGE.attributeInfo);
  if (info !== undefined) bodies.push(...denseAttributes(file, info.body()));
  const found: [string, Hdf5Attribute][] = [];
  for (const body of bodies) {
    const attribute = parseAttribute(file, body);
    const value = valueOf(file, attribute);
    if (value !== undefined) found.push([attribute.name, value]);
  }
  return Object.fromEntries(found.sort(([a], [b]) => a < b ? -1 : 1));
}

function parseAttribute(file: Hdf5Bytes, body: Cursor): StoredAttribute {
  const version = body.uint(1);
  const flags = body.uint(1);
  if (version < 1 || version > 3) {
    throw malformed(file.source.name, `an attribute must have version 1 to 3: found ${version}`);
  }
  const sizes = [body.uint(2), body.uint(2), body.uint(2)];
  if (version === 3) body.skip(1); // the encoding of the name: ASCII is UTF-8
  const [name, type, space] = sizes.map((size) => {
    const part = new Cursor(body.name, body.take(size));
    if (version === 1) body.skip(-size & 7);
    return part;
  });
  return {
    name: name!.text(),
    type: flags & 1 ? sharedType(file, type!) : parseType(type!),
    // A dataspace in a heap of shared messages is not looked up: no value.
    shape: flags & 2 ? null : parseSpace(file, space!),
    data: body,
  };
}

/** Lengths; null for a space of nothing. */
function parseSpace(file: Hdf5Bytes, space: Cursor): readonly number[] | null {
  const [version, rank] = [space.uint(1), space.uint(1)];
  space.skip(1);
  const kind = space.uint(1); // reserved in version 1
  if (version === 1) space.skip(4);
  else if (kind === 2) return null;
  return Array.from({ length: rank }, () => space.uint(file.lengthBytes));
}

/** Undefined for a kind that is left out. */
function valueOf(file: Hdf5Bytes, { type, shape, data }: StoredAttribute): Hdf5Attribute | undefined {
  if (shape === null) return undefined;
  const [full, element] = type.kind === "array" ? [[...shape, ...type.shape], type.base] : [shape, type];
  try {
    const values = elementsOf(file, element, sizeOf(full), data);
    return values === undefined ? undefined : nested(values, full);
  } catch (error) {
    // A number that float64 does not hold, or a text that is not UTF-8.
    if (error instanceof UnsupportedError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function elementsOf(
  file: Hdf5Bytes,
  type: Hdf5Type,
  count: number,
  data: Cursor,
): readonly Hdf5Attribute[] | undefined {
  const decoder = numberDecoder(type);
  const isText = type.kind === "text" || type.kind === "long text";
  if (decoder === undefined && !isText) return undefined;
  const bytes = data.take(count * type.size);
  if (decoder !== undefined) {
    const target = createArray(decoder.dtype, count);
    decoder.decode(bytes, { recordBytes: type.size, offset: 0, perRecord: 1 }, target);
    const numbers = target as ArrayLike<number | bigint>;
    return isBoolean(type) ? Array.from(numbers, Boolean) : Array.from(numbers, exactNumber);
  }
  return Array.from({ length: count }, (_, i) => {
    const one = bytes.subarray(i * type.size, (i + 1) * type.size);
    return type.kind === "text" ? decodeText(one, type.padding) : longText(file, new Cursor(data.name, one));
  });
}

function nested(values: readonly Hdf5Attribute[], shape: readonly number[]): Hdf5Attribute {
  const [length, ...rest] = shape;
  if (length === undefined) return values[0]!;
  if (rest.length === 0) return values;
  const width = sizeOf(rest);
  return Array.from({ length }, (_, i) => nested(values.slice(i * width, (i + 1) * width), rest));
}

/** A text in a collection of the global heap: length, address of the collection, number of the object. */
function longText(file: Hdf5Bytes, reference: Cursor): string {
  const length = reference.uint(4);
  const address = reference.address(file.addressBytes);
  const index = reference.uint(4);
  if (length === 0 || address === undefined || address === 0) return "";
  const head = bytesAt(file, address, 8 + file.lengthBytes);
  head.skip(8);
  const collection = bytesAt(file, address, head.uint(file.lengthBytes));
  collection.skip(8 + file.lengthBytes);
  while (collection.left >= 8 + file.lengthBytes) {
    const number = collection.uint(2);
    collection.skip(6);
    const size = collection.uint(file.lengthBytes);
    if (number === 0) break; // what follows is free
    if (number === index) return decodeText(collection.take(length), "zero-terminated");
    collection.skip(Math.min(collection.left, Math.ceil(size / 8) * 8));
  }
  throw malformed(file.source.name, `a text must lie in its heap: found no object ${index} at ${address}`);
}
