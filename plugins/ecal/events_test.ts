import assert from "node:assert/strict";
import { DataError, type Dtype, type NdArray } from "beamline";
import { Defects, writeNpz } from "beamline/data";
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
  assert.throws(
    () => toEvents("file.npz", bare, needsTruth),
    /as "x_truth", "y_truth", "E_truth" must be there: found offsets, x_MC/,
  );
});

const SKIP = "; --skip-bad goes on without the bad events";

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
      message: `Cannot use "f.npz" as "offsets" must not fall: found 3 after 4 in event 1`,
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
      message: `Cannot use "f.npz" as "E_MC" must hold finite numbers: found NaN in event 0, cell 1${SKIP}`,
    },
    {
      name: "a negative energy",
      columns: columns({ E_MC: floats(1, 2, -3) }),
      message: `Cannot use "f.npz" as "E_MC" must not be negative: found -3 GeV in event 1, cell 0${SKIP}`,
    },
    {
      name: "a type of cell that does not exist",
      columns: columns({ celltype: nd("int8", Int8Array.of(3, -1, 3)) }),
      message: `Cannot use "f.npz" as "celltype" must be 1 (GAMS), 2 (GAMS-R) or 3 (shashlik): ` +
        `found -1 in event 0, cell 1${SKIP}`,
    },
    {
      name: "an energy that float32 does not hold",
      columns: columns({ E_MC: nd("float64", Float64Array.of(1, 2, 1e39)) }),
      message: `Cannot use "f.npz" as "E_MC" must hold finite numbers: found 1e+39 in event 1, cell 0${SKIP}`,
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
      message: `Cannot use "f.npz" as "E_truth" must be positive: found 0 GeV in event 1${SKIP}`,
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
    assert.deepEqual(await readEvents(path, needsTruth), {
      ...toEvents(path, columns(), needsTruth),
      place: "photons.npz",
    });
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
    toEvents("f", flattenTree("f", tree, new Defects()), needsTruth),
    toEvents("f", columns(), needsTruth),
  );
});

Deno.test("flattenTree() lists events with other cells in two branches and without exactly one photon", () => {
  const { celltype, x_MC, y_MC, E_MC, x_truth, y_truth, E_truth } = columns();
  const ends = [0n, 2n, 3n];
  const defects = new Defects();
  const flat = flattenTree("f.root", {
    x_MC: jagged(ends, x_MC!),
    y_MC: jagged([0n, 1n, 3n], y_MC!),
    E_MC: jagged(ends, E_MC!),
    celltype: jagged(ends, celltype!),
    x_truth: jagged([0n, 0n, 2n], x_truth!),
    y_truth: y_truth!,
    E_truth: E_truth!,
  }, defects);
  assert.deepEqual(defects.state.groups.map(({ rule, places }) => [rule, places]), [
    ['"x_MC" and "y_MC" must have the same cells', [
      "1 values for 2 in event 0",
      "2 values for 1 in event 1",
    ]],
    [
      'stages 1 to 3 need exactly one photon per event in "x_truth"',
      ["0 values for 1 in event 0", "2 values for 1 in event 1"],
    ],
  ]);
  assert.equal(toEvents("f.root", flat, { ...needsTruth, defects }).row.length, 0);
});

Deno.test("toEvents() lists every kind of fault at once", () => {
  const defects = new Defects();
  const bad = columns({
    E_MC: floats(10, NaN, -1),
    celltype: nd("int8", Int8Array.of(3, 3, 9)),
    x_truth: undefined,
    y_truth: floats(1),
    E_truth: floats(0, 3),
  });
  assert.throws(
    () => toEvents("f.npz", bad, { ...needsTruth, defects }),
    (error) => error instanceof DataError && error.file === "f.npz",
  );
  assert.deepEqual(defects.state.groups.map(({ rule }) => rule), [
    '"x_truth" must be there',
    '"E_MC" must hold finite numbers',
    '"E_MC" must not be negative',
    '"celltype" must be 1 (GAMS), 2 (GAMS-R) or 3 (shashlik)',
    "stages 1 to 3 need exactly one photon per event",
    '"E_truth" must be positive',
  ]);
});

Deno.test("toEvents() without bad events is what the file without them gives, with the rows of the file", () => {
  const defects = new Defects();
  const { row, ...events } = toEvents("f", columns({ E_MC: floats(10, NaN, 40) }), {
    ...needsTruth,
    defects,
  });
  const { row: _, ...without } = toEvents("f", {
    offsets: nd("int64", BigInt64Array.of(0n, 1n)),
    x_MC: floats(7.66),
    y_MC: floats(-3.83),
    E_MC: floats(40),
    celltype: nd("int8", Int8Array.of(3)),
    x_truth: floats(7.5),
    y_truth: floats(-3.5),
    E_truth: floats(42),
  }, needsTruth);
  assert.deepEqual(events, without);
  assert.deepEqual([...row], [1]);
});

Deno.test("readEvents() names every damaged member of an .npz file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/photons.npz`;
    await writeNpz(path, columns());
    const bytes = await Deno.readFile(path);
    const text = new TextDecoder("latin1").decode(bytes);
    // the data of a stored member lie before the header of the next one
    for (const next of ["y_MC.npy", "x_truth.npy"]) bytes[text.indexOf(next) - 31]! ^= 0xff;
    await Deno.writeFile(path, bytes);
    await assert.rejects(readEvents(path, needsTruth), (error: Error) => {
      assert.match(
        error.message,
        /found 2 defects: \(1\) Cannot read .*"x_MC.*\(2\) Cannot read .*"celltype/,
      );
      return true;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
