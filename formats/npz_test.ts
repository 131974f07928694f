import assert from "node:assert/strict";
import { DataError } from "../core/errors.ts";
import type { NdArray } from "../core/types.ts";
import { sizeOf } from "../core/types.ts";
import { bytesOf, createArray, DTYPES } from "./arrays.ts";
import { bytesSource } from "./byte_source.ts";
import { seededIntegers, survives } from "./fuzz_test_helpers.ts";
import { encodeNpy, parseNpy } from "./npy.ts";
import { encodeNpz, openNpz, parseNpz, readNpz, writeNpz } from "./npz.ts";
import { encodeZip, expansionLimit, openZip } from "./zip.ts";

const FIXTURES = new URL("fixtures/", import.meta.url);
const path = (name: string) => new URL(name, FIXTURES).pathname;
const bytesAt = (name: string) => Deno.readFileSync(new URL(name, FIXTURES));

/** What fixtures/make_fixtures.py put into stored.npz and deflated.npz. */
function expected(): { readonly [name: string]: NdArray } {
  const offsets = BigInt64Array.from(parseNpy(bytesAt("i8_little_2d.npy")).data as BigInt64Array).slice(0, 5);
  return {
    offsets: { dtype: "int64", shape: [5], data: offsets },
    E_MC: {
      dtype: "float32",
      shape: [200, 3],
      data: Float32Array.from({ length: 600 }, (_, i) => (i - 5) * 0.375),
    },
    celltype: {
      dtype: "int8",
      shape: [200],
      data: Int8Array.from({ length: 200 }, (_, i) => i % 2 === 1 ? 127 - i : i - 128),
    },
    image: parseNpy(bytesAt("f4_little_3d_fortran.npy")),
    scalar: { dtype: "float64", shape: [], data: Float64Array.of(2.5) },
    empty: { dtype: "float64", shape: [0, 3], data: new Float64Array() },
  };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The place of a record of the central directory, and the member's local header. */
function recordOf(bytes: Uint8Array, name: string): { central: number; local: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at + 46 <= bytes.length; at++) {
    if (view.getUint32(at, true) !== 0x02014b50) continue;
    const found = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + view.getUint16(at + 28, true)));
    if (found === name) return { central: at, local: view.getUint32(at + 42, true) };
  }
  throw new Error(`no member ${name}`);
}

/** Sets a field of both headers of a member; `central` and `local` are its offsets in the records. */
function patch(
  bytes: Uint8Array,
  name: string,
  field: { readonly central: number; readonly local: number; readonly width: 2 | 4 },
  value: number,
): Uint8Array {
  const record = recordOf(bytes, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const place of ["central", "local"] as const) {
    if (field.width === 2) view.setUint16(record[place] + field[place], value, true);
    else view.setUint32(record[place] + field[place], value, true);
  }
  return bytes;
}

// APPNOTE 4.3.7 and 4.3.12: the same fields in both headers.
const FLAGS = { central: 8, local: 6, width: 2 } as const;
const METHOD = { central: 10, local: 8, width: 2 } as const;
const SIZE = { central: 24, local: 22, width: 4 } as const;

