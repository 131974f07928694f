import assert from "node:assert/strict";
import expected from "./fixtures/uproot-HZZ.json" with { type: "json" };
import { DataError, UnsupportedError } from "../core/errors.ts";
import { survives } from "./fuzz_test_helpers.ts";
import {
  isJagged,
  isNested,
  type JaggedArray,
  listRootTrees,
  readRootTree,
  type RootColumn,
} from "./root.ts";
import filled from "./fixtures/root_expected.json" with { type: "json" };

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
    assert.ok(!isNested(column));
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
    assert.ok(!("offsets" in counts));
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
  assert.ok(!("offsets" in met));
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
    await rejects(
      bytes.subarray(0, 1000),
      /^Cannot read "[^"]+" as a ROOT file must be whole: its header says 217945 bytes: found 1000$/,
    );
    // The first basket, Muon_Px: record at byte 222, key of 76 bytes, block header of 9.
    const damaged = bytes.slice();
    damaged.fill(0xff, 2000, 2100);
    await rejects(
      damaged,
      /^Cannot read entries 0 to \d+ of branch "Muon_Px" of "[^"]+" as the zlib block at byte 307 must follow its format: found damaged data$/,
    );
    // Only the Adler-32 of a block is wrong: the last byte of the first basket, which begins at byte 222.
    const wrong = bytes.slice();
    wrong[222 + new DataView(bytes.buffer).getInt32(222) - 1]! ^= 1;
    await rejects(
      wrong,
      /of branch "Muon_Px" of "[^"]+" as the zlib block at byte 307 must follow its format: found damaged data$/,
    );
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

/** A path of this folder's fixtures. */
function fixture(name: string): string {
  return new URL(`fixtures/${name}`, import.meta.url).pathname;
}

type Nested = number | boolean | string | readonly Nested[];

/** A column as lists of lists; integers that a number cannot hold become texts, as in the JSON. */
function toLists(column: RootColumn): Nested[] {
  if ("offsets" in column) {
    const inner = toLists(column.values);
    const offsets = Array.from(column.offsets.data, Number);
    return offsets.slice(1).map((end, i) => inner.slice(offsets[i], end));
  }
  const { dtype, shape, data } = column;
  const single = (value: number | bigint): Nested =>
    dtype === "bool"
      ? value === 1
      : Number.isSafeInteger(Number(value)) || typeof value === "number"
      ? Number(value)
      : String(value);
  let lists: Nested[] = Array.from(data as ArrayLike<number | bigint>, single);
  for (const length of shape.slice(1).reverse()) {
    lists = Array.from(
      { length: lists.length / length },
      (_, i) => lists.slice(i * length, (i + 1) * length),
    );
  }
  return lists;
}

function assertSame(actual: Nested, wanted: Nested, where: string): void {
  if (Array.isArray(wanted)) {
    assert.ok(Array.isArray(actual) && actual.length === wanted.length, where);
    wanted.forEach((inner, i) => assertSame(actual[i]!, inner, `${where}[${i}]`));
  } else if (typeof wanted === "number") {
    // ROOT may add the minimum of a range in another order: one rounding of a float64, or of a float32 for Float16_t.
    assert.ok(Math.abs(Number(actual) - wanted) <= 1.2e-7 * Math.max(1, Math.abs(wanted)), where);
  } else assert.deepEqual(actual, wanted, where);
}

for (const [file, trees] of Object.entries(filled)) {
  Deno.test(`readRootTree() reads what was filled into ${file}`, async () => {
    const listed = await listRootTrees(fixture(file));
    for (const [tree, branches] of Object.entries(trees)) {
      const { columns } = await readRootTree(fixture(file), { tree });
      const kinds = new Map(
        listed.find(({ name }) => name === tree)!.branches.map(({ name, kind }) => [name, kind]),
      );
      for (const [branch, wanted] of Object.entries(branches)) {
        const column = columns[branch]!;
        assert.ok(column !== undefined, `${tree} ${branch} is missing`);
        assertSame(toLists(column), wanted as Nested, `${tree} ${branch}`);
        assert.equal(isJagged(column), kinds.get(branch) === "jagged", branch);
        assert.equal(isNested(column), kinds.get(branch) === "nested", branch);
        const { columns: part } = await readRootTree(fixture(file), {
          tree,
          branches: [branch],
          from: 1,
          to: 2,
        });
        assertSame(toLists(part[branch]!), (wanted as Nested[]).slice(1, 2), `row 1 of ${branch}`);
      }
    }
  });
}

Deno.test("listRootTrees() names an RNTuple, and readRootTree() refuses it", async () => {
  const [ntuple] = await listRootTrees(fixture("root_ntuple.root"));
  assert.deepEqual(ntuple, { name: "staff", kind: "RNTuple", title: "", rows: NaN, branches: [] });
  await assert.rejects(readRootTree(fixture("root_ntuple.root")), (error) => {
    assert.ok(error instanceof DataError && error.cause instanceof UnsupportedError);
    assert.equal(error.cause.feature, "RNTuple");
    assert.match(
      error.message,
      /^Cannot read "[^"]+" as only trees of class TTree are read: found RNTuple "staff"$/,
    );
    return true;
  });
});

