/**
 * The headers of the pages of a Parquet column, checked before hyparquet follows them: it goes where their lengths say, also
 * back, and takes memory for as many values as they claim.
 *
 * @see <https://github.com/apache/parquet-format/blob/apache-parquet-format-2.11.0/src/main/thrift/parquet.thrift>
 * @module
 */
import type { ByteSource } from "./byte_source.ts";

/** Bytes of one page at most; writers make about one million. */
export const MOST_PAGE_BYTES = 2 ** 28;

/** The header of a page, as hyparquet gives it: numbers are whatever was there. */
export interface PageHeader {
  readonly type: string;
  readonly uncompressed_page_size: number;
  readonly compressed_page_size: number;
  readonly data_page_header?: { readonly num_values: number };
  readonly dictionary_page_header?: { readonly num_values: number };
  readonly data_page_header_v2?: {
    readonly num_values: number;
    readonly num_rows: number;
    readonly num_nulls: number;
    readonly definition_levels_byte_length: number;
    readonly repetition_levels_byte_length: number;
  };
}

/** Where the pages of a column are, as hyparquet gives it. */
export interface ColumnPlace {
  readonly dictionary_page_offset?: bigint;
  readonly data_page_offset: bigint;
  readonly total_compressed_size: bigint;
}

/** Reads a header and goes behind it. */
export type ReadHeader = (reader: { view: DataView<ArrayBuffer>; offset: number }) => PageHeader;

/**
 * Checks that pages follow one another within the bytes of their column, and have a value for each row.
 *
 * @param rows Rows of the row group.
 * @throws {SyntaxError} If they do not.
 */
export function checkPages(
  source: ByteSource,
  column: ColumnPlace,
  rows: number,
  readHeader: ReadHeader,
): void {
  const fail = (rule: string, found: string): SyntaxError =>
    new SyntaxError(`Cannot read "${source.name}" as ${rule}: found ${found}`);
  const { dictionary_page_offset, data_page_offset, total_compressed_size } = column;
  const [start, length] = [dictionary_page_offset || data_page_offset, total_compressed_size].map(Number) as [
    number,
    number,
  ];
  if (!(start >= 0 && length >= 0 && start + length <= source.size)) {
    throw fail("a column must lie within the file", `${length} bytes at ${start} of ${source.size}`);
  }
  const bytes = new Uint8Array(length);
  source.readInto(start, bytes);
  const reader = { view: new DataView(bytes.buffer), offset: 0 };
  let values = 0;
  while (values < rows) {
    if (reader.offset >= length) throw fail("a column must have a value in each row", `${values} of ${rows}`);
    const at = reader.offset;
    const header = readHeader(reader);
    const [stored, inflated] = [header.compressed_page_size, header.uncompressed_page_size];
    if (!isCount(stored, length - reader.offset) || !isCount(inflated, MOST_PAGE_BYTES)) {
      throw fail(
        "a page must lie within its column",
        `${stored} bytes, ${inflated} inflated, at ${start + at}`,
      );
    }
    reader.offset += stored;
    const count = countIn(header);
    const isDictionary = header.type === "DICTIONARY_PAGE";
    const most = isDictionary ? inflated : rows - values;
    if (!isCount(count, most)) {
      throw fail("a page must have values of its column", `${count} at ${start + at}`);
    }
    if (!isDictionary) values += count;
  }
}

/** Values that a page says it has; undefined for a page of another kind, or one that contradicts itself. */
function countIn(
  { type, data_page_header, data_page_header_v2, dictionary_page_header }: PageHeader,
): number | undefined {
  if (type === "DATA_PAGE") return data_page_header?.num_values;
  if (type === "DICTIONARY_PAGE") return dictionary_page_header?.num_values;
  if (type !== "DATA_PAGE_V2" || !data_page_header_v2) return undefined;
  const { num_values, num_rows, num_nulls, ...lengths } = data_page_header_v2;
  const levels = [lengths.definition_levels_byte_length, lengths.repetition_levels_byte_length];
  const isSound = num_rows === num_values && isCount(num_nulls, num_values) &&
    levels.every((length) => isCount(length, MOST_PAGE_BYTES));
  return isSound ? num_values : undefined;
}

function isCount(value: number | undefined, most: number): value is number {
  return Number.isSafeInteger(value) && value! >= 0 && value! <= most;
}
