/**
 * Reads HDF5: datasets of numbers and text in a hierarchy, by blocks of rows, so that a file may be larger than the memory.
 * A read that fails never returns data.
 *
 * | read | stored as |
 * |---|---|
 * | float32, float64 | any byte order; floats of 16 bits and those with fields of their own are widened, exactly |
 * | (u)int8..64, bool | any byte order, precision and bit offset; bit fields and enumerations as their integers |
 * | text | fixed and variable length, UTF-8, by {@linkcode Hdf5File.text} |
 * | arrays in elements, compounds | further dimensions; a member `pt` of `events` is the dataset `events/pt` |
 * | storage | contiguous, compact or chunked; what was never written is the fill value; gzip, shuffle, fletcher32, szip, nbit, scale-offset; and lzf, zstd, blosc, blosc2, lz4, bzip2, bitshuffle where the process may read the filters' code |
 *
 * Refused with {@linkcode UnsupportedError}: references, opaque data, times, variable-length arrays, complex numbers of
 * HDF5 2.0, VAX floats, the filter zfp, blosc with zlib; and everything that lies in another file: linked, virtual or raw external data.
 *
 * A process without access to the environment must be started with `--ignore-env`.
 *
 * @see The HDF Group, HDF5 file format specification, https://support.hdfgroup.org/documentation/
 * @module
 */
