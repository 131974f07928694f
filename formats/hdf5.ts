/**
 * Reads HDF5: datasets of numbers in a hierarchy, by blocks of rows, so that a file may be larger than the memory.
 * A read that fails never returns data.
 *
 * | read | stored as |
 * |---|---|
 * | float32, float64, (u)int8..64, bool | any byte order; contiguous, compact or chunked; gzip, shuffle, fletcher32, szip; and lzf, zstd, blosc, lz4, bzip2, zfp where the process may read the filters' code |
 *
 * Refused: float16, text, compound and variable-length datasets ({@linkcode UnsupportedError}); links to other files and
 * virtual datasets, whose missing parts the library would fill in silently.
 *
 * A process without access to the environment must be started with `--ignore-env`.
 *
 * @see The HDF Group, HDF5 file format specification, https://support.hdfgroup.org/documentation/
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { type Dtype, type NdArray, sizeOf, type TypedArray } from "../core/types.ts";
import { bytesOf, createArray, describeArray, dtypeOfArray } from "./arrays.ts";
import { openSource, withFile } from "./byte_source.ts";
import { guard, type H5Library, type H5Metadata, loadLibrary } from "./hdf5_library.ts";
import { checkIsData } from "./not_data.ts";

/** A value of an attribute. */
export type Hdf5Attribute = number | string | boolean | readonly (number | string | boolean)[];
/** Attributes by name. */
export type Hdf5Attributes = { readonly [name: string]: Hdf5Attribute };

/** A dataset of numbers. Its first dimension is the row. */
export interface Hdf5Dataset {
  /** Path in the file without the leading slash, such as `showers` or `layers/energy`. */
  readonly name: string;
  readonly dtype: Dtype;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Shape of a chunk; null when the data lie in one piece. Reads that begin and end at chunks are cheapest. */
  readonly chunks: readonly number[] | null;
  /** Names of the filters in the order of writing, such as `["shuffle", "deflate"]`. */
  readonly filters: readonly string[];
  /** Numbers and texts; other kinds are left out. */
  readonly attributes: Hdf5Attributes;
  /**
   * All of it.
   *
   * @throws {DataError} If it cannot be read.
   */
  read(): NdArray;
  /**
   * Rows from `from` up to, not including, `to`.
   *
   * @throws {RangeError} If there are no such rows, or they hold more than 2 GiB.
   * @throws {DataError} If they cannot be read.
   */
  readRows(from: number, to: number): NdArray;
  /** {@linkcode readRows} into an array of this dtype, from its beginning; returns the number of elements. */
  readRowsInto(from: number, to: number, target: TypedArray): number;
}

/** An open file. */
export interface Hdf5File {
  readonly path: string;
  /** Paths of all datasets, sorted. */
  keys(): readonly string[];
  has(name: string): boolean;
  /**
   * @throws {DataError} If there is no such dataset or its description is damaged.
   * @throws {UnsupportedError} If it holds something else than numbers.
   */
  dataset(name: string): Hdf5Dataset;
  /** Attributes of the file. */
  readonly attributes: Hdf5Attributes;
  close(): void;
}

/** Largest block that the library moves at once. */
const MAX_BYTES = 2 ** 31 - 2 ** 20;

/**
 * Opens a file for reading; none of its data are read yet.
 *
 * @throws {DataError} If it is missing, truncated, or not HDF5.
 */
export async function openHdf5(path: string): Promise<Hdf5File> {
  checkWhole(path);
  const library = await loadLibrary();
  const file = guard("read", path, "it must be a whole HDF5 file", () => new library.package.File(path, "r"));
  return new OpenFile(path, library, file.file_id, () => void file.close());
}

/** The eight bytes every file begins with. */
const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
/** Where the end-of-file address lies, by version of the superblock (format specification, section II.A). */
const END_ADDRESS: { readonly [version: number]: number } = { 0: 40, 1: 44, 2: 28, 3: 28 };

