import assert from "node:assert/strict";
import { DataError, type Dtype, type NdArray } from "beamline";
import { writeNpz } from "beamline/data";
import { type EventColumns, flattenTree, readEvents, toEvents } from "./events.ts";

function nd(dtype: Dtype, data: NdArray["data"], shape = [data.length]): NdArray {
  return { dtype, shape, data };
}
const floats = (...values: number[]) => nd("float32", Float32Array.from(values));

/** Two events with two cells and one cell. */
function columns(changes: { readonly [name: string]: NdArray | undefined } = {}): EventColumns {
  const all: { [name: string]: NdArray | undefined } = {
    offsets: nd("int64", BigInt64Array.of(0n, 2n, 3n)),
    x_MC: floats(0, 3.83, 7.66),
    y_MC: floats(0, 0, -3.83),
    E_MC: floats(10, 2.5, 40),
    celltype: nd("int8", Int8Array.of(3, 3, 3)),
    x_truth: floats(0.5, 7.5),
    y_truth: floats(0.1, -3.5),
    E_truth: floats(13, 42),
    ...changes,
  };
  return Object.fromEntries(Object.entries(all).filter(([, column]) => column)) as EventColumns;
}
const needsTruth = { needsTruth: true };

Deno.test("toEvents() takes the columns of the experiment", () => {
  const events = toEvents("file.npz", columns(), needsTruth);
  assert.deepEqual([...events.offsets], [0, 2, 3]);
  assert.deepEqual([...events.energy], [10, 2.5, 40]);
  assert.deepEqual([...events.truth!.energy], [13, 42]);
});

Deno.test("toEvents() reads the first events when there is a limit", () => {
  const events = toEvents("file.npz", columns(), { needsTruth: true, limit: 1 });
  assert.deepEqual([...events.offsets], [0, 2]);
  assert.equal(events.energy.length, 2);
  assert.equal(events.truth!.x.length, 1);
});

Deno.test("toEvents() lets the truth be absent when it is not needed", () => {
  const bare = columns({ x_truth: undefined, y_truth: undefined, E_truth: undefined });
  assert.equal(toEvents("file.npz", bare, { needsTruth: false }).truth, undefined);
  assert.throws(() => toEvents("file.npz", bare, needsTruth), /"x_truth" must be there: found offsets, x_MC/);
});

const UNFIT: readonly { readonly name: string; readonly columns: EventColumns; readonly message: string }[] =
  [
    {
      name: "a missing column",
      columns: columns({ E_MC: undefined }),
      message: `Cannot use "f.npz" as "E_MC" must be there: found ` +
        "offsets, x_MC, y_MC, celltype, x_truth, y_truth, E_truth",
    },
    {
      name: "cells of another number",
      columns: columns({ E_MC: floats(1, 2) }),
      message: `Cannot use "f.npz" as "E_MC" must have shape [3]: found "E_MC" is float32[2]`,
    },
    {
      name: "offsets that fall",
      columns: columns({ offsets: nd("int64", BigInt64Array.of(0n, 4n, 3n)) }),
      message: `Cannot use "f.npz" as "offsets" must not fall: found 3 after 4 at event 1`,
    },
    {
      name: "offsets that do not begin with 0",
      columns: columns({ offsets: nd("int64", BigInt64Array.of(1n, 2n, 3n)) }),
      message: `Cannot use "f.npz" as "offsets" must begin with 0: found 1`,
    },
    {
      name: "offsets that end elsewhere",
      columns: columns({ offsets: nd("int64", BigInt64Array.of(0n, 2n, 9n)) }),
      message: `Cannot use "f.npz" as "offsets" must end with the 3 cells: found 9`,
    },
    {
      name: "an energy that is not finite",
      columns: columns({ E_MC: floats(1, NaN, 3) }),
      message: `Cannot use "f.npz" as "E_MC" must hold finite numbers: found NaN at index 1`,
    },
    {
      name: "a negative energy",
      columns: columns({ E_MC: floats(1, 2, -3) }),
      message: `Cannot use "f.npz" as "E_MC" must not be negative: found -3 GeV in cell 2`,
    },
    {
      name: "two photons per event",
      columns: columns({ x_truth: nd("float32", new Float32Array(4), [2, 2]) }),
      message: `Cannot use "f.npz" as stages 1 to 3 need exactly one photon per event: ` +
        `found "x_truth" is float32[2,2]`,
    },
    {
      name: "a photon without energy",
      columns: columns({ E_truth: floats(13, 0) }),
      message: `Cannot use "f.npz" as "E_truth" must be positive: found 0 GeV in event 1`,
    },
  ];

for (const { name, columns, message } of UNFIT) {
  Deno.test(`toEvents() rejects ${name}`, () => {
    assert.throws(() => toEvents("f.npz", columns, needsTruth), (error) => {
      assert.ok(error instanceof DataError);
      assert.equal(error.message, message);
      return true;
    });
  });
}

Deno.test("readEvents() reads what writeNpz() wrote, and names the file in errors", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/photons.npz`;
    await writeNpz(path, columns(), { compress: true });
    assert.deepEqual(await readEvents(path, needsTruth), toEvents("photons.npz", columns(), needsTruth));
    await writeNpz(path, columns({ celltype: undefined }));
    await assert.rejects(readEvents(path, needsTruth), { name: "DataError", file: path });
    await assert.rejects(readEvents(`${folder}/photons.csv`, needsTruth), {
      name: "DataError",
      message: `Cannot read "photons.csv" as photon clusters come as .npz or .root: found ".csv"`,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

const jagged = (ends: bigint[], values: NdArray) => ({
  offsets: nd("int64", BigInt64Array.from(ends)) as NdArray<"int64">,
  values,
});

Deno.test("flattenTree() turns jagged branches into the columns of an npz file", () => {
  const { offsets: _, celltype, x_MC, y_MC, E_MC, x_truth, y_truth, E_truth } = columns();
  const ends = [0n, 2n, 3n];
  const tree = {
    x_MC: jagged(ends, x_MC!),
    y_MC: jagged(ends, y_MC!),
    E_MC: jagged(ends, E_MC!),
    celltype: jagged(ends, celltype!),
    x_truth: jagged([0n, 1n, 2n], x_truth!),
    y_truth: y_truth!,
    E_truth: E_truth!,
  };
  assert.deepEqual(
    toEvents("f", flattenTree("f", tree), needsTruth),
    toEvents("f", columns(), needsTruth),
  );
});

Deno.test("flattenTree() rejects branches with other cells and events without exactly one photon", () => {
  const { x_MC, y_MC, x_truth } = columns();
  assert.throws(
    () => flattenTree("f.root", { x_MC: jagged([0n, 2n, 3n], x_MC!), y_MC: jagged([0n, 1n, 3n], y_MC!) }),
    /"x_MC" and "y_MC" must have the same cells: found other numbers in event 0/,
  );
  assert.throws(
    () => flattenTree("f.root", { x_truth: jagged([0n, 0n, 2n], x_truth!) }),
    /exactly one photon per event: found "x_truth" has another number in event 0/,
  );
});
