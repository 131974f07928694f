import assert from "node:assert/strict";
import { TBuffer } from "jsroot/io";
import expected from "./fixtures/uproot-HZZ.json" with { type: "json" };
import { DataError } from "../core/errors.ts";
import { survives } from "./fuzz_test_helpers.ts";
import { isJagged, type JaggedArray, listRootTrees, readRootTree, repairIntegers } from "./root.ts";

const HZZ = new URL("fixtures/uproot-HZZ.root", import.meta.url).pathname;

Deno.test("listRootTrees() lists the tree with its branches", async () => {
  const [tree, ...others] = await listRootTrees(HZZ);
  assert.deepEqual(others, []);
  assert.deepEqual([tree!.name, tree!.rows, tree!.branches.length], ["events", 2421, 51]);
  const branches = new Map(tree!.branches.map((branch) => [branch.name, branch]));
  assert.deepEqual(branches.get("NMuon"), {
    name: "NMuon",
    kind: "scalar",
    dtype: "int32",
    shape: [],
    type: "NMuon/I",
  });
  assert.deepEqual(branches.get("Jet_ID"), {
    name: "Jet_ID",
    kind: "jagged",
    dtype: "bool",
    shape: [],
    type: "Jet_ID[NJet]/O",
  });
});

Deno.test("readRootTree() reads what a second reader found in the baskets", async () => {
  // fixtures/check_root.py read the same file from the description of the format, without ROOT.
  const { name, rows, columns, skipped } = await readRootTree(HZZ);
  assert.deepEqual([name, rows, skipped], ["events", 2421, []]);
  assert.deepEqual(Object.keys(columns).sort(), Object.keys(expected).sort());
  for (const [branch, facts] of Object.entries(expected)) {
    const column = columns[branch]!;
    const { dtype, shape, data } = isJagged(column) ? column.values : column;
    const numbers = Array.from(data, Number);
    const offsets = isJagged(column) ? Array.from(column.offsets.data, Number) : undefined;
    const lengths = offsets?.slice(1).map((end, i) => end - offsets[i]!) ?? [1];
    assert.deepEqual(
      {
        dtype,
        rows: offsets === undefined ? shape[0] : offsets.length - 1,
        numbers: numbers.length,
        longest: Math.max(...lengths),
        // The same order of additions of the same numbers: equal to the last bit.
        sum: numbers.reduce((sum, number) => sum + number, 0),
        first: numbers.slice(0, 4),
        last: numbers.slice(-4),
      },
      { ...facts, first: facts.first.map(Number), last: facts.last.map(Number) },
      branch,
    );
    assert.deepEqual(offsets?.at(-1) ?? numbers.length, numbers.length);
  }
});

Deno.test("readRootTree() counts as many elements as the counter branch says", async () => {
  // The file holds the counts twice: as numbers, and as the lengths of what they count.
  for (const particle of ["Muon", "Electron", "Photon", "Jet"]) {
    const { columns } = await readRootTree(HZZ, { branches: [`${particle}_Px`, `N${particle}`] });
    const offsets = (columns[`${particle}_Px`] as JaggedArray).offsets.data as BigInt64Array;
    const counts = columns[`N${particle}`]!;
    assert.ok(!isJagged(counts));
    assert.deepEqual(
      Int32Array.from({ length: 2421 }, (_, i) => Number(offsets[i + 1]! - offsets[i]!)),
      counts.data,
    );
  }
});

Deno.test("readRootTree() reads a range of rows", async () => {
  const branches = ["Muon_Px", "MET_px"];
  const { columns: all } = await readRootTree(HZZ, { branches });
  const { columns: part, rows } = await readRootTree(HZZ, {
    branches,
    tree: "events;1",
    from: 1000,
    to: 1010,
  });
  const [whole, some] = [all["Muon_Px"] as JaggedArray, part["Muon_Px"] as JaggedArray];
  const [start, end] = [1000, 1010].map((row) => Number(whole.offsets.data[row]));
  assert.equal(rows, 10);
  assert.deepEqual(some.values.data, whole.values.data.slice(start, end));
  assert.deepEqual(
    Array.from(some.offsets.data, Number),
    Array.from(whole.offsets.data.slice(1000, 1011), (offset) => Number(offset) - start!),
  );
  const met = all["MET_px"]!;
  assert.ok(!isJagged(met));
  assert.deepEqual(part["MET_px"], { dtype: "float32", shape: [10], data: met.data.slice(1000, 1010) });
  const { columns: none } = await readRootTree(HZZ, { branches, from: 5, to: 5 });
  assert.deepEqual((none["Muon_Px"] as JaggedArray).offsets.data, BigInt64Array.of(0n));
  await assert.rejects(readRootTree(HZZ, { from: 0, to: 2422 }), {
    name: "RangeError",
    message: `Cannot read rows of "${HZZ}" tree "events" as they must lie in 0 to 2421: found 0 to 2422`,
  });
});