for (const name of ["stored.npz", "deflated.npz"]) {
  Deno.test(`readNpz() reads what numpy wrote to ${name}`, async () => {
    assert.deepEqual(await readNpz(path(name)), expected());
    const { celltype } = await readNpz(path(name), ["celltype"]);
    assert.deepEqual(celltype, expected()["celltype"]);
  });

  Deno.test(`openNpz() reads headers and row ranges of ${name}`, async () => {
    using file = await openNpz(path(name));
    assert.deepEqual(file.names, Object.keys(expected()));
    for (const [array, { dtype, shape, data }] of Object.entries(expected())) {
      const header = await file.header(array);
      assert.deepEqual([header.dtype, header.shape, header.fortranOrder], [dtype, shape, array === "image"]);
      assert.deepEqual(await file.read(array), { dtype, shape, data });
      if (shape.length === 0) continue;
      const [rows, ...rest] = shape as [number, ...number[]];
      const width = sizeOf(rest);
      for (
        const [from, to] of [[0, rows], [0, 0], [rows, rows], [rows >> 1, rows], [
          rows >> 2,
          rows >> 1,
        ]] as const
      ) {
        assert.deepEqual(await file.readRows(array, from, to), {
          dtype,
          shape: [to - from, ...rest],
          data: data.slice(from * width, to * width),
        });
      }
    }
    await assert.rejects(file.readRows("E_MC", 190, 201), {
      name: "RangeError",
      message: `Cannot read rows of "${
        path(name)
      }" array "E_MC" as they must lie in 0 to 200: found 190 to 201`,
    });
    await assert.rejects(file.readRows("scalar", 0, 1), { name: "TypeError" });
  });

  Deno.test({
    name: `readNpz() needs no permission but to read ${name}`,
    permissions: { read: [path(name)] },
    fn: async () => {
      assert.equal(Object.keys(await readNpz(path(name))).length, 6);
    },
  });
}

Deno.test("openNpz() reads rows that lie beyond the first pieces of a deflated member", async () => {
  await inFolder(async (folder) => {
    // 4 MB, incompressible enough to come in many pieces.
    const integer = seededIntegers(2);
    const data = Uint32Array.from({ length: 1_000_000 }, () => integer(2 ** 24));
    await writeNpz(`${folder}/a.npz`, { x: { dtype: "uint32", shape: [250_000, 4], data } }, {
      compress: true,
    });
    using file = await openNpz(`${folder}/a.npz`);
    const rows = await file.readRows("x", 123_456, 123_460);
    assert.deepEqual(rows.data, data.slice(4 * 123_456, 4 * 123_460));
    const many = await Promise.all([0, 1, 2].map((i) => file.readRows("x", i * 80_000, i * 80_000 + 30_000)));
    many.forEach(({ data: part }, i) =>
      assert.deepEqual(part, data.slice(i * 320_000, i * 320_000 + 120_000))
    );
  });
});

Deno.test("readNpz() reads members with data descriptors and passes over other members", async () => {
  const { x, ...others } = await readNpz(path("descriptor.npz"));
  assert.deepEqual(others, {});
  assert.deepEqual(x!.data, Float64Array.from({ length: 40 }, (_, i) => (i - 5) * 0.375));
});

Deno.test("readNpz() reads zip64", async () => {
  const wanted = parseNpy(bytesAt("f4_little_2d.npy"));
  assert.deepEqual(await readNpz(path("zip64.npz")), { x: wanted });
  using file = await openNpz(path("zip64.npz"));
  assert.deepEqual((await file.readRows("x", 1, 3)).data, wanted.data.slice(4));
});

Deno.test("encodeNpz() then parseNpz() gives the same arrays and the same bytes again", async () => {
  const integer = seededIntegers(6);
  for (let round = 0; round < 60; round++) {
    const arrays: Record<string, NdArray> = {};
    for (let n = integer(5); n > 0; n--) {
      const dtype = DTYPES[integer(DTYPES.length)]!;
      const shape = Array.from({ length: integer(4) }, () => integer(9));
      const data = createArray(dtype, sizeOf(shape));
      const bytes = bytesOf(data);
      for (let i = 0; i < bytes.length; i++) bytes[i] = integer(dtype === "bool" ? 2 : 100);
      arrays[["x", "β/ö", "a.b", "E_MC", "x_1"][n]!] = { dtype, shape, data };
    }
    const options = { compress: round % 2 === 1 };
    const bytes = await encodeNpz(arrays, options);
    assert.deepEqual(await parseNpz(bytes), arrays, `round ${round}`);
    assert.deepEqual(await encodeNpz(arrays, options), bytes);
  }
});