Deno.test("readRootTree() reads the newest cycle, or the one that is named", async () => {
  const path = fixture("root_leaves.root");
  assert.equal((await readRootTree(path, { tree: "all" })).rows, 12);
  assert.deepEqual(Object.keys((await readRootTree(path, { tree: "all;1" })).columns), ["x"]);
  await assert.rejects(readRootTree(path, { tree: "all;7" }), {
    message: `Cannot read tree "all;7" of "${path}" as it has all;2, all;1: found no "all;7"`,
  });
  await assert.rejects(readRootTree(path), {
    message:
      `Cannot read "${path}" as it has several trees and none was named: found all, folder/inner/small`,
  });
});

Deno.test("readRootTree() refuses by name what lies elsewhere or is no number, and reads the others", async () => {
  const path = fixture("root_other_file.root");
  const { columns, skipped } = await readRootTree(path);
  assert.deepEqual([Object.keys(columns), skipped], [["x", "z"], ["y"]]);
  await assert.rejects(readRootTree(path, { branches: ["y"] }), {
    message:
      `Cannot read branch "y" of "${path}" as it must hold numbers or a vector of them: found y/F in file "elsewhere.root"`,
  });
  assert.deepEqual((await readRootTree(fixture("root_leaves.root"), { tree: "all" })).skipped, ["text"]);
  assert.deepEqual((await readRootTree(fixture("root_objects.root"))).skipped, ["event.label", "whole"]);
  assert.deepEqual((await readRootTree(fixture("root_deep.root"))).skipped, ["track.charge"]);
});

/** Bytes of keys before the name of their class, up to the position of what they lead to and to their own length. */
const [SEEK_BEFORE, LENGTH_BEFORE] = [8, 12];

/** Lets every key of a folder lead to the place of another folder, or to that of the top directory. */
function lead(file: Uint8Array<ArrayBuffer>, from: string, to: string): void {
  const view = new DataView(file.buffer);
  const all = new TextDecoder("latin1").decode(file);
  const keysOf = (name: string): readonly number[] => {
    const text = `\x0aTDirectory${String.fromCharCode(name.length)}${name}`;
    return [...all.matchAll(new RegExp(text, "g"))].map(({ index }) => index);
  };
  const placeOf = (at: number) => view.getInt32(at - SEEK_BEFORE) + view.getInt16(at - LENGTH_BEFORE);
  const place = to === "" ? view.getInt32(8) + view.getInt32(28) : placeOf(keysOf(to)[0]!); // fBEGIN + fNbytesName
  const keys = keysOf(from);
  assert.ok(keys.length > 0);
  for (const at of keys) view.setInt32(at - SEEK_BEFORE, place - view.getInt16(at - LENGTH_BEFORE));
}

for (const [from, to] of [["folder", ""], ["inner", "folder"], ["inner", ""]] as const) {
  Deno.test(`listRootTrees() refuses a key "${from}" that leads to the directory "/${to}" above it`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".root" });
    try {
      const bytes = await Deno.readFile(fixture("root_leaves.root"));
      lead(bytes, from, to);
      await Deno.writeFile(path, bytes);
      const name = from === "folder" ? "folder/" : "folder/inner/";
      await assert.rejects(listRootTrees(path), {
        name: "DataError",
        message: `Cannot read "${path}" as directories must not hold each other: found "${name}" again`,
      });
    } finally {
      await Deno.remove(path);
    }
  });
}

const now = () => performance.now();

for (
  const [file, count] of Object.entries({
    "uproot-HZZ.root": 100,
    "root_leaves.root": 100,
    "root_narrow.root": 50,
    "root_vectors.root": 100,
    "root_no_offsets.root": 100,
    "root_unflushed.root": 100,
    "root_objects.root": 50,
    "root_deep.root": 50,
  })
) {
  Deno.test(`readRootTree() survives mutations of ${file}`, async () => {
    const path = await Deno.makeTempFile({ suffix: ".root" });
    try {
      await survives(file, await Deno.readFile(fixture(file)), { count, seed: 3, now }, async (damaged) => {
        await Deno.writeFile(path, damaged);
        const trees = await listRootTrees(path);
        for (const { name } of trees) await readRootTree(path, { tree: name });
      });
    } finally {
      await Deno.remove(path);
    }
  });
}

Deno.test("readRootTree() names what stands in the place of a ROOT file", async () => {
  const path = await Deno.makeTempFile({ suffix: ".root" });
  await Deno.writeTextFile(path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
  await assert.rejects(readRootTree(path), {
    message: /must be a ROOT file: found a git-lfs pointer; run "git lfs pull"$/,
  });
  await Deno.remove(path);
});
