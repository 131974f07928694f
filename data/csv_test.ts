import assert from "node:assert/strict";
import { join } from "node:path";
import { seededIntegers, survives } from "../formats/fuzz_test_helpers.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { readCsv, readCsvBlocks } from "./csv.ts";
import { describeCsv } from "./csv_columns.ts";
import { Defects } from "./defects.ts";
import type { TableSchema } from "./schema.ts";

/** Writes a file and works with it. */
async function withCsv(text: string | Uint8Array, work: (path: string) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const path = join(directory, "a.csv");
    await Deno.writeFile(path, typeof text === "string" ? new TextEncoder().encode(text) : text);
    await work(path);
  });
}

const ENERGY = { energy: { dtype: "float32", unit: "GeV" } } as const;

/** The one column of a file as an array. */
async function energies(text: string, options = {}): Promise<number[]> {
  let found: number[] = [];
  await withCsv(text, async (path) => {
    found = [...(await readCsv(path, ENERGY, options)).energy.data];
  });
  return found;
}

Deno.test("readCsv() gives columns with the dtype of their schema, whatever else the file has", async () => {
  const text =
    'id,label,energy,ok,kind,text\n7,1,2.5,true,mu,"a ""b"", c"\n-8,0,-1e-3,False,e,"two\nlines"\n';
  await withCsv(text, async (path) => {
    const table = await readCsv(path, {
      energy: { dtype: "float32", unit: "GeV", description: "of the track" },
      number: { dtype: "int64", unit: "1", from: "id" },
      label: { dtype: "uint8", unit: "1" },
      ok: { dtype: "bool", unit: "1" },
      kind: { dtype: "int32", unit: "1", categories: ["e", "mu"] },
      second: { dtype: "float64", unit: "1", from: 2 },
    });
    const energy: Float32Array = table.energy.data;
    const number: BigInt64Array = table.number.data;
    assert.deepEqual(energy, Float32Array.of(2.5, -1e-3));
    assert.deepEqual(number, BigInt64Array.of(7n, -8n));
    assert.deepEqual(table.label.data, Uint8Array.of(1, 0));
    assert.deepEqual([table.ok.dtype, table.ok.data], ["bool", Uint8Array.of(1, 0)]);
    assert.deepEqual(table.kind.data, Int32Array.of(1, 0));
    assert.deepEqual(table.second.data, Float64Array.of(2.5, -1e-3));
    assert.deepEqual(
      [table.energy.shape, table.energy.dims, table.energy.unit, table.energy.description],
      [[2], ["row"], "GeV", "of the track"],
    );
  });
});

Deno.test("readCsv() follows RFC 4180: quotes, line ends, delimiters, a last line without an end", async () => {
  const cases: [string, number[], object?][] = [
    ["energy\n1\n2\n", [1, 2]],
    ["energy\r\n1\r\n2", [1, 2]],
    ["energy\n1\r\n\r\n\n2\r", [1, 2]],
    ['"energy"\n"1"\n"2"', [1, 2]],
    ["\ufeffenergy\n3", [3]],
    ['x,energy\n"a,b",1\n"a""\n,""",2\n"""",3\n', [1, 2, 3]],
    ["x;energy\n1,5;2\n", [2], { delimiter: ";" }],
    ["energy\tx\n4\t5\n", [4], { delimiter: "\t" }],
    ["1,5\n2,6\n", [1, 2], { header: false }],
    [" energy ,x\n 1 ,2\n", [1]],
    ["energy\n", []],
    ["energy", []],
    ["", [], { header: false }],
    ["energy\nnan\n-inf\nInfinity\n", [NaN, -Infinity, Infinity]],
    ["energy\n+1.\n.5\n1E2\n1e+2\n-0\n", [1, 0.5, 100, 100, -0]],
  ];
  for (const [text, expected, options] of cases) {
    assert.deepEqual(await energies(text, options), expected, text);
  }
});

