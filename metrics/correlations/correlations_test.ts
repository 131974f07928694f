import assert from "node:assert/strict";
import { randomFor } from "../../core/random.ts";
import type { Matrix } from "../algebra/algebra.ts";
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

Deno.test("correlationDistance() has errors that cover the scatter of independent samples", () => {
  const random = randomFor({ seed: 4, purpose: "scatter" });
  const sample = (rho: number): Matrix => {
    const data = new Float64Array(2 * 400);
    for (let i = 0; i < data.length; i += 2) {
      data[i] = random.normal();
      data[i + 1] = rho * data[i]! + Math.sqrt(1 - rho ** 2) * random.normal();
    }
    return { rows: 400, columns: 2, data };
  };
  const found = Array.from({ length: 300 }, () => correlationDistance(sample(0.6), sample(-0.2)));
  const values = found.map(({ value }) => value);
  const center = values.reduce((sum, value) => sum + value, 0) / values.length;
  const scatter = Math.sqrt(
    values.reduce((sum, value) => sum + (value - center) ** 2, 0) / (values.length - 1),
  );
  const error = found.reduce((sum, one) => sum + one.error!, 0) / found.length;
  // two elements off the diagonal differ by 0.8; a correlation of n rows has the error (1 - rho²) / sqrt(n)
  const wanted = Math.SQRT2 * Math.hypot(1 - 0.6 ** 2, 1 - 0.2 ** 2) / Math.sqrt(400);
  assert.ok(Math.abs(center - 0.8 * Math.SQRT2) < 4 * wanted / Math.sqrt(300), `${center}`); // four standard errors
  assert.ok(Math.abs(error / wanted - 1) < 0.05, `${error} for ${wanted}`); // to first order in 1 / sqrt(n)
  assert.ok(Math.abs(error / scatter - 1) < 0.16, `${error} for ${scatter}`); // 300 values know it to 4 %: four of those
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
