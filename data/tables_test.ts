import assert from "node:assert/strict";
import { DataError } from "../core/errors.ts";
import type { Table } from "../core/types.ts";
import { writeNpy } from "../formats/npy.ts";
import {
  column,
  columnOf,
  readTable,
  readTables,
  rowCount,
  sliceRows,
  tableOf,
  takeRows,
  writeTable,
  writeTables,
} from "./tables.ts";

const TABLE: Table = {
  E: column(Float32Array.of(1.5, 2.5, 3.5), { unit: "GeV", description: "photon energy" }),
  e: column(BigInt64Array.of(-1n, 2n ** 62n, 3n), { unit: "1" }),
  cells: column(Float64Array.from({ length: 12 }, (_, i) => i), {
    unit: "GeV",
    shape: [3, 2, 2],
    dims: ["row", "y", "x"],
  }),
  isGood: column(Uint8Array.of(1, 0, 1), { unit: "1", dtype: "bool" }),
  "Muon/Px[0]": column(Int16Array.of(7, 8, 9), { unit: "MeV" }),
};

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("column() takes dtype, shape and dims from the array", () => {
  const data = new Int32Array(6);
  assert.deepEqual(column(data, { unit: "1" }), {
    dtype: "int32",
    shape: [6],
    dims: ["row"],
    unit: "1",
    data,
  });
  assert.deepEqual(column(data, { unit: "cm", shape: [2, 3] }).dims, ["row", "axis1"]);
  assert.equal(column(new Uint8Array(2), { unit: "1" }).dtype, "uint8");
  assert.equal(column(new Uint8Array(2), { unit: "1", dtype: "bool" }).dtype, "bool");
  assert.equal("description" in column(data, { unit: "1" }), false);
});

Deno.test("column() rejects what does not agree", () => {
  const data = new Int32Array(6);
  assert.throws(() => column(data, { unit: "1", shape: [2, 2] }), {
    name: "TypeError",
    message: 'Cannot write "column" as the shape must hold all elements: int32[2,2] has 6 elements',
  });
  assert.throws(() => column(data, { unit: "1", shape: [] }), TypeError);
  assert.throws(() => column(data, { unit: "1", shape: [2, 3], dims: ["row"] }), {
    name: "TypeError",
    message:
      'Cannot make column "column" as dims must name every dimension and start with "row": found [row] for int32[2,3]',
  });
  assert.throws(() => column(data, { unit: "1", dims: ["event"] }), TypeError);
  assert.throws(() => column([1, 2] as unknown as Int32Array<ArrayBuffer>, { unit: "1" }), TypeError);
});

Deno.test("rowCount() counts rows and rejects columns that differ", () => {
  assert.equal(rowCount(TABLE), 3);
  assert.equal(rowCount({}), 0);
  const wrong = { a: column(new Int8Array(2), { unit: "1" }), b: column(new Int8Array(3), { unit: "1" }) };
  assert.throws(() => rowCount(wrong), {
    name: "TypeError",
    message: 'Cannot use the table as its columns must have the same number of rows: "a" has 2, "b" has 3',
  });
});

Deno.test("columnOf() suggests the nearest name", () => {
  assert.equal(columnOf(TABLE, "cells"), TABLE["cells"]);
  assert.throws(() => columnOf(TABLE, "isgod"), {
    name: "NotFoundError",
    nearest: "isGood",
    message:
      'Cannot find column "isgod" as the table has E, e, cells, isGood, Muon/Px[0]; did you mean "isGood"',
  });
  assert.throws(() => columnOf(TABLE, "toString"), { name: "NotFoundError" });
});

Deno.test("takeRows() gathers, repeats and reorders", () => {
  const taken = takeRows(TABLE, [2, 0, 2, 1]);
  assert.deepEqual(taken["E"], { ...TABLE["E"], shape: [4], data: Float32Array.of(3.5, 1.5, 3.5, 2.5) });
  assert.deepEqual(taken["e"]!.data, BigInt64Array.of(3n, -1n, 3n, 2n ** 62n));
  assert.deepEqual(taken["cells"]!.shape, [4, 2, 2]);
  assert.deepEqual(taken["cells"]!.data.slice(0, 8), Float64Array.of(8, 9, 10, 11, 0, 1, 2, 3));
  assert.deepEqual(taken["isGood"]!.dtype, "bool");
  assert.deepEqual(takeRows(TABLE, []).E!.shape, [0]);
});

Deno.test("takeRows() takes wide rows as it takes narrow ones", () => {
  const wide = { x: column(Float32Array.from({ length: 400 }, (_, i) => i), { unit: "1", shape: [4, 100] }) };
  const { data } = takeRows(wide, Uint32Array.of(3, 1)).x;
  assert.deepEqual([data[0], data[99], data[100], data[199]], [300, 399, 100, 199]);
});

Deno.test("takeRows() rejects a row that is not there", () => {
  for (const row of [3, -1, 0.5, NaN]) {
    assert.throws(() => takeRows(TABLE, [0, row]), {
      name: "RangeError",
      message: `Cannot take row ${row} as the table has 3 rows: found ${row}`,
    });
  }
});

