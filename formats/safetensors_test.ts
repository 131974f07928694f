import assert from "node:assert/strict";
import { UnsupportedError } from "../core/errors.ts";
import type { Dtype, NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { bytesOf, createArray, DTYPES } from "./arrays.ts";
import { seededIntegers, survives } from "./fuzz_test_helpers.ts";
import { parseNpy } from "./npy.ts";
import { encodeSafetensors, parseSafetensors, readSafetensors, writeSafetensors } from "./safetensors.ts";

const FIXTURES = new URL("fixtures/", import.meta.url);
const bytesAt = (name: string) => Deno.readFileSync(new URL(name, FIXTURES));

/** A file from header text and number of data bytes. */
function make(json: unknown, dataBytes: number): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(typeof json === "string" ? json : JSON.stringify(json));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

Deno.test("parseSafetensors() reads every type that a writer from the specification made", () => {
  const { tensors, metadata } = parseSafetensors(bytesAt("all_types.safetensors"));
  assert.deepEqual(metadata, { format: "np", note: "β = 1" });
  assert.equal(Object.keys(tensors).length, 14);
  // The .npy fixtures hold twelve values by the same rule, of which these are the first six.
  const files: { readonly [code: string]: string } = { i1: "i1_2d", u1: "u1_2d", b1: "b1_2d" };
  for (const code of ["f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1"]) {
    const { dtype, data } = parseNpy(bytesAt(`${files[code] ?? `${code}_little_2d`}.npy`));
    assert.deepEqual(tensors[`array.${code}`], { dtype, shape: [2, 3], data: data.slice(0, 6) }, code);
  }
  assert.deepEqual(tensors["scalar"], { dtype: "float64", shape: [], data: Float64Array.of(2.5) });
  assert.deepEqual(tensors["empty"], { dtype: "float32", shape: [0, 3], data: new Float32Array() });
  assert.deepEqual(tensors["größe"]!.data, Float32Array.of(-1.875, -1.5));
});

Deno.test("parseSafetensors() widens F16 and BF16 to float32", () => {
  const { tensors } = parseSafetensors(bytesAt("float16.safetensors"));
  const data = Float32Array.of(-1.875, -1.5, -1.125, -0.75, -0.375, 0);
  assert.deepEqual(tensors["x"], { dtype: "float32", shape: [6], data });
  const bytes = make({ x: { dtype: "BF16", shape: [3], data_offsets: [0, 6] } }, 6);
  // Upper halves of 1, -2.5 and NaN: 0x3f80, 0xc020, 0x7fc0 (IEEE 754 binary32 patterns cut to 16 bits).
  bytes.set([0x80, 0x3f, 0x20, 0xc0, 0xc0, 0x7f], bytes.length - 6);
  assert.deepEqual(parseSafetensors(bytes).tensors["x"]!.data, Float32Array.of(1, -2.5, NaN));
});

Deno.test("encodeSafetensors() writes the bytes that a writer from the specification wrote", () => {
  const bytes = bytesAt("all_types.safetensors");
  const { tensors, metadata } = parseSafetensors(bytes);
  // In another order, which must not matter.
  const reversed = Object.fromEntries(Object.entries(tensors).reverse());
  assert.deepEqual(encodeSafetensors(reversed, metadata), bytes);
});

Deno.test("encodeSafetensors() then parseSafetensors() gives the same arrays, each aligned", () => {
  const integer = seededIntegers(8);
  for (let round = 0; round < 100; round++) {
    const tensors: Record<string, NdArray> = {};
    for (let n = integer(6); n > 0; n--) {
      const dtype: Dtype = DTYPES[integer(DTYPES.length)]!;
      const shape = Array.from({ length: integer(4) }, () => integer(4));
      const data = createArray(dtype, sizeOf(shape));
      const bytes = bytesOf(data);
      for (let i = 0; i < bytes.length; i++) bytes[i] = integer(dtype === "bool" ? 2 : 100);
      tensors[`layer ${n} "${integer(1000)}"`] = { dtype, shape, data };
    }
    const bytes = encodeSafetensors(tensors, round % 2 === 0 ? {} : { round: String(round) });
    assert.equal(new DataView(bytes.buffer).getBigUint64(0, true) % 8n, 0n);
    assert.deepEqual(parseSafetensors(bytes).tensors, tensors, `round ${round}`);
  }
});

Deno.test("encodeSafetensors() rejects arrays that do not fit", () => {
  const array = { dtype: "int8", shape: [2], data: Int8Array.of(1) } as const;
  assert.throws(() => encodeSafetensors({ a: array }), {
    name: "TypeError",
    message: 'Cannot write "a" as the shape must hold all elements: int8[2] has 1 elements',
  });
  assert.throws(() => encodeSafetensors({ __metadata__: { ...array, shape: [1] } }), TypeError);
});

const ONE = { dtype: "U8", shape: [2], data_offsets: [0, 2] };
const DAMAGED: { readonly [behaviour: string]: readonly [Uint8Array, string] } = {
  "an empty file": [new Uint8Array(), "a safetensors file has at least 8 bytes: found 0"],
  "a header longer than the file": [
    make({ x: ONE }, 2).subarray(0, 20),
    "the header must end within the file: it would end at byte 61 of 20",
  ],
  "a header above 100 MB": [
    make({ x: ONE }, 2).fill(0xff, 0, 8),
    "the header has at most 100000000 bytes: found 18446744073709551615",
  ],
  "a header that is not an object": [
    make("[]", 0),
    'the header must start with "{": found byte 91 at offset 8',
  ],
  "an empty header": [make("", 0), 'the header must start with "{": found byte none at offset 8'],
  "a header that is not JSON": [make("{,}", 0), "the header must be JSON in UTF-8: found something else"],
  "a key twice": [
    make(
      '{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0078":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}',
      0,
    ),
    'a key appears once: found "x" twice',
  ],
  "a field twice": [
    make('{"x":{"dtype":"U8","shape":[2],"shape":[1],"data_offsets":[0,1]}}', 1),
    'a key appears once: found "shape" twice',
  ],
  "a hole": [
    make({ x: ONE, y: { ...ONE, data_offsets: [3, 5] } }, 5),
    'arrays must follow each other: found a hole at offset 3 before "y"',
  ],
  "an overlap": [
    make({ x: ONE, y: { ...ONE, data_offsets: [1, 3] } }, 3),
    'arrays must follow each other: found an overlap at offset 1 before "y"',
  ],
  "an array beyond the file": [
    make({ x: ONE }, 1),
    "the arrays must fill the file, 2 bytes: found 1 bytes after the header",
  ],
  "bytes after the arrays": [
    make({ x: ONE }, 3),
    "the arrays must fill the file, 2 bytes: found 3 bytes after the header",
  ],
  "offsets that do not fit the shape": [
    make({ x: { ...ONE, shape: [3] } }, 2),
    'uint8[3] has 3 bytes: found offsets 2 apart in "x"',
  ],
  "a shape that overflows": [
    make({ x: { ...ONE, shape: [2 ** 52, 2 ** 52] } }, 2),
    'shape must be lengths from 0 whose product is a possible size: found another in "x"',
  ],
  "a negative length": [
    make({ x: { ...ONE, shape: [-2] } }, 2),
    'shape must be lengths from 0 whose product is a possible size: found another in "x"',
  ],
  "offsets in the wrong order": [
    make({ x: { ...ONE, data_offsets: [2, 0] } }, 2),
    'data_offsets must be a beginning and an end: found another in "x"',
  ],
  "an array without a shape": [
    make({ x: { dtype: "U8", data_offsets: [0, 2] } }, 2),
    'an array has dtype, shape and data_offsets: found others in "x"',
  ],
  "metadata that are not texts": [
    make({ __metadata__: { step: 3 } }, 0),
    '"__metadata__" must be an object of texts: found something else',
  ],
};

for (const [behaviour, [bytes, rule]] of Object.entries(DAMAGED)) {
  Deno.test(`parseSafetensors() rejects ${behaviour}`, () => {
    assert.throws(() => parseSafetensors(bytes, "a.safetensors"), {
      name: "SyntaxError",
      message: `Cannot read "a.safetensors" as ${rule}`,
    });
  });
}

const THREE = new Uint8Array(Float32Array.of(0, 1, 2).buffer);

/** A file with the header given as JSON and these data. */
function makeWith(json: unknown, data: readonly number[] | Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = make(json, data.length);
  bytes.set(data, bytes.length - data.length);
  return bytes;
}

Deno.test("parseSafetensors() widens floats of 8 bits to float32", () => {
  // Codes and values as ml_dtypes 0.5.1 prints them, smallest, largest and special ones included.
  const cases: { readonly [dtype: string]: readonly [number[], number[]] } = {
    F8_E4M3: [[0x00, 0x01, 0x08, 0x38, 0x40, 0xb8, 0x7e, 0x7f, 0xff], [
      0,
      2 ** -9,
      2 ** -6,
      1,
      2,
      -1,
      448,
      NaN,
      NaN,
    ]],
    F8_E5M2: [[0x01, 0x3c, 0x41, 0xbc, 0x7b, 0x7c, 0xfc, 0x7e], [
      2 ** -16,
      1,
      2.5,
      -1,
      57344,
      Infinity,
      -Infinity,
      NaN,
    ]],
    F8_E8M0: [[0x00, 0x7f, 0x80, 0xfe, 0xff], [2 ** -127, 1, 2, 2 ** 127, NaN]],
  };
  for (const [dtype, [codes, values]] of Object.entries(cases)) {
    const count = codes.length;
    const { tensors } = parseSafetensors(
      makeWith({ x: { dtype, shape: [count], data_offsets: [0, count] } }, codes),
    );
    assert.deepEqual(
      tensors["x"],
      { dtype: "float32", shape: [count], data: Float32Array.from(values) },
      dtype,
    );
  }
});

Deno.test("parseSafetensors() reads the others beside a type that it does not read", () => {
  const message =
    'Cannot read "a" as dtype must be one of F64, F32, F16, BF16, F8_E5M2, F8_E4M3, F8_E8M0, I64, I32, I16, I8, U64, U32, U16, U8, BOOL: found "C64" in "x"';
  const bytes = makeWith({
    x: { dtype: "C64", shape: [1], data_offsets: [0, 8] },
    y: { dtype: "F32", shape: [3], data_offsets: [8, 20] },
  }, [...new Uint8Array(8), ...THREE]);
  const { tensors, unsupported } = parseSafetensors(bytes, "a");
  assert.deepEqual(tensors, { y: { dtype: "float32", shape: [3], data: Float32Array.of(0, 1, 2) } });
  assert.deepEqual(unsupported, { x: message });
  assert.throws(() => tensors["x"], (error: unknown) => {
    assert.ok(error instanceof UnsupportedError);
    assert.equal(error.feature, "dtype C64");
    assert.equal(error.message, message);
    return true;
  });
});

Deno.test("parseSafetensors() rejects a file of nothing but types that it does not read", () => {
  const bytes = make({ x: { dtype: "C64", shape: [1], data_offsets: [0, 8] } }, 8);
  assert.throws(() => parseSafetensors(bytes, "a"), { name: "UnsupportedError", feature: "dtype C64" });
});

Deno.test("parseSafetensors() takes what the reference reader takes", () => {
  const entry = { dtype: "F32", shape: [3], data_offsets: [0, 12] };
  const wanted = { x: { dtype: "float32", shape: [3], data: Float32Array.of(0, 1, 2) } };
  // One more field, metadata that are null, and data that do not begin at a multiple of four.
  for (const json of [{ x: { ...entry, more: 1 } }, { __metadata__: null, x: entry }]) {
    for (const padding of ["", " ", "  ", "   "]) {
      assert.deepEqual(parseSafetensors(makeWith(JSON.stringify(json) + padding, THREE)).tensors, wanted);
    }
  }
});

Deno.test("parseSafetensors() keeps names that objects inherit", () => {
  const array = { dtype: "U8", shape: [1], data_offsets: [0, 1] };
  const text = `{"__proto__":${JSON.stringify(array)}}`;
  const { tensors } = parseSafetensors(make(text, 1));
  assert.deepEqual(Object.keys(tensors), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(tensors), Object.prototype);
});

Deno.test("parseSafetensors() survives mutations", async () => {
  const bytes = bytesAt("all_types.safetensors");
  const report = await survives("all_types", bytes, { count: 800, seed: 4 }, (damaged) => {
    let total = 0;
    for (const { data } of Object.values(parseSafetensors(damaged).tensors)) total += data.byteLength;
    assert.ok(total <= 2 * damaged.length);
  });
  assert.ok(report.parsed > 20 && report.refused > 400, JSON.stringify(report));
});

Deno.test("readSafetensors() refuses an array of an unsupported type by its name, and reads the others by theirs", async () => {
  const file = await Deno.makeTempFile({ suffix: ".safetensors" });
  try {
    const header = {
      x: { dtype: "F4", shape: [2], data_offsets: [0, 1] },
      y: { dtype: "U8", shape: [2], data_offsets: [1, 3] },
    };
    await Deno.writeFile(file, makeWith(header, [0, 3, 4]));
    const { tensors } = await readSafetensors(file, { names: ["y"] });
    assert.deepEqual(tensors, { y: { dtype: "uint8", shape: [2], data: Uint8Array.of(3, 4) } });
    await assert.rejects(readSafetensors(file, { names: ["y", "x"] }), {
      name: "DataError",
      file,
      message: /found "F4" in "x"$/,
    });
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("writeSafetensors() then readSafetensors() gives the same arrays", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/w.safetensors`;
    const weight = { dtype: "float32", shape: [2, 1], data: Float32Array.of(1, 2) } as const;
    const bias = { dtype: "float64", shape: [], data: Float64Array.of(3) } as const;
    await writeSafetensors(file, { weight, bias }, { step: "7" });
    const tensors = { bias, weight };
    assert.deepEqual(await readSafetensors(file), { tensors, unsupported: {}, metadata: { step: "7" } });
    assert.deepEqual(Object.keys((await readSafetensors(file, { names: ["weight"] })).tensors), ["weight"]);
    await assert.rejects(readSafetensors(file, { names: ["wieght"] }), {
      name: "DataError",
      file,
      message:
        `Cannot read array "wieght" of "${file}" as it has bias, weight: found no "wieght"; did you mean "weight"`,
    });
    await Deno.truncate(file, 100);
    await assert.rejects(readSafetensors(file), { name: "DataError", file });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
