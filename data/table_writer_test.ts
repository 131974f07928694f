import assert from "node:assert/strict";
import { join } from "node:path";
import type { Table } from "../core/types.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { blocksOf, isPaged, isPagedTable } from "./paged.ts";
import { FolderTableWriter } from "./table_writer.ts";
import { column, readTable, sliceRows, takeRows, writeTable } from "./tables.ts";

/** Rows `from` to `to` of a table whose numbers say their row. */
function rowsFrom(from: number, to: number): Table {
  const rows = Array.from({ length: to - from }, (_, i) => from + i);
  return {
    energy: column(Float64Array.from(rows), { unit: "GeV", description: "of the beam" }),
    image: column(Float32Array.from(rows.flatMap((row) => [row, -row])), {
      unit: "1",
      shape: [rows.length, 2],
      dims: ["row", "x"],
    }),
    "label/%": column(Int32Array.from(rows), { unit: "1" }),
    good: column(Uint8Array.from(rows, (row) => row % 2), { unit: "1", dtype: "bool" }),
  };
}

/** Writes rows in parts. */
async function written(directory: string, edges: readonly number[], shuffleRows?: number): Promise<void> {
  const writer = new FolderTableWriter(directory, "train", shuffleRows === undefined ? {} : { shuffleRows });
  for (const [i, from] of edges.slice(0, -1).entries()) await writer.append(rowsFrom(from, edges[i + 1]!));
  assert.equal(writer.rows, edges.at(-1));
  const table = await writer.finish();
  assert.deepEqual(table["image"]!.shape, [edges.at(-1), 2]);
}

Deno.test("FolderTableWriter writes the files that writeTable() writes of the whole table", async () => {
  await withTempDir(async (directory) => {
    await written(join(directory, "parts"), [0, 5, 5, 6, 40]);
    await writeTable(join(directory, "whole"), rowsFrom(0, 40));
    const names = [...Deno.readDirSync(join(directory, "whole"))].map(({ name }) => name).sort();
    assert.deepEqual([...Deno.readDirSync(join(directory, "parts"))].map(({ name }) => name).sort(), names);
    for (const name of names.filter((name) => name.endsWith(".npy"))) {
      const [parts, whole] = ["parts", "whole"].map((folder) =>
        Deno.readFileSync(join(directory, folder, name))
      );
      assert.deepEqual(parts, whole, name);
    }
    assert.deepEqual(await readTable(join(directory, "parts")), rowsFrom(0, 40));
  });
});

Deno.test("readTable() leaves a table in parts on disk where it has more rows than are shuffled together", async () => {
  await withTempDir(async (directory) => {
    await written(join(directory, "small"), [0, 32], 32);
    assert.equal(isPagedTable(await readTable(join(directory, "small"))), false);
    await written(join(directory, "large"), [0, 33], 32);
    const table = await readTable(join(directory, "large"));
    const { energy } = table;
    assert.ok(energy && isPaged(energy));
    assert.equal(energy.blockRows, 2); // 16 blocks together
    assert.deepEqual([energy.dtype, energy.shape, energy.unit], ["float64", [33], "GeV"]);
    assert.throws(() => energy.data, {
      name: "UnsupportedError",
      message: /energy\.npy.* has 33 rows; go thr/,
    });
    assert.deepEqual(sliceRows(table, 30, 33), rowsFrom(30, 33));
    const { energy: taken, image } = takeRows(table, [32, 0, 32]);
    assert.deepEqual([...taken!.data as Float64Array], [32, 0, 32]);
    assert.deepEqual([image!.shape, [...image!.data as Float32Array]], [[3, 2], [32, -32, 0, -0, 32, -32]]);
    assert.throws(() => sliceRows(table, 30, 34), RangeError);
  });
});