Deno.test("writeNpz() compresses when asked", async () => {
  await inFolder(async (folder) => {
    const array = { dtype: "float64", shape: [10_000], data: new Float64Array(10_000) } as const;
    for (const compress of [false, true]) {
      await writeNpz(`${folder}/${compress}.npz`, { array }, { compress });
    }
    const [plain, small] = [false, true].map((compress) => Deno.statSync(`${folder}/${compress}.npz`).size);
    assert.ok(plain! > 80_000 && small! < 1000, `${plain} and ${small} bytes`);
    assert.deepEqual(await readNpz(`${folder}/true.npz`), { array });
    assert.deepEqual([...Deno.readDirSync(folder)].length, 2);
    await assert.rejects(writeNpz(`${folder}/no/x.npz`, { array }), { name: "DataError" });
    await assert.rejects(writeNpz(`${folder}/x.npz`, { array: { ...array, shape: [3] } }), {
      name: "TypeError",
    });
  });
});

Deno.test("readNpz() names the file in every error", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/a.npz`;
    const rejects = async (bytes: Uint8Array, message: string | RegExp, wanted?: string[]) => {
      await Deno.writeFile(file, bytes);
      await assert.rejects(readNpz(file, wanted), (error: unknown) => {
        assert.ok(error instanceof DataError, String(error));
        assert.equal(error.file, file);
        if (typeof message === "string") assert.equal(error.message, `Cannot read "${file}" ${message}`);
        else assert.match(error.message, message);
        return true;
      });
    };
    const stored = bytesAt("stored.npz");
    const deflated = bytesAt("deflated.npz");
    await rejects(
      stored.subarray(0, 3000),
      "as a zip archive ends with its directory: found none; the file may be truncated",
    );
    await rejects(new Uint8Array(), "as a zip archive starts with 50 4b 03 04: found no bytes");
    await rejects(
      bytesAt("f8_one.npy"),
      "as a zip archive starts with 50 4b 03 04: found 93 4e 55 4d",
    );
    // One bit of a number: the CRC-32 in the directory is numpy's.
    const { local, central } = recordOf(stored, "celltype.npy");
    const crc = new DataView(stored.buffer).getUint32(central + 16, true).toString(16).padStart(8, "0");
    const flipped = stored.slice();
    flipped[local + 30 + 12 + 20 + 128 + 50]! ^= 1;
    await rejects(
      flipped,
      new RegExp(`as member "celltype.npy" must match its CRC-32 ${crc}: found [0-9a-f]{8}; the`),
    );
    const broken = deflated.slice();
    broken.fill(0xff, recordOf(deflated, "E_MC.npy").local + 100, recordOf(deflated, "E_MC.npy").local + 130);
    await rejects(broken, /^Cannot read "[^"]+" as member "E_MC.npy" must /);
    await rejects(
      patch(deflated.slice(), "E_MC.npy", METHOD, 14),
      'as members must be stored or deflated and not encrypted: member "E_MC.npy" has compression method 14',
      ["E_MC"],
    );
    await rejects(
      patch(deflated.slice(), "E_MC.npy", FLAGS, 1),
      'as members must be stored or deflated and not encrypted: member "E_MC.npy" has encryption',
      ["E_MC"],
    );
    const archive = await encodeNpz({ x: expected()["E_MC"]! });
    const text = archive.slice();
    text.set(new TextEncoder().encode("<U4"), text.indexOf(0x3c));
    await rejects(
      text,
      'member "x.npy" as its elements must be real numbers or booleans: found dtype "<U4"',
    );
    const doubled = new Uint8Array([...stored, ...stored]);
    await rejects(doubled, /as a zip archive must be whole and unambiguous: /);
  });
});

Deno.test("readNpz() names the arrays that are there when one is missing", async () => {
  const file = path("stored.npz");
  const message =
    `Cannot read array "celltyp" of "${file}" as it has offsets, E_MC, celltype, image, scalar, empty: found no "celltyp"; did you mean "celltype"`;
  await assert.rejects(readNpz(file, ["offsets", "celltyp"]), { name: "DataError", file, message });
  using open = await openNpz(file);
  await assert.rejects(open.read("celltyp"), { name: "DataError", file, message });
  await assert.rejects(open.header("toString"), { name: "DataError" });
});

Deno.test("readNpz() checks dtype and shape where they are given", async () => {
  const file = path("stored.npz");
  const { E_MC } = await readNpz(file, { E_MC: { dtype: ["float32", "float64"], shape: [null, 3] } });
  assert.deepEqual(E_MC, expected()["E_MC"]);
  await assert.rejects(readNpz(file, { E_MC: { dtype: "float64" } }), {
    name: "DataError",
    file,
    message: `Cannot read "${file}" as "E_MC" must be float64: found float32[200,3]`,
  });
  await assert.rejects(readNpz(file, { E_MC: { shape: [null] } }), {
    name: "DataError",
    message: `Cannot read "${file}" as "E_MC" must have shape [any]: found float32[200,3]`,
  });
});

Deno.test("readNpz() refuses archives that expand without measure", async () => {
  await assert.rejects(readNpz(path("bomb_small_claim.npz")), {
    name: "DataError",
    // The directory says 136 bytes, the data hold 8,000,128; one piece is enough to see it.
    message: `Cannot read "${
      path("bomb_small_claim.npz")
    }" as member "x.npy" must have 136 bytes: found more`,
  });
  await inFolder(async (folder) => {
    const file = `${folder}/a.npz`;
    const zeros = { dtype: "float64", shape: [10_000], data: new Float64Array(10_000) } as const;
    const bytes = await encodeNpz({ zeros }, { compress: true });
    await Deno.writeFile(file, bytes);
    await assert.rejects(readNpz(file, undefined, { maxBytes: 1000 }), {
      name: "DataError",
      message:
        `Cannot read arrays of "${file}" as at most 1000 bytes are unpacked from ${bytes.length}: found 80128; raise maxBytes if this is meant`,
    });
    using open = await openNpz(file, { maxBytes: 1000 });
    await assert.rejects(open.read("zeros"), { name: "DataError" });
    assert.equal((await open.readRows("zeros", 0, 100)).data.length, 100);
    const lie = patch(bytes, "zeros.npy", SIZE, 0x7fff_0000);
    await Deno.writeFile(file, lie);
    const { central } = recordOf(lie, "zeros.npy");
    const packed = new DataView(lie.buffer).getUint32(central + 20, true);
    await assert.rejects(readNpz(file), {
      name: "DataError",
      message:
        `Cannot read "${file}" as the ${packed} bytes of member "zeros.npy" must be able to hold its content: the directory says ${0x7fff_0000} bytes`,
    });
  });
  // 1 GiB whatever the size, and 100-fold above 10.7 MB.
  assert.deepEqual([expansionLimit(1000), expansionLimit(1e9)], [2 ** 30, 1e11]);
});

