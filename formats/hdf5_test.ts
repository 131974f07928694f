import assert from "node:assert/strict";
import { DataError, UnsupportedError } from "../core/errors.ts";
import { type Hdf5File, openHdf5 } from "./hdf5.ts";
import { createHdf5 } from "./hdf5_write.ts";

// Fixtures: fixtures/make_hdf5.py (h5py 3.7.0, HDF5 1.10.8). f4 holds arange(1000) / 8 with shape [40, 25].
const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;
const EIGHTHS = Float32Array.from({ length: 1000 }, (_, i) => i / 8);

async function withFile<T>(path: string, use: (file: Hdf5File) => T | Promise<T>): Promise<T> {
  const file = await openHdf5(path);
  try {
    return await use(file);
  } finally {
    file.close();
  }
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("openHdf5() lists datasets of all groups, and no links to other files", async () => {
  await withFile(`${FIXTURES}all_types.h5`, (file) => {
    assert.ok(file.has("group/nested/f4"));
    assert.ok(!file.has("outside"));
    assert.ok(!file.has("group"));
    assert.deepEqual([...file.keys()], [...file.keys()].toSorted());
  });
});

Deno.test("dataset() reads every number type, in both byte orders", async () => {
  await withFile(`${FIXTURES}all_types.h5`, (file) => {
    const floats = file.dataset("f4");
    assert.deepEqual([floats.dtype, floats.shape, floats.chunks], ["float32", [40, 25], null]);
    assert.deepEqual(floats.read().data, EIGHTHS);
    assert.deepEqual(file.dataset("f4_big").read().data, EIGHTHS);
    assert.deepEqual(file.dataset("f8").read().data, Float64Array.from({ length: 1000 }, (_, i) => i / 3));
    const integers = {
      i1: Int8Array.of(0, -1, -2, -3, -4, -5),
      i2: Int16Array.of(0, -1, -2, -3, -4, -5),
      i4: Int32Array.of(0, -1, -2, -3, -4, -5),
      i8: BigInt64Array.of(0n, -1n, -2n, -3n, -4n, -5n),
      u1: Uint8Array.of(0, 1, 2, 3, 4, 5),
      u2: Uint16Array.of(0, 1, 2, 3, 4, 5),
      u4: Uint32Array.of(0, 1, 2, 3, 4, 5),
      u8: BigUint64Array.of(0n, 1n, 2n, 3n, 4n, 5n),
    };
    for (const [name, expected] of Object.entries(integers)) {
      assert.deepEqual(file.dataset(name).read().data, expected, name);
    }
    const large = BigInt64Array.of(2n ** 53n + 1n, -(2n ** 53n) - 1n);
    assert.deepEqual(file.dataset("i8_large").read().data, large);
    assert.deepEqual(file.dataset("bool").read(), {
      dtype: "bool",
      shape: [3],
      data: Uint8Array.of(1, 0, 1),
    });
    assert.deepEqual(file.dataset("scalar").read(), {
      dtype: "float64",
      shape: [],
      data: Float64Array.of(2.5),
    });
    assert.deepEqual(file.dataset("empty").read(), {
      dtype: "float32",
      shape: [0, 3],
      data: new Float32Array(0),
    });
    assert.deepEqual(file.dataset("group/nested/f4").read().data, EIGHTHS.slice(0, 50));
  });
});

Deno.test("attributes are numbers and texts of file and dataset", async () => {
  await withFile(`${FIXTURES}all_types.h5`, (file) => {
    assert.deepEqual(file.attributes, { simulated: "yes", version: 3 });
    assert.deepEqual(file.dataset("f4").attributes, { range: [0, 124.875], unit: "MeV" });
  });
});

Deno.test("readRows() reads any block of contiguous, chunked and filtered data", async () => {
  const files: [string, string][] = [
    ["all_types.h5", "f4"],
    ["all_types.h5", "chunked"],
    ["all_types.h5", "gzip"],
    ["all_types.h5", "fletcher"],
    ["latest.h5", "f4"],
    ["lzf.h5", "f4"],
  ];
  for (const [name, key] of files) {
    await withFile(`${FIXTURES}${name}`, (file) => {
      const dataset = file.dataset(key);
      for (const [from, to] of [[0, 40], [0, 0], [7, 8], [5, 33], [39, 40], [40, 40]] as const) {
        const rows = dataset.readRows(from, to);
        assert.deepEqual(rows.shape, [to - from, 25]);
        assert.deepEqual(rows.data, EIGHTHS.slice(from * 25, to * 25), `${name} ${key} ${from}..${to}`);
      }
      const target = new Float32Array(60).fill(-1);
      assert.equal(dataset.readRowsInto(3, 5, target), 50);
      assert.deepEqual(target.slice(0, 50), EIGHTHS.slice(75, 125));
      assert.equal(target[50], -1);
    });
  }
});

Deno.test("readRows() refuses rows that are not there and arrays that do not fit", async () => {
  await withFile(`${FIXTURES}all_types.h5`, (file) => {
    const dataset = file.dataset("f4");
    for (const [from, to] of [[-1, 2], [3, 2], [0, 41], [0.5, 2]] as const) {
      assert.throws(() => dataset.readRows(from, to), RangeError);
    }
    assert.throws(() => dataset.readRowsInto(0, 2, new Float32Array(49)), {
      name: "TypeError",
      message: 'Cannot read "f4" into an array as it must be float32[50] or longer: found float32[49]',
    });
    assert.throws(() => dataset.readRowsInto(0, 2, new Float64Array(50)), TypeError);
  });
});

Deno.test("dataset() names what is missing, with the nearest name", async () => {
  const path = `${FIXTURES}all_types.h5`;
  await withFile(path, (file) => {
    assert.throws(() => file.dataset("scaler"), {
      name: "DataError",
      file: path,
      message:
        `Cannot read "${path}" as it must have a dataset "scaler": there is none; the nearest name is "scalar"`,
    });
  });
});

Deno.test("dataset() refuses what is not a number, and parts in other files", async () => {
  await withFile(`${FIXTURES}all_types.h5`, (file) => {
    for (const name of ["text", "compound", "outside"]) {
      assert.throws(() => file.dataset(name), UnsupportedError, name);
    }
  });
  await withFile(`${FIXTURES}virtual.h5`, (file) => {
    assert.throws(() => file.dataset("f4"), UnsupportedError);
  });
});

Deno.test("a closed file is not read", async () => {
  const file = await openHdf5(`${FIXTURES}all_types.h5`);
  const dataset = file.dataset("f4");
  file.close();
  file.close();
  assert.throws(() => dataset.readRows(0, 1), DataError);
  assert.throws(() => file.attributes, DataError);
});

Deno.test("openHdf5() refuses missing, empty, foreign and truncated files", async () => {
  await withFolder(async (folder) => {
    const whole = await Deno.readFile(`${FIXTURES}all_types.h5`);
    const files: { [name: string]: Uint8Array } = {
      empty: new Uint8Array(0),
      text: new TextEncoder().encode("not HDF5, only text".repeat(100)),
      half: whole.slice(0, whole.length / 2),
      short: whole.slice(0, whole.length - 1),
      header: whole.slice(0, 96),
    };
    for (const [name, bytes] of Object.entries(files)) {
      const path = `${folder}/${name}.h5`;
      await Deno.writeFile(path, bytes);
      await assert.rejects(openHdf5(path), (error: DataError) => {
        assert.equal(error.name, "DataError", name);
        assert.equal(error.file, path);
        assert.match(error.message, /^Cannot read ".*" as it must be a whole HDF5 file: [^\n]+[^.]$/);
        return true;
      });
    }
    await assert.rejects(openHdf5(`${folder}/absent.h5`), DataError);
    await assert.rejects(openHdf5(folder), DataError);
  });
});

/** Reads all rows of a dataset, or says that it failed. */
async function readAll(path: string, key: string): Promise<ArrayLike<number> | "refused"> {
  try {
    return await withFile(path, (file) => file.dataset(key).read().data as Float32Array);
  } catch (error) {
    assert.ok(error instanceof DataError || error instanceof UnsupportedError, `${error}`);
    return "refused";
  }
}

/** A copy of a file with one bit flipped, under a name of its own: the library knows an open file by its inode. */
async function flipBit(folder: string, whole: Uint8Array, at: number): Promise<string> {
  const bytes = whole.slice();
  bytes[at]! ^= 1 << (at % 8);
  const path = `${folder}/flipped_${at}.h5`;
  await Deno.writeFile(path, bytes);
  return path;
}

Deno.test("a flipped bit in compressed or checked data is always refused", async () => {
  await withFolder(async (folder) => {
    const whole = await Deno.readFile(`${FIXTURES}all_types.h5`);
    const chunks: { [name: string]: [number, number][] } = JSON.parse(
      await Deno.readTextFile(`${FIXTURES}hdf5_chunks.json`),
    );
    for (const [key, places] of Object.entries(chunks)) {
      for (const [offset, size] of places) {
        for (const at of [offset, offset + (size >> 1), offset + size - 1]) {
          assert.equal(
            await readAll(await flipBit(folder, whole, at), key),
            "refused",
            `byte ${at} of ${key}`,
          );
        }
      }
    }
    // The library is as good as before.
    assert.deepEqual(await readAll(`${FIXTURES}all_types.h5`, "gzip"), EIGHTHS);
  });
});

Deno.test("a flipped bit anywhere in a file with checked metadata is refused or does not matter", async () => {
  await withFolder(async (folder) => {
    const whole = await Deno.readFile(`${FIXTURES}latest.h5`);
    const tally = { refused: 0, unharmed: 0 };
    for (let at = 0; at < whole.length; at += 11) {
      const found = await readAll(await flipBit(folder, whole, at), "f4");
      if (found === "refused") tally.refused++;
      else assert.deepEqual(found, EIGHTHS, `byte ${at}`);
      if (found !== "refused") tally.unharmed++;
    }
    assert.ok(tally.refused > 100, JSON.stringify(tally));
  });
});

/**
 * Reads a dataset of 1000 numbers in a process of its own, that may read the file but neither the code of the filters nor
 * write anything. Prints the error, and whether the target is as it was.
 */
async function readSandboxed(path: string, key: string): Promise<string> {
  const script = `
    import { openHdf5 } from ${JSON.stringify(new URL("./hdf5.ts", import.meta.url).href)};
    const file = await openHdf5(${JSON.stringify(path)});
    const target = new Float32Array(1000).fill(-7);
    try {
      file.dataset(${JSON.stringify(key)}).readRowsInto(0, 40, target);
      console.log("DATA");
    } catch (error) {
      console.log(error.name, error.message, target.every((value) => value === -7));
    }
    file.close();
  `;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      "--no-check",
      "--ignore-env",
      "--config",
      new URL("../deno.json", import.meta.url).pathname,
      `--allow-read=${path}`,
      `data:application/typescript;base64,${btoa(script)}`,
    ],
  }).output();
  return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
}

