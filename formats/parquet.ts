/**
 * Apache Parquet by the package hyparquet: columns of numbers, truth values and texts, a row group at a time.
 *
 * Read: BOOLEAN, INT32 and INT64 with their signed and unsigned widths, FLOAT, DOUBLE, FLOAT16, and texts; optional columns;
 * every encoding that hyparquet knows and the compressions of {@linkcode compressors}.
 * Refused by name: nested and repeated columns, decimals, dates and times, INT96, encrypted files.
 *
 * A file can claim sizes that it does not have, so rows of a group, pages and their values are bounded before memory is taken,
 * and every byte range is checked against the file. Lengths within a page, such as those of runs, are the package's affair. What the package throws becomes one line that names the file.
 *
 * @see <https://parquet.apache.org/docs/file-format/>
 * @module
 */
import type { ColumnMetaData, DecodedArray, FileMetaData, SchemaElement } from "hyparquet";
import { UnsupportedError } from "../core/errors.ts";
import { type ByteSource, isOurMessage, oneLine, withFileAsync } from "./byte_source.ts";
import { checkIsData } from "./not_data.ts";
import { compressors } from "./parquet_compression.ts";
import { checkPages } from "./parquet_pages.ts";

/** Rows of one group at most; writers make a million. */
const MOST_GROUP_ROWS = 2 ** 26;
/** Bytes of the description at the end of a file at most. */
const MOST_METADATA_BYTES = 2 ** 27;
const MAGIC = 0x31524150;
const MAGIC_ENCRYPTED = 0x45524150;

/** A column at the top of a Parquet file. */
export interface ParquetColumn {
  readonly name: string;
  /** Its type: a dtype of ours, or "text"; undefined where it is not read. */
  readonly kind: string | undefined;
  /** What it holds where it is not read. */
  readonly refused?: string;
}

/** An open Parquet file. */
export interface ParquetFile extends Disposable {
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
  /** Rows of each group. */
  readonly groups: readonly number[];
  /**
   * The values of a column in a row group; null stands for a missing one, undefined for one that its dictionary lacks.
   *
   * @throws {DataError} If the file is damaged.
   * @throws {UnsupportedError} If the column is of a type that is not read.
   */
  read(column: string, group: number): Promise<readonly ArrayLike<unknown>[]>;
  close(): void;
}

/** Types that are read, by what the schema says: the logical or converted one before the physical one. */
const KINDS: { readonly [type: string]: string } = {
  BOOLEAN: "bool",
  INT32: "int32",
  INT64: "int64",
  FLOAT: "float32",
  DOUBLE: "float64",
  FLOAT16: "float32",
  STRING: "text",
  UTF8: "text",
  ENUM: "text",
  INT_8: "int8",
  INT_16: "int16",
  INT_32: "int32",
  INT_64: "int64",
  UINT_8: "uint8",
  UINT_16: "uint16",
  UINT_32: "uint32",
  UINT_64: "uint64",
  NULL: "no values",
};

/**
 * Opens a Parquet file; reads only what describes it. The source is closed with the file, and where it cannot be opened.
 *
 * @throws {DataError} If it is damaged or no Parquet file.
 */