Deno.test("openZip() refuses members that overlap", async () => {
  const npy = encodeNpy({ dtype: "int8", shape: [4], data: new Int8Array(4) });
  const chunks: Uint8Array[] = [];
  await encodeZip(
    [{ name: "a", parts: [npy] }, { name: "b", parts: [npy] }],
    false,
    (part) => void chunks.push(part),
  );
  const bytes = new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  const { members } = await openZip(bytesSource("a.zip", bytes));
  assert.deepEqual([...members.keys()], ["a", "b"]);
  new DataView(bytes.buffer).setUint32(recordOf(bytes, "b").central + 42, 0, true);
  await assert.rejects(openZip(bytesSource("a.zip", bytes)), {
    name: "SyntaxError",
    message: /^Cannot read "a.zip" as /,
  });
});

Deno.test("parseNpz() refuses members whose local header is not that of the directory", async () => {
  const x = { dtype: "float32", shape: [64], data: new Float32Array(64) } as const;
  for (const compress of [false, true]) {
    const bytes = await encodeNpz({ x }, { compress });
    await parseNpz(bytes);
    for (const at of [8, 30]) { // the method, and the first letter of the name
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      await assert.rejects(parseNpz(damaged), {
        message:
          'Cannot read "npz bytes" as member "x.npy" must begin with its header: found another at offset 0',
      });
    }
  }
});

