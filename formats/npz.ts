/**
 * NumPy's `.npz`: a zip archive with one `.npy` member per array.
 * Format: `numpy.savez`, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>; members see `npy.ts`,
 * archive see `zip.ts`. The array `x` is the member `x.npy`; other members are passed over.
 *
 * A member of another kind than numbers and booleans, such as text or objects, does not hide the others: it is left out
 * when all are read (unless nothing would be left), and asking for it throws {@linkcode UnsupportedError}.
 *
 * Read: stored (`savez`) and deflated (`savez_compressed`) members, zip64, data descriptors. A member is checked against
 * the CRC-32 when it is read whole, not when rows of it are read. Memory is taken once the `.npy` header and the size
 * in the directory agree, and a member or archive that would expand beyond {@linkcode expansionLimit} is refused.
 * Written: both kinds, with fixed dates, so that equal arrays give equal files.
 *
 * Fixtures: `fixtures/make_fixtures.py`, numpy 1.24.2 and zipfile of Python 3.11.
 *
 * @module
 */
import { NotFoundError, UnsupportedError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import {
  type ArrayExpectation,
  arraysByName,
  bytesOf,
  checkArray,
  checkNdArray,
  ITEM_BYTES,
  receive,
  toRowMajor,
} from "./arrays.ts";
import { type ByteSource, bytesSource, openSource, withFileAsync, writeAside } from "./byte_source.ts";
import { checkIsData } from "./not_data.ts";
import {
  checkRows,
  encodeNpyHeader,
  type NpyHeader,
  npyHeaderBytes,
  parseNpyHeader,
  readNpyRows,
} from "./npy.ts";
import {
  encodeZip,
  expansionLimit,
  openZip,
  type ZipArchive,
  type ZipContent,
  type ZipMember,
} from "./zip.ts";

const SUFFIX = ".npy";
/** Enough for the header of any array that numpy writes with up to six dimensions; a longer one is read again. */
const FIRST_BYTES = 128;

/** Options of {@linkcode readNpz} and {@linkcode openNpz}. */
export interface NpzOptions {
  /** Refuse arrays (for `readNpz`: all arrays together) above this size. @default see {@linkcode expansionLimit} */
  readonly maxBytes?: number;
}

/** An open .npz file, of which arrays and rows are read as needed. */
export interface NpzFile extends Disposable {
  /** Names of the arrays in the order of the file, without ".npy". */
  readonly names: readonly string[];
  /** Why an array cannot be read, for each whose elements are neither numbers nor booleans. Reads every header. */
  unsupported(): Promise<ReadonlyMap<string, string>>;
  /** Type and shape of an array. */
  header(name: string): Promise<NpyHeader>;
  /** A whole array, row-major; its CRC-32 is checked. */
  read(name: string): Promise<NdArray>;
  /**
   * Rows `from` up to, not including, `to`; shape [to - from, ...]. Of a stored member only their bytes are read. A
   * deflated one is inflated in pieces up to the last row, so reading it block by block takes quadratic time; in
   * Fortran order it is read whole.
   *
   * @throws {RangeError} If the rows are not in the array.
   */
  readRows(name: string, from: number, to: number): Promise<NdArray>;
  close(): void;
}

/** {@linkcode NpzFile} over any source, with errors that are not yet about a path. */
class NpzReader {
  readonly members = new Map<string, ZipMember>();
  readonly #headers = new Map<string, NpyHeader>();

  private constructor(readonly source: ByteSource, readonly archive: ZipArchive, readonly maxBytes?: number) {
    for (const [name, member] of archive.members) {
      if (name.endsWith(SUFFIX)) this.members.set(name.slice(0, -SUFFIX.length), member);
    }
  }

  static async open(source: ByteSource, maxBytes?: number): Promise<NpzReader> {
    checkIsData(source, "an .npz archive");
    return new NpzReader(source, await openZip(source), maxBytes);
  }

  member(name: string): ZipMember {
    const member = this.members.get(name);
    if (member !== undefined) return member;
    const known = [...this.members.keys()];
    const nearest = nearestName(name, known);
    throw new NotFoundError(
      `Cannot read array "${name}" of "${this.source.name}" as it has ${
        known.join(", ") || "no arrays"
      }: found no "${name}"${nearest === undefined ? "" : `; did you mean "${nearest}"`}`,
      "array",
      name,
      nearest,
    );
  }

  async header(name: string): Promise<NpyHeader> {
    const known = this.#headers.get(name);
    if (known !== undefined) return known;
    const member = this.member(name);
    const place = `${this.source.name}" member "${member.name}`;
    let bytes = new Uint8Array(Math.min(FIRST_BYTES, member.bytes));
    await this.archive.readPart(member, 0, bytes);
    const length = npyHeaderBytes(bytes, member.bytes, place);
    if (length > bytes.length) {
      bytes = new Uint8Array(length);
      await this.archive.readPart(member, 0, bytes);
    }
    const header = parseNpyHeader(bytes, member.bytes, place);
    this.#headers.set(name, header);
    return header;
  }

  async read(name: string): Promise<NdArray> {
    const header = await this.header(name);
    const member = this.member(name);
    this.checkExpansion(`array "${name}"`, member.bytes, member.compressedBytes);
    const { dtype, stored, shape, fortranOrder, isLittleEndian, dataOffset } = header;
    const target = receive(stored, sizeOf(shape), isLittleEndian);
    await this.archive.readWhole(member, [new Uint8Array(dataOffset), target.bytes]);
    const data = target.finish();
    return { dtype, shape, data: fortranOrder ? toRowMajor(data, shape) : data };
  }

  async readRows(name: string, from: number, to: number): Promise<NdArray> {
    const header = await this.header(name);
    const member = this.member(name);
    const { dtype, stored, shape, isLittleEndian, dataOffset } = header;
    if (member.isStored) return readNpyRows(this.archive.storedSource(member), header, 0, from, to);
    const width = sizeOf(shape.slice(1));
    const part = [to - from, ...shape.slice(1)];
    if (header.fortranOrder) {
      const { data } = await this.read(name);
      return { dtype, shape: part, data: data.slice(from * width, to * width) };
    }
    this.checkExpansion(`rows of "${name}"`, sizeOf(part) * ITEM_BYTES[stored], member.compressedBytes);
    const target = receive(stored, sizeOf(part), isLittleEndian);
    await this.archive.readPart(member, dataOffset + from * width * ITEM_BYTES[stored], target.bytes);
    return { dtype, shape: part, data: target.finish() };
  }

  checkExpansion(what: string, bytes: number, compressedBytes: number): void {
    const limit = this.maxBytes ?? expansionLimit(compressedBytes);
    if (bytes <= limit) return;
    throw new UnsupportedError(
      `Cannot read ${what} of "${this.source.name}" as at most ${limit} bytes are unpacked from ${compressedBytes}: found ${bytes}; raise maxBytes if this is meant`,
      "expansion",
    );
  }

  /** The errors of the members among `names` whose elements are not read. */
  async unsupported(names: Iterable<string> = this.members.keys()): Promise<Map<string, UnsupportedError>> {
    const found = new Map<string, UnsupportedError>();
    for (const name of names) {
      try {
        await this.header(name);
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        found.set(name, error);
      }
    }
    return found;
  }

  async readAll(wanted: NpzSelection | undefined): Promise<NpzArrays> {
    const expectations = wanted !== undefined && !isNames(wanted) ? wanted : {};
    // Who names an array is told why it cannot be read; who wants all there are gets the others.
    const refused = wanted === undefined ? await this.unsupported() : new Map<string, UnsupportedError>();
    const all = wanted === undefined
      ? [...this.members.keys()]
      : isNames(wanted)
      ? wanted
      : Object.keys(wanted);
    const names = all.filter((name) => !refused.has(name));
    const [reason] = refused.values();
    if (names.length === 0 && reason !== undefined) throw reason;
    const total = names.reduce((sum, name) => sum + this.member(name).bytes, 0);
    this.checkExpansion("arrays", total, this.source.size);
    const arrays: [string, NdArray][] = [];
    for (const name of names) {
      const { dtype, shape } = await this.header(name);
      const expected = Object.hasOwn(expectations, name) ? expectations[name]! : {};
      checkArray({ dtype, shape }, name, this.source.name, expected);
      arrays.push([name, await this.read(name)]);
    }
    return arraysByName(arrays, refused);
  }
}

/** Arrays by name. */
export type NpzArrays = { readonly [name: string]: NdArray };

/** Names of arrays to read, or what each must be: `{ E_MC: { dtype: "float32", shape: [null] } }`. */
export type NpzSelection = readonly string[] | { readonly [name: string]: ArrayExpectation };

function isNames(wanted: NpzSelection): wanted is readonly string[] {
  return Array.isArray(wanted);
}

/**
 * Reads arrays of an .npz file.
 *
 * @param wanted Names, or dtype and shape by name. @default all arrays that can be read
 * @returns Arrays by name, row-major. Asking it for an array of the file that cannot be read throws the reason.
 * @throws {DataError} If the file is missing or damaged, lacks a wanted array, or one is not what was expected.
 *
 * @example Two arrays whose types matter
 * ```ts ignore
 * const { offsets, E_MC } = await readNpz("stage2.npz", {
 *   offsets: { dtype: "int64", shape: [null] },
 *   E_MC: { dtype: ["float32", "float64"] },
 * });
 * ```
 */
export async function readNpz<const W extends NpzSelection = readonly string[]>(
  path: string,
  wanted?: W,
  options: NpzOptions = {},
): Promise<NpzResult<W>> {
  const source = openSource(path);
  try {
    return await withFileAsync(path, async () => {
      const reader = await NpzReader.open(source, options.maxBytes);
      return await reader.readAll(wanted) as NpzResult<W>;
    });
  } finally {
    source.close();
  }
}

/** The arrays that a selection gives: every name that was asked for is there. */
export type NpzResult<W extends NpzSelection> = W extends readonly (infer N extends string)[]
  ? string extends N ? NpzArrays : { readonly [name in N]: NdArray }
  : { readonly [name in keyof W]: NdArray };

/**
 * Parses a whole .npz file from memory.
 *
 * @throws {SyntaxError} If it is damaged.
 * @throws {UnsupportedError} If an array expands too far.
 */
export async function parseNpz(bytes: Uint8Array, name: string = "npz bytes"): Promise<NpzArrays> {
  return await (await NpzReader.open(bytesSource(name, bytes))).readAll(undefined);
}

/**
 * Opens an .npz file without loading it.
 *
 * @throws {DataError} As {@linkcode readNpz}; so do the methods.
 *
 * @example The first hundred rows of one array
 * ```ts ignore
 * using file = await openNpz("showers.npz");
 * const rows = await file.readRows("arr_0", 0, 100);
 * ```
 */
export async function openNpz(path: string, options: NpzOptions = {}): Promise<NpzFile> {
  const source = openSource(path);
  try {
    const reader = await withFileAsync(path, () => NpzReader.open(source, options.maxBytes));
    return {
      names: [...reader.members.keys()],
      unsupported: () =>
        withFileAsync(path, async () => {
          return new Map([...await reader.unsupported()].map(([name, { message }]) => [name, message]));
        }),
      header: (name) => withFileAsync(path, () => reader.header(name)),
      read: (name) => withFileAsync(path, () => reader.read(name)),
      async readRows(name, from, to) {
        const { shape } = await withFileAsync(path, () => reader.header(name));
        checkRows(`${path}" array "${name}`, shape, from, to);
        return await withFileAsync(path, () => reader.readRows(name, from, to));
      },
      close: () => source.close(),
      [Symbol.dispose]: () => source.close(),
    };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Options of {@linkcode writeNpz}. */
export interface WriteNpzOptions {
  /** Deflate, as `numpy.savez_compressed` does. @default false */
  readonly compress?: boolean;
}

function* contents(arrays: NpzArrays): Generator<ZipContent> {
  for (const [name, { dtype, shape, data }] of Object.entries(arrays)) {
    yield { name: name + SUFFIX, parts: [encodeNpyHeader(dtype, shape), bytesOf(data)] };
  }
}

function checkArrays(arrays: NpzArrays): void {
  for (const [name, array] of Object.entries(arrays)) checkNdArray(name, array);
}

/**
 * Arrays as the bytes of an .npz file.
 *
 * @throws {TypeError} If an array's data do not fit its dtype and shape.
 */
export async function encodeNpz(
  arrays: NpzArrays,
  options: WriteNpzOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkArrays(arrays);
  const chunks: Uint8Array[] = [];
  await encodeZip(contents(arrays), options.compress ?? false, (bytes) => void chunks.push(bytes.slice()));
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/**
 * Writes an .npz file, aside and renamed.
 *
 * @throws {TypeError} If an array's data do not fit its dtype and shape.
 * @throws {DataError} If the path cannot be written.
 *
 * @example
 * ```ts ignore
 * await writeNpz("energies.npz", { E: { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) } });
 * ```
 */
export async function writeNpz(
  path: string,
  arrays: NpzArrays,
  options: WriteNpzOptions = {},
): Promise<void> {
  checkArrays(arrays);
  await writeAside(path, (write) => encodeZip(contents(arrays), options.compress ?? false, write));
}
