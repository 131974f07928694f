import assert from "node:assert/strict";
import { DataError, UnsupportedError } from "../core/errors.ts";
import type { Dtype, NdArray, TypedArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { bytesOf, createArray, DTYPES, ITEM_BYTES, toRowMajor } from "./arrays.ts";
import { seededIntegers, survives } from "./fuzz_test_helpers.ts";
import { encodeNpy, encodeNpyHeader, openNpy, parseNpy, parseNpyHeader, readNpy, writeNpy } from "./npy.ts";

const FIXTURES = new URL("fixtures/", import.meta.url);
const path = (name: string) => new URL(name, FIXTURES).pathname;
const bytesAt = (name: string) => Deno.readFileSync(new URL(name, FIXTURES));

/** The rule of `values()` in fixtures/make_fixtures.py. */
function expected(dtype: Dtype, count: number): TypedArray {
  const data = createArray(dtype, count);
  const bits = BigInt(ITEM_BYTES[dtype] * 8);
  for (let i = 0; i < count; i++) {
    const top = 2n ** (dtype.startsWith("u") ? bits : bits - 1n) - 1n;
    const low = dtype.startsWith("u") ? 0n : -top - 1n;
    const integer = i % 2 === 1 ? top - BigInt(i) : low + BigInt(i);
    if (dtype.startsWith("float")) data[i] = (i - 5) * 0.375;
    else if (dtype === "bool") data[i] = i % 3 === 0 ? 1 : 0;
    else {data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array
        ? integer
        : Number(integer);}
  }
  return data;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const CODES: { readonly [code: string]: Dtype } = {
  f8: "float64",
  f4: "float32",
  f2: "float32",
  i8: "int64",
  i4: "int32",
  i2: "int16",
  u8: "uint64",
  u4: "uint32",
  u2: "uint16",
};

for (const [code, dtype] of Object.entries(CODES)) {
  for (const order of ["little", "big"]) {
    Deno.test(`parseNpy() reads ${code} in ${order}-endian order`, () => {
      const array = parseNpy(bytesAt(`${code}_${order}_2d.npy`));
      // float16 holds multiples of 0.375 up to 2.25 exactly, so the widened values are equal.
      assert.deepEqual(array, { dtype, shape: [3, 4], data: expected(dtype, 12) });
    });
  }
}

Deno.test("parseNpy() reads types of one byte", () => {
  for (const [code, dtype] of [["i1", "int8"], ["u1", "uint8"], ["b1", "bool"]] as const) {
    const array = parseNpy(bytesAt(`${code}_2d.npy`));
    assert.deepEqual(array, { dtype, shape: [3, 4], data: expected(dtype, 12) });
  }
});

Deno.test("parseNpy() reads Fortran order as row-major", () => {
  const cases = [
    ["f4_little_3d_fortran.npy", "float32", [2, 3, 4]],
    ["f4_big_2d_fortran.npy", "float32", [3, 4]],
    ["i8_little_4d_fortran.npy", "int64", [2, 3, 2, 4]],
  ] as const;
  for (const [name, dtype, shape] of cases) {
    assert.equal(parseNpyHeader(bytesAt(name)).fortranOrder, true);
    assert.deepEqual(parseNpy(bytesAt(name)), { dtype, shape, data: expected(dtype, sizeOf(shape)) });
  }
});

Deno.test("parseNpy() reads versions 2.0 and 3.0", () => {
  for (const version of [2, 3]) {
    const bytes = bytesAt(`f4_version_${version}.npy`);
    assert.equal(parseNpyHeader(bytes).version, `${version}.0`);
    assert.deepEqual(parseNpy(bytes), { dtype: "float32", shape: [2, 3], data: expected("float32", 6) });
  }
});

Deno.test("parseNpy() reads empty, scalar, one-element and rank-32 arrays", () => {
  assert.deepEqual(parseNpy(bytesAt("f8_empty.npy")).shape, [0]);
  assert.deepEqual(parseNpy(bytesAt("f8_empty_3d.npy")).shape, [2, 0, 3]);
  assert.deepEqual(parseNpy(bytesAt("f8_empty_fortran.npy")).shape, [0, 5]);
  assert.deepEqual(parseNpy(bytesAt("f8_scalar.npy")), {
    dtype: "float64",
    shape: [],
    data: Float64Array.of(2.5),
  });
  assert.deepEqual(parseNpy(bytesAt("f8_one.npy")).data, Float64Array.of(-1.875));
  assert.deepEqual(parseNpy(bytesAt("f8_rank_32.npy")).shape, [...new Array<number>(31).fill(1), 2]);
});

Deno.test("parseNpy() keeps special values", () => {
  const { data } = parseNpy(bytesAt("f8_special.npy"));
  assert.deepEqual(data, Float64Array.of(NaN, Infinity, -Infinity, -0, 5e-324, Number.MAX_VALUE));
  // The smallest subnormal and the largest finite float16 (IEEE 754-2019, binary16).
  const narrow = parseNpy(bytesAt("f2_special.npy")).data;
  assert.deepEqual(narrow, Float32Array.of(NaN, Infinity, -Infinity, -0, 2 ** -24, 65504));
});

Deno.test("encodeNpy() writes the bytes that numpy writes", () => {
  const names = [...Deno.readDirSync(FIXTURES)].map((entry) => entry.name).filter((name) =>
    name.endsWith(".npy") && !/refused|big|fortran|version|f2/.test(name)
  );
  assert.ok(names.length >= 16);
  for (const name of names) assert.deepEqual(encodeNpy(parseNpy(bytesAt(name))), bytesAt(name), name);
});

Deno.test("encodeNpy() rejects data that do not fit", () => {
  assert.throws(() => encodeNpy({ dtype: "float32", shape: [3], data: new Float32Array(2) }), {
    name: "TypeError",
    message: 'Cannot write "npy bytes" as the shape must hold all elements: float32[3] has 2 elements',
  });
  const wrong = { dtype: "float32", shape: [2], data: new Float64Array(2) } as unknown as NdArray;
  assert.throws(() => encodeNpy(wrong), {
    name: "TypeError",
    message: 'Cannot write "npy bytes" as its data must be of dtype float32: found Float64Array',
  });
  assert.throws(() => encodeNpyHeader("int8", new Array<number>(65).fill(1)), RangeError);
});

Deno.test("parseNpy() does not alias its input", () => {
  const bytes = encodeNpy({ dtype: "uint8", shape: [2], data: Uint8Array.of(1, 2) });
  const { data } = parseNpy(bytes);
  bytes.fill(9);
  assert.deepEqual(data, Uint8Array.of(1, 2));
});

Deno.test("parseNpy() reads what Python 2 and hand-made headers contain", () => {
  const make = (text: string, data: number[]) => {
    const header = new TextEncoder().encode(text);
    return Uint8Array.from([
      0x93,
      ...new TextEncoder().encode("NUMPY"),
      1,
      0,
      header.length,
      0,
      ...header,
      ...data,
    ]);
  };
  const python2 = make(`{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 1L), }\n`, [3, 4]);
  assert.deepEqual(parseNpy(python2), { dtype: "uint8", shape: [2, 1], data: Uint8Array.of(3, 4) });
  const other = make(`{"shape":[2],"descr":"=u1","fortran_order":True}`, [3, 4]);
  assert.deepEqual(parseNpy(other), { dtype: "uint8", shape: [2], data: Uint8Array.of(3, 4) });
  const truthy = make(`{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }`, [0, 1, 255]);
  assert.deepEqual(parseNpy(truthy).data, Uint8Array.of(0, 1, 1));
});

Deno.test("parseNpy() rejects types that are not numbers or booleans", () => {
  const cases = {
    refused_complex: 'dtype "<c16"',
    refused_text: 'dtype "<U4"',
    refused_object: 'dtype "|O"',
    refused_date: 'dtype "<M8[D]"',
    refused_long_double: 'dtype "<f16"',
    refused_structured: "a structured dtype",
  };
  for (const [name, feature] of Object.entries(cases)) {
    assert.throws(() => parseNpy(bytesAt(`${name}.npy`), "a.npy"), (error: unknown) => {
      assert.ok(error instanceof UnsupportedError);
      assert.equal(error.feature, feature);
      assert.equal(
        error.message,
        `Cannot read "a.npy" as its elements must be real numbers or booleans: found ${feature}`,
      );
      return true;
    });
  }
});

/** The fixture with its header text changed; lengths are kept. */
function withHeader(change: (text: string) => string): Uint8Array {
  const bytes = bytesAt("f4_little_2d.npy");
  const text = new TextDecoder().decode(bytes.subarray(10, 128));
  const changed = change(text).trimEnd().padEnd(117) + "\n";
  assert.equal(changed.length, 118);
  bytes.set(new TextEncoder().encode(changed), 10);
  return bytes;
}

const DAMAGED: { readonly [behaviour: string]: readonly [Uint8Array, string] } = {
  "other bytes": [
    Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0),
    'Cannot read "a.npy" as an .npy file starts with 93 4e 55 4d 50 59: found 50 4b 03 04 00 00',
  ],
  "an empty file": [
    new Uint8Array(),
    'Cannot read "a.npy" as an .npy file starts with 93 4e 55 4d 50 59: found no bytes',
  ],
  "a file that ends in the prefix": [
    bytesAt("f4_little_2d.npy").subarray(0, 9),
    'Cannot read "a.npy" as the header must end within the file: it would end at byte 10 of 9',
  ],
  "a header longer than the file": [
    bytesAt("f4_little_2d.npy").subarray(0, 100),
    'Cannot read "a.npy" as the header must end within the file: it would end at byte 128 of 100',
  ],
  "a version that does not exist": [
    bytesAt("f4_little_2d.npy").with(6, 4) as Uint8Array,
    'Cannot read "a.npy" as the .npy version must be 1.0, 2.0 or 3.0: found 4.0 at offset 6',
  ],
  "data that end early": [
    bytesAt("f4_little_2d.npy").subarray(0, 170),
    'Cannot read "a.npy" as float32[3,4] must fill the rest of the file, 48 bytes: found 42 bytes from offset 128',
  ],
  "bytes after the data": [
    Uint8Array.from([...bytesAt("f4_little_2d.npy"), 0]),
    'Cannot read "a.npy" as float32[3,4] must fill the rest of the file, 48 bytes: found 49 bytes from offset 128',
  ],
  "a negative length": [
    withHeader((text) => text.replace("(3, 4)", "(3, -4)")),
    'Cannot read "a.npy" as the shape must be at most 64 lengths from 0 whose product is a possible size: found [3,-4]',
  ],
  "an absurd shape": [
    withHeader((text) => text.replace("(3, 4)", "(99999999999, 99999999999)")),
    'Cannot read "a.npy" as the shape must be at most 64 lengths from 0 whose product is a possible size: found [99999999999,99999999999]',
  ],
  "a shape larger than the file": [
    withHeader((text) => text.replace("(3, 4)", "(3, 400000000)")),
    'Cannot read "a.npy" as float32[3,400000000] must fill the rest of the file, 4800000000 bytes: found 48 bytes from offset 128',
  ],
  "a shape that is not a tuple": [
    withHeader((text) => text.replace("(3, 4)", "12")),
    'Cannot read "a.npy" as the shape must be at most 64 lengths from 0 whose product is a possible size: found 12',
  ],
  "a missing key": [
    withHeader((text) => text.replace("'shape': (3, 4), ", "")),
    'Cannot read "a.npy" as the header must be a dictionary of descr, fortran_order and shape: found keys descr, fortran_order',
  ],
  "a key twice": [
    withHeader((text) => text.replace("'shape': (3, 4)", "'descr': '<f8'")),
    'Cannot read "a.npy" as the header must be a dictionary of descr, fortran_order and shape: a key is not a text or appears twice',
  ],
  "an expression": [
    withHeader((text) => text.replace("(3, 4)", "3*4")),
    'Cannot read "a.npy" as the header must be a dictionary of descr, fortran_order and shape: cannot parse character 51 of the header',
  ],
  "deep nesting": [
    withHeader((text) => text.replace("(3, 4)", "(".repeat(30))),
    'Cannot read "a.npy" as the header must be a dictionary of descr, fortran_order and shape: it is nested too deeply',
  ],
};

for (const [behaviour, [bytes, message]] of Object.entries(DAMAGED)) {
  Deno.test(`parseNpy() rejects ${behaviour}`, () => {
    assert.throws(() => parseNpy(bytes, "a.npy"), { name: "SyntaxError", message });
  });
}

Deno.test("parseNpy() survives mutations", async () => {
  for (const name of ["f4_little_3d_fortran.npy", "i8_big_2d.npy", "f4_version_2.npy", "b1_2d.npy"]) {
    const { parsed, refused } = await survives(name, bytesAt(name), { count: 300, seed: 11 }, (damaged) => {
      const { shape, data } = parseNpy(damaged);
      assert.equal(data.length, sizeOf(shape));
      assert.ok(data.byteLength <= 2 * damaged.length);
    });
    assert.ok(parsed > 5 && refused > 100, `${parsed} parsed, ${refused} refused`);
  }
});

Deno.test("encodeNpy() then parseNpy() gives the same array", () => {
  const seed = 5;
  const integer = seededIntegers(seed);
  for (let round = 0; round < 200; round++) {
    const dtype = DTYPES[integer(DTYPES.length)]!;
    const shape = Array.from({ length: integer(5) }, () => integer(5));
    const data = createArray(dtype, sizeOf(shape));
    const bytes = bytesOf(data);
    for (let i = 0; i < bytes.length; i++) bytes[i] = dtype === "bool" ? integer(2) : integer(256);
    const back = parseNpy(encodeNpy({ dtype, shape, data }));
    // NaN payloads need not survive a typed array read, so bytes are compared, which they do here.
    assert.deepEqual(
      { ...back, data: bytesOf(back.data) },
      { dtype, shape, data: bytes },
      `seed ${seed}, ${round}`,
    );
  }
});

Deno.test("toRowMajor() reverses the axes of an array in Fortran order", () => {
  const integer = seededIntegers(3);
  for (let round = 0; round < 100; round++) {
    const shape = Array.from({ length: integer(5) }, () => 1 + integer(4));
    const fortran = Int32Array.from({ length: sizeOf(shape) }, (_, i) => i);
    const result = toRowMajor(fortran, shape);
    // Index by index, from the definition of both orders.
    for (let at = 0; at < result.length; at++) {
      let [rest, from] = [at, 0];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        from += (rest % shape[axis]!) * sizeOf(shape.slice(0, axis));
        rest = Math.floor(rest / shape[axis]!);
      }
      assert.equal(result[at], from, `shape [${shape}] at ${at}`);
    }
  }
});

