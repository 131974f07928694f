import assert from "node:assert/strict";
import { assertClose } from "../fixtures/samples.ts";
import { invertSymmetric } from "./linear.ts";

Deno.test("invertSymmetric() gives the inverse", () => {
  const matrix = [[4, 2, 0.5], [2, 5, 1], [0.5, 1, 3]];
  const inverse = invertSymmetric(matrix)!;
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) {
      const product = matrix[i]!.reduce((sum, value, k) => sum + value * inverse[k]![j]!, 0);
      assertClose(product, i === j ? 1 : 0, 0, 1e-15);
    }
  }
});

Deno.test("invertSymmetric() is undefined for singular and indefinite matrices", () => {
  assert.equal(invertSymmetric([[1, 1], [1, 1]]), undefined);
  assert.equal(invertSymmetric([[1, 2], [2, 1]]), undefined);
  assert.equal(invertSymmetric([[0]]), undefined);
  assert.equal(invertSymmetric([[NaN]]), undefined);
});
