/**
 * Writes HDF5 that every library reads: whole datasets, and datasets that grow by rows.
 *
 * @module
 */
import { DataError } from "../core/errors.ts";
import { type Dtype, type NdArray, sizeOf, type TypedArray } from "../core/types.ts";
import { bytesOf, checkNdArray, createArray, describeArray, dtypeOfArray, ITEM_BYTES } from "./arrays.ts";
import { type Aside, cannotWrite, createAside } from "./byte_source.ts";
import type { Hdf5Attribute, Hdf5Attributes } from "./hdf5_attributes.ts";
import { loadWriter, type WritingLibrary } from "./hdf5_library.ts";

/** How a dataset is stored. */
export interface Hdf5Storage {
  /** Rows per chunk, for gzip and for datasets that grow. @default as many as fit into 1 MiB, at least 1 */
  readonly chunkRows?: number;
  /** Level 1..9 of gzip; 0 for none. @default 0 */
  readonly gzip?: number;
  readonly attributes?: Hdf5Attributes;
}

/** One row of a dataset that grows. */
export interface Hdf5Row {
  readonly dtype: Exclude<Dtype, "bool">;
  /** Shape of one row; `[]` for a column of numbers. */
  readonly rowShape: readonly number[];
}

/** A dataset that grows. */
export interface Hdf5Appender {
  /** Rows so far. */
  readonly rows: number;
  /**
   * Adds rows.
   *
   * @throws {TypeError} If the dtype is another, or the length is not a multiple of the row's.
   */
  append(data: TypedArray): void;
}

/** A file being written. */
export interface Hdf5Writer {
  readonly path: string;
  /** Writes a whole dataset; `bool` is not written. */
  write(name: string, array: NdArray, storage?: Hdf5Storage): void;
  /** Starts a dataset of no rows. */
  create(name: string, row: Hdf5Row, storage?: Hdf5Storage): Hdf5Appender;
  /** Sets attributes of the file. */
  setAttributes(attributes: Hdf5Attributes): void;
  /**
   * Completes the file and gives it its name.
   *
   * @throws {DataError} If that fails.
   */
  close(): void;
  /** Removes what was written. */
  discard(): void;
}

/** Bytes of a chunk: what the library keeps of a dataset in memory. */
const CHUNK_BYTES = 2 ** 20;
/** The library's number of gzip among the filters. */
const DEFLATE = 1;

/** Type codes of the library. */
const CODES: { readonly [D in Exclude<Dtype, "bool">]: string } = {
  float64: "<d",
  float32: "<f",
  int64: "<q",
  int32: "<i",
  int16: "<h",
  int8: "<b",
  uint64: "<Q",
  uint32: "<I",
  uint16: "<H",
  uint8: "<B",
};

/**
 * Starts a file. It is written aside in the same folder and gets its name with {@linkcode Hdf5Writer.close}, so that a
 * reader sees the old file or the whole new one.
 *
 * @throws {DataError} If the folder is missing or cannot be written.
 */
export async function createHdf5(path: string): Promise<Hdf5Writer> {
  const writer = await loadWriter();
  const aside = createAside(path);
  try {
    return new OpenWriter(path, aside, writer);
  } catch (error) {
    removeAside(aside);
    throw error;
  }
}

class OpenWriter implements Hdf5Writer {
  readonly #file: InstanceType<WritingLibrary["package"]["File"]>;
  readonly #groups = new Set<string>();
  #isOpen = true;

  constructor(readonly path: string, readonly aside: Aside, readonly writer: WritingLibrary) {
    this.#file = this.#guard("the file", () => new writer.package.File(aside.aside, "w"));
  }