Deno.test("blocksOf() gives the rows of a table in memory or on disk in their order, all of them once", async () => {
  await withTempDir(async (directory) => {
    await written(directory, [0, 20, 50], 16);
    const paged = await readTable(directory);
    for (const table of [paged, rowsFrom(0, 50)]) {
      for (const rows of [1, 7, 50, 80, undefined]) {
        const blocks = [...blocksOf(table, { columns: ["energy"], ...(rows === undefined ? {} : { rows }) })];
        assert.deepEqual(blocks.map((block) => Object.keys(block)), blocks.map(() => ["energy"]));
        const numbers = blocks.flatMap(({ energy }) => [...energy!.data as Float64Array]);
        assert.deepEqual(numbers, Array.from({ length: 50 }, (_, i) => i));
      }
    }
    assert.throws(() => [...blocksOf(paged, { rows: 0 })], { message: /must have rows: found 0$/ });
  });
});

Deno.test("FolderTableWriter refuses rows that differ from the first ones, and says how", async () => {
  await withTempDir(async (directory) => {
    const writer = new FolderTableWriter(directory, "train");
    await assert.rejects(new FolderTableWriter(directory, "none").finish(), {
      message: 'Cannot write table "none" as rows must have been appended: found none were',
    });
    await assert.rejects(writer.append({}), { message: /rows must have columns: found none/ });
    await writer.append(rowsFrom(0, 3));
    const cases: [Table, RegExp][] = [
      [{ ...rowsFrom(3, 4), more: column(Float32Array.of(1), { unit: "1" }) }, /column "more" is new/],
      [{ energy: rowsFrom(3, 4).energy! }, /no column "image"/],
      [
        { ...rowsFrom(3, 4), energy: column(Float32Array.of(1), { unit: "GeV" }) },
        /"energy" must be float64\[row\] in "GeV" as before: found float32\[row\] in "GeV"/,
      ],
      [{ ...rowsFrom(3, 4), energy: column(Float64Array.of(1), { unit: "MeV" }) }, /in "MeV"/],
      [
        { ...rowsFrom(3, 4), image: column(new Float32Array(3), { unit: "1", shape: [1, 3] }) },
        /"image" must be float32\[row,2\] in "1" as before: found float32\[row,3\]/,
      ],
      [{ ...rowsFrom(3, 4), energy: rowsFrom(3, 5).energy! }, /must have the same number of rows/],
    ];
    for (const [rows, message] of cases) {
      await assert.rejects(writer.append(rows), { name: "TypeError", message });
    }
    assert.equal(writer.rows, 3);
    await writer.finish();
    await assert.rejects(writer.append(rowsFrom(3, 4)), { message: /must not be finished: found it is/ });
    assert.deepEqual(await readTable(directory), rowsFrom(0, 3));
    for (const shuffleRows of [0, 1.5]) {
      assert.throws(() => new FolderTableWriter(directory, "train", { shuffleRows }), RangeError);
    }
    assert.throws(() => new FolderTableWriter(directory, "../a"), RangeError);
  });
});

Deno.test("readTable() refuses a table in parts whose files were cut or exchanged", async () => {
  await withTempDir(async (directory) => {
    await written(directory, [0, 50], 16);
    const path = join(directory, "energy.npy");
    const bytes = Deno.readFileSync(path);
    Deno.writeFileSync(path, bytes.subarray(0, bytes.length - 8));
    await assert.rejects(readTable(directory), {
      name: "DataError",
      message: /must fill the rest of the file/,
    });
    Deno.copyFileSync(join(directory, "good.npy"), path);
    await assert.rejects(readTable(directory), {
      message: /columns.json says float64\[50\]: found bool\[50\]/,
    });
    Deno.writeFileSync(path, bytes);
    const json = join(directory, "columns.json");
    const text = Deno.readTextFileSync(json);
    for (const blockRows of ["0", '"4"', "-1", "1.5", "null"]) {
      Deno.writeTextFileSync(json, text.replace(/"blockRows": \d+/, `"blockRows": ${blockRows}`));
      await assert.rejects(readTable(directory), {
        name: "DataError",
        message: /blocks with rows: found blocks of/,
      });
    }
  });
});
