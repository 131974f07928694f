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
    name: "RangeError",
    message:
      'Cannot use column "id" in a model as whole numbers must fit 32 bits: found 1099511627776 at element 0',
  });
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
