import assert from "node:assert/strict";
import { correlationDistance, correlationMatrix, correlationOf, frobeniusDistance } from "./correlations.ts";
import expected from "../fixtures/generative.json" with { type: "json" };
import { sines } from "../fixtures/sines.ts";
import { Moments, SymmetricBlocks } from "./streaming.ts";

// Expected numbers: fixtures/generative.py (numpy 1.24.2).
function near(actual: number, wanted: number): void {
  assert.ok(Math.abs(actual - wanted) <= 1e-6 * Math.abs(wanted) + 1e-9, `${actual} is not ${wanted}`);
}

/** The first sample with a constant column. */
function withConstant(): { rows: number; columns: number; data: Float64Array<ArrayBuffer> } {
  const { rows, columns, data } = sines(0);
  const wider = new Float64Array(rows * 5);
  for (let n = 0; n < rows; n++) {
    for (let i = 0; i < 5; i++) wider[n * 5 + i] = i < 4 ? data[n * columns + i]! : 3;
  }
  return { rows, columns: 5, data: wider };
}

Deno.test("correlationOf() agrees with numpy; a constant column is a zero row", () => {
  correlationOf(withConstant()).forEach((value, i) => near(value, expected.correlation[i]!));
});

Deno.test("correlationMatrix() of streamed moments is the same for any shift, scale and blocks", () => {
  const { rows, columns, data } = withConstant();
  for (const edges of [[0, 5], [0, 2, 5], [0, 1, 2, 3, 4, 5]]) {
    const moments = new Moments(
      Float64Array.of(0.1, -1, 0.5, 2, 3),
      Float64Array.of(1, 2, 0.5, 4, 1),
      edges,
    );
    moments.addRows(data.subarray(0, 20 * columns), 20);
    const rest = new Moments(moments.shift, moments.scale, edges);
    rest.addRows(data.subarray(20 * columns), rows - 20);
    const matrix = correlationMatrix(moments.merged(rest));
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 5; j++) near(matrix.get(i, j), expected.correlation[i * 5 + j]!);
    }
    assert.equal(frobeniusDistance(matrix, matrix), 0);
  }
});

Deno.test("correlationMatrix() gives zeros for columns said to be constant, and can use the sums' memory", () => {
  const moments = new Moments(new Float64Array(2), Float64Array.of(1, 1), [0, 2]);
  moments.addRows([1, 3, 2, 3, 3, 3.0001], 3);
  const matrix = correlationMatrix(moments, { reuse: true, constant: [1] });
  assert.equal(matrix, moments.products);
  near(matrix.get(0, 0), 1 / (1 + 1e-8) ** 2);
  assert.deepEqual([matrix.get(0, 1), matrix.get(1, 1)], [0, 0]);
});

Deno.test("correlationDistance() agrees with numpy", () => {
  const found = correlationDistance(sines(0), sines(1));
  near(found.value, expected.frobenius);
  assert.equal(found.errorKind, "analytic");
  assert.ok(found.error! > 0 && found.error! < found.value * 2);
});

Deno.test("correlationOf() refuses a single row", () => {
  assert.throws(() => correlationOf({ rows: 1, columns: 2, data: Float64Array.of(1, 2) }), RangeError);
});

Deno.test("SymmetricBlocks() takes blocks as they are, and refuses those that do not fit the edges", () => {
  const blocks = [Float64Array.of(1), Float64Array.of(2, 3), Float64Array.of(4, 5, 5, 6)];
  const matrix = new SymmetricBlocks([0, 1, 3], blocks);
  assert.equal(matrix.block(1, 0), blocks[1]);
  assert.deepEqual(matrix.select([0, 1, 2]), Float64Array.of(1, 2, 3, 2, 4, 5, 3, 5, 6));
  assert.throws(() => new SymmetricBlocks([0, 1, 3], blocks.slice(1)), {
    name: "TypeError",
    message: "Cannot make a matrix as its blocks must have 1,2,4 numbers: found 2,4",
  });
});
