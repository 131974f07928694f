import assert from "node:assert/strict";
import { bytesSource } from "./byte_source.ts";
import { checkPages, type PageHeader } from "./parquet_pages.ts";

const source = bytesSource("a.parquet", new Uint8Array(100));
const COLUMN = { dictionary_page_offset: 4n, data_page_offset: 20n, total_compressed_size: 60n };
/** Ten values; 20 bytes behind a header of 4. */
const SIZES = { compressed_page_size: 16, uncompressed_page_size: 40 };
const DICTIONARY: PageHeader = {
  type: "DICTIONARY_PAGE",
  ...SIZES,
  dictionary_page_header: { num_values: 10 },
};
const V1: PageHeader = { type: "DATA_PAGE", ...SIZES, data_page_header: { num_values: 10 } };
const LEVELS = { definition_levels_byte_length: 2, repetition_levels_byte_length: 0 };
const COUNTS = { num_values: 10, num_rows: 10, num_nulls: 3 };
const V2: PageHeader = { type: "DATA_PAGE_V2", ...SIZES, data_page_header_v2: { ...COUNTS, ...LEVELS } };

/** Checks pages with these headers, of which each has 4 bytes. */
function check(headers: readonly PageHeader[], rows = 20, column = COLUMN): void {
  let next = 0;
  checkPages(source, column, rows, (reader) => {
    reader.offset += 4;
    return headers[next++ % headers.length]!;
  });
}

Deno.test("checkPages() takes a dictionary and pages of both versions that have the rows of their group", () => {
  check([DICTIONARY, V1, V2]);
  check([V1, V2]);
  check([], 0);
});

Deno.test("checkPages() refuses what would be read without end, beyond the column, or for no row", () => {
  const v2 = (changes: object): PageHeader => ({
    ...V2,
    data_page_header_v2: { ...COUNTS, ...LEVELS, ...changes },
  });
  const lengths = /as a page must lie within its column: found .* at 4$/;
  const values = /as a page must have values of its column: found .* at 4$/;
  const cases: [PageHeader, RegExp][] = [
    [{ ...V1, compressed_page_size: -4 }, lengths], // the same page again and again
    [{ ...V1, compressed_page_size: 57 }, lengths],
    [{ ...V1, compressed_page_size: 1.5 }, lengths],
    [{ ...V1, uncompressed_page_size: 2 ** 31 - 1 }, lengths],
    [{ ...V1, data_page_header: { num_values: 21 } }, values],
    [{ ...V1, data_page_header: { num_values: -1 } }, values],
    [{ ...V1, type: "INDEX_PAGE" }, values],
    [{ ...DICTIONARY, dictionary_page_header: { num_values: 41 } }, values],
    [v2({ num_rows: 1.95e-207 }), values], // no row, for ever
    [v2({ num_nulls: 11 }), values],
    [v2({ definition_levels_byte_length: -1 }), values],
  ];
  for (const [header, message] of cases) {
    assert.throws(() => check([header]), { name: "SyntaxError", message });
  }
  assert.throws(() => check([V1], 40), { message: /must have a value in each row: found 30 of 40$/ });
  const behind = { ...COLUMN, total_compressed_size: 97n };
  assert.throws(() => check([V1], 20, behind), {
    message: /must lie within the file: found 97 bytes at 4 of 100$/,
  });
});
