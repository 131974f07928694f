/**
 * Safetensors: named arrays in one file, the format in which model weights are exchanged.
 * Format: <https://github.com/huggingface/safetensors#format>, and the checks of its reference reader 0.6.2.
 *
 * | bytes | what |
 * |---|---|
 * | 0-7 | N, the length of the header, unsigned, little-endian; at most 100 MB |
 * | N | JSON `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"key": "text"}}`, starting with `{`, padded with spaces |
 * | rest | elements, little-endian, row-major; offsets count from here, and leave neither holes nor overlaps |
 *
 * Read: F64, F32, I64 to I8, U64 to U8, BOOL; F16, BF16, F8_E5M2, F8_E4M3 and F8_E8M0 are widened to float32, exactly.
 * An array of another type does not hide the others: it is listed as unsupported (unless it is all there is), and asking for it throws
 * {@linkcode UnsupportedError}. Duplicate keys, holes, overlaps and offsets that do not agree with the shape or the file
 * are refused with `SyntaxError`; further fields of an entry are passed over, as the reference reader does. Written: arrays by falling width and then by name, as the reference writer does, so that with a
 * header of a multiple of 8 bytes every array is aligned.
 *
 * Fixture: `fixtures/make_fixtures.py`, a writer from the specification in numpy 1.24.2.
 *
 * @module
 */
