import assert from "node:assert/strict";
import { type Hdf5File, openHdf5 } from "./hdf5.ts";
import { createHdf5 } from "./hdf5_write.ts";

// Fixtures: fixtures/make_hdf5_kinds.py (h5py 3.14.0, HDF5 1.14.6, tables 3.10.2, pandas 2.3.1, hdf5plugin 5.1.0), and fixtures/cases/,
// where the .json beside a file says what h5py reads in it.
const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;

async function withFile<T>(name: string, use: (file: Hdf5File) => T | Promise<T>): Promise<T> {
  const file = await openHdf5(FIXTURES + name);
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

/** Dtype, shape and elements of each dataset. */
type Expected = { readonly [name: string]: readonly [dtype: string, shape: number[], elements: unknown[]] };

function checkAll(file: Hdf5File, expected: Expected): void {
  for (const [name, [dtype, shape, elements]] of Object.entries(expected)) {
    const dataset = file.dataset(name);
    const array = dataset.read();
    assert.deepEqual([array.dtype, array.shape, Array.from(array.data as Float64Array)], [
      dtype,
      shape,
      elements,
    ], name);
    const [rows] = shape;
    if (rows === undefined) continue;
    // Row by row the same.
    const parts = Array.from(
      { length: rows },
      (_, row) => [...dataset.readRows(row, row + 1).data as Float64Array],
    );
    assert.deepEqual(parts.flat(), elements, `${name} by rows`);
  }
}

function refuses(file: Hdf5File, name: string, found: string, read: "dataset" | "text" = "dataset"): void {
  const what = read === "text" ? "text" : "numbers";
  assert.throws(() => file[read](name).read(), {
    name: "UnsupportedError",
    message: `Cannot read "${file.path}" as dataset "${name}" must hold ${what} in the file itself: ${found}`,
  });
}

Deno.test("dataset() honors precision, bit offset and the fields of floats", async () => {
  await withFile("kinds.h5", (file) => {
    checkAll(file, {
      adc12: ["uint16", [3], [0, 4095, 17]],
      i24: ["int32", [3], [-1, 2 ** 23 - 1, -(2 ** 23)]],
      i24_shifted: ["int32", [3], [-1, 2 ** 23 - 1, -(2 ** 23)]],
      i40: ["int64", [3], [-1n, 2n ** 39n - 1n, -(2n ** 39n)]],
      i3: ["int32", [3], [-1, 2 ** 23 - 1, -5]],
      bits: ["uint16", [3], [1, 0x8000, 0xffff]],
      bf16: ["float32", [3], [1, 2.5, -3]],
      e5m2: ["float32", [3], [1, 2.5, -3]],
      bias: ["float64", [3], [1, 2.5, -3]],
      half: ["float32", [5], [1.5, 65504, -(2 ** -24), Infinity, NaN]],
      long_double: ["float64", [2], [1.5, -Infinity]],
    });
    refuses(file, "e4m3", "it holds floats of 1 byte with 4 bits of exponent and 3 of mantissa");
    refuses(file, "vax", "it holds VAX floats of 4 bytes with 8 bits of exponent and 23 of mantissa");
    refuses(
      file,
      "long_double_fine",
      "it holds floats of 16 bytes with 15 bits of exponent and 64 of mantissa, and not all of them fit into float64",
    );
  });
});

Deno.test("dataset() reads enumerations as their integers, and tells the names", async () => {
  await withFile("kinds.h5", (file) => {
    checkAll(file, { enum: ["int16", [3], [0, -42, 1]], enum_big: ["int32", [3], [0, -42, 1]] });
    for (const name of ["enum", "enum_big"]) {
      assert.deepEqual(file.dataset(name).enumeration, { RED: 0, GREEN: 1, BLUE: -42 });
    }
    assert.equal(file.dataset("i24").enumeration, null);
  });
});

Deno.test("text() reads text of fixed and variable length", async () => {
  await withFile("kinds.h5", (file) => {
    const texts: { readonly [name: string]: readonly [number[], string[]] } = {
      text: [[3], ["abc", "d", ""]],
      text_long: [[4], ["äbc", "d", "", "🙂"]],
      text_chunked: [[2, 2], ["a", "b", "c", "d"]],
      text_scalar: [[], ["hello"]],
      text_never: [[3], ["", "", ""]],
      "table/name": [[4], ["a", "bb", "ccc", "dddd"]],
      "table_text/s": [[2], ["aä", ""]],
      "table_text/t": [[2], ["x", "yy"]],
    };
    for (const [name, [shape, values]] of Object.entries(texts)) {
      const text = file.text(name);
      assert.deepEqual([text.shape, text.read()], [shape, values], name);
      const width = values.length / (shape[0] ?? 1);
      if (shape.length > 0) {
        assert.deepEqual(text.readRows(1, 2), values.slice(width, 2 * width), `${name} row 1`);
      }
    }
    assert.throws(() => file.text("text").readRows(0, 4), RangeError);
    assert.throws(() => file.text("text_huge").read(), {
      name: "RangeError",
      message: 'Cannot read "text_huge" at once as a read holds at most 67108864 texts: 1000000000000 wanted',
    });
    refuses(file, "i24", "it holds integers of 24 bits at bit 0 of 4 bytes", "text");
    refuses(file, "text", "it holds text; read it as such");
    assert.throws(() => file.text("text_latin1").read(), {
      name: "DataError",
      message: `Cannot read "${file.path}" as dataset "text_latin1" must be text in UTF-8: element 0 is not`,
    });
  });
});

Deno.test("members of compounds and arrays in elements are columns", async () => {
  await withFile("kinds.h5", (file) => {
    const id = [0n, 1n, 2n, 3n].map((i) => 2n ** 60n + i);
    const counted = Array.from({ length: 24 }, (_, i) => i);
    checkAll(file, {
      "table/pt": ["float32", [4], [1, 2, 3, 4]],
      "table/id": ["int64", [4], id],
      "table/p4/x": ["float64", [4], [0, 0.25, 0.5, 0.75]],
      "table/p4/y": ["float32", [4], [0, 1.5, 3, 4.5]],
      "table/v": ["int16", [4, 2, 3], counted],
      "table/ok": ["bool", [4], [1, 0, 1, 0]],
      "table/h": ["float32", [4], [0.5, 1, 2, 3]],
      "table_big/x": ["float32", [3], [1, 2, 3]],
      "table_big/i": ["int64", [3], [-1n, 2n ** 62n, 3n]],
      "table_text/i": ["int32", [2], [1, 2]],
      "complex/r": ["float64", [2], [1, 3]],
      "complex/i": ["float64", [2], [2, -4]],
      array: ["int32", [4, 2, 3], counted],
    });
    assert.deepEqual(file.dataset("table/pt").attributes, { unit: "GeV" });
    assert.deepEqual(file.keys().filter((key) => key.startsWith("table_big")), [
      "table_big/i",
      "table_big/x",
    ]);
    assert.ok(file.has("table") && file.has("table/p4/x") && !file.has("table/p4/z"));
    refuses(file, "complex", 'it holds compounds; read its members, such as "complex/r", "complex/i"');
    assert.throws(() => file.dataset("table/nope"), { name: "DataError" });
  });
});

Deno.test("tables of PyTables and pandas are columns", async () => {
  await withFile("pytables.h5", (file) => {
    checkAll(file, {
      "t/e": ["float32", [3], [0, 0.5, 1]],
      "t/n": ["int64", [3, 2], [0n, 1n, 2n].flatMap((i) => [i, 2n ** 60n + i])],
      "t/c": ["uint8", [3], [0, 1, 0]],
    });
    assert.deepEqual(file.dataset("t/c").enumeration, { r: 0, g: 1 });
    assert.deepEqual(file.text("t/name").read(), ["n0", "n1", "n2"]);
  });
  await withFile("pandas_table.h5", (file) => {
    checkAll(file, {
      "df/table/index": ["int64", [2], [0n, 1n]],
      "df/table/e": ["float64", [2], [1.5, 2.5]],
      "df/table/values_block_0": ["int64", [2, 1], [1n, 2n]],
    });
    assert.deepEqual(file.text("df/table/label").read(), ["aa", "b"]);
  });
  await withFile("pandas_fixed.h5", (file) => {
    assert.deepEqual(file.text("df/axis0").read(), ["e", "n"]);
    checkAll(file, {
      "df/axis1": ["int64", [2], [0n, 1n]],
      "df/block0_values": ["float64", [2, 1], [1.5, 2.5]],
      "df/block1_values": ["int64", [2, 1], [1n, 2n]],
    });
  });
});

Deno.test("dataset() refuses kinds that it does not read by name", async () => {
  await withFile("kinds.h5", (file) => {
    refuses(file, "reference", "it holds references");
    refuses(file, "opaque", "it holds opaque data");
    refuses(file, "variable_length", "it holds variable-length arrays");
    refuses(file, "null", "it has no elements at all");
    assert.throws(() => file.dataset("impossible"), {
      name: "DataError",
      message: /must have a possible size/,
    });
    // 4 TB are declared and none are stored.
    assert.throws(() => file.dataset("huge").read(), {
      name: "RangeError",
      message: /4000000000000 wanted$/,
    });
    assert.deepEqual(file.dataset("huge").readRows(10 ** 11, 10 ** 11 + 2).data, Float32Array.of(0, 0));
  });
});

Deno.test("what was never written is the fill value", async () => {
  await withFile("kinds.h5", (file) => {
    const middle = (outer: number) => [outer, outer, outer, 1, 1, 1, outer, outer, outer];
    // Filled with something else, memory must not show through.
    checkAll(file, { "table/id": ["int64", [4], [0n, 1n, 2n, 3n].map((i) => 2n ** 60n + i)] });
    checkAll(file, {
      never: ["int32", [5], [7, 7, 7, 7, 7]],
      never_chunks: ["float32", [3, 3], middle(2.5)],
      part: ["float32", [3, 3], middle(2.5)],
      part_zero: ["float32", [3, 3], [0, 0, 0, 0, 0, 0, 0, 0, 1]],
      enum_never: ["int16", [2], [5, 5]],
    });
  });
  await withFile("cases/fill_never.h5", (file) => {
    for (let round = 0; round < 2; round++) {
      assert.equal(file.dataset("secret").read().data[0], 7);
      assert.deepEqual([...file.dataset("never_written").read().data], new Array(100).fill(0));
      const half = Array.from({ length: 100 }, (_, i) => i < 10 ? 1 : 0);
      assert.deepEqual([...file.dataset("half_written").read().data], half);
    }
  });
});

Deno.test("links within the file are followed, without end in no circle", async () => {
  await withFile("links.h5", (file) => {
    const found = ["g/relative", "g/sub/x", "self", "soft/x"];
    assert.deepEqual(file.keys().filter((key) => !/^(raw|virtual)/.test(key)), found);
    for (const name of [...found, "g/loop/sub/x", "g/sub/up/g/sub/up/soft/x"]) {
      assert.deepEqual(file.dataset(name).read().data, BigInt64Array.of(0n, 1n, 2n), name);
    }
    assert.ok(!file.has("broken") && !file.has("ring") && !file.has("type") && !file.has("other"));
    assert.throws(() => file.dataset("broken"), { name: "DataError" });
    assert.throws(() => file.dataset("ring"), {
      name: "UnsupportedError",
      message:
        `Cannot read "${file.path}" as dataset "ring" must lie in the file itself: the link "ring" leads in a circle`,
    });
  });
  await withFile("cases/group_links.h5", (file) => {
    assert.deepEqual(file.keys(), ["a/x", "b/x", "d", "s/x"]);
    checkAll(file, Object.fromEntries(file.keys().map((key) => [key, ["float64", [4], [0, 1, 2, 3]]])));
  });
});

Deno.test("data in other files are refused", async () => {
  await withFile("links.h5", (file) => {
    for (const name of ["other", "through_other"]) {
      assert.throws(() => file.dataset(name), {
        name: "UnsupportedError",
        message:
          `Cannot read "${file.path}" as dataset "${name}" must lie in the file itself: the link "other" leads to the file "all_types.h5"`,
      });
    }
    refuses(file, "raw", 'its data lie in "raw.bin"');
  });
});

Deno.test("virtual datasets are read where all they are made of lies in the file", async () => {
  await withFile("links.h5", (file) => {
    checkAll(file, {
      virtual_self: ["int64", [2, 3], [0n, 1n, 2n, 0n, 1n, 2n]],
      virtual_part: ["int64", [2, 3], [0n, 1n, 2n, -1n, -1n, -1n]],
    });
    refuses(file, "virtual_other", 'it is made of data in the file "all_types.h5"');
    refuses(file, "virtual_absent", 'it is made of "/nope", which is not there');
    refuses(file, "virtual_raw", 'it is made of "/raw", whose data lie in another file');
    assert.throws(() => file.dataset("virtual_through_link"), {
      name: "UnsupportedError",
      message: /all_types\.h5"$/,
    });
  });
});

Deno.test("a link counts as one to another file by what lies there, not by its name", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/deep`);
    await Deno.copyFile(`${FIXTURES}links.h5`, `${folder}/deep/renamed.h5`);
    // Under its new name the file has a neighbor of its old one, or none.
    const file = await openHdf5(`${folder}/deep/renamed.h5`);
    assert.throws(() => file.dataset("self"), {
      name: "UnsupportedError",
      message: /leads to the file "links\.h5"$/,
    });
    await Deno.copyFile(`${FIXTURES}all_types.h5`, `${folder}/deep/links.h5`);
    assert.throws(() => file.dataset("self"), { name: "UnsupportedError" });
    await Deno.remove(`${folder}/deep/links.h5`);
    await Deno.symlink("renamed.h5", `${folder}/deep/links.h5`);
    assert.deepEqual(file.dataset("self").read().data, BigInt64Array.of(0n, 1n, 2n));
    file.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("attributes of an unreadable kind leave the others readable, and integers are exact", async () => {
  await withFile("cases/attributes.h5", async (file) => {
    const json = JSON.parse(await Deno.readTextFile(`${FIXTURES}cases/attributes.h5.json`));
    const { vl: _vl, zero, ...found } = file.dataset("x").attributes;
    assert.deepEqual(zero, []);
    assert.deepEqual(found, {
      ...json,
      big: 2n ** 60n + 1n,
      nan: NaN,
      inf: [Infinity, 1],
      i64s: [1, 2n ** 62n],
      u64: 2n ** 64n - 1n,
    });
  });
  await withFile("cases/attr_kinds.h5", (file) => {
    for (const name of file.keys().filter((key) => key !== "secret")) {
      assert.equal(file.dataset(name).attributes["ok"], 1, name);
    }
    assert.equal(file.dataset("big").attributes["big"], 2n ** 60n + 1n);
    assert.deepEqual(file.dataset("f2s").attributes["f2s"], [1.5, 2]);
    for (const name of ["c", "cmp", "objref", "empty", "latin"]) {
      assert.deepEqual(file.dataset(name).attributes, { ok: 1 }, name);
    }
  });
});

Deno.test("attributes that lie outside of the header are read too, and behind a user block", async () => {
  await withFile("dense.h5", (file) => {
    const { attributes } = file.dataset("x");
    assert.equal(Object.keys(attributes).length, 300); // all but the one above 64 KiB
    for (let i = 0; i < 300; i++) {
      const value = i % 2 === 1 ? 2n ** 60n + BigInt(i) : `text ${i}`;
      assert.equal(attributes[`a${String(i).padStart(3, "0")}`], value);
    }
    checkAll(file, { x: ["float64", [2], [0, 1]] });
  });
});

Deno.test("attributesOf() reads those of groups", async () => {
  await withFile("pytables.h5", (file) => {
    assert.equal(file.attributesOf("t")["CLASS"], "TABLE");
    assert.deepEqual(file.attributesOf("/"), file.attributes);
    assert.throws(() => file.attributesOf("nope"), { name: "DataError" });
  });
});

Deno.test("dataset() reads the types of cases/dtypes.h5 as h5py does", async () => {
  await withFile("cases/dtypes.h5", (file) => {
    checkAll(file, {
      half: ["float32", [5], [1.5, 65504, -(2 ** -24), Infinity, NaN]],
      i12: ["int32", [4], [1, -1, 2047, -2048]],
      bf16: ["float32", [3], [1, 2.5, -3]],
      odd_f32: ["float64", [3], [1, 2.5, -3]],
      fill: ["int32", [6], [1, 2, -7, -7, -7, -7]],
      fillbe: ["int32", [3], [258, 258, 258]],
      scale: ["int32", [2, 3], [100, 105, 111, 99, 98, 97]],
      fscale: ["float64", [2], [1.25, 2.5]],
      nbit: ["int32", [4], [1, -1, 32767, -32768]],
      bool: ["bool", [2], [1, 0]],
    });
  });
});

Deno.test("cases/external_link.h5: the link to another file is refused, the own data are read", async () => {
  await withFile("cases/external_link.h5", (file) => {
    assert.deepEqual(file.keys(), ["own"]);
    checkAll(file, { own: ["float64", [2], [0, 1]] });
    assert.throws(() => file.dataset("l"), {
      name: "UnsupportedError",
      message: /the link "l" leads to the file "/,
    });
  });
});

Deno.test("cases/zfp.h5: the filter is refused, and data beside it and the next file are read", async () => {
  await withFile("cases/zfp.h5", (file) => {
    refuses(file, "z", "it is compressed by zfp");
    checkAll(file, { ok: ["float64", [4], [0, 1, 2, 3]] });
  });
  await withFile("cases/group_links.h5", (file) => checkAll(file, { d: ["float64", [4], [0, 1, 2, 3]] }));
});

Deno.test("dataset() reads through each filter, but for those whose code breaks down", async () => {
  await withFile("filters.h5", (file) => {
    const broken: { readonly [name: string]: string } = {
      zfp: "zfp",
      blosc_zlib: "blosc with zlib",
      blosc2_zlib: "blosc2 with zlib",
    };
    const eighths = Array.from({ length: 400 }, (_, i) => i / 8);
    for (const name of file.keys()) {
      if (name in broken) refuses(file, name, `it is compressed by ${broken[name]}`);
      else checkAll(file, { [name]: ["float32", [16, 25], eighths] });
    }
    assert.equal(file.keys().length, 20);
  });
});

Deno.test("attributes that createHdf5() writes are read back, integers beyond 2^53 and nested lists included", async () => {
  const path = await Deno.makeTempFile({ suffix: ".h5" });
  try {
    const attributes = {
      big: 2n ** 60n + 1n,
      bigs: [1n, -(2n ** 62n)],
      table: [[1, 2, 3], [4, 5, 6]],
      text: ["a", "é"],
    };
    const writer = await createHdf5(path);
    writer.setAttributes(attributes);
    writer.close();
    const file = await openHdf5(path);
    assert.deepEqual(file.attributes, { ...attributes, bigs: [1, -(2n ** 62n)] });
    file.close();
  } finally {
    await Deno.remove(path);
  }
});