Deno.test("openNpy() reads row ranges in both memory orders", async () => {
  for (
    const name of ["f4_little_2d.npy", "f4_big_2d_fortran.npy", "i8_little_4d_fortran.npy", "f2_big_2d.npy"]
  ) {
    const whole = parseNpy(bytesAt(name));
    const [rows, ...rest] = whole.shape as [number, ...number[]];
    using file = await openNpy(path(name));
    assert.deepEqual({ dtype: file.dtype, shape: file.shape }, { dtype: whole.dtype, shape: whole.shape });
    for (let from = 0; from <= rows; from++) {
      for (let to = from; to <= rows; to++) {
        const part = await file.readRows(from, to);
        const width = sizeOf(rest);
        assert.deepEqual(part, {
          dtype: whole.dtype,
          shape: [to - from, ...rest],
          data: whole.data.slice(from * width, to * width),
        });
      }
    }
  }
});

Deno.test("openNpy() rejects rows that are not there", async () => {
  using file = await openNpy(path("f4_little_2d.npy"));
  for (const [from, to] of [[0, 4], [-1, 2], [2, 1], [0.5, 1], [NaN, 1]] as const) {
    await assert.rejects(file.readRows(from, to), {
      name: "RangeError",
      message: `Cannot read rows of "${
        path("f4_little_2d.npy")
      }" as they must lie in 0 to 3: found ${from} to ${to}`,
    });
  }
  using scalar = await openNpy(path("f8_scalar.npy"));
  await assert.rejects(scalar.readRows(0, 1), TypeError);
});