Deno.test("readCsv() rounds numbers as JavaScript does, of any number of digits and any power", async () => {
  const integer = seededIntegers(3);
  const texts = [
    "9007199254740993",
    "0.1",
    "123456789.123456789123",
    "1e308",
    "4.9e-324",
    "1e-400",
    "2.5e22",
    "1e23",
  ];
  for (let i = 0; i < 3000; i++) {
    const digits = Array.from({ length: 1 + integer(20) }, () => integer(10)).join("");
    const point = integer(digits.length + 1);
    const power = integer(3) === 0 ? `e${integer(50) - 25}` : "";
    texts.push(`${integer(2) ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}${power}`);
  }
  await withCsv(`x\n${texts.join("\n")}\n`, async (path) => {
    const { x } = await readCsv(path, { x: { dtype: "float64", unit: "1" } });
    assert.deepEqual([...x.data], texts.map(Number));
  });
});

Deno.test("readCsv() replaces missing values as the schema says, and refuses others", async () => {
  const missing = { energy: { dtype: "float32", unit: "GeV", missing: NaN } } as const;
  await withCsv("energy,n\n,1\nNA,2\n-999,3\n4,\n", async (path) => {
    const options = { missing: ["", "NA", "-999"] };
    assert.deepEqual([...(await readCsv(path, missing, options)).energy.data], [NaN, NaN, NaN, 4]);
    await assert.rejects(readCsv(path, missing), {
      message: `Cannot read "${path}" as values of column "energy" must be numbers: found "NA" in line 3`,
    });
    await assert.rejects(readCsv(path, { n: { dtype: "int32", unit: "1" } }), {
      name: "DataError",
      message: `Cannot read "${path}" as values of column "n" must not be missing: found "" in line 5`,
    });
    const { n } = await readCsv(path, { n: { dtype: "int32", unit: "1", missing: -1 } });
    assert.deepEqual([...n.data], [1, 2, 3, -1]);
    await assert.rejects(readCsv(path, { n: { dtype: "uint8", unit: "1", missing: NaN } }), {
      name: "RangeError",
      message: /what stands for missing values must fit: must be whole numbers: found NaN/,
    });
  });
});

Deno.test("readCsv() names file, line, column and value of what does not fit", async () => {
  const cases: [string, TableSchema[string]["dtype"], RegExp][] = [
    ["abc", "float32", /"x" must be numbers: found "abc" in line 4$/],
    ["0x10", "float64", /must be numbers/],
    ["1_000", "float64", /must be numbers/],
    ["1 2", "float64", /must be numbers/],
    ["1e39", "float32", /must be below 3.4e38, the largest of float32: found "1e39"/],
    ["1.5", "int32", /must be whole numbers/],
    ["256", "uint8", /must be from 0 to 255/],
    ["-1", "uint64", /must be from 0 to 18446744073709551615/],
    ["9223372036854775808", "int64", /must be from -9223372036854775808 to 9223372036854775807/],
    ["nan", "int16", /must be whole numbers/],
    ["yes", "bool", /must be true, false, 1 or 0/],
    ["y".repeat(100), "float32", /found "y{60}\.\.\."/],
  ];
  for (const [value, dtype, message] of cases) {
    await withCsv(`x,y\n"1","two\nlines"\n${value},1\n`, async (path) => {
      await assert.rejects(readCsv(path, { x: { dtype, unit: "1" } }), { name: "DataError", message });
    });
  }
  const kinds = { x: { dtype: "int32", unit: "1", categories: ["a", "b"] } } as const;
  await withCsv(
    "x\nc\n",
    (path) =>
      assert.rejects(readCsv(path, kinds), { message: /must be one of "a", "b": found "c" in line 2/ }),
  );
});

Deno.test("readCsv() refuses files that are no CSV, and columns that are not there", async () => {
  const cases: [string, RegExp][] = [
    ["energy,x\n1\n", /lines must have 2 fields: found 1 fields in line 2/],
    ["energy\n1,2\n", /lines must have 1 fields: found 2 fields in line 2/],
    ['energy\n"1\n2\n', /a quoted field must end: found the end of the file in line 2/],
    ['energy\n"1"2\n', /a quoted field must end before the next delimiter: found text after .* in line 2/],
    [
      "enregy,x\n1,2\n",
      /column "energy" of ".*" as its columns are "enregy", "x": found .*; did you mean "enregy"/,
    ],
    ["energy,energy\n1,2\n", /must be there once: found "energy" twice/],
    ["", /must begin with the names of its columns: found no lines/],
    ["<!DOCTYPE html><html></html>", /must be a CSV file: found a web page/],
  ];
  for (const [text, message] of cases) {
    await withCsv(text, (path) => assert.rejects(readCsv(path, ENERGY), { name: "DataError", message }));
  }
  await withCsv("a\n1", async (path) => {
    await assert.rejects(readCsv(path, { a: { dtype: "int8", unit: "1", from: 1 } }), /no such column/);
    for (const delimiter of ["", ";;", '"', "é"]) {
      await assert.rejects(readCsv(path, ENERGY, { delimiter }), RangeError);
    }
    await assert.rejects(readCsv(`${path}.gone`, ENERGY), { name: "DataError", message: /nothing is there/ });
  });
});