  write(name: string, array: NdArray, storage: Hdf5Storage = {}): void {
    checkNdArray(name, array);
    const { dtype, shape, data } = array;
    const [rows = 1, ...rowShape] = shape;
    if (rows === 0 || shape.length === 0 || storage.gzip === undefined || storage.gzip === 0) {
      this.#create(name, dtype, shape, data, { ...storage, gzip: 0 }, false);
      return;
    }
    this.#create(
      name,
      dtype,
      shape,
      data,
      { chunkRows: chunkRowsOf(dtype, rowShape, rows), ...storage },
      false,
    );
  }

  create(name: string, { dtype, rowShape }: Hdf5Row, storage: Hdf5Storage = {}): Hdf5Appender {
    const chunkRows = storage.chunkRows ?? chunkRowsOf(dtype, rowShape, Infinity);
    this.#create(name, dtype, [0, ...rowShape], createArray(dtype, 0), { ...storage, chunkRows }, true);
    return new OpenAppender(this, name, dtype, rowShape);
  }

  #create(
    name: string,
    dtype: Dtype,
    shape: readonly number[],
    data: TypedArray,
    storage: Hdf5Storage,
    grows: boolean,
  ): void {
    if (dtype === "bool") {
      throw new TypeError(`Cannot write "${name}" as its dtype must be a number: found bool`);
    }
    const { chunkRows, gzip = 0, attributes = {} } = storage;
    this.#guard(`dataset "${name}"`, () => {
      this.#makeGroups(name);
      const dataset = this.#file.create_dataset({
        name,
        data,
        shape: [...shape],
        dtype: CODES[dtype],
        ...(grows ? { maxshape: [null, ...shape.slice(1)] } : {}),
        ...(chunkRows !== undefined && (grows || gzip > 0) ? { chunks: [chunkRows, ...shape.slice(1)] } : {}),
        ...(gzip > 0 ? { compression: DEFLATE, compression_opts: [gzip] } : {}),
      });
      setAttributes(dataset, attributes);
    });
  }

  /** The groups that lead to a dataset. */
  #makeGroups(name: string): void {
    const parts = name.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const group = parts.slice(0, depth).join("/");
      if (this.#groups.has(group)) continue;
      this.#file.create_group(group);
      this.#groups.add(group);
    }
  }

  /** Adds rows at the end of a dataset. */
  extend(name: string, rowShape: readonly number[], from: number, data: TypedArray): void {
    const { module, memory } = this.writer.library;
    const rows = data.length / sizeOf(rowShape);
    const pointer = memory.take(data.byteLength);
    memory.view(data.byteLength).set(bytesOf(data));
    this.#guard(`dataset "${name}"`, () => {
      const id = this.#file.file_id;
      const sizes = [from + rows, ...rowShape].map(BigInt);
      const count = [rows, ...rowShape].map(BigInt);
      const offset = count.map((_, axis) => BigInt(axis === 0 ? from : 0));
      module.resize_dataset(id, `/${name}`, sizes);
      const status = module.set_dataset_data(id, `/${name}`, count, offset, count.map(() => 1n), pointer);
      if (status < 0) throw new Error(`the library returned ${status}`);
    });
  }

  setAttributes(attributes: Hdf5Attributes): void {
    this.#guard("attributes", () => setAttributes(this.#file, attributes));
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#guard("the file", () => void this.#file.close());
    try {
      Deno.renameSync(this.aside.aside, this.path);
    } catch (cause) {
      throw cannotWrite(this.path, cause);
    } finally {
      this.aside.file.close();
    }
  }

  discard(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#file.close();
    removeAside(this.aside);
  }

  #guard<T>(what: string, work: () => T): T {
    if (!this.#isOpen && what !== "the file") {
      throw new DataError(`Cannot write "${this.path}" as the file must be open: it was closed`, this.path);
    }
    return this.writer.library.guard("write", this.path, `${what} must be writable`, work);
  }
}

function removeAside({ aside, file }: Aside): void {
  Deno.removeSync(aside);
  file.close();
}

class OpenAppender implements Hdf5Appender {
  #rows = 0;
  constructor(
    readonly writer: OpenWriter,
    readonly name: string,
    readonly dtype: Dtype,
    readonly rowShape: readonly number[],
  ) {}

  get rows(): number {
    return this.#rows;
  }

  append(data: TypedArray): void {
    const size = sizeOf(this.rowShape);
    if (dtypeOfArray(data) !== this.dtype || data.length % size !== 0) {
      throw new TypeError(
        `Cannot append to "${this.name}" as rows must be ${describeArray(this.dtype, this.rowShape)}: found ${
          describeArray(dtypeOfArray(data), [data.length])
        }`,
      );
    }
    if (data.length === 0) return;
    this.writer.extend(this.name, this.rowShape, this.#rows, data);
    this.#rows += data.length / size;
  }
}

function chunkRowsOf(dtype: Dtype, rowShape: readonly number[], most: number): number {
  const rowBytes = Math.max(1, sizeOf(rowShape) * ITEM_BYTES[dtype]);
  return Math.max(1, Math.min(Math.floor(CHUNK_BYTES / rowBytes), most));
}

/** Texts, numbers (float64), bigints (int64) and arrays of them; a truth value becomes 0 or 1. */
function setAttributes(
  object: { create_attribute(name: string, data: never, shape?: number[] | null, dtype?: string): void },
  attributes: Hdf5Attributes,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    const shape = shapeOf(value);
    const list = ([value] as unknown[]).flat(64) as (string | number | boolean | bigint)[];
    if (list.length !== sizeOf(shape)) {
      throw new TypeError(`Cannot write "${name}" as its lists must be of one length each: found others`);
    }
    if (list.some((one) => typeof one === "string")) {
      object.create_attribute(name, list.map(String) as never, shape, "S");
    } else if (list.some((one) => typeof one === "bigint")) {
      object.create_attribute(name, BigInt64Array.from(list as bigint[], BigInt) as never, shape, "<q");
    } else {
      object.create_attribute(name, Float64Array.from(list.map(Number)) as never, shape, "<d");
    }
  }
}

/** Lengths of nested lists, each as long as the first of its kind. */
function shapeOf(value: Hdf5Attribute): number[] {
  if (typeof value !== "object") return [];
  const [first] = value;
  return [value.length, ...(first === undefined ? [] : shapeOf(first))];
}