Deno.test("openNpy() does not load the file", async () => {
  await inFolder(async (folder) => {
    // A sparse file of 8 GB: 10^9 doubles, of which the last row is written.
    const name = `${folder}/large.npy`;
    const header = encodeNpyHeader("float64", [1_000_000, 1000]);
    const file = Deno.openSync(name, { write: true, createNew: true });
    file.writeSync(header);
    file.seekSync(header.length + 8 * (1e9 - 1), Deno.SeekMode.Start);
    file.writeSync(bytesOf(Float64Array.of(42)));
    file.close();
    using npy = await openNpy(name);
    const { shape, data } = await npy.readRows(999_999, 1_000_000);
    assert.deepEqual([shape, data[998], data[999]], [[1, 1000], 0, 42]);
  });
});

Deno.test("readNpy() names the file in every error", async () => {
  const rejects = async (name: string, message: string) => {
    await assert.rejects(readNpy(name), (error: unknown) => {
      assert.ok(error instanceof DataError);
      assert.deepEqual([error.file, error.message], [name, message]);
      return true;
    });
  };
  await rejects("no/such.npy", 'Cannot read "no/such.npy" as the file must exist: nothing is there');
  const folder = path("");
  await rejects(folder, `Cannot read "${folder}" as it must be a regular file: found a directory`);
  const below = path("f4_little_2d.npy/x.npy");
  await rejects(below, `Cannot read "${below}" as the file must exist: a part of the path is a file`);
  const zip = path("stored.npz");
  await rejects(
    zip,
    `Cannot read "${zip}" as an .npy file starts with 93 4e 55 4d 50 59: found 50 4b 03 04 14 00`,
  );
  const text = path("refused_text.npy");
  await rejects(
    text,
    `Cannot read "${text}" as its elements must be real numbers or booleans: found dtype "<U4"`,
  );
});