Deno.test("parseNpz() refuses a deflated member with bytes behind its end", async () => {
  const x = { dtype: "float32", shape: [64], data: new Float32Array(64) } as const;
  const bytes = await encodeNpz({ x }, { compress: true });
  const { central } = recordOf(bytes, "x.npy");
  const packed = new DataView(bytes.buffer).getUint32(central + 20, true);
  const end = 30 + "x.npy".length + packed;
  const longer = new Uint8Array(bytes.length + 4);
  longer.set(bytes.subarray(0, end));
  longer.set(bytes.subarray(end), end + 4);
  const view = new DataView(longer.buffer);
  view.setUint32(18, packed + 4, true);
  view.setUint32(central + 4 + 20, packed + 4, true);
  view.setUint32(longer.length - 6, central + 4, true); // where the directory is
  await assert.rejects(parseNpz(longer), {
    message:
      `Cannot read "npz bytes" as member "x.npy" must be deflated data of 384 bytes: found deflated data that end after ${packed} of ${
        packed + 4
      } bytes`,
  });
});

Deno.test("parseNpz() survives mutations", async () => {
  for (const name of ["stored.npz", "deflated.npz", "descriptor.npz", "zip64.npz", "bomb_small_claim.npz"]) {
    await survives(name, bytesAt(name), { count: 200, seed: 21 }, async (damaged) => {
      let total = 0;
      for (const { data } of Object.values(await parseNpz(damaged))) total += data.byteLength;
      assert.ok(total <= 1100 * damaged.length);
    });
  }
});

Deno.test("a member of an unsupported kind does not hide the others", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/mixed.npz`;
    const chunks: Uint8Array[] = [];
    const names = ["f4_little_2d", "refused_object", "refused_structured", "refused_text", "f2_little_2d"];
    const members = names.map((name) => ({ name: `${name}.npy`, parts: [bytesAt(`${name}.npy`)] }));
    await encodeZip(members, true, (bytes) => void chunks.push(bytes.slice()));
    await Deno.writeFile(
      file,
      new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer()),
    );
    const good = Object.fromEntries(
      ["f4_little_2d", "f2_little_2d"].map((name) => [name, parseNpy(bytesAt(`${name}.npy`))]),
    );
    const reason = (name: string, found: string) =>
      `Cannot read "${file}" member "${name}.npy" as its elements must be real numbers or booleans: found ${found}`;
    const reasons = new Map([
      ["refused_object", reason("refused_object", 'dtype "|O"')],
      ["refused_structured", reason("refused_structured", "a structured dtype")],
      ["refused_text", reason("refused_text", 'dtype "<U4"')],
    ]);

    const all = await readNpz(file);
    assert.deepEqual(all, good);
    assert.throws(() => all["refused_object"], {
      name: "UnsupportedError",
      message: reasons.get("refused_object")!,
    });
    assert.deepEqual(await parseNpz(Deno.readFileSync(file)), good);
    await assert.rejects(readNpz(file, ["f4_little_2d", "refused_text"]), {
      name: "DataError",
      file,
      message: reasons.get("refused_text")!,
    });

    using npz = await openNpz(file);
    assert.deepEqual(npz.names, names);
    assert.deepEqual(await npz.unsupported(), reasons);
    assert.deepEqual(await npz.read("f4_little_2d"), good["f4_little_2d"]);
    await assert.rejects(npz.read("refused_object"), {
      name: "DataError",
      message: reasons.get("refused_object")!,
    });
  });
});

Deno.test("a member that is compressed in another way does not hide the others", async () => {
  const bytes = patch(bytesAt("deflated.npz"), "E_MC.npy", METHOD, 14);
  const { E_MC: _, ...others } = expected();
  assert.deepEqual(await parseNpz(bytes), others);
});