import { NotFoundError, UnsupportedError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { Dtype, NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import {
  arraysByName,
  bytesOf,
  checkNdArray,
  describeArray,
  dtypeOf,
  ITEM_BYTES,
  receive,
  type StoredType,
} from "./arrays.ts";
import { type ByteSource, bytesSource, openSource, withFile, writeAside } from "./byte_source.ts";
import { checkIsData } from "./not_data.ts";

/** Longest header (MAX_HEADER_SIZE of the reference reader). */
const MAX_HEADER_BYTES = 100_000_000;
/** The header and with it every array starts at a multiple of this. */
const ALIGN = 8;
const METADATA = "__metadata__";

const STORED: { readonly [name: string]: StoredType } = {
  F64: "float64",
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F8_E5M2: "float8_e5m2",
  F8_E4M3: "float8_e4m3fn",
  F8_E8M0: "float8_e8m0fnu",
  I64: "int64",
  I32: "int32",
  I16: "int16",
  I8: "int8",
  U64: "uint64",
  U32: "uint32",
  U16: "uint16",
  U8: "uint8",
  BOOL: "bool",
};

const NAMES: { readonly [D in Dtype]: string } = {
  float64: "F64",
  float32: "F32",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** Where one array lies. */
export interface SafetensorsEntry {
  /** Type in memory. */
  readonly dtype: Dtype;
  /** Type in the file; differs from `dtype` for floats of 8 and 16 bits. */
  readonly stored: StoredType;
  readonly shape: readonly number[];
  /** First byte and the one after the last, counted from the end of the header. */
  readonly offsets: readonly [number, number];
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** By name, in the order of the header. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /** Arrays of types that are not read, and why. */
  readonly unsupported: ReadonlyMap<string, UnsupportedError>;
  readonly metadata: { readonly [key: string]: string };
  /** Where the elements begin. */
  readonly dataOffset: number;
}

/** Arrays by name, and the texts beside them. */
export interface Safetensors {
  /** Those that are read. Asking for another that the file has throws {@linkcode UnsupportedError}. */
  readonly tensors: { readonly [name: string]: NdArray };
  /** Why an array of the file is not among `tensors`, by its name; empty for most files. */
  readonly unsupported: { readonly [name: string]: string };
  readonly metadata: { readonly [key: string]: string };
}

/**
 * Parses the header of a safetensors file and checks that the arrays fill the file exactly.
 *
 * @param source The whole file.
 * @throws {SyntaxError} If it is malformed.
 */
export function readSafetensorsHeader(source: ByteSource): SafetensorsHeader {
  const { name, size } = source;
  checkIsData(source, "a safetensors file");
  const fail = (rule: string) => new SyntaxError(`Cannot read "${name}" as ${rule}`);
  if (size < 8) throw fail(`a safetensors file has at least 8 bytes: found ${size}`);
  const prefix = new Uint8Array(8);
  source.readInto(0, prefix);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw fail(`the header has at most ${MAX_HEADER_BYTES} bytes: found ${length}`);
  }
  const dataOffset = 8 + Number(length);
  if (dataOffset > size) {
    throw fail(`the header must end within the file: it would end at byte ${dataOffset} of ${size}`);
  }
  const text = new Uint8Array(Number(length));
  source.readInto(8, text);
  const json = parseHeaderJson(text, fail);
  const metadata = parseMetadata(json[METADATA], fail);
  const entries = new Map<string, SafetensorsEntry>();
  const unsupported = new Map<string, UnsupportedError>();
  const places: [string, Offsets][] = [];
  for (const [key, value] of Object.entries(json)) {
    if (key === METADATA) continue;
    const facts = parseEntry(key, value, name);
    const stored = Object.hasOwn(STORED, facts.dtype) ? STORED[facts.dtype] : undefined;
    places.push([key, facts.offsets]);
    if (stored === undefined) unsupported.set(key, unsupportedType(name, key, facts.dtype));
    else entries.set(key, checkSize(key, facts, stored, name));
  }
  checkLayout(places, size - dataOffset, fail);
  return { entries, unsupported, metadata, dataOffset };
}

type Fail = (rule: string) => SyntaxError;

function parseHeaderJson(bytes: Uint8Array, fail: Fail): { readonly [key: string]: unknown } {
  if (bytes[0] !== 0x7b) {
    throw fail(`the header must start with "{": found byte ${bytes[0] ?? "none"} at offset 8`);
  }
  let text: string;
  let json: unknown;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    json = JSON.parse(text);
  } catch {
    throw fail("the header must be JSON in UTF-8: found something else");
  }
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw fail(`a key appears once: found ${JSON.stringify(duplicate)} twice`);
  return json as { readonly [key: string]: unknown };
}

/** The first key that an object of a valid JSON text has twice, which `JSON.parse` passes over. Linear. */
function duplicateKey(json: string): string | undefined {
  const objects: (Set<string> | undefined)[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g;
  for (let match = token.exec(json); match !== null; match = token.exec(json)) {
    const [text, colon] = match;
    if (text === "{") objects.push(new Set());
    else if (text === "[") objects.push(undefined);
    else if (text === "}" || text === "]") objects.pop();
    else if (colon !== undefined) {
      const key = JSON.parse(text.slice(0, text.length - colon.length)) as string;
      const keys = objects.at(-1)!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

function parseMetadata(value: unknown, fail: Fail): { readonly [key: string]: string } {
  if (value === undefined || value === null) return {};
  const isTexts = isRecord(value) && Object.values(value).every((text) => typeof text === "string");
  if (!isTexts) throw fail(`"${METADATA}" must be an object of texts: found something else`);
  return value as { readonly [key: string]: string };
}

type Offsets = readonly [number, number];

/** What the header says of one array, whatever its type. */
interface EntryFacts {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly offsets: Offsets;
}

function entryError(name: string, key: string, rule: string): SyntaxError {
  return new SyntaxError(`Cannot read "${name}" as ${rule} in ${JSON.stringify(key)}`);
}

function parseEntry(key: string, value: unknown, name: string): EntryFacts {
  const fail = (rule: string) => entryError(name, key, rule);
  if (!isRecord(value) || !["dtype", "shape", "data_offsets"].every((field) => Object.hasOwn(value, field))) {
    throw fail("an array has dtype, shape and data_offsets: found others");
  }
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") throw fail("dtype must be a text: found another");
  if (!isLengths(shape) || !Number.isSafeInteger(sizeOf(shape) * 8)) {
    throw fail("shape must be lengths from 0 whose product is a possible size: found another");
  }
  if (!isLengths(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw fail("data_offsets must be a beginning and an end: found another");
  }
  return { dtype, shape, offsets: [offsets[0]!, offsets[1]!] };
}

function unsupportedType(name: string, key: string, dtype: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot read "${name}" as dtype must be one of ${Object.keys(STORED).join(", ")}: found ${
      JSON.stringify(dtype.slice(0, 40))
    } in ${JSON.stringify(key)}`,
    `dtype ${dtype}`,
  );
}

function checkSize(key: string, facts: EntryFacts, stored: StoredType, name: string): SafetensorsEntry {
  const { shape, offsets } = facts;
  const wanted = sizeOf(shape) * ITEM_BYTES[stored];
  const found = offsets[1] - offsets[0];
  if (wanted === found) return { dtype: dtypeOf(stored), stored, shape, offsets };
  const rule = `${describeArray(stored, shape)} has ${wanted} bytes: found offsets ${found} apart`;
  throw entryError(name, key, rule);
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isLengths(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((length) => Number.isSafeInteger(length) && length >= 0);
}

function checkLayout(places: readonly [string, Offsets][], size: number, fail: Fail): void {
  const parts = places.toSorted(([, a], [, b]) => a[0] - b[0] || a[1] - b[1]);
  let end = 0;
  for (const [name, [from, to]] of parts) {
    if (from !== end) {
      const kind = from < end ? "an overlap" : "a hole";
      throw fail(
        `arrays must follow each other: found ${kind} at offset ${from} before ${JSON.stringify(name)}`,
      );
    }
    end = to;
  }
  if (end !== size) {
    throw fail(`the arrays must fill the file, ${end} bytes: found ${size} bytes after the header`);
  }
}

function readEntry(source: ByteSource, header: SafetensorsHeader, entry: SafetensorsEntry): NdArray {
  const { dtype, stored, shape, offsets } = entry;
  const target = receive(stored, sizeOf(shape), true);
  source.readInto(header.dataOffset + offsets[0], target.bytes);
  return { dtype, shape, data: target.finish() };
}

function readAll(source: ByteSource, names?: readonly string[]): Safetensors {
  const header = readSafetensorsHeader(source);
  const { entries, unsupported, metadata } = header;
  const [reason] = unsupported.values();
  if (entries.size === 0 && reason !== undefined) throw reason;
  const tensors = (names ?? [...entries.keys()]).map((name) => {
    const entry = entries.get(name);
    if (entry === undefined) throw unsupported.get(name) ?? missing(source.name, name, [...entries.keys()]);
    return [name, readEntry(source, header, entry)] as const;
  });
  const reasons = [...unsupported].map(([name, { message }]) => [name, message]);
  return { tensors: arraysByName(tensors, unsupported), unsupported: Object.fromEntries(reasons), metadata };
}

function missing(file: string, name: string, known: readonly string[]): NotFoundError {
  const nearest = nearestName(name, known);
  return new NotFoundError(
    `Cannot read array "${name}" of "${file}" as it has ${known.join(", ") || "none"}: found no "${name}"${
      nearest === undefined ? "" : `; did you mean "${nearest}"`
    }`,
    "array",
    name,
    nearest,
  );
}

/**
 * Parses a whole safetensors file.
 *
 * @param bytes The file; it is copied, never aliased.
 * @param name What messages call it.
 * @throws {SyntaxError} If it is malformed.
 * @throws {UnsupportedError} If none of its arrays has a type that is read.
 *
 * @example Round trip
 * ```ts
 * import { encodeSafetensors, parseSafetensors } from "beamline/data";
 * const bias = { dtype: "float32", shape: [2], data: Float32Array.of(0.5, -1) } as const;
 * const { tensors, metadata } = parseSafetensors(encodeSafetensors({ bias }, { step: "12" }));
 * tensors.bias; // { dtype: "float32", shape: [2], data: Float32Array [0.5, -1] }
 * ```
 */
export function parseSafetensors(bytes: Uint8Array, name: string = "safetensors bytes"): Safetensors {
  return readAll(bytesSource(name, bytes));
}

/** Options of {@linkcode readSafetensors}. */
export interface ReadSafetensorsOptions {
  /** Read these arrays alone. @default all */
  readonly names?: readonly string[];
}

/**
 * Reads a safetensors file.
 *
 * @throws {DataError} If it is missing or damaged, or an array that was asked for by name is not there or is not read.
 */
// deno-lint-ignore require-await
export async function readSafetensors(
  path: string,
  options: ReadSafetensorsOptions = {},
): Promise<Safetensors> {
  return readSafetensorsSync(path, options);
}

/** {@linkcode readSafetensors} without waiting. */
export function readSafetensorsSync(path: string, options: ReadSafetensorsOptions = {}): Safetensors {
  return readSafetensorsSource(openSource(path), options);
}

/** {@linkcode readSafetensors} for a file that is open already; closes it. */
export function readSafetensorsSource(
  source: ByteSource,
  options: ReadSafetensorsOptions = {},
): Safetensors {
  try {
    return withFile(source.name, () => readAll(source, options.names));
  } finally {
    source.close();
  }
}

/**
 * What a safetensors file holds, by its header alone: memory follows from the header, whatever the file's size.
 *
 * @throws {DataError} If it is missing or damaged.
 */
export function inspectSafetensors(path: string): SafetensorsHeader {
  const source = openSource(path);
  try {
    return withFile(path, () => readSafetensorsHeader(source));
  } finally {
    source.close();
  }
}

interface Layout {
  /** Length prefix and padded JSON. */
  readonly header: Uint8Array<ArrayBuffer>;
  /** The arrays in the order of the file. */
  readonly arrays: readonly NdArray[];
  readonly sizeBytes: number;
}

function layOut(
  file: string,
  tensors: { readonly [name: string]: NdArray },
  metadata: { readonly [key: string]: string },
): Layout {
  const sorted = Object.entries(tensors).sort(([nameA, a], [nameB, b]) =>
    ITEM_BYTES[b.dtype] - ITEM_BYTES[a.dtype] || (nameA < nameB ? -1 : 1)
  );
  const json: [string, unknown][] = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : [];
  let end = 0;
  for (const [name, array] of sorted) {
    if (name === METADATA) {
      throw new TypeError(
        `Cannot write "${file}" as "${METADATA}" is the place of texts: found an array of that name`,
      );
    }
    checkNdArray(name, array);
    const offsets = [end, end + array.data.byteLength];
    json.push([name, { dtype: NAMES[array.dtype], shape: array.shape, data_offsets: offsets }]);
    end = offsets[1]!;
  }
  // Object.fromEntries would put a name such as "0" first; the order of keys has no meaning.
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(json)));
  const padded = Math.ceil(text.length / ALIGN) * ALIGN;
  if (padded > MAX_HEADER_BYTES) {
    throw new RangeError(
      `Cannot write "${file}" as the header has at most ${MAX_HEADER_BYTES} bytes: found ${padded}`,
    );
  }
  const header = new Uint8Array(8 + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, 8);
  return { header, arrays: sorted.map(([, array]) => array), sizeBytes: header.length + end };
}

/**
 * Arrays as the bytes of a safetensors file. Equal arrays and texts give equal bytes.
 *
 * @param metadata Texts; `{}` writes none.
 * @throws {TypeError} If an array's data do not fit its dtype and shape, or its name is `__metadata__`.
 */
export function encodeSafetensors(
  tensors: { readonly [name: string]: NdArray },
  metadata: { readonly [key: string]: string } = {},
): Uint8Array<ArrayBuffer> {
  const { header, arrays, sizeBytes } = layOut("safetensors bytes", tensors, metadata);
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(header);
  let at = header.length;
  for (const { data } of arrays) {
    bytes.set(bytesOf(data), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Writes a safetensors file, aside and renamed.
 *
 * @throws {TypeError} As {@linkcode encodeSafetensors}.
 * @throws {DataError} If the path cannot be written.
 */
export async function writeSafetensors(
  path: string,
  tensors: { readonly [name: string]: NdArray },
  metadata: { readonly [key: string]: string } = {},
): Promise<void> {
  const { header, arrays } = layOut(path, tensors, metadata);
  await writeAside(path, (write) => {
    write(header);
    for (const { data } of arrays) write(bytesOf(data));
  });
}