/** Says better than the library why a file cannot be read, or that it was cut off. */
function checkWhole(path: string): void {
  const source = openSource(path);
  try {
    withFile(path, () => checkIsData(source, "an HDF5 file"));
    if (source.size < 56) return; // the library says that it is no HDF5 file
    const head = new Uint8Array(56);
    source.readInto(0, head);
    const version = head[8]!;
    const at = END_ADDRESS[version];
    const offsetBytes = head[version < 2 ? 13 : 9];
    if (SIGNATURE.some((byte, i) => head[i] !== byte) || at === undefined || offsetBytes !== 8) return;
    const end = new DataView(head.buffer).getBigUint64(at, true);
    if (end <= BigInt(source.size)) return;
    throw new DataError(
      `Cannot read "${path}" as it must be a whole HDF5 file: it is truncated to ${source.size} of ${end} bytes`,
      path,
    );
  } finally {
    source.close();
  }
}

class OpenFile implements Hdf5File {
  readonly #datasets = new Map<string, Hdf5Dataset>();
  #keys: readonly string[] | undefined;
  #attributes: Hdf5Attributes | undefined;
  #isOpen = true;

  constructor(
    readonly path: string,
    readonly library: H5Library,
    readonly id: bigint,
    readonly end: () => void,
  ) {}

  keys(): readonly string[] {
    return this.#keys ??= guard("read", this.path, "its groups must be readable", () => {
      const { module } = this.library;
      const names = module.get_names(this.openId(), "/", true).map((name) => name.replace(/^\/+/, ""));
      return names.filter((name) => module.get_type(this.id, `/${name}`) === module.H5G_DATASET).sort();
    });
  }

  has(name: string): boolean {
    return this.keys().includes(name);
  }

  get attributes(): Hdf5Attributes {
    return this.#attributes ??= readAttributes(this, "/");
  }

  dataset(name: string): Hdf5Dataset {
    const found = this.#datasets.get(name);
    if (found) return found;
    if (!this.has(name)) {
      const nearest = nearestName(name, [...this.keys()]);
      throw new DataError(
        `Cannot read "${this.path}" as it must have a dataset "${name}": there is none` +
          (nearest ? `; the nearest name is "${nearest}"` : ""),
        this.path,
      );
    }
    const dataset = new OpenDataset(this, name);
    this.#datasets.set(name, dataset);
    return dataset;
  }

  openId(): bigint {
    if (this.#isOpen) return this.id;
    throw new DataError(`Cannot read "${this.path}" as the file must be open: it was closed`, this.path);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.end();
  }
}

class OpenDataset implements Hdf5Dataset {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly chunks: readonly number[] | null;
  readonly filters: readonly string[];
  readonly #rowSize: number;
  #attributes: Hdf5Attributes | undefined;

  constructor(readonly file: OpenFile, readonly name: string) {
    const { path, library: { module } } = file;
    const [metadata, filters] = guard("read", path, `dataset "${name}" must be readable`, () => {
      const id = file.openId();
      return [module.get_dataset_metadata(id, `/${name}`), module.get_dataset_filters(id, `/${name}`)];
    });
    this.dtype = dtypeFrom(metadata, path, name);
    if (metadata.shape === null) throw refusal(path, name, "has no elements at all", "null dataspace");
    if ((metadata.virtual_sources?.length ?? 0) > 0) {
      throw refusal(path, name, "is made of other files", "virtual dataset");
    }
    this.shape = metadata.shape.map(Number);
    this.chunks = metadata.chunks?.map(Number) ?? null;
    this.filters = filters.map((filter) => filter.name);
    this.#rowSize = sizeOf(this.shape.slice(1));
  }

  get attributes(): Hdf5Attributes {
    return this.#attributes ??= readAttributes(this.file, `/${this.name}`);
  }

  read(): NdArray {
    const [rows] = this.shape;
    if (rows !== undefined) return this.readRows(0, rows);
    const data = createArray(this.dtype, 1);
    this.#transfer(null, null, data);
    return { dtype: this.dtype, shape: [], data };
  }