export async function openParquet(source: ByteSource): Promise<ParquetFile> {
  try {
    return await withFileAsync(source.name, async () => {
      checkIsData(source, "a Parquet file");
      checkMagic(source);
      return new OpenParquet(source, await described(source, await import("hyparquet")));
    });
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Both ends of the file, and the length of what describes it. */
function checkMagic(source: ByteSource): void {
  const refuse = (rule: string, found: string): SyntaxError =>
    new SyntaxError(`Cannot read "${source.name}" as ${rule}: found ${found}`);
  if (source.size < 12) throw refuse("a Parquet file has at least 12 bytes", `${source.size}`);
  const view = new DataView(new ArrayBuffer(12));
  source.readInto(0, new Uint8Array(view.buffer, 0, 4));
  source.readInto(source.size - 8, new Uint8Array(view.buffer, 4, 8));
  const [start, length, end] = [0, 4, 8].map((at) => view.getUint32(at, true));
  if (end === MAGIC_ENCRYPTED || start === MAGIC_ENCRYPTED) {
    throw new UnsupportedError(
      `Cannot read "${source.name}" as it must not be encrypted: found PARE`,
      "encryption",
    );
  }
  if (start !== MAGIC || end !== MAGIC) {
    throw refuse("a Parquet file begins and ends with PAR1", "other bytes");
  }
  if (length! > source.size - 12 || length! > MOST_METADATA_BYTES) {
    throw refuse(
      "the description at its end must be within the file",
      `${length} bytes of ${source.size}`,
    );
  }
}

type Hyparquet = typeof import("hyparquet");

/** What the end of the file says, checked as far as it is used. */
async function described(source: ByteSource, { parquetMetadataAsync }: Hyparquet): Promise<FileMetaData> {
  const metadata = await sound(source, () => parquetMetadataAsync(bytesOf(source), { geoparquet: false }));
  const fail = (found: string): SyntaxError =>
    new SyntaxError(`Cannot read "${source.name}" as its description must be sound: found ${found}`);
  const [root, ...elements] = metadata.schema;
  if (root === undefined) throw fail("no schema");
  if (elements.some(({ name }) => typeof name !== "string")) throw fail("a column without a name");
  let rows = 0;
  for (const group of metadata.row_groups) {
    const count = Number(group.num_rows);
    if (!Number.isSafeInteger(count) || count < 0 || count > MOST_GROUP_ROWS) {
      throw fail(`a group of ${count} rows; at most ${MOST_GROUP_ROWS} are read`);
    }
    rows += count;
  }
  if (rows !== Number(metadata.num_rows)) throw fail(`${rows} rows in groups of ${metadata.num_rows}`);
  return metadata;
}

class OpenParquet implements ParquetFile {
  readonly rows: number;
  readonly columns: readonly ParquetColumn[];
  readonly groups: readonly number[];

  constructor(readonly source: ByteSource, readonly metadata: FileMetaData) {
    this.rows = Number(metadata.num_rows);
    this.groups = metadata.row_groups.map(({ num_rows }) => Number(num_rows));
    this.columns = topLevel(metadata.schema).map(describe);
  }

  async read(column: string, group: number): Promise<readonly ArrayLike<unknown>[]> {
    const { name } = this.source;
    const found = this.columns.find((one) => one.name === column);
    if (found?.kind === undefined) {
      throw new UnsupportedError(
        `Cannot read column "${column}" of "${name}" as it must hold numbers, truth values or texts: found ${
          found?.refused ?? "nothing"
        }`,
        found?.refused ?? "nothing",
      );
    }
    const { parquetRead, snappyUncompress } = await import("hyparquet");
    const { parquetHeader } = await import("hyparquet/column");
    const rowStart = this.groups.slice(0, group).reduce((sum, count) => sum + count, 0);
    const rows = this.groups[group] ?? 0;
    const chunks: DecodedArray[] = [];
    return await withFileAsync(name, async () => {
      await sound(this.source, async () => {
        checkPages(this.source, this.#chunk(column, group), rows, parquetHeader);
        await parquetRead({
          file: bytesOf(this.source),
          metadata: this.metadata,
          columns: [column],
          rowStart,
          rowEnd: rowStart + rows,
          compressors: compressors(snappyUncompress),
          geoparquet: false,
          onChunk: ({ columnData }) => void chunks.push(columnData),
        });
      });
      const count = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      if (count === rows) return chunks;
      throw new SyntaxError(
        `Cannot read "${name}" as a column must have a value in each row: found ${count} of "${column}" in ${rows} rows of group ${group}`,
      );
    });
  }

  /** What the file says of a column in a row group. */
  #chunk(column: string, group: number): ColumnMetaData {
    const { columns } = this.metadata.row_groups[group]!;
    const found = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === column)?.meta_data;
    if (found) return found;
    throw new SyntaxError(
      `Cannot read "${this.source.name}" as each group must have column "${column}": found none in group ${group}`,
    );
  }

  close(): void {
    this.source.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** The elements directly below the root, which come in depth-first order; a nested one with its number of children. */
function topLevel(schema: readonly SchemaElement[]): SchemaElement[] {
  const found: SchemaElement[] = [];
  for (let at = 1; at < schema.length; at = after(schema, at)) found.push(schema[at]!);
  return found;
}

/** The place behind an element and all that is below it. */
function after(schema: readonly SchemaElement[], at: number): number {
  let [open, next] = [1, at];
  for (; open > 0 && next < schema.length; next++) open += (schema[next]!.num_children ?? 0) - 1;
  return next;
}

function describe(element: SchemaElement): ParquetColumn {
  const { name, type, repetition_type, converted_type, logical_type, num_children } = element;
  if (type === undefined || num_children) return { name, kind: undefined, refused: "nested values" };
  if (repetition_type === "REPEATED") return { name, kind: undefined, refused: "repeated values" };
  const said = typeOf(logical_type) ?? converted_type ?? type;
  const kind = KINDS[said];
  return kind === undefined ? { name, kind, refused: `values of type ${said}` } : { name, kind };
}

/** The name of a logical type; whole numbers have it with their width. */
function typeOf(logical: SchemaElement["logical_type"]): string | undefined {
  if (logical?.type !== "INTEGER") return logical?.type;
  return `${logical.isSigned ? "INT" : "UINT"}_${logical.bitWidth}`;
}

/** The file for hyparquet: ranges within it, so that a damaged offset takes no memory. */
function bytesOf(
  source: ByteSource,
): { byteLength: number; slice(start: number, end?: number): ArrayBuffer } {
  return {
    byteLength: source.size,
    slice(start, end = source.size) {
      if (
        !(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end &&
          end <= source.size)
      ) {
        throw new SyntaxError(
          `Cannot read "${source.name}" as its parts must lie within its ${source.size} bytes: found ${start} to ${end}`,
        );
      }
      const bytes = new Uint8Array(end - start);
      source.readInto(start, bytes);
      return bytes.buffer;
    },
  };
}

/** What hyparquet throws on a damaged file, of whatever class, as one line of ours. */
async function sound<T>(source: ByteSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof UnsupportedError || isOurMessage(cause.message)) {
      throw cause;
    }
    throw new SyntaxError(
      `Cannot read "${source.name}" as it must be a sound Parquet file: ${
        oneLine(cause.message).slice(0, 200)
      }`,
      { cause },
    );
  }
}
