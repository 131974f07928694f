import assert from "node:assert/strict";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { writeNpy } from "../../formats/npy.ts";
import { writeNpz } from "../../formats/npz.ts";
import { writeSafetensors } from "../../formats/safetensors.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { arraysOf, inspect } from "./inspect.ts";

const ENERGY = { dtype: "float32", shape: [2, 3], data: new Float32Array(6) } as const;
const LABEL = { dtype: "int32", shape: [2], data: new Int32Array(2) } as const;

Deno.test("arraysOf() lists the arrays of each format by name, dtype and shape", async () => {
  await withTempDir(async (directory) => {
    const file = (name: string): string => join(directory, name);
    await writeNpy(file("a.npy"), ENERGY);
    await writeNpz(file("a.NPZ"), { energy: ENERGY, label: LABEL });
    await writeSafetensors(file("a.safetensors"), { energy: ENERGY });
    assert.deepEqual(await arraysOf(file("a.npy")), [{ name: "", dtype: "float32", shape: [2, 3] }]);
    assert.deepEqual(await arraysOf(file("a.NPZ")), [
      { name: "energy", dtype: "float32", shape: [2, 3] },
      { name: "label", dtype: "int32", shape: [2] },
    ]);
    assert.deepEqual(await arraysOf(file("a.safetensors")), [
      { name: "energy", dtype: "float32", shape: [2, 3] },
    ]);
  });
});

Deno.test("arraysOf() lists datasets of HDF5 files, texts and what is not read included", async () => {
  const fixtures = new URL("../../formats/fixtures/", import.meta.url).pathname;
  const arrays = new Map((await arraysOf(`${fixtures}kinds.h5`)).map((array) => [array.name, array]));
  assert.deepEqual(arrays.get("i24"), { name: "i24", dtype: "int32", shape: [3] });
  assert.deepEqual(arrays.get("table/v"), { name: "table/v", dtype: "int16", shape: [4, 2, 3] });
  assert.deepEqual(arrays.get("text"), { name: "text", dtype: "text", shape: [3] });
  assert.deepEqual(arrays.get("opaque"), {
    name: "opaque",
    dtype: "not read: it holds opaque data",
    shape: [],
  });
});

Deno.test("arraysOf() lists columns, types and rows of CSV and Parquet files", async () => {
  await withTempDir(async (directory) => {
    const csv = join(directory, "a.csv");
    await Deno.writeTextFile(csv, "energy,kind,n\n1.5,e,1\n,mu,2\n2.5,e,3\n");
    assert.deepEqual(await arraysOf(csv), [
      { name: "energy", dtype: "float64, 1 missing", shape: [3] },
      { name: "kind", dtype: "text", shape: [3] },
      { name: "n", dtype: "int64", shape: [3] },
    ]);
  });
  const parquet = new URL("../../formats/fixtures/kinds.parquet", import.meta.url).pathname;
  const columns = new Map((await arraysOf(parquet)).map((column) => [column.name, column]));
  assert.deepEqual(columns.get("f4"), { name: "f4", dtype: "float32", shape: [50] });
  assert.deepEqual(columns.get("text"), { name: "text", dtype: "text", shape: [50] });
  assert.deepEqual(columns.get("list"), { name: "list", dtype: "not read: nested values", shape: [50] });
});

Deno.test("arraysOf() names the endings that it knows", async () => {
  await assert.rejects(arraysOf("a.txt"), (error: Error) => {
    assert.ok(error instanceof DataError);
    assert.match(
      error.message,
      /its ending must be one of npy, npz, safetensors, csv, tsv, parquet, h5, hdf5, root.*: found "txt"/,
    );
    return true;
  });
});

Deno.test("inspect() prints a table, or JSON with the absolute path", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "a.npz");
    await writeNpz(file, { energy: ENERGY });
    const text = await printed(() => inspect(file, []));
    assert.equal(text.value, 0);
    assert.match(text.stdout, /^array +dtype +shape\n-+ .*\nenergy +float32 +\[2,3\]$/);
    const { stdout } = await printed(() => inspect(file, ["--json"]));
    assert.deepEqual(JSON.parse(stdout), {
      file,
      arrays: [{ name: "energy", dtype: "float32", shape: [2, 3] }],
    });
    await assert.rejects(inspect(join(directory, "none.npy"), []), DataError);
  });
});
