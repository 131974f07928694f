/**
 * How one dataset of an HDF5 file is stored, and its elements as they lie in the library's memory, block by block.
 *
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import { sizeOf } from "../core/types.ts";
import type { Hdf5Attributes } from "./hdf5_attributes.ts";
import { bytesAt, type Hdf5Bytes, type HeaderMessage, malformed, MESSAGE } from "./hdf5_header.ts";
import type { H5Filter, H5Library, H5Metadata } from "./hdf5_library.ts";
import { type Hdf5Links, type Hdf5Object, isThisFile } from "./hdf5_links.ts";
import { inMemory, type MemoryType } from "./hdf5_memory.ts";
import { type Hdf5Type, typeOfHeader } from "./hdf5_type.ts";

/** Most bytes of one read: what the library can hold. */
export const MAX_BYTES = 2 ** 31 - 2 ** 20;
/** Bytes that are moved at once, if a chunk is not larger. */
const BLOCK_BYTES = 2 ** 27;

/** What is needed of the open file. */
export interface StorageFile {
  readonly path: string;
  readonly library: H5Library;
  readonly id: bigint;
  readonly bytes: Hdf5Bytes;
  readonly links: Hdf5Links;
  checkOpen(): void;
  headerOf(object: Hdf5Object): readonly HeaderMessage[];
  attributesAt(object: Hdf5Object): Hdf5Attributes;
}

/** Is given the bytes of whole elements, the number of the first of them, and how many they are. */
export type UseBlock = (bytes: Uint8Array, first: number, count: number) => void;

/** Names of filters whose writers leave them out, https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md. */
const FILTERS: { readonly [id: number]: string } = {
  1: "deflate",
  2: "shuffle",
  3: "fletcher32",
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
  307: "bzip2",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32008: "bitshuffle",
  32013: "zfp",
  32015: "zstd",
  32026: "blosc2",
};
/** Compressors within blosc and blosc2, by number; the seventh parameter of the filter. */
const BLOSC_COMPRESSORS = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];

/** What h5wasm-plugins 0.2.1 breaks down on, in words: zfp on every file, and blosc where it calls zlib or snappy. */
function brokenFilter({ id, cd_values: parameters }: H5Filter): string | undefined {
  if (id === 32013) return "zfp";
  if (id !== 32001 && id !== 32026) return undefined;
  const compressor = BLOSC_COMPRESSORS[parameters[6] ?? 0] ?? "another compressor";
  return compressor === "snappy" || compressor === "zlib" ? `${FILTERS[id]} with ${compressor}` : undefined;
}

/** One dataset. */
export class Storage {
  readonly shape: readonly number[];
  readonly chunks: readonly number[] | null;
  readonly filters: readonly string[];
  readonly #memory: MemoryType;
  readonly #header: readonly HeaderMessage[];
  readonly #hasLongText: boolean;
  /** One element of what was never written, where the library leaves that to us and it is not zero. */
  readonly #fill: Uint8Array | undefined;