Deno.test("sliceRows() equals takeRows() of a range", () => {
  assert.deepEqual(sliceRows(TABLE, 1, 3), takeRows(TABLE, [1, 2]));
  assert.throws(() => sliceRows(TABLE, 2, 4), RangeError);
});

Deno.test("writeTable() then readTable() gives the same table", async () => {
  await inFolder(async (folder) => {
    await writeTable(`${folder}/a/b`, TABLE);
    assert.deepEqual(await readTable(`${folder}/a/b`), TABLE);
    assert.deepEqual(Object.keys(await readTable(`${folder}/a/b`, { columns: ["e"] })), ["e"]);
    // Names that only differ in case, or contain a slash, must not end up in one file.
    assert.deepEqual([...Deno.readDirSync(`${folder}/a/b`)].map((entry) => entry.name).sort(), [
      "E.npy",
      "Muon%2fPx%5b0%5d.npy",
      "cells.npy",
      "columns.json",
      "e~2.npy",
      "isGood.npy",
    ]);
  });
});

Deno.test("writeTables() then readTables() gives the same tables in the same order", async () => {
  await inFolder(async (folder) => {
    const tables = { train: TABLE, validation: takeRows(TABLE, [0]), a: {} };
    await writeTables(folder, tables);
    const back = await readTables(folder);
    assert.deepEqual(back, tables);
    assert.deepEqual(Object.keys(back), ["train", "validation", "a"]);
    const part = await readTables(folder, { tables: ["validation"], columns: ["E"] });
    assert.deepEqual(part, { validation: { E: tables.validation["E"] } });
    await assert.rejects(readTables(folder, { tables: ["valdation"] }), {
      message:
        `Cannot read table "valdation" of "${folder}" as it has train, validation, a: found no "valdation"; did you mean "validation"`,
    });
    await assert.rejects(writeTables(folder, { "../x": {} }), RangeError);
  });
});

Deno.test("readTable() names what is wrong with the folder", async () => {
  await inFolder(async (folder) => {
    await writeTable(folder, TABLE);
    const json = `${folder}/columns.json`;
    const text = await Deno.readTextFile(json);
    const rejects = async (message: string) => {
      await assert.rejects(readTable(folder), (error: unknown) => {
        assert.ok(error instanceof DataError);
        assert.equal(error.message, message);
        return true;
      });
    };
    await assert.rejects(readTable(folder, { columns: ["cell"] }), {
      name: "DataError",
      file: folder,
      message:
        `Cannot read column "cell" of "${folder}" as it has E, e, cells, isGood, Muon/Px[0]: found no "cell"; did you mean "cells"`,
    });
    await writeNpy(`${folder}/E.npy`, { dtype: "float32", shape: [2], data: new Float32Array(2) });
    await rejects(`Cannot read "${folder}/E.npy" as columns.json says float32[3]: found float32[2]`);
    await Deno.remove(`${folder}/E.npy`);
    await rejects(`Cannot read "${folder}/E.npy" as the file must exist: nothing is there`);
    await Deno.writeTextFile(json, text.replace('"E.npy"', '"../E.npy"'));
    await rejects(
      `Cannot read "${json}" as a column has file, dtype, shape, dims and unit: found another in "E"`,
    );
    await Deno.writeTextFile(json, text.slice(0, 40));
    await assert.rejects(readTable(folder), { name: "DataError", file: json });
    await Deno.writeTextFile(json, text.replace("columns/1", "columns/9"));
    await rejects(`Cannot read "${json}" as it must have columns of "beamline-columns/1": found another`);
    await Deno.remove(json);
    await rejects(`Cannot read "${json}" as the file must exist: nothing is there`);
  });
});

Deno.test("columnOf() with a dtype gives numbers of its type, and refuses another dtype", () => {
  const table: Table = { energy: column(Float32Array.of(1, 2), { unit: "GeV" }) };
  const energies: Float32Array = columnOf(table, "energy", "float32").data;
  assert.deepEqual([...energies], [1, 2]);
  assert.throws(() => columnOf(table, "energy", "int32"), {
    name: "TypeError",
    message: 'Cannot use column "energy" as its dtype must be int32: found float32',
  });
  assert.throws(() => columnOf(table, "enregy", "float32"), {
    name: "NotFoundError",
    message: 'Cannot find column "enregy" as the table has energy; did you mean "energy"',
  });
});

Deno.test("tableOf() gives a split by name, and lists those that there are", () => {
  const test: Table = { x: column(Float32Array.of(1), { unit: "1" }) };
  assert.equal(tableOf({ test }, "test"), test);
  assert.throws(() => tableOf({ train: test, test }, "tests"), {
    message: 'Cannot find table "tests" as the prepared data have train, test; did you mean "test"',
  });
  assert.throws(() => tableOf({}, "toString"), { message: /have no tables$/ });
});
