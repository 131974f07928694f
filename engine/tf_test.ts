import assert from "node:assert/strict";
import * as tf from "./tf.ts";

/** Σ over the summed letters, by loops. */
function einsumByLoops(equation: string, tensors: tf.Tensor[]): number[] {
  const [left, output] = equation.split("->") as [string, string];
  const terms = left.split(",");
  const sizes = new Map<string, number>();
  terms.forEach((term, i) => [...term].forEach((letter, j) => sizes.set(letter, tensors[i]!.shape[j]!)));
  const letters = [...new Set([...output, ...left.replaceAll(",", "")])];
  const data = tensors.map((tensor) => tensor.dataSync());
  const index = (term: string, at: Map<string, number>) =>
    [...term].reduce((flat, letter) => flat * sizes.get(letter)! + at.get(letter)!, 0);
  const result = Array([...output].reduce((size, letter) => size * sizes.get(letter)!, 1)).fill(0);
  const visit = (depth: number, at: Map<string, number>): void => {
    if (depth === letters.length) {
      result[index(output, at)] += terms.reduce(
        (product, term, i) => product * data[i]![index(term, at)]!,
        1,
      );
      return;
    }
    for (let i = 0; i < sizes.get(letters[depth]!)!; i++) visit(depth + 1, at.set(letters[depth]!, i));
  };
  visit(0, new Map());
  return result;
}

const values = (shape: number[], shift: number) =>
  tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(i + shift)),
    shape,
  );

const EQUATIONS: [string, number[][]][] = [
  ["ij,jk->ik", [[2, 3], [3, 4]]],
  ["bij,bjk->bki", [[2, 2, 3], [2, 3, 4]]],
  ["ij->ji", [[2, 3]]],
  ["ij->", [[2, 3]]],
  ["i,j->ij", [[2], [3]]],
  ["bhqd,bhkd->bhqk", [[2, 2, 3, 4], [2, 2, 5, 4]]],
  ["ijk,k,j->i", [[2, 3, 4], [4], [3]]],
  ["ij,ij->i", [[2, 3], [2, 3]]],
  ["ij,k->i", [[2, 3], [4]]],
];

for (const [equation, shapes] of EQUATIONS) {
  Deno.test(`einsum() computes ${equation}`, () => {
    tf.tidy(() => {
      const tensors = shapes.map(values);
      const expected = einsumByLoops(equation, tensors);
      const actual = tf.einsum(equation, ...tensors).dataSync();
      assert.equal(actual.length, expected.length);
      // Sums of at most 20 products of numbers below 1.
      expected.forEach((value, i) =>
        assert.ok(Math.abs(actual[i]! - value) < 1e-5, `${actual[i]} instead of ${value}`)
      );
    });
  });
}

Deno.test("einsum() has a gradient", () => {
  tf.tidy(() => {
    const [a, b] = [values([2, 3], 0), values([3, 4], 1)];
    const [da, db] = tf.grads((x: tf.Tensor, y: tf.Tensor) => tf.sum(tf.einsum("ij,jk->ik", x, y)))([a, b]);
    assert.deepEqual(da!.dataSync(), tf.sum(b, 1).as2D(1, 3).tile([2, 1]).dataSync());
    assert.deepEqual(db!.shape, [3, 4]);
  });
});

Deno.test("einsum() rejects equations that do not fit", () => {
  tf.tidy(() => {
    const x = values([2, 3], 0);
    for (const equation of ["ij", "ij,jk->ik", "ijk->i", "ii->i", "ij->ik", "...i->i"]) {
      assert.throws(() => tf.einsum(equation, x), /Cannot compute einsum .* found \[2,3\]/, equation);
    }
  });
});

Deno.test("random operations draw as in tfjs outside of a trace", () => {
  tf.tidy(() => {
    assert.deepEqual(
      tf.randomUniform([3], -1, 1, "float32", 7).dataSync(),
      tf.randomUniform([3], -1, 1, "float32", 7).dataSync(),
    );
    assert.equal(tf.randomNormal([2, 2]).dtype, "float32");
    assert.equal(tf.randomStandardNormal([2]).shape[0], 2);
    assert.equal(tf.randomUniformInt([5], 0, 3).dtype, "int32");
  });
});