  constructor(readonly file: StorageFile, readonly name: string, readonly object: Hdf5Object) {
    const { path, id, library: { module } } = file;
    const [metadata, filters] = this.#guard(`dataset "${name}" must be readable`, () => [
      module.get_dataset_metadata(id, object.hardPath),
      module.get_dataset_filters(id, object.hardPath),
    ]);
    this.#header = file.headerOf(object);
    this.filters = filters.map((filter) => filter.name || (FILTERS[filter.id] ?? `filter ${filter.id}`));
    if (metadata.shape === null) throw this.refuse("it has no elements at all", "null dataspace");
    this.#checkOwnData(metadata);
    const [broken] = filters.map(brokenFilter).filter((found) => found !== undefined);
    if (broken !== undefined) throw this.refuse(`it is compressed by ${broken}`, `filter ${broken}`);
    this.shape = checkedShape(path, metadata.shape);
    this.chunks = metadata.chunks?.map(Number) ?? null;
    const stored = typeOfHeader(file.bytes, this.#header);
    this.#memory = inMemory(path, stored, metadata);
    this.#hasLongText = holdsLongText(this.type);
    const fill = this.#hasLongText ? undefined : fillValue(this.#header);
    this.#fill = fill?.length === stored.size && stored.size === this.type.size
      ? this.#memory.toMemory(fill)
      : undefined;
  }

  /** The type of an element in memory. */
  get type(): Hdf5Type {
    return this.#memory.type;
  }

  get attributes(): Hdf5Attributes {
    return this.file.attributesAt(this.object);
  }

  /** The error for a dataset that is not read. */
  refuse(found: string, feature: string, what: string = "numbers"): UnsupportedError {
    return new UnsupportedError(
      `Cannot read "${this.file.path}" as dataset "${this.name}" must hold ${what} in the file itself: ${found}`,
      feature,
    );
  }

  /** Refuses data that lie in other files. */
  #checkOwnData(metadata: H5Metadata): void {
    const external = this.#header.find(({ type }) => type === MESSAGE.externalFiles);
    if (external !== undefined) {
      const names = externalFiles(this.file.bytes, external).map((name) => `"${name}"`).join(", ");
      throw this.refuse(`its data lie in ${names || "another file"}`, "external raw data");
    }
    this.#checkSources(metadata, [this.object.address]);
  }

  /** A virtual dataset is made of others: each must be there, in this file, and not be made of others elsewhere. */
  #checkSources({ virtual_sources: sources = [] }: H5Metadata, above: readonly number[]): void {
    const { file } = this;
    for (const { file_name: name, dset_name: dataset } of sources) {
      if (name !== "." && !isThisFile(file.path, name)) {
        throw this.refuse(`it is made of data in the file "${name}"`, "virtual dataset");
      }
      const source = file.links.resolve(dataset);
      if (source?.object.kind !== "dataset" || source.rest.length > 0) {
        throw this.refuse(`it is made of "${dataset}", which is not there`, "virtual dataset");
      }
      if (above.includes(source.object.address)) throw this.refuse("it is made of itself", "virtual dataset");
      // The library would look the name up again, link by link; it is given none that leads elsewhere.
      if (file.headerOf(source.object).some(({ type }) => type === MESSAGE.externalFiles)) {
        throw this.refuse(`it is made of "${dataset}", whose data lie in another file`, "external raw data");
      }
      const metadata = this.#guard(
        `dataset "${dataset}" must be readable`,
        () => file.library.module.get_dataset_metadata(file.id, source.object.hardPath),
      );
      this.#checkSources(metadata, [...above, source.object.address]);
    }
  }

  /**
   * Reads rows (the one element of a scalar is row 0) and hands them on in blocks; of a block nothing is handed on unless
   * the library said that all was well.
   *
   * @throws {RangeError} If a single row is too large.
   * @throws {DataError} If they cannot be read.
   */
  readBlocks(from: number, to: number, use: UseBlock): void {
    const [, ...rest] = this.shape;
    const perRow = sizeOf(rest);
    const rowBytes = perRow * this.type.size;
    const chunkRows = this.chunks?.[0] ?? 1;
    const rows = Math.max(1, Math.floor(BLOCK_BYTES / rowBytes / chunkRows)) * chunkRows;
    // Blocks end where chunks do, so that no chunk is unpacked twice; single rows if a chunk's rows are too large.
    const step = rows * rowBytes <= MAX_BYTES ? rows : 1;
    for (let row = from; row < to;) {
      const end = Math.min(to, (Math.floor(row / step) + 1) * step);
      this.#readBlock(row, end, (end - row) * rowBytes, (bytes) => {
        use(bytes, (row - from) * perRow, (end - row) * perRow);
      });
      row = end;
    }
  }

  #readBlock(from: number, to: number, bytes: number, use: (bytes: Uint8Array) => void): void {
    const { id, library } = this.file;
    const { module, memory } = library;
    if (bytes > MAX_BYTES) {
      throw new RangeError(
        `Cannot read "${this.name}" at once as a read holds at most ${MAX_BYTES} bytes: ${bytes} wanted`,
      );
    }
    this.file.checkOpen();
    const isScalar = this.shape.length === 0;
    const count = isScalar ? null : [to - from, ...this.shape.slice(1)].map(BigInt);
    const offset = count?.map((_, axis) => BigInt(axis === 0 ? from : 0)) ?? null;
    const strides = count?.map(() => 1n) ?? null;
    const through = this.filters.length === 0 ? "" : ` through its filters (${this.filters.join(", ")})`;
    this.#guard(`dataset "${this.name}" must be readable${through}`, () => {
      const pointer = memory.take(bytes);
      this.#prefill(memory.view(bytes));
      const read = () => module.get_dataset_data(id, this.object.hardPath, count, offset, strides, pointer);
      const status = this.#memory.mustBeSilent ? library.silently(read) : read();
      if (status < 0) throw new Error(`the library returned ${status}`);
      try {
        use(memory.view(bytes));
      } finally {
        if (this.#hasLongText) this.#reclaim(pointer, count);
      }
    });
  }

  /** The library passes over what was never written when the file's author asked for it. */
  #prefill(bytes: Uint8Array): void {
    bytes.fill(0);
    const fill = this.#fill;
    if (fill === undefined || fill.every((byte) => byte === 0)) return;
    bytes.set(fill);
    for (let done = fill.length; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, done);
  }

  /** Gives back the texts that the library made. */
  #reclaim(pointer: bigint, count: bigint[] | null): void {
    const { id, library: { module } } = this.file;
    if (count === null) module.reclaim_vlen_memory(id, this.object.hardPath, "", pointer);
    else module.reclaim_vlen_memory_count(id, this.object.hardPath, "", pointer, count);
  }

  /** The bytes from an address of the library's memory up to a zero. */
  zeroTerminated(pointer: number): Uint8Array {
    const heap = this.file.library.module.HEAPU8;
    return heap.subarray(pointer, heap.indexOf(0, pointer));
  }

  #guard<T>(rule: string, work: () => T): T {
    return this.file.library.guard("read", this.file.path, rule, work);
  }
}