Deno.test({
  name: "readRootTree() needs no permission but to read the file",
  permissions: { read: [HZZ] },
  fn: async () => {
    const { columns } = await readRootTree(HZZ, { branches: ["NJet"] });
    assert.equal(Object.keys(columns).length, 1);
  },
});

Deno.test("readRootTree() names what is there when a tree or branch is missing", async () => {
  await assert.rejects(readRootTree(HZZ, { tree: "event" }), {
    name: "DataError",
    file: HZZ,
    message: `Cannot read tree "event" of "${HZZ}" as it has events: found no "event"; did you mean "events"`,
  });
  await assert.rejects(readRootTree(HZZ, { branches: ["Muon_px", "Moun_Py"] }), (error: unknown) => {
    assert.ok(error instanceof DataError);
    assert.match(
      error.message,
      /^Cannot read branch "Muon_px" of "[^"]+" tree "events" as it has NJet, .*, EventWeight: found no "Muon_px"; did you mean "Muon_Px"$/,
    );
    return true;
  });
});

Deno.test("readRootTree() names the file in every error, and prints nothing", async () => {
  const bytes = await Deno.readFile(HZZ);
  const folder = await Deno.makeTempDir();
  const file = `${folder}/a.root`;
  const printed: unknown[] = [];
  const { error: voice } = console;
  console.error = (...words) => printed.push(words);
  try {
    const rejects = async (content: Uint8Array, message: RegExp) => {
      await Deno.writeFile(file, content);
      await assert.rejects(readRootTree(file), (error: unknown) => {
        assert.ok(error instanceof DataError, String(error));
        assert.equal(error.file, file);
        assert.match(error.message, message);
        return true;
      });
    };
    await rejects(
      new Uint8Array(),
      /^Cannot read "[^"]+" as a ROOT file starts with 72 6f 6f 74: found no bytes$/,
    );
    await rejects(
      bytes.with(0, 0x52) as Uint8Array<ArrayBuffer>,
      /starts with 72 6f 6f 74: found 52 6f 6f 74$/,
    );
    await rejects(bytes.subarray(0, 1000), /^Cannot read "[^"]+" as a ROOT file must be whole: [^\n]*[^.]$/);
    // The first basket, Muon_Px: record at byte 222, key of 76 bytes, block header of 9.
    const damaged = bytes.slice();
    damaged.fill(0xff, 2000, 2100);
    await rejects(damaged, /as a ROOT file must be whole: The zlib block at offset 307 is damaged$/);
    // Only the Adler-32 of a block is wrong: the last byte of the first basket, which begins at byte 222.
    const wrong = bytes.slice();
    wrong[222 + new DataView(bytes.buffer).getInt32(222) - 1]! ^= 1;
    await rejects(wrong, /as a ROOT file must be whole: The zlib block at offset \d+ is damaged$/);
    await assert.rejects(readRootTree(`${folder}/no.root`), {
      name: "DataError",
      message: `Cannot read "${folder}/no.root" as the file must exist: nothing is there`,
    });
    assert.deepEqual(printed, []);
  } finally {
    console.error = voice;
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readRootTree() gives each of several simultaneous calls its own", async () => {
  const names = ["NJet", "NMuon", "MET_px"];
  const trees = await Promise.all(names.map((name) => readRootTree(HZZ, { branches: [name] })));
  assert.deepEqual(trees.map(({ columns }) => Object.keys(columns)), names.map((name) => [name]));
});

Deno.test("repairIntegers() makes jsroot read all 64-bit integers", () => {
  const values = [-1n, -(2n ** 31n) - 1n, -(2n ** 32n), -(2n ** 62n) - 1n, 2n ** 62n + 1n, 2n ** 53n - 1n];
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => view.setBigInt64(8 * i, value));
  const read = () => {
    const buffer = new TBuffer(view, 0, null);
    return values.map(() => BigInt(buffer.ntoi8()));
  };
  // When this fails, jsroot reads them itself and the repair can go.
  assert.notDeepEqual(read(), values);
  const undo = repairIntegers({ TBuffer });
  assert.deepEqual(read(), values);
  undo();
  assert.notDeepEqual(read(), values);
});

Deno.test("readRootTree() survives mutations", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/a.root`;
  try {
    const bytes = await Deno.readFile(HZZ);
    await survives("uproot-HZZ.root", bytes, { count: 100, seed: 3 }, async (damaged) => {
      await Deno.writeFile(file, damaged);
      await readRootTree(file, { branches: ["NMuon", "Muon_Px"] });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
