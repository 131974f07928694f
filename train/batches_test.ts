import assert from "node:assert/strict";
import type { Column } from "../core/types.ts";
import { BatchBuffer, programColumn, programColumns } from "./batches.ts";

const column = (data: Column["data"], dtype: Column["dtype"], shape: number[]): Column => ({
  dtype,
  shape,
  data,
  dims: ["row"],
  unit: "1",
} as Column);

Deno.test("programColumn() rounds float64 to float32 and keeps whole numbers as int32", () => {
  assert.deepEqual([...programColumn(column(Float64Array.of(0.1, 2), "float64", [2]), "x").data], [
    Math.fround(0.1),
    2,
  ]);
  const labels = programColumn(column(BigInt64Array.of(3n, -1n), "int64", [2]), "label");
  assert.equal(labels.dtype, "int32");
  assert.deepEqual([...labels.data], [3, -1]);
});

Deno.test("programColumn() rejects whole numbers that do not fit 32 bits", () => {
  assert.throws(() => programColumn(column(BigInt64Array.of(2n ** 40n), "int64", [1]), "id"), {
    name: "DataError",
    message:
      'Cannot use column "id" in a model as the numbers must be whole and fit 32 bits: found 1099511627776 in row 0',
  });
});

Deno.test("programColumn() converts to what the program takes, or names the value that does not fit", () => {
  const float64 = column(Float64Array.of(1, 2, -3, 4), "float64", [2, 2]);
  assert.deepEqual(programColumn(float64, "n", "int32").data, Int32Array.of(1, 2, -3, 4));
  const bytes = column(Uint8Array.of(0, 255), "uint8", [2]);
  assert.deepEqual(programColumn(bytes, "n", "float32").data, Float32Array.of(0, 255));
  const wide = column(BigUint64Array.of(2n ** 63n), "uint64", [1]);
  assert.deepEqual(programColumn(wide, "n", "float32").data, Float32Array.of(2 ** 63));
  const unfit: [Column, "float32" | "int32", string][] = [
    [column(Float64Array.of(0, 1e39, 0, 0), "float64", [2, 2]), "float32", "found 1e+39 in row 0"],
    [column(Float64Array.of(0, 0, -1e300, 0), "float64", [2, 2]), "float32", "found -1e+300 in row 1"],
    [column(Float32Array.of(0, 0.5), "float32", [2]), "int32", "found 0.5 in row 1"],
    [column(Float32Array.of(NaN), "float32", [1]), "int32", "found NaN in row 0"],
    [column(Float64Array.of(2 ** 31), "float64", [1]), "int32", "found 2147483648 in row 0"],
    [column(Uint32Array.of(1, 2 ** 31), "uint32", [2]), "int32", "found 2147483648 in row 1"],
    [wide, "int32", "found 9223372036854775808 in row 0"],
  ];
  for (const [values, dtype, found] of unfit) {
    assert.throws(() => programColumn(values, "n", dtype), {
      name: "DataError",
      message: new RegExp(`^Cannot use column "n" in a model as .*: ${found.replace("+", "\\+")}$`),
    });
  }
});

Deno.test("programColumn() keeps NaN and infinite numbers of a column as they are", () => {
  const values = column(Float64Array.of(NaN, Infinity, -Infinity), "float64", [3]);
  assert.deepEqual([...programColumn(values, "x").data], [NaN, Infinity, -Infinity]);
});

Deno.test("programColumns() names the columns there are when one is missing", () => {
  assert.throws(() => programColumns({ a: column(Float32Array.of(1), "float32", [1]) }, ["b"], "train"), {
    message: 'Cannot make batches as the train table must have the column "b": it has a',
  });
});

Deno.test("BatchBuffer copies rows in order and repeats the last one past the end", () => {
  const columns = programColumns({ x: column(Float32Array.of(0, 1, 10, 11, 20, 21), "float32", [3, 2]) }, [
    "x",
  ], "train");
  const buffer = new BatchBuffer(columns, 2);
  buffer.fillFrom(Uint32Array.of(2, 0, 1), 0);
  assert.deepEqual([...buffer.tensors.x!.data], [20, 21, 0, 1]);
  buffer.fillFrom(Uint32Array.of(2, 0, 1), 2);
  assert.deepEqual([...buffer.tensors.x!.data], [10, 11, 10, 11]);
  buffer.fillRange(2);
  assert.deepEqual([...buffer.tensors.x!.data], [20, 21, 20, 21]);
});