Deno.test("readCsvBlocks() gives all rows in blocks, over the pieces in which a file is read", async () => {
  const rows = 90_000; // 2.4 MB, of which 1 MiB is read at a time
  const lines = Array.from({ length: rows }, (_, i) => `${i},"text ""${i}"", more\n"`);
  await withCsv(`n,t\r\n${lines.join("\r\n")}\r\n`, async (path) => {
    for (const size of [1000, 65_536, 100_000]) {
      let next = 0;
      for await (const { n } of readCsvBlocks(path, { n: { dtype: "int32", unit: "1" } }, { rows: size })) {
        assert.ok(n.data.length === Math.min(size, rows - next));
        assert.ok(n.data.every((value, i) => value === next + i));
        next += n.data.length;
      }
      assert.equal(next, rows);
    }
  });
});

Deno.test("readCsv() ends at a quote that is never closed, without reading a large file into memory", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "a.csv");
    await Deno.writeTextFile(path, 'energy\n1\n"');
    await Deno.truncate(path, 2 ** 32);
    await assert.rejects(readCsv(path, ENERGY), {
      message:
        `Cannot read "${path}" as a record may have at most 16777216 bytes: found a longer one in line 3`,
    });
  });
});

Deno.test("readCsv() leaves out lines with defects where it is given a list", async () => {
  await withCsv("energy,n\n1,1\nx,2\n3\n4,999\n5,5\n", async (path) => {
    const defects = new Defects({ rowName: "lines" });
    const schema = { ...ENERGY, n: { dtype: "uint8", unit: "1" } } as const;
    const { energy, n } = await readCsv(path, schema, { defects });
    assert.deepEqual([[...energy.data], [...n.data]], [[1, 5], [1, 5]]);
    assert.throws(
      () => defects.settle(false, { warn() {} }),
      /found 3 defects in 3 of 5 lines: \(1\) values of column "energy" must be numbers: "x" in line 3; \(2\) .*--skip-bad/,
    );
    const warnings: string[] = [];
    const [table] = defects.settle(true, { warn: (_code, message) => void warnings.push(message) });
    assert.match(warnings[0]!, /left out 3 of 5 lines of a\.csv/);
    assert.equal(table!.rows.length, 3);
  });
});

Deno.test("describeCsv() finds delimiter, types, missing values and rows", async () => {
  await withCsv("a;b;c;d;e\n1;0.5;true;x;\n;-2e3;FALSE;1;\n", async (path) => {
    const { delimiter, rows, columns } = describeCsv(path);
    assert.deepEqual([delimiter, rows], [";", 2]);
    assert.deepEqual(columns.map(({ name, kind, missing }) => [name, kind, missing]), [
      ["a", "int64", 1],
      ["b", "float64", 0],
      ["c", "bool", 0],
      ["d", "text", 0],
      ["e", undefined, 2],
    ]);
    await Promise.resolve();
  });
});

Deno.test("readCsv() survives mutations", async () => {
  const fixture = new URL("../formats/fixtures/kinds.csv", import.meta.url);
  const schema = {
    id: { dtype: "int64", unit: "1" },
    energy: { dtype: "float32", unit: "GeV", missing: 0 },
    ok: { dtype: "bool", unit: "1" },
  } as const;
  await withTempDir(async (directory) => {
    const path = join(directory, "a.csv");
    const bytes = await Deno.readFile(fixture);
    const { parsed, refused } = await survives("a.csv", bytes, { count: 500, seed: 4 }, async (damaged) => {
      await Deno.writeFile(path, damaged);
      const { id, energy } = await readCsv(path, schema);
      assert.equal(id.data.length, energy.data.length);
      describeCsv(path);
    });
    assert.ok(parsed > 50 && refused > 100, `${parsed} parsed, ${refused} refused`);
  });
});
