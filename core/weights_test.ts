import assert from "node:assert/strict";
import { convertWeight, describeLeft, matchWeights } from "./weights.ts";

const shapes = (of: { readonly [name: string]: readonly number[] }) =>
  Object.fromEntries(Object.entries(of).map(([name, shape]) => [name, { shape }]));

Deno.test("matchWeights() takes what has both name and shape, and sorts the rest by why not", () => {
  const model = shapes({ a: [2, 3], b: [], c: [1], toString: [1] });
  const report = matchWeights(model, shapes({ a: [2, 3], b: [1], d: [4] }));
  assert.deepEqual(report, {
    taken: ["a"],
    missing: ["c", "toString"],
    otherShape: [{ name: "b", expected: [], found: [1] }],
    unused: ["d"],
  });
  assert.equal(
    describeLeft(report),
    '2 missing ("c", "toString"), 1 of another shape ("b: [1], not []"), 1 unused ("d")',
  );
});

Deno.test("describeLeft() names the first five, and nothing where all was taken", () => {
  const missing = ["a", "b", "c", "d", "e", "f", "g"];
  const none = { taken: [], missing: [], otherShape: [], unused: [] };
  assert.equal(describeLeft({ ...none, missing }), '7 missing ("a", "b", "c", "d", "e" and 2 more)');
  assert.equal(describeLeft(none), "nothing");
});

Deno.test("convertWeight() rounds to float32, and rejects integers that do not fit", () => {
  const half = { dtype: "float64", shape: [2], data: Float64Array.of(0.1, NaN) } as const;
  assert.deepEqual(convertWeight(half, "float32", "w"), Float32Array.of(0.1, NaN));
  const wide = { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, -5n) } as const;
  assert.deepEqual(convertWeight(wide, "int32", "w"), Int32Array.of(1, -5));
  for (const value of [0.5, 2 ** 31, NaN]) {
    const array = { dtype: "float64", shape: [1], data: Float64Array.of(value) } as const;
    assert.throws(() => convertWeight(array, "int32", "w"), {
      name: "RangeError",
      message: `Cannot load weights as "w" must be of int32 values: found ${value}`,
    });
  }
  assert.throws(() => convertWeight(wide, "bool", "w"), RangeError);
});
