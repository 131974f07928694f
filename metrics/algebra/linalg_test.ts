import assert from "node:assert/strict";
import { assertClose } from "../fixtures/samples.ts";
import { invertSymmetric, solveSymmetric } from "./linalg.ts";

Deno.test("invertSymmetric() gives the inverse", () => {
  const matrix = [[4, 2, 0.5], [2, 5, 1], [0.5, 1, 3]];
  const inverse = invertSymmetric(matrix)!;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const product = matrix[i]!.reduce((sum, value, k) => sum + value * inverse[k]![j]!, 0);
      assertClose(product, i === j ? 1 : 0, 0, 1e-15);
      assert.equal(inverse[i]![j], inverse[j]![i]);
    }
  }
});

Deno.test("invertSymmetric() and solveSymmetric() are undefined for singular and indefinite matrices", () => {
  const singular = [[[1, 1], [1, 1]], [[1, 2], [2, 1]], [[0]], [[-1]], [[NaN]], [[Infinity]], [[1], [
    NaN,
    1,
  ]]];
  for (const matrix of singular) {
    assert.equal(invertSymmetric(matrix), undefined);
    assert.equal(solveSymmetric(matrix, matrix.map(() => 1)), undefined);
  }
});

Deno.test("solveSymmetric() takes a pivot of 1e-13 of its diagonal for rounding, whatever the scale", () => {
  for (const scale of [1e-200, 1, 1e200]) {
    const matrix = (pivot: number) => [[scale, scale], [scale, scale * (1 + pivot)]];
    assert.ok(solveSymmetric(matrix(1e-12), [scale, scale]) !== undefined);
    assert.equal(solveSymmetric(matrix(1e-14), [scale, scale]), undefined);
  }
});

Deno.test("solveSymmetric() finds a known solution and reads the lower triangle alone", () => {
  // min(i, j) + 1 is the covariance of a random walk: condition about 4 n² / π² = 230 for 24 steps.
  const size = 24;
  const walk = Array.from(
    { length: size },
    (_, i) => Float64Array.from({ length: size }, (_, j) => Math.min(i, j) + 1),
  );
  const known = Float64Array.from({ length: size }, (_, i) => (i % 5) - 2);
  const right = walk.map((row) => row.reduce((sum, value, j) => sum + value * known[j]!, 0));
  walk.forEach((row, i) => row.fill(NaN, i + 1));
  // Whole numbers below 2^53, whose factor is all ones: nothing is rounded.
  assert.deepEqual(solveSymmetric(walk, right), known);
});

Deno.test("solveSymmetric() errs by no more than rounding times the condition", () => {
  // The Hilbert matrix of size 6: condition 1.5e7.
  const hilbert = Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, j) => 1 / (i + j + 1)));
  const right = hilbert.map((row) => row.reduce((sum, value) => sum + value, 0));
  for (const value of solveSymmetric(hilbert, right)!) assertClose(value, 1, 0, 1.5e7 * 1e-15);
});