import { DataError, UnsupportedError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import { type Dtype, type NdArray, sizeOf, type TypedArray } from "../core/types.ts";
import { bytesOf, createArray, describeArray, dtypeOfArray, ITEM_BYTES } from "./arrays.ts";
import { type ByteSource, openSource, withFile } from "./byte_source.ts";
import { attributesOf, type Hdf5Attributes } from "./hdf5_attributes.ts";
import { type Hdf5Bytes, type HeaderMessage, readHeader, readSuperblock } from "./hdf5_header.ts";
import { type H5Library, loadReader } from "./hdf5_library.ts";
import { Hdf5Links, type Hdf5Object } from "./hdf5_links.ts";
import { MAX_BYTES, Storage } from "./hdf5_storage.ts";
import { describeType, type Hdf5Type, typeOfHeader } from "./hdf5_type.ts";
import { decodeText, exactNumber, type NumberDecoder, numberDecoder } from "./hdf5_values.ts";
import { checkIsData } from "./not_data.ts";

export type { Hdf5Attribute, Hdf5Attributes } from "./hdf5_attributes.ts";

/** What datasets of numbers and of text have in common. The first dimension is the row. */
interface Described {
  /** Path in the file without the leading slash, such as `showers` or `layers/energy`. */
  readonly name: string;
  /** `[]` for a scalar. */
  readonly shape: readonly number[];
  /** Shape of a chunk; null when the data lie in one piece. Reads that begin and end at chunks are cheapest. */
  readonly chunks: readonly number[] | null;
  /** Names of the filters in the order of writing, such as `["shuffle", "deflate"]`. */
  readonly filters: readonly string[];
  /** Numbers, booleans and texts; other kinds are left out. */
  readonly attributes: Hdf5Attributes;
}

/** A dataset of numbers, or a member of one of compounds. */
export interface Hdf5Dataset extends Described {
  readonly dtype: Dtype;
  /** The integer of each name of an enumeration; null for other numbers. */
  readonly enumeration: { readonly [name: string]: number | bigint } | null;
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

/** A dataset of texts, or a member of one of compounds. */
export interface Hdf5Text extends Described {
  /** All texts, row-major. */
  read(): string[];
  /**
   * The texts of the rows from `from` up to, not including, `to`, row-major.
   *
   * @throws {RangeError} If there are no such rows, or they hold more than 2^26 texts.
   * @throws {DataError} If they cannot be read, or are not UTF-8.
   */
  readRows(from: number, to: number): string[];
}

/** An open file. */
export interface Hdf5File {
  readonly path: string;
  /**
   * Paths of all datasets, sorted, those behind links within the file included. A dataset of compounds stands there with
   * its members, as `events/pt`.
   */
  keys(): readonly string[];
  has(name: string): boolean;
  /**
   * @throws {DataError} If there is no such dataset or its description is damaged.
   * @throws {UnsupportedError} If it holds something else than numbers, or lies in another file.
   */
  dataset(name: string): Hdf5Dataset;
  /**
   * A dataset of texts.
   *
   * @throws {DataError} If there is no such dataset or its description is damaged.
   * @throws {UnsupportedError} If it holds something else than text, or lies in another file.
   */
  text(name: string): Hdf5Text;
  /** Attributes of the file. */
  readonly attributes: Hdf5Attributes;
  /**
   * Attributes of a group or dataset.
   *
   * @throws {DataError} If there is none of that name.
   */
  attributesOf(name: string): Hdf5Attributes;
  close(): void;
}

/**
 * Opens a file for reading; none of its data are read yet.
 *
 * @throws {DataError} If it is missing, truncated, or not HDF5.
 */
export async function openHdf5(path: string): Promise<Hdf5File> {
  const source = openSource(path);
  try {
    const bytes = withFile(path, () => checkWhole(path, source));
    const library = await loadReader();
    const { module } = library;
    const rule = "it must be a whole HDF5 file";
    const id = library.guard(
      "read",
      path,
      rule,
      () => module.open(path, module.H5F_ACC_RDONLY, false, -1, -1),
    );
    try {
      // The library reads more kinds of superblock than the reader of headers; there are no others.
      if (bytes === undefined) {
        throw new DataError(`Cannot read "${path}" as ${rule}: found no superblock of version 0 to 3`, path);
      }
      return new OpenFile(path, library, id, bytes);
    } catch (error) {
      if (!library.isBroken) module.close_file(id);
      throw error;
    }
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Says better than the library why a file cannot be read, or that it was cut off. */
function checkWhole(path: string, source: ByteSource): Hdf5Bytes | undefined {
  checkIsData(source, "an HDF5 file");
  const found = readSuperblock(source);
  if (found === undefined || found.end <= source.size) return found;
  throw new DataError(
    `Cannot read "${path}" as it must be a whole HDF5 file: it is truncated to ${source.size} of ${found.end} bytes`,
    path,
  );
}

/** Our reader of headers says what is wrong with `SyntaxError`; this makes it a {@linkcode DataError} of the file. */
function parsing<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw cause instanceof SyntaxError ? new DataError(cause.message, path, { cause }) : cause;
  }
}

class OpenFile implements Hdf5File {
  readonly links: Hdf5Links;
  readonly #datasets = new Map<string, OpenNumbers>();
  readonly #texts = new Map<string, OpenText>();
  readonly #headers = new Map<number, readonly HeaderMessage[]>();
  readonly #attributes = new Map<number, Hdf5Attributes>();
  #keys: readonly string[] | undefined;
  #isOpen = true;

  constructor(
    readonly path: string,
    readonly library: H5Library,
    readonly id: bigint,
    readonly bytes: Hdf5Bytes,
  ) {
    this.links = new Hdf5Links(path, library, id);
  }

  keys(): readonly string[] {
    return this.#keys ??= this.#listKeys();
  }

  #listKeys(): readonly string[] {
    this.checkOpen();
    const found: string[] = [];
    for (const [name, object] of this.links.datasets()) {
      const columns = object === undefined ? [] : this.#columnsOf(object);
      if (columns.length === 0) found.push(name);
      else found.push(...columns.map((column) => `${name}/${column}`));
    }
    return found.sort();
  }

  /** Paths of the members of a dataset of compounds; none for others, and for one whose header is damaged. */
  #columnsOf(object: Hdf5Object): string[] {
    try {
      return columnNames(typeOfHeader(this.bytes, this.headerOf(object)));
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof DataError) return [];
      throw error;
    }
  }

  has(name: string): boolean {
    if (this.keys().includes(name)) return true;
    try {
      const found = this.links.resolve(name);
      return found?.object.kind === "dataset" && found.rest.length === 0;
    } catch (error) {
      if (error instanceof UnsupportedError) return false;
      throw error;
    }
  }

  get attributes(): Hdf5Attributes {
    return this.attributesOf("");
  }

  attributesOf(name: string): Hdf5Attributes {
    this.checkOpen();
    const found = this.links.resolve(name);
    if (found === undefined || found.rest.length > 0) throw this.#missing(name, "an object");
    return this.attributesAt(found.object);
  }

  attributesAt(object: Hdf5Object): Hdf5Attributes {
    const { path, library } = this;
    let found = this.#attributes.get(object.address);
    if (found === undefined) {
      // The library reads them first, for the checksums.
      const rule = `the attributes of "${object.hardPath}" must be readable`;
      library.guard("read", path, rule, () => library.module.get_attribute_names(this.id, object.hardPath));
      found = parsing(path, () => attributesOf(this.bytes, this.headerOf(object)));
      this.#attributes.set(object.address, found);
    }
    return found;
  }

  dataset(name: string): Hdf5Dataset {
    let dataset = this.#datasets.get(name);
    if (dataset === undefined) {
      dataset = new OpenNumbers(...this.#open(name));
      this.#datasets.set(name, dataset);
    }
    return dataset;
  }

  text(name: string): Hdf5Text {
    let text = this.#texts.get(name);
    if (text === undefined) {
      text = new OpenText(...this.#open(name));
      this.#texts.set(name, text);
    }
    return text;
  }

  #open(name: string): [Storage, Column] {
    this.checkOpen();
    const found = this.links.resolve(name);
    if (found === undefined || found.object.kind !== "dataset") throw this.#missing(name, "a dataset");
    const storage = parsing(this.path, () => new Storage(this, name, found.object));
    const column = columnAt(storage.type, found.rest.join("/"), 0);
    if (column === undefined) throw this.#missing(name, "a dataset");
    return [storage, column];
  }

  #missing(name: string, what: string): DataError {
    const nearest = nearestName(name, [...this.keys()]);
    return new DataError(
      `Cannot read "${this.path}" as it must have ${what} "${name}": there is none` +
        (nearest ? `; the nearest name is "${nearest}"` : ""),
      this.path,
    );
  }

  headerOf({ address }: Hdf5Object): readonly HeaderMessage[] {
    let header = this.#headers.get(address);
    if (header === undefined) {
      header = readHeader(this.bytes, address);
      this.#headers.set(address, header);
    }
    return header;
  }

  checkOpen(): void {
    if (this.#isOpen) return;
    throw new DataError(`Cannot read "${this.path}" as the file must be open: it was closed`, this.path);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.bytes.source.close();
    if (!this.library.isBroken) this.library.module.close_file(this.id);
  }
}