function checkedShape(path: string, shape: readonly number[]): readonly number[] {
  const lengths = shape.map(Number);
  if (lengths.every(Number.isSafeInteger) && Number.isSafeInteger(sizeOf(lengths))) return lengths;
  throw new DataError(
    `Cannot read "${path}" as a dataset must have a possible size: found [${lengths.join(",")}]`,
    path,
  );
}

function holdsLongText(type: Hdf5Type): boolean {
  if (type.kind === "array") return holdsLongText(type.base);
  if (type.kind === "compound") return type.members.some((member) => holdsLongText(member.type));
  return type.kind === "long text" || type.kind === "other" && type.words === "variable-length arrays";
}

/** The fill value that the author set, as it lies in the file; section IV.A.2.e and f of the format. */
function fillValue(header: readonly HeaderMessage[]): Uint8Array | undefined {
  const message = header.find(({ type, isShared }) => type === MESSAGE.fill && !isShared);
  if (message === undefined) return undefined;
  const body = message.body();
  const version = body.uint(1);
  if (version === 3) {
    const isDefined = (body.uint(1) & 0x20) !== 0;
    return isDefined ? body.take(body.uint(4)) : undefined;
  }
  body.skip(2);
  const isDefined = body.uint(1) !== 0;
  return isDefined || version === 1 ? body.take(body.uint(4)) : undefined;
}

/** Names of the files that hold raw data; section IV.A.2.h of the format, and III.D for the heap of names. */
function externalFiles(file: Hdf5Bytes, message: HeaderMessage): string[] {
  const body = message.body();
  body.skip(6);
  const count = body.uint(2);
  const heap = bytesAt(file, body.uint(file.addressBytes), 8 + 2 * file.lengthBytes + file.addressBytes);
  heap.skip(8);
  const heapBytes = heap.uint(file.lengthBytes);
  heap.skip(file.lengthBytes);
  const names = bytesAt(file, heap.uint(file.addressBytes), heapBytes);
  return Array.from({ length: count }, () => {
    names.at = body.uint(file.lengthBytes);
    body.skip(2 * file.lengthBytes);
    if (names.left <= 0) throw malformed(file.source.name, "a name must lie in its heap: found it beyond");
    return names.text();
  });
}
