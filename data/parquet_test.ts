import assert from "node:assert/strict";
import { join } from "node:path";
import type { Dtype } from "../core/types.ts";
import { openSource } from "../formats/byte_source.ts";
import { survives } from "../formats/fuzz_test_helpers.ts";
import { openParquet } from "../formats/parquet.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { Defects } from "./defects.ts";
import { readParquet, readParquetBlocks } from "./parquet.ts";
import type { TableSchema } from "./schema.ts";
import { rowCount } from "./tables.ts";

const fixture = (name: string): string => new URL(`../formats/fixtures/${name}`, import.meta.url).pathname;
const KINDS = fixture("kinds.parquet");

/** The rule of each column in formats/fixtures/make_parquet.py. */
const RULES: { readonly [name: string]: readonly [Dtype, (row: number) => number | bigint] } = {
  f4: ["float32", (i) => i * 0.5 - 3],
  f8: ["float64", (i) => i / 7],
  f2: ["float32", (i) => i % 64],
  i1: ["int8", (i) => i - 25],
  i2: ["int16", (i) => i * 100 - 2500],
  i4: ["int32", (i) => i * 1000 - 2 ** 31],
  i8: ["int64", (i) => BigInt(i) - 2n ** 62n],
  u1: ["uint8", (i) => 255 - i],
  u2: ["uint16", (i) => 65535 - i],
  u4: ["uint32", (i) => 2 ** 32 - 1 - i],
  u8: ["uint64", (i) => 2n ** 64n - 1n - BigInt(i)],
  flag: ["bool", (i) => i % 3 === 0 ? 1 : 0],
};
const ROWS = Array.from({ length: 50 }, (_, row) => row);

Deno.test("readParquet() gives every type of number with the dtype of its schema", async () => {
  const schema = Object.fromEntries(
    Object.entries(RULES).map(([name, [dtype]]) => [name, { dtype, unit: "1" }]),
  );
  const table = await readParquet(KINDS, schema);
  for (const [name, [dtype, rule]] of Object.entries(RULES)) {
    assert.equal(table[name]!.dtype, dtype);
    assert.deepEqual([...table[name]!.data], ROWS.map(rule), name);
  }
});

Deno.test("readParquet() reads into other dtypes where the values fit, texts as categories, nulls as told", async () => {
  const table = await readParquet(KINDS, {
    wide: { dtype: "float64", unit: "cm", from: "i4", description: "a number" },
    narrow: { dtype: "uint8", unit: "1", from: "u1" },
    kind: { dtype: "int8", unit: "1", from: "text", categories: ["tau", "mu", "e"] },
    category: { dtype: "uint8", unit: "1", categories: ["a", "b"] },
    some: { dtype: "float32", unit: "1", missing: NaN },
    none: { dtype: "int16", unit: "1", missing: -1 },
  });
  const wide: Float64Array = table.wide.data;
  assert.deepEqual([...wide], ROWS.map((i) => i * 1000 - 2 ** 31));
  assert.deepEqual([table.wide.unit, table.wide.description, table.wide.dims], ["cm", "a number", ["row"]]);
  assert.deepEqual([...table.kind.data], ROWS.map((i) => 2 - i % 3));
  assert.deepEqual([...table.category.data], ROWS.map((i) => i % 2));
  assert.deepEqual([...table.some.data], ROWS.map((i) => i % 5 === 0 ? NaN : i));
  assert.deepEqual([...table.none.data], ROWS.map(() => -1));
});

Deno.test("readParquet() reads every compression, and pages of both versions", async () => {
  for (const codec of ["none", "snappy", "gzip", "zstd", "lz4"]) {
    const schema = {
      f4: { dtype: "float32", unit: "1" },
      i8: { dtype: "int64", unit: "1" },
      some: { dtype: "float32", unit: "1", missing: -1 },
    } as const;
    const table = await readParquet(fixture(`codec_${codec}.parquet`), schema);
    assert.deepEqual([...table.f4.data], ROWS.map(RULES["f4"]![1]), codec);
    assert.deepEqual([...table.i8.data], ROWS.map(RULES["i8"]![1]), codec);
    assert.deepEqual([...table.some.data], ROWS.map((i) => i % 5 === 0 ? -1 : i), codec);
  }
  await assert.rejects(
    readParquet(fixture("codec_brotli.parquet"), { f4: { dtype: "float32", unit: "1" } }),
    /compression must be one of none, Snappy, gzip, Zstandard, LZ4 \(raw\): found Brotli/,
  );
  const { f4 } = await readParquet(fixture("empty.parquet"), { f4: { dtype: "float32", unit: "1" } });
  assert.deepEqual(f4.shape, [0]);
});

