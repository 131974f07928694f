/**
 * NumPy's `.npy`: one array, its type and shape in a short text header.
 * Format: numpy.lib.format, versions 1.0, 2.0 and 3.0, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>
 *
 * | bytes | what |
 * |---|---|
 * | 0-5 | `\x93NUMPY` |
 * | 6, 7 | major and minor version |
 * | 8-9 (version 1), 8-11 (2, 3) | length of the header, unsigned, little-endian |
 * | header | a Python dictionary `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }`, Latin-1 (version 3: UTF-8), padded with spaces and a newline |
 * | rest | elements without gaps |
 *
 * Read: float64, float32, float16 (widened to float32), all integers of 8 to 64 bits, bool; both byte orders; C and
 * Fortran order, the latter returned row-major; any rank up to 64. Row ranges are read without loading the file.
 * Refused: complex, text, object, date and structured types with {@linkcode UnsupportedError}; anything malformed with
 * `SyntaxError`. Objects are pickles, and nothing here runs code. Bytes after the data are refused, since a damaged
 * shape would otherwise yield a plausible, wrong array (numpy ignores them).
 * Written: version 1.0, little-endian, row-major, byte for byte what numpy 1.24 writes.
 *
 * Every length is compared with the size of the file before memory is taken. Fixtures: `fixtures/make_fixtures.py`,
 * numpy 1.24.2.
 *
 * @module
 */