/** Part of each element of a dataset: a member of its compounds, or the whole. */
interface Column {
  readonly type: Hdf5Type;
  readonly offset: number;
  /** Lengths of arrays in the elements. */
  readonly shape: readonly number[];
}

/** The member at a path such as `p4/pt`; the whole for "". */
function columnAt(type: Hdf5Type, path: string, offset: number): Column | undefined {
  if (path === "") return unfold(type, offset);
  if (type.kind !== "compound") return undefined;
  for (const member of type.members) {
    if (path !== member.name && !path.startsWith(`${member.name}/`)) continue;
    const found = columnAt(member.type, path.slice(member.name.length + 1), offset + member.offset);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An array in each element adds its lengths to the shape. */
function unfold(type: Hdf5Type, offset: number): Column {
  if (type.kind !== "array") return { type, offset, shape: [] };
  const { shape, ...rest } = unfold(type.base, offset);
  return { ...rest, shape: [...type.shape, ...shape] };
}

function columnNames(type: Hdf5Type): string[] {
  if (type.kind !== "compound") return [];
  return type.members.flatMap(({ name, type: member }) => {
    const below = columnNames(member);
    return below.length === 0 ? [name] : below.map((column) => `${name}/${column}`);
  });
}

/** What numbers and texts have in common. */
abstract class OpenDataset implements Described {
  readonly name: string;
  readonly shape: readonly number[];
  readonly chunks: readonly number[] | null;
  readonly filters: readonly string[];
  /** Elements of the column in each element of the dataset. */
  protected readonly perRecord: number;

  constructor(protected readonly storage: Storage, protected readonly column: Column) {
    this.name = storage.name;
    this.shape = [...storage.shape, ...column.shape];
    this.chunks = storage.chunks;
    this.filters = storage.filters;
    this.perRecord = sizeOf(column.shape);
  }

  get attributes(): Hdf5Attributes {
    this.storage.file.checkOpen();
    return this.storage.attributes;
  }

  /** Whether the rows of the dataset, not those of arrays in a scalar, make up the first dimension. */
  protected get hasRows(): boolean {
    return this.storage.shape.length > 0;
  }

  protected checkRows(from: number, to: number): void {
    const rows = this.storage.shape[0] ?? -1;
    const isWhole = Number.isSafeInteger(from) && Number.isSafeInteger(to);
    if (isWhole && from >= 0 && from <= to && to <= rows) return;
    throw new RangeError(
      `Cannot read rows ${from} to ${to} of "${this.name}" as it must have them: its shape is [${
        this.shape.join(",")
      }]`,
    );
  }

  protected elements(from: number, to: number): number {
    return (to - from) * sizeOf(this.shape.slice(1));
  }
}

class OpenNumbers extends OpenDataset implements Hdf5Dataset {
  readonly dtype: Dtype;
  readonly enumeration: { readonly [name: string]: number | bigint } | null;
  readonly #decoder: NumberDecoder;

  constructor(storage: Storage, column: Column) {
    super(storage, column);
    const { type } = column;
    const decoder = numberDecoder(type);
    if (decoder === undefined) {
      throw storage.refuse(`it holds ${describeWithRemedy(storage.name, type)}`, describeType(type));
    }
    this.#decoder = decoder;
    this.dtype = decoder.dtype;
    this.enumeration = type.kind === "enumeration" && decoder.dtype !== "bool"
      ? Object.fromEntries([...type.members].map(([name, value]) => [name, exactNumber(value)]))
      : null;
  }

  read(): NdArray {
    if (this.hasRows) return this.readRows(0, this.storage.shape[0]!);
    const data = this.#room(sizeOf(this.shape));
    this.#fill(0, 1, data);
    return { dtype: this.dtype, shape: this.shape, data };
  }

  readRows(from: number, to: number): NdArray {
    this.checkRows(from, to);
    const data = this.#room(this.elements(from, to));
    this.readRowsInto(from, to, data);
    return { dtype: this.dtype, shape: [to - from, ...this.shape.slice(1)], data };
  }

  readRowsInto(from: number, to: number, target: TypedArray): number {
    this.checkRows(from, to);
    const length = this.elements(from, to);
    const dtype = this.dtype === "bool" ? "uint8" : this.dtype;
    if (dtypeOfArray(target) !== dtype || target.length < length) {
      const wanted = describeArray(dtype, [length]);
      throw new TypeError(
        `Cannot read "${this.name}" into an array as it must be ${wanted} or longer: found ${
          describeArray(dtypeOfArray(target), [target.length])
        }`,
      );
    }
    if (length > 0) this.#fill(from, to, target.subarray(0, length) as TypedArray);
    return length;
  }

  /** Zeros, unless a read may not be that large. */
  #room(length: number): TypedArray {
    const bytes = length * ITEM_BYTES[this.dtype];
    if (bytes <= MAX_BYTES) return createArray(this.dtype, length);
    throw new RangeError(
      `Cannot read "${this.name}" at once as a read holds at most ${MAX_BYTES} bytes: ${bytes} wanted`,
    );
  }

  #fill(from: number, to: number, target: TypedArray): void {
    const { storage, column, perRecord } = this;
    const recordBytes = storage.type.size;
    const isPlain = this.#decoder.isPlain && recordBytes === perRecord * column.type.size;
    storage.readBlocks(from, to, (bytes, firstRecord, records) => {
      const part = target.subarray(
        firstRecord * perRecord,
        (firstRecord + records) * perRecord,
      ) as TypedArray;
      if (isPlain) bytesOf(part).set(bytes);
      else this.#decode(bytes, part);
    });
  }

  #decode(bytes: Uint8Array, target: TypedArray): void {
    const { storage, column: { offset }, perRecord } = this;
    try {
      this.#decoder.decode(bytes, { recordBytes: storage.type.size, offset, perRecord }, target);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      throw storage.refuse(`it holds ${error.feature}, and not all of them fit into float64`, error.feature);
    }
  }
}

