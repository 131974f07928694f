import assert from "node:assert/strict";
import { decodeElements } from "./decode.ts";
import { cppFormat, leafFormat, memberFormat, narrowFormat } from "./elements.ts";

Deno.test("leafFormat() knows every leaf type, signed and unsigned", () => {
  const types = {
    D: "float64",
    F: "float32",
    L: "int64",
    G: "int64",
    I: "int32",
    S: "int16",
    B: "int8",
    O: "bool",
  };
  for (const [letter, dtype] of Object.entries(types)) {
    assert.equal(leafFormat(`TLeaf${letter}`, false, "x")!.dtype, dtype);
    assert.equal(
      leafFormat(`TLeaf${letter}`, true, "x")!.dtype,
      dtype.startsWith("int") ? `u${dtype}` : dtype,
    );
  }
  assert.equal(leafFormat("TLeafC", false, "x"), undefined);
  assert.equal(memberFormat(7, "text"), undefined);
  assert.equal(memberFormat(9, undefined), undefined);
  assert.equal(cppFormat("std::string"), undefined);
  assert.equal(cppFormat("constructor"), undefined);
  assert.equal(cppFormat("unsigned long")!.dtype, "uint64");
});

Deno.test("narrowFormat() reads ranges as ROOT does", () => {
  const narrow = (title: string, dtype: "float32" | "float64" = "float64") =>
    narrowFormat(dtype, title).narrow;
  assert.deepEqual(narrow("x"), { kind: "float" });
  assert.deepEqual(narrow("x", "float32"), { kind: "cut", bits: 12 });
  assert.deepEqual(narrow("x[3]"), { kind: "float" });
  assert.deepEqual(narrow("x[0,10,16]"), { kind: "range", min: 0, factor: 6553.6 });
  assert.deepEqual(narrow("x[n][-2, 2, 8]"), { kind: "range", min: -2, factor: 64 });
  assert.deepEqual(narrow("[0,1]"), { kind: "range", min: 0, factor: 2 ** 32 - 1 });
  assert.deepEqual(narrow("[-pi,pi,10]"), { kind: "range", min: -Math.PI, factor: 1024 / (2 * Math.PI) });
  assert.deepEqual(narrow("[0,twopi,10]"), { kind: "range", min: 0, factor: 1024 / (2 * Math.PI) });
  assert.deepEqual(narrow("[0,0,8]"), { kind: "cut", bits: 8 });
  assert.deepEqual(narrow("[0,0,20]"), { kind: "float" });
});

Deno.test("decodeElements() swaps bytes and widens narrow floats", () => {
  const decode = (
    bytes: readonly number[],
    format: Parameters<typeof decodeElements>[1],
  ) => [...decodeElements(Uint8Array.from(bytes), format) as Iterable<number | bigint>];
  assert.deepEqual(decode([0xff, 0xfe, 0, 1], { dtype: "int16", width: 2 }), [-2, 1]);
  assert.deepEqual(decode([0x80, 0, 0, 1], { dtype: "int32", width: 4 }), [-(2 ** 31) + 1]);
  assert.deepEqual(decode([0x80, 0, 0, 0, 0, 0, 0, 1], { dtype: "int64", width: 8 }), [-(2n ** 63n) + 1n]);
  assert.deepEqual(decode([0xbf, 0xf8, 0, 0, 0, 0, 0, 0], { dtype: "float64", width: 8 }), [-1.5]);
  assert.deepEqual(decode([0, 7, 1], { dtype: "bool", width: 1 }), [0, 1, 1]);
  const range = { dtype: "float64", width: 4, narrow: { kind: "range", min: -2, factor: 64 } } as const;
  assert.deepEqual(decode([0, 0, 0, 96], range), [-0.5]);
  // 1.5 = 2^0 · 1.1 in binary: exponent 127, the first bit of 8 of the mantissa, and the sign in the bit above them.
  const cut = { dtype: "float32", width: 3, narrow: { kind: "cut", bits: 8 } } as const;
  assert.deepEqual(decode([127, 0, 128, 127, 2, 128], cut), [1.5, -1.5]);
});
