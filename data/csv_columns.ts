/**
 * What a CSV file holds: names, types and rows, for a person who is to write a schema.
 *
 * @module
 */
import { openSource, withFile } from "../formats/byte_source.ts";
import { CsvScanner } from "../formats/csv.ts";
import { checkIsData } from "../formats/not_data.ts";

/** A column as its first rows look. */
export interface CsvColumn {
  readonly name: string;
  /** The narrowest type that holds all of its values; undefined where all are missing. */
  readonly kind: "bool" | "int64" | "float64" | "text" | undefined;
  /** Empty fields. */
  readonly missing: number;
}

/** What a file holds. */
export interface CsvColumns {
  readonly delimiter: string;
  readonly rows: number;
  /** Rows from which the types come. */
  readonly looked: number;
  readonly columns: readonly CsvColumn[];
}

/** Rows whose values are looked at. */
const LOOKED_ROWS = 10_000;
const DELIMITERS = [",", ";", "\t", "|"];
/** Bytes in which the first line is looked for. */
const HEAD_BYTES = 1 << 16;

/** What a value can be, the narrowest first. */
const KINDS: readonly (readonly [NonNullable<CsvColumn["kind"]>, RegExp])[] = [
  ["bool", /^\s*(true|false)\s*$/i],
  ["int64", /^\s*[+-]?\d{1,18}\s*$/],
  ["float64", /^\s*[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)\s*$/i],
  ["text", /^/],
];

/**
 * Looks through a CSV file: all lines are counted, the first 10,000 say the types. The delimiter is the one of `,`, `;`, tab
 * and `|` that is most often in the first line.
 *
 * @throws {DataError} If the file is not CSV.
 */
export function describeCsv(path: string): CsvColumns {
  const source = openSource(path);
  try {
    return withFile(path, () => {
      checkIsData(source, "a CSV file");
      const head = new Uint8Array(Math.min(HEAD_BYTES, source.size));
      source.readInto(0, head);
      const [line = ""] = new TextDecoder().decode(head).split("\n", 1);
      const count = (delimiter: string): number => line.split(delimiter).length;
      const delimiter = DELIMITERS.reduce((best, one) => count(one) > count(best) ? one : best);
      return { delimiter, ...columnsIn(new CsvScanner(source, delimiter)) };
    });
  } finally {
    source.close();
  }
}

function columnsIn(scanner: CsvScanner): Omit<CsvColumns, "delimiter"> {
  const names = scanner.next() ? scanner.texts().map((name) => name.trim()) : [];
  const kinds = names.map(() => -1);
  const missing = names.map(() => 0);
  let rows = 0;
  for (; scanner.next(); rows++) {
    if (rows >= LOOKED_ROWS) continue;
    for (let i = 0; i < names.length && i < scanner.fields; i++) {
      const text = scanner.text(i);
      if (text === "") missing[i]!++;
      else kinds[i] = widest(kinds[i]!, KINDS.findIndex(([, pattern]) => pattern.test(text)));
    }
  }
  const columns = names.map((name, i) => ({ name, kind: KINDS[kinds[i]!]?.[0], missing: missing[i]! }));
  return { rows, looked: Math.min(rows, LOOKED_ROWS), columns };
}

/** The kind of values of two kinds, by place in the table: truth values among numbers are text. */
function widest(a: number, b: number): number {
  const isMixed = a !== b && (a === 0 || b === 0) && a >= 0;
  return isMixed ? KINDS.length - 1 : Math.max(a, b);
}