import { UnsupportedError } from "../core/errors.ts";
import type { Dtype, NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import {
  bytesOf,
  checkNdArray,
  describeArray,
  dtypeOf,
  ITEM_BYTES,
  receive,
  type StoredType,
  toRowMajor,
} from "./arrays.ts";
import { type Literal, parseLiteral } from "./python_literal.ts";
import {
  type ByteSource,
  bytesSource,
  openSource,
  withFile,
  writeAside,
  writeInPlace,
} from "./byte_source.ts";
import { checkIsData } from "./not_data.ts";

/** The first six bytes of every .npy file. */
const NPY_MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Header and data start at multiples of this (ARRAY_ALIGN in numpy.lib.format). */
const NPY_ALIGN = 64;
/** Room that numpy leaves for the first length to grow (GROWTH_AXIS_MAX_DIGITS in numpy.lib.format). */
const NPY_GROWTH_DIGITS = 21;
/** Longest header that is parsed. That of a plain array of rank 64 is below 2 KiB; numpy itself stops at 10,000 bytes. */
const MAX_HEADER_BYTES = 65536;
/** numpy 2 allows 64 dimensions, numpy 1 had 32. */
const MAX_RANK = 64;

const STORED: { readonly [code: string]: StoredType } = {
  f8: "float64",
  f4: "float32",
  f2: "float16",
  i8: "int64",
  i4: "int32",
  i2: "int16",
  i1: "int8",
  u8: "uint64",
  u4: "uint32",
  u2: "uint16",
  u1: "uint8",
  b1: "bool",
};

const CODES: { readonly [D in Dtype]: string } = {
  float64: "<f8",
  float32: "<f4",
  int64: "<i8",
  int32: "<i4",
  int16: "<i2",
  int8: "|i1",
  uint64: "<u8",
  uint32: "<u4",
  uint16: "<u2",
  uint8: "|u1",
  bool: "|b1",
};

/** What the header of an .npy file says. */
export interface NpyHeader {
  /** Type in memory. */
  readonly dtype: Dtype;
  /** Type in the file; differs from `dtype` for float16. */
  readonly stored: StoredType;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly isLittleEndian: boolean;
  readonly version: string;
  /** Where the elements begin. */
  readonly dataOffset: number;
  /** Length of the elements in the file. */
  readonly dataBytes: number;
}

/**
 * Parses the header of an .npy file.
 *
 * @param bytes The file, or any beginning of it that holds the header.
 * @param totalBytes Length of the whole file; the shape must fit. @default `bytes.length`
 * @param name What messages call the file.
 * @throws {SyntaxError} If the bytes are not an .npy file, or the elements do not fill the file exactly.
 * @throws {UnsupportedError} If the elements are neither numbers nor booleans.
 */
export function parseNpyHeader(
  bytes: Uint8Array,
  totalBytes: number = bytes.length,
  name: string = "npy bytes",
): NpyHeader {
  const { version, textStart, dataOffset } = parsePrefix(bytes, totalBytes, name);
  if (dataOffset > bytes.length) throw headerTooLong(name, dataOffset, bytes.length);
  // Latin-1 would do for version 1 and 2, but a header of ours is ASCII in any case and anything else is refused below.
  const text = new TextDecoder().decode(bytes.subarray(textStart, dataOffset));
  const { descr, fortranOrder, shape } = parseDictionary(text, name);
  const { stored, isLittleEndian } = parseDescr(descr, name);
  const dataBytes = sizeOf(shape) * ITEM_BYTES[stored];
  const found = totalBytes - dataOffset;
  if (dataBytes !== found) {
    throw new SyntaxError(
      `Cannot read "${name}" as ${
        describeArray(stored, shape)
      } must fill the rest of the file, ${dataBytes} bytes: found ${found} bytes from offset ${dataOffset}`,
    );
  }
  return {
    dtype: dtypeOf(stored),
    stored,
    shape,
    fortranOrder,
    isLittleEndian,
    version,
    dataOffset,
    dataBytes,
  };
}

/** How many bytes a reader needs before it can call {@linkcode parseNpyHeader}: 12 to start with, then this many. */
export function npyHeaderBytes(
  bytes: Uint8Array,
  totalBytes: number = bytes.length,
  name: string = "npy bytes",
): number {
  return parsePrefix(bytes, totalBytes, name).dataOffset;
}

function parsePrefix(
  bytes: Uint8Array,
  totalBytes: number,
  name: string,
): { version: string; textStart: number; dataOffset: number } {
  if (!NPY_MAGIC.every((byte, i) => bytes[i] === byte)) {
    const found = Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    throw new SyntaxError(
      `Cannot read "${name}" as an .npy file starts with 93 4e 55 4d 50 59: found ${found || "no bytes"}`,
    );
  }
  const [major, minor] = [bytes[6], bytes[7]];
  const textStart = major === 1 ? 10 : 12;
  if (bytes.length < textStart) throw headerTooLong(name, textStart, totalBytes);
  if (minor !== 0 || !(major === 1 || major === 2 || major === 3)) {
    throw new SyntaxError(
      `Cannot read "${name}" as the .npy version must be 1.0, 2.0 or 3.0: found ${major}.${minor} at offset 6`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const dataOffset = textStart + length;
  if (dataOffset > totalBytes) throw headerTooLong(name, dataOffset, totalBytes);
  if (length > MAX_HEADER_BYTES) {
    throw new SyntaxError(
      `Cannot read "${name}" as the header of an array has at most ${MAX_HEADER_BYTES} bytes: found ${length}`,
    );
  }
  return { version: `${major}.${minor}`, textStart, dataOffset };
}

function headerTooLong(name: string, end: number, size: number): SyntaxError {
  return new SyntaxError(
    `Cannot read "${name}" as the header must end within the file: it would end at byte ${end} of ${size}`,
  );
}

function parseDescr(descr: Literal, name: string): { stored: StoredType; isLittleEndian: boolean } {
  const match = typeof descr === "string" ? /^([<>|=]?)([a-z]\d{1,2})$/.exec(descr) : null;
  const stored = match === null || !Object.hasOwn(STORED, match[2]!) ? undefined : STORED[match[2]!];
  if (match === null || stored === undefined) {
    const feature = typeof descr === "string" ? `dtype "${printable(descr)}"` : "a structured dtype";
    throw new UnsupportedError(
      `Cannot read "${name}" as its elements must be real numbers or booleans: found ${feature}`,
      feature,
    );
  }
  return { stored, isLittleEndian: match[1] !== ">" };
}

function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\uffff"]/g, "?").slice(0, 40);
}

interface Dictionary {
  readonly descr: Literal;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

function parseDictionary(text: string, name: string): Dictionary {
  const fail = (found: string) =>
    new SyntaxError(
      `Cannot read "${name}" as the header must be a dictionary of descr, fortran_order and shape: ${found}`,
    );
  const literal = parseLiteral(text, fail);
  if (!(literal instanceof Map)) throw fail("found another literal");
  const keys = [...literal.keys()].sort().join(", ");
  if (keys !== "descr, fortran_order, shape") throw fail(`found keys ${printable(keys) || "(none)"}`);
  const fortranOrder = literal.get("fortran_order");
  if (typeof fortranOrder !== "boolean") throw fail("fortran_order is neither True nor False");
  return { descr: literal.get("descr")!, fortranOrder, shape: checkShape(literal.get("shape")!, name) };
}

function checkShape(shape: Literal, name: string): number[] {
  const isValid = Array.isArray(shape) && shape.length <= MAX_RANK &&
    shape.every((length) => typeof length === "number" && Number.isSafeInteger(length) && length >= 0);
  if (isValid && Number.isSafeInteger(sizeOf(shape as number[]) * 8)) return shape as number[];
  const found = JSON.stringify(shape, (_key, value) => value instanceof Map ? "{}" : value);
  throw new SyntaxError(
    `Cannot read "${name}" as the shape must be at most ${MAX_RANK} lengths from 0 whose product is a possible size: found ${
      found.slice(0, 80)
    }`,
  );
}

/**
 * Parses a whole .npy file.
 *
 * @param bytes The file; it is copied, never aliased.
 * @param name What messages call it.
 * @returns Elements in row-major order, whatever the order in the file. O(n).
 * @throws {SyntaxError} If the bytes are not an .npy file.
 * @throws {UnsupportedError} If the elements are neither numbers nor booleans.
 *
 * @example Round trip
 * ```ts
 * import { encodeNpy, parseNpy } from "beamline/data";
 * const bytes = encodeNpy({ dtype: "float32", shape: [2], data: Float32Array.of(1.5, -2) });
 * const { shape, data } = parseNpy(bytes); // [2], Float32Array [1.5, -2]
 * ```
 */
export function parseNpy(bytes: Uint8Array, name: string = "npy bytes"): NdArray {
  const source = bytesSource(name, bytes);
  checkIsData(source, FORMAT);
  return readNpyData(source, parseNpyHeader(bytes, bytes.length, name), 0);
}

/** Reads all elements that belong to `header`, for a file that begins at byte `base` of the source. */
export function readNpyData(source: ByteSource, header: NpyHeader, base: number): NdArray {
  const { dtype, stored, shape, fortranOrder, isLittleEndian } = header;
  const target = receive(stored, sizeOf(shape), isLittleEndian);
  source.readInto(base + header.dataOffset, target.bytes);
  const data = target.finish();
  return { dtype, shape, data: fortranOrder ? toRowMajor(data, shape) : data };
}

/**
 * Reads rows `from` up to, not including, `to`, for a file that begins at byte `base` of the source. The caller has
 * called {@linkcode checkRows}.
 */
export function readNpyRows(
  source: ByteSource,
  header: NpyHeader,
  base: number,
  from: number,
  to: number,
): NdArray {
  const { dtype, stored, fortranOrder, isLittleEndian } = header;
  const [rowCount, ...rest] = header.shape as [number, ...number[]];
  const shape = [to - from, ...rest];
  const itemBytes = ITEM_BYTES[stored];
  const target = receive(stored, sizeOf(shape), isLittleEndian);
  const start = base + header.dataOffset;
  if (!fortranOrder) {
    source.readInto(start + from * sizeOf(rest) * itemBytes, target.bytes);
    return { dtype, shape, data: target.finish() };
  }
  // In Fortran order a range of rows is one short run in each of the remaining indices.
  const run = (to - from) * itemBytes;
  for (let k = 0; run > 0 && k < sizeOf(rest); k++) {
    source.readInto(start + (k * rowCount + from) * itemBytes, target.bytes.subarray(k * run, (k + 1) * run));
  }
  return { dtype, shape, data: toRowMajor(target.finish(), shape) };
}

/** @throws {TypeError} For a scalar. @throws {RangeError} If `from` and `to` are not a range of its rows. */
export function checkRows(name: string, shape: readonly number[], from: number, to: number): void {
  const [rowCount] = shape;
  if (rowCount === undefined) {
    throw new TypeError(`Cannot read rows of "${name}" as it must have a first dimension: found a scalar`);
  }
  if (Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= rowCount) return;
  throw new RangeError(
    `Cannot read rows of "${name}" as they must lie in 0 to ${rowCount}: found ${from} to ${to}`,
  );
}

/** What the file should be, for {@linkcode checkIsData}. */
const FORMAT = "an .npy array";

/** Header first, from a source that holds an .npy file of `size` bytes at `base`. */
export function readNpyHeader(source: ByteSource, base: number = 0, size: number = source.size): NpyHeader {
  if (base === 0) checkIsData(source, FORMAT);
  const start = new Uint8Array(Math.min(12, size));
  source.readInto(base, start);
  const bytes = new Uint8Array(npyHeaderBytes(start, size, source.name));
  source.readInto(base, bytes);
  return parseNpyHeader(bytes, size, source.name);
}

/**
 * Reads an .npy file.
 *
 * @returns Elements in row-major order.
 * @throws {DataError} If it is missing, damaged, or holds something else than numbers or booleans.
 */
// deno-lint-ignore require-await
export async function readNpy(path: string): Promise<NdArray> {
  return readNpySource(openSource(path));
}

/** {@linkcode readNpy} for a file that is open already; closes it. */
export function readNpySource(source: ByteSource): NdArray {
  try {
    return withFile(source.name, () => readNpyData(source, readNpyHeader(source), 0));
  } finally {
    source.close();
  }
}

/** An open .npy file, of which rows are read as needed. */
export interface NpyFile extends Disposable {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly header: NpyHeader;
  /**
   * Rows `from` up to, not including, `to`; shape [to - from, ...]. Only their bytes are read.
   *
   * @throws {RangeError} If the rows are not in the file.
   */
  readRows(from: number, to: number): Promise<NdArray>;
  close(): void;
}

/**
 * Opens an .npy file without loading it.
 *
 * @throws {DataError} As {@linkcode readNpy}.
 *
 * @example The second thousand rows of a large file
 * ```ts ignore
 * using file = await openNpy("showers.npy");
 * const rows = await file.readRows(1000, 2000);
 * ```
 */
// deno-lint-ignore require-await
export async function openNpy(path: string): Promise<NpyFile> {
  const source = openSource(path);
  try {
    const header = withFile(path, () => readNpyHeader(source));
    return {
      dtype: header.dtype,
      shape: header.shape,
      header,
      // deno-lint-ignore require-await
      readRows: async (from, to) => {
        checkRows(path, header.shape, from, to);
        return withFile(path, () => readNpyRows(source, header, 0, from, to));
      },
      close: () => source.close(),
      [Symbol.dispose]: () => source.close(),
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

/**
 * The header that numpy 1.24 writes for an array in C order: version 1.0, padded to a multiple of 64 bytes.
 *
 * @throws {RangeError} If the rank is above 64.
 */
export function encodeNpyHeader(dtype: Dtype, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  if (shape.length > MAX_RANK) {
    throw new RangeError(`Cannot encode .npy as the rank is at most ${MAX_RANK}: found ${shape.length}`);
  }
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  let text = `{'descr': '${CODES[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  if (shape.length > 0) text += " ".repeat(NPY_GROWTH_DIGITS - String(shape[0]).length);
  const unpadded = 10 + text.length + 1;
  // numpy adds a full 64 spaces where nothing is missing.
  text += " ".repeat(NPY_ALIGN - (unpadded % NPY_ALIGN)) + "\n";
  const bytes = new Uint8Array(10 + text.length);
  bytes.set([...NPY_MAGIC, 1, 0, text.length & 255, text.length >> 8]);
  new TextEncoder().encodeInto(text, bytes.subarray(10));
  return bytes;
}

/**
 * An array as the bytes of an .npy file, the same as `numpy.save` writes.
 *
 * @throws {TypeError} If `data` does not fit `dtype` and `shape`.
 */
export function encodeNpy(array: NdArray): Uint8Array<ArrayBuffer> {
  checkNdArray("npy bytes", array);
  const header = encodeNpyHeader(array.dtype, array.shape);
  const bytes = new Uint8Array(header.length + array.data.byteLength);
  bytes.set(header);
  bytes.set(bytesOf(array.data), header.length);
  return bytes;
}

/**
 * Writes an .npy file, aside and renamed.
 *
 * @throws {TypeError} If `data` does not fit `dtype` and `shape`.
 * @throws {DataError} If the path cannot be written.
 */
export async function writeNpy(path: string, array: NdArray): Promise<void> {
  checkNdArray(path, array);
  await writeAside(path, (write) => partsOf(array).forEach(write));
}

/**
 * Writes an .npy file at once and in its place, for a reader that waits to be told of it.
 *
 * @throws As {@linkcode writeNpy}.
 */
export function writeNpyInPlace(path: string, array: NdArray): void {
  checkNdArray(path, array);
  writeInPlace(path, partsOf(array));
}

function partsOf(array: NdArray): Uint8Array[] {
  return [encodeNpyHeader(array.dtype, array.shape), bytesOf(array.data)];
}