/** Most texts of one read: a file of a few bytes can declare any number of them. */
const MAX_TEXTS = 2 ** 26;

class OpenText extends OpenDataset implements Hdf5Text {
  constructor(storage: Storage, column: Column) {
    super(storage, column);
    const { type } = column;
    if (type.kind === "text" || type.kind === "long text") return;
    throw storage.refuse(`it holds ${describeType(type)}`, describeType(type), "text");
  }

  read(): string[] {
    return this.hasRows ? this.readRows(0, this.storage.shape[0]!) : this.#texts(0, 1);
  }

  readRows(from: number, to: number): string[] {
    this.checkRows(from, to);
    const count = this.elements(from, to);
    if (count > MAX_TEXTS) {
      throw new RangeError(
        `Cannot read "${this.name}" at once as a read holds at most ${MAX_TEXTS} texts: ${count} wanted`,
      );
    }
    return count === 0 ? [] : this.#texts(from, to);
  }

  #texts(from: number, to: number): string[] {
    const { storage, column: { type, offset }, perRecord } = this;
    const found: string[] = [];
    storage.readBlocks(from, to, (bytes, _firstRecord, records) => {
      for (let record = 0; record < records; record++) {
        for (let k = 0; k < perRecord; k++) {
          const at = record * storage.type.size + offset + k * type.size;
          found.push(this.#textAt(bytes, at, found.length));
        }
      }
    });
    return found;
  }

  #textAt(bytes: Uint8Array, at: number, index: number): string {
    const { storage, column: { type } } = this;
    try {
      if (type.kind === "text") return decodeText(bytes.subarray(at, at + type.size), type.padding);
      const pointer = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
      return pointer === 0 ? "" : decodeText(storage.zeroTerminated(pointer), "zeros");
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause;
      throw new DataError(
        `Cannot read "${storage.file.path}" as dataset "${this.name}" must be text in UTF-8: element ${index} is not`,
        storage.file.path,
        { cause },
      );
    }
  }
}

function describeWithRemedy(name: string, type: Hdf5Type): string {
  if (type.kind === "text" || type.kind === "long text") return "text; read it as such";
  if (type.kind !== "compound") return describeType(type);
  const columns = columnNames(type).slice(0, 4).map((column) => `"${name}/${column}"`);
  return `compounds; read its members, such as ${columns.join(", ")}`;
}