Deno.test("writeNpy() replaces a file as a whole and leaves nothing beside it", async () => {
  await inFolder(async (folder) => {
    const name = `${folder}/x.npy`;
    await writeNpy(name, { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, 3) });
    await writeNpy(name, { dtype: "int8", shape: [1], data: Int8Array.of(-7) });
    assert.deepEqual(await readNpy(name), { dtype: "int8", shape: [1], data: Int8Array.of(-7) });
    assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["x.npy"]);
  });
});

Deno.test("writeNpy() rejects a folder that is missing or a file", async () => {
  await inFolder(async (folder) => {
    const array = { dtype: "int8", shape: [1], data: Int8Array.of(1) } as const;
    await assert.rejects(writeNpy(`${folder}/no/x.npy`, array), {
      name: "DataError",
      file: `${folder}/no/x.npy`,
      message:
        `Cannot write "${folder}/no/x.npy" as its folder must exist and be writable: the folder is missing`,
    });
    await writeNpy(`${folder}/x.npy`, array);
    await assert.rejects(writeNpy(`${folder}/x.npy/y.npy`, array), {
      name: "DataError",
      message:
        `Cannot write "${folder}/x.npy/y.npy" as its folder must exist and be writable: a part of the path is a file`,
    });
    await Deno.mkdir(`${folder}/taken.npy`);
    await assert.rejects(writeNpy(`${folder}/taken.npy`, array), { name: "DataError" });
    const left = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assert.deepEqual(left, ["taken.npy", "x.npy"]);
  });
});