Deno.test("readParquetBlocks() gives the rows of one row group after the other", async () => {
  const lengths: number[] = [];
  let next = 0;
  for await (
    const { f8 } of readParquetBlocks(KINDS, { f8: { dtype: "float64", unit: "1" } }, { rows: 15 })
  ) {
    lengths.push(f8.data.length);
    for (const value of f8.data) assert.equal(value, next++ / 7);
  }
  assert.deepEqual(lengths, [15, 5, 15, 5, 10]); // groups of 20, 20 and 10
});

Deno.test("readParquet() names the type that it does not read, the column that is not there, and the value", async () => {
  const cases: [TableSchema, RegExp][] = [
    [{ list: { dtype: "int32", unit: "1" } }, /column "list" of .* found nested values$/],
    [{ struct: { dtype: "int32", unit: "1" } }, /found nested values$/],
    [{ date: { dtype: "int32", unit: "1" } }, /found values of type DATE$/],
    [{ time: { dtype: "int64", unit: "1" } }, /found values of type TIMESTAMP$/],
    [{ decimal: { dtype: "float64", unit: "1" } }, /found values of type DECIMAL$/],
    [
      { categroy: { dtype: "int8", unit: "1" } },
      /column "categroy" of .* as its columns are "f4", "f8", .*; did you mean "category"/,
    ],
    [
      { some: { dtype: "float32", unit: "1" } },
      /"some" must not be missing: found null in row 0, counted from 0$/,
    ],
    [{ i4: { dtype: "uint8", unit: "1" } }, /"i4" must be from 0 to 255: found -2147483648 in row 0/],
    [
      { i8: { dtype: "float64", unit: "1" } },
      /must be numbers that float64 holds exactly: found -4611686018427387903 in row 1/,
    ],
    [{ text: { dtype: "float32", unit: "1" } }, /must be numbers: found "e" in row 0/],
    [{ f8: { dtype: "int32", unit: "1" } }, /must be whole numbers: found 0.14285714285714285 in row 1/],
  ];
  for (const [schema, message] of cases) await assert.rejects(readParquet(KINDS, schema), { message });
});

Deno.test("readParquet() leaves out rows with defects where it is given a list", async () => {
  const defects = new Defects({ rowName: "rows" });
  const { some, i1 } = await readParquet(KINDS, {
    some: { dtype: "float32", unit: "1" },
    i1: { dtype: "int8", unit: "1" },
  }, { defects });
  const sound = ROWS.filter((i) => i % 5 !== 0);
  assert.deepEqual([[...some.data], [...i1.data]], [sound, sound.map((i) => i - 25)]);
  assert.throws(() => defects.settle(false, { warn() {} }), /found 10 defects in 10 of 50 rows/);
  assert.equal(defects.settle(true, { warn() {} }).length, 1);
});

Deno.test("openParquet() refuses what is no Parquet file, in one line", async () => {
  const bytes = Deno.readFileSync(fixture("codec_snappy.parquet"));
  const cut = (from: number, to: number): Uint8Array => bytes.slice(from, to);
  const cases: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /has at least 12 bytes: found 0$/],
    [cut(0, 100), /begins and ends with PAR1: found other bytes$/],
    [cut(4, bytes.length), /begins and ends with PAR1/],
    [new TextEncoder().encode("<html>and more of a page</html>"), /found a web page/],
    [
      new TextEncoder().encode("PAR1xxxx\xff\xff\xff\x7fPAR1"),
      /description at its end must be within the file/,
    ],
    [new TextEncoder().encode("PAREabcdefghijklPARE"), /must not be encrypted/],
  ];
  for (const [damaged, message] of cases) {
    await withTempDir(async (directory) => {
      const path = join(directory, "a.parquet");
      await Deno.writeFile(path, damaged);
      await assert.rejects(openParquet(openSource(path)), { message });
    });
  }
});

Deno.test("readParquet() survives mutations", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "a.parquet");
    for (const name of ["kinds", "codec_snappy", "codec_gzip", "codec_zstd", "codec_lz4"]) {
      const bytes = Deno.readFileSync(fixture(`${name}.parquet`));
      const options = { count: 150, seed: 21, now: () => performance.now() };
      const { parsed, refused } = await survives(name, bytes, options, async (damaged) => {
        await Deno.writeFile(path, damaged);
        using file = await openParquet(openSource(path));
        const schema = Object.fromEntries(
          file.columns.filter(({ kind }) => kind?.startsWith("f")).map(({ name }) =>
            [name, { dtype: "float64", unit: "1", missing: 0 }] as const
          ),
        );
        rowCount(await readParquet(path, schema));
      });
      assert.ok(parsed > 0 && refused > 30, `${name}: ${parsed} parsed, ${refused} refused`);
    }
  });
});