  readRows(from: number, to: number): NdArray {
    this.#checkRows(from, to);
    const data = createArray(this.dtype, (to - from) * this.#rowSize);
    this.readRowsInto(from, to, data);
    return { dtype: this.dtype, shape: [to - from, ...this.shape.slice(1)], data };
  }

  readRowsInto(from: number, to: number, target: TypedArray): number {
    this.#checkRows(from, to);
    const length = (to - from) * this.#rowSize;
    const dtype = this.dtype === "bool" ? "uint8" : this.dtype;
    if (dtypeOfArray(target) !== dtype || target.length < length) {
      const wanted = describeArray(dtype, [length]);
      throw new TypeError(
        `Cannot read "${this.name}" into an array as it must be ${wanted} or longer: found ${
          describeArray(dtypeOfArray(target), [target.length])
        }`,
      );
    }
    if (length === 0) return 0;
    const count = [to - from, ...this.shape.slice(1)].map(BigInt);
    const offset = this.shape.map((_, axis) => BigInt(axis === 0 ? from : 0));
    this.#transfer(count, offset, target.subarray(0, length) as TypedArray);
    return length;
  }

  #checkRows(from: number, to: number): void {
    const rows = this.shape[0] ?? -1;
    const isWhole = Number.isSafeInteger(from) && Number.isSafeInteger(to);
    if (isWhole && from >= 0 && from <= to && to <= rows) return;
    throw new RangeError(
      `Cannot read rows ${from} to ${to} of "${this.name}" as it must have them: its shape is [${
        this.shape.join(",")
      }]`,
    );
  }

  /** Reads a block; nothing reaches `target` unless the library said that all was well. */
  #transfer(count: bigint[] | null, offset: bigint[] | null, target: TypedArray): void {
    const { path, library: { module, memory } } = this.file;
    const bytes = target.byteLength;
    if (bytes > MAX_BYTES) {
      throw new RangeError(
        `Cannot read "${this.name}" at once as a read holds at most ${MAX_BYTES} bytes: ${bytes} wanted`,
      );
    }
    const id = this.file.openId();
    const pointer = memory.take(bytes);
    const through = this.filters.length === 0 ? "" : ` through its filters (${this.filters.join(", ")})`;
    guard("read", path, `dataset "${this.name}" must be readable${through}`, () => {
      const strides = count?.map(() => 1n) ?? null;
      const status = module.get_dataset_data(id, `/${this.name}`, count, offset, strides, pointer);
      if (status < 0) throw new Error(`the library returned ${status}`);
    });
    bytesOf(target).set(memory.view(bytes));
  }
}

function refusal(path: string, name: string, found: string, feature: string): UnsupportedError {
  return new UnsupportedError(
    `Cannot read "${path}" as dataset "${name}" must hold numbers in the file itself: it ${found}`,
    feature,
  );
}

const INTEGER_CLASS = 0;
const FLOAT_CLASS = 1;
const ENUM_CLASS = 8;
/** By the library's number of the class, H5T_class_t. */
const CLASS_NAMES: readonly string[] = [
  "integers",
  "floats",
  "times",
  "text",
  "bit fields",
  "opaque data",
  "compounds",
  "references",
  "enumerations",
  "variable-length arrays",
  "arrays",
];

function dtypeFrom(metadata: H5Metadata, path: string, name: string): Dtype {
  const { type, size, signed } = metadata;
  if (type === FLOAT_CLASS && (size === 4 || size === 8)) return size === 4 ? "float32" : "float64";
  if (type === INTEGER_CLASS && [1, 2, 4, 8].includes(size)) {
    return `${signed ? "int" : "uint"}${size * 8 as 8 | 16 | 32 | 64}`;
  }
  // numpy's bool as h5py stores it
  const members = Object.keys(metadata.enum_type?.members ?? {}).sort().join();
  if (type === ENUM_CLASS && size === 1 && members === "FALSE,TRUE") return "bool";
  const kind = `${CLASS_NAMES[type] ?? `class ${type}`} of ${size} bytes`;
  throw refusal(path, name, `holds ${kind}`, `HDF5 ${kind}`);
}

function readAttributes(file: OpenFile, object: string): Hdf5Attributes {
  const { path, library } = file;
  return guard("read", path, `the attributes of "${object}" must be readable`, () => {
    const id = file.openId();
    const found: { [name: string]: Hdf5Attribute } = {};
    for (const name of library.module.get_attribute_names(id, object)) {
      const value: unknown = new library.package.Attribute(id, object, name).json_value;
      if (isPlain(value) || (Array.isArray(value) && value.every(isPlain))) found[name] = value;
    }
    return found;
  });
}

function isPlain(value: unknown): value is number | string | boolean {
  return typeof value === "number" || typeof value === "string" || typeof value === "boolean";
}