Deno.test("lzf without its filter is refused, and gives no data", async () => {
  assert.match(
    await readSandboxed(`${FIXTURES}lzf.h5`, "f4"),
    /^DataError Cannot read ".*lzf\.h5" as dataset "f4" must be readable through its filters \(lzf\): can't find plugin\. .* true$/,
  );
});

Deno.test("a process that may write nothing tells the library's own reason", async () => {
  await withFolder(async (folder) => {
    const writer = await createHdf5(`${folder}/whole.h5`);
    const chunks = { chunkRows: 10, gzip: 1 };
    writer.create("f4", { dtype: "float32", rowShape: [25] }, chunks).append(EIGHTHS.map(Math.sin));
    writer.close();
    const whole = await Deno.readFile(`${folder}/whole.h5`);
    const text = await readSandboxed(await flipBit(folder, whole, whole.length >> 1), "f4");
    assert.match(
      text,
      /through its filters \([^)]*deflate[^)]*\): filter returned failure during read true$/,
    );
  });
});

Deno.test("createHdf5() writes what openHdf5() reads, whole and by rows", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/written.h5`;
    const writer = await createHdf5(path);
    writer.setAttributes({ simulated: true, note: "made by a test", edges: [0, 1.5] });
    writer.write("plain", { dtype: "float32", shape: [40, 25], data: EIGHTHS });
    writer.write("packed", { dtype: "float32", shape: [40, 25], data: EIGHTHS }, {
      gzip: 4,
      chunkRows: 7,
      attributes: { unit: "MeV" },
    });
    writer.write("large", { dtype: "int64", shape: [2], data: BigInt64Array.of(2n ** 53n + 1n, -1n) });
    writer.write("none", { dtype: "float64", shape: [0, 3], data: new Float64Array(0) }, { gzip: 1 });
    writer.write("one", { dtype: "float64", shape: [], data: Float64Array.of(0.1) });
    writer.write("deep/er", { dtype: "uint8", shape: [2], data: Uint8Array.of(1, 2) });
    const rows = writer.create("rows", { dtype: "float32", rowShape: [25] }, { gzip: 1, chunkRows: 8 });
    const numbers = writer.create("numbers", { dtype: "float64", rowShape: [] });
    for (let from = 0; from < 40; from += 6) {
      rows.append(EIGHTHS.subarray(from * 25, Math.min(40, from + 6) * 25));
      numbers.append(Float64Array.of(from));
    }
    rows.append(new Float32Array(0));
    assert.equal(rows.rows, 40);
    assert.throws(() => rows.append(new Float32Array(24)), TypeError);
    assert.throws(() => rows.append(new Float64Array(25)), TypeError);
    assert.throws(
      () => writer.write("plain", { dtype: "uint8", shape: [1], data: Uint8Array.of(1) }),
      DataError,
    );
    await assert.rejects(openHdf5(path), DataError, "the file has its name only when it is complete");
    writer.close();
    await withFile(path, (file) => {
      assert.deepEqual(file.attributes, { edges: [0, 1.5], note: "made by a test", simulated: 1 });
      for (const name of ["plain", "packed", "rows"]) {
        assert.deepEqual(file.dataset(name).read().data, EIGHTHS, name);
      }
      assert.deepEqual(file.dataset("packed").chunks, [7, 25]);
      assert.deepEqual(file.dataset("packed").filters, ["deflate"]);
      assert.deepEqual(file.dataset("packed").attributes, { unit: "MeV" });
      assert.deepEqual(file.dataset("numbers").read().data, Float64Array.of(0, 6, 12, 18, 24, 30, 36));
      assert.deepEqual(file.dataset("large").read().data, BigInt64Array.of(2n ** 53n + 1n, -1n));
      assert.deepEqual(file.dataset("none").shape, [0, 3]);
      assert.deepEqual(file.dataset("one").read().data, Float64Array.of(0.1));
      assert.deepEqual(file.dataset("deep/er").read().data, Uint8Array.of(1, 2));
    });
  });
});

Deno.test("createHdf5() leaves nothing behind when it is discarded, and names a folder that is missing", async () => {
  await withFolder(async (folder) => {
    const writer = await createHdf5(`${folder}/gone.h5`);
    writer.write("x", { dtype: "uint8", shape: [1], data: Uint8Array.of(1) });
    writer.discard();
    assert.deepEqual([...Deno.readDirSync(folder)], []);
    await assert.rejects(createHdf5(`${folder}/no/such.h5`), DataError);
  });
});

Deno.test("openHdf5() lists groups that lie too deep as not readable, says why, and reads what lies beside them", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/deep.h5`;
    const writer = await createHdf5(path);
    const deep = "g/".repeat(80);
    for (const name of ["near", `${"h/".repeat(60)}far`, `${deep}x`]) {
      writer.write(name, { dtype: "float32", shape: [2], data: Float32Array.of(1, 2) });
    }
    writer.close();
    await withFile(path, (file) => {
      assert.deepEqual(file.keys(), ["g/".repeat(65).slice(0, -1), `${"h/".repeat(60)}far`, "near"]);
      assert.deepEqual([...file.dataset(`${"h/".repeat(60)}far`).read().data], [1, 2]);
      assert.throws(() => file.dataset(`${deep}x`), {
        name: "UnsupportedError",
        message: /groups may lie 64 deep in each other: found more$/,
      });
    });
  });
});
