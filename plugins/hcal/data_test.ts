import assert from "node:assert/strict";
import { DataError } from "../../core/errors.ts";
import { randomFor } from "../../core/random.ts";
import type { NdArray } from "../../core/types.ts";
import { encodeNpy } from "../../formats/npy.ts";
import { inputScale, openNewMaps, prepareTables, splitSections } from "./data.ts";
import { explore } from "./explore.ts";
import { CELLS, COLUMNS, RUNS } from "./geometry.ts";
import { openFiles } from "./map_files.ts";

const random = (purpose: string, position = {}) => randomFor({ seed: 5, purpose, ...position });
const context = {
  seed: 5,
  random,
  progress() {},
  log() {},
  warn() {},
  writer(): never {
    throw new Error("writes no table in parts");
  },
};
const FILES = RUNS.map((run) => `Run${run}_Dataset_test.npy`) as [string, string];

function mapsOf(rows: number, value: (i: number) => number = (i) => i % 13): NdArray<"float64"> {
  return {
    dtype: "float64",
    shape: [rows, 64, 72],
    data: Float64Array.from({ length: rows * CELLS }, (_, i) => value(i)),
  };
}

/** Runs a test on a folder with the given files. */
async function withFiles(
  files: { readonly [name: string]: NdArray | Uint8Array | string },
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string"
        ? new TextEncoder().encode(content)
        : content instanceof Uint8Array
        ? content
        : encodeNpy(content);
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const SKIP = "; --skip-bad goes on without the bad sections";

/** The message with which a folder of two runs is refused, the folder written as DIR. */
async function refusal(files: Parameters<typeof withFiles>[0], rows?: number): Promise<string> {
  let message = "";
  await withFiles(files, async (folder) => {
    const options = { data: folder, rows, difficulty: 0, split: "blocked" } as const;
    const error = await prepareTables(options, context).then(() => assert.fail("no error"), (error) => error);
    assert.ok(error instanceof DataError, `${error.stack}`);
    assert.equal(error.message.includes("\n"), false);
    message = error.message.replaceAll(folder, "DIR");
  });
  return message;
}

Deno.test("openFiles() reads ranges of float64 and of float32", async () => {
  const single: NdArray = {
    dtype: "float32",
    shape: [2, 64, 72],
    data: new Float32Array(2 * CELLS).fill(1.5),
  };
  await withFiles({ [FILES[0]]: mapsOf(3), [FILES[1]]: single }, async (folder) => {
    const { runs: [first, second] } = await openFiles(folder, {}, context);
    assert.deepEqual([first!.rows, second!.rows], [3, 2]);
    const maps = await first!.read(1, 2);
    assert.ok(maps instanceof Float64Array);
    assert.deepEqual([maps.length, maps[0]], [CELLS, CELLS % 13]);
    assert.ok((await second!.read(0, 2)) instanceof Float32Array);
    first!.close();
    second!.close();
  });
});

Deno.test("prepareTables() rejects a missing run, two files of a run and an empty folder", async () => {
  const remedy = '; "deno task data fetch hcal" says how to get the files';
  assert.equal(
    await refusal({ [FILES[0]]: mapsOf(1) }),
    `Cannot read "DIR" as it must hold exactly one file Run357479_Dataset*.npy: found ${FILES[0]}${remedy}`,
  );
  assert.equal(
    await refusal({ [FILES[0]]: mapsOf(1), "Run355456_Dataset.npy": mapsOf(1), [FILES[1]]: mapsOf(1) }),
    `Cannot read "DIR" as it must hold exactly one file Run355456_Dataset*.npy: found Run355456_Dataset.npy and ${
      FILES[0]
    }${remedy}`,
  );
  assert.match(await refusal({}), /found no \.npy file/);
});

Deno.test("prepareTables() rejects a web page saved as .npy", async () => {
  assert.equal(
    await refusal({ [FILES[0]]: "\n<!DOCTYPE html><html></html>", [FILES[1]]: mapsOf(1) }),
    `Cannot read "DIR/${
      FILES[0]
    }" as it must be a NumPy file: found a web page, as CERNBox's share links give; ` +
      "open the link in a browser and save the file itself",
  );
});

Deno.test("prepareTables() rejects another shape and another dtype", async () => {
  const turned: NdArray = { dtype: "float64", shape: [2, 72, 64], data: new Float64Array(2 * CELLS) };
  assert.equal(
    await refusal({ [FILES[0]]: mapsOf(1), [FILES[1]]: turned }),
    `Cannot read "DIR/${
      FILES[1]
    }" as it must be float64 or float32 of shape [sections,64,72]: found float64[2,72,64]`,
  );
  const whole: NdArray = { dtype: "int32", shape: [1, 64, 72], data: new Int32Array(CELLS) };
  assert.match(await refusal({ [FILES[0]]: whole, [FILES[1]]: mapsOf(1) }), /found int32\[1,64,72\]$/);
});

Deno.test("prepareTables() rejects a value that is not finite and says where it is", async () => {
  const at = (300 * 64 + 12) * COLUMNS + 5; // in the second range that is read
  const broken = mapsOf(301, (i) => i === at ? NaN : 1);
  assert.equal(
    await refusal({ [FILES[0]]: mapsOf(301), [FILES[1]]: broken }),
    `Cannot use "DIR/${
      FILES[1]
    }" as every occupancy must be a finite number: found NaN in section 300, ieta -20, iphi 5${SKIP}`,
  );
});

Deno.test("prepareTables() rejects a file that was cut off", async () => {
  const bytes = encodeNpy(mapsOf(30));
  assert.match(
    await refusal({ [FILES[0]]: mapsOf(30), [FILES[1]]: bytes.slice(0, bytes.length - 8) }),
    /^Cannot read "DIR\/Run357479_Dataset_test.npy" as float64\[30,64,72\] must fill the rest of the file, /,
  );
});

Deno.test("prepareTables() rejects runs too short for a split", async () => {
  assert.match(
    await refusal({ [FILES[0]]: mapsOf(19), [FILES[1]]: mapsOf(40) }),
    /must have 20 sections .*: found 19/,
  );
});

Deno.test("prepareTables() puts every section of both runs into one table", async () => {
  await withFiles({ [FILES[0]]: mapsOf(25), [FILES[1]]: mapsOf(40, (i) => 1 + i % 7) }, async (folder) => {
    const options = { data: folder, difficulty: 0, split: "blocked" } as const;
    const { tables, simulated, metadata, notes } = await prepareTables(options, context);
    assert.equal(simulated, false);
    const seen = Object.values(tables).flatMap(({ label, section }) =>
      Array.from(label!.data as Int32Array, (run, i) => `${run}/${(section!.data as Int32Array)[i]}`)
    );
    assert.equal(new Set(seen).size, 65);
    assert.equal(seen.length, 65);
    const { occupancy, label, section } = tables.test!;
    const [run, at] = [(label!.data as Int32Array)[0]!, (section!.data as Int32Array)[0]!];
    const expected = run === 0 ? (at * CELLS + 20) % 13 : 1 + (at * CELLS + 20) % 7;
    assert.equal((occupancy!.data as Float32Array)[20], expected);
    assert.deepEqual(metadata!.scales.occupancy, inputScale(tables.train!.occupancy!.data as Float32Array));
    assert.match(notes![0]!.note!, /neighbouring sections are alike/);
  });
});

Deno.test("prepareTables() uses the first rows that are asked for", async () => {
  await withFiles({ [FILES[0]]: mapsOf(40), [FILES[1]]: mapsOf(50) }, async (folder) => {
    const options = { data: folder, rows: 22, difficulty: 0, split: "random" } as const;
    const { tables } = await prepareTables(options, context);
    const rows = Object.values(tables).map(({ label }) => label!.shape[0]!);
    assert.equal(rows.reduce((a, b) => a + b), 44);
  });
});

Deno.test("splitSections() keeps blocks whole and takes the same blocks of both runs", () => {
  const { parts, block, blocks } = splitSections("blocked", [200, 400], random);
  assert.equal(blocks, 20);
  const partOf = new Map<number, number>();
  parts.forEach((ofRun, label) =>
    ofRun.forEach((part, section) => {
      const found = partOf.get(block(label, section)) ?? part;
      assert.equal(part, found);
      partOf.set(block(label, section), part);
    })
  );
  const counts = [0, 1, 2].map((part) => parts[0]!.filter((found) => found === part).length);
  assert.deepEqual(counts, [140, 30, 30]);
});

Deno.test("splitSections() draws single sections when random, 70 : 15 : 15", () => {
  const { parts } = splitSections("random", [200, 100], random);
  assert.deepEqual([0, 1, 2].map((part) => parts[1]!.filter((found) => found === part).length), [70, 15, 15]);
  const changes = parts[0]!.filter((part, i) => i > 0 && part !== parts[0]![i - 1]).length;
  assert.ok(changes > 40, `${changes}`); // blocks would change at most 19 times
});

Deno.test("inputScale() centers each row on its filled cells", () => {
  const maps = new Float32Array(2 * CELLS);
  maps[5 * COLUMNS] = Math.E - 1;
  maps[CELLS + 5 * COLUMNS] = Math.E ** 3 - 1;
  const { center, scale } = inputScale(maps);
  assert.ok(Math.abs(center[5]! - 2) < 1e-6); // mean of ln(e) and ln(e^3)
  assert.ok(Math.abs(scale - 1) < 1e-6);
  assert.equal(center[6], 0);
});

Deno.test("openNewMaps() reads one file or a folder, without labels", async () => {
  await withFiles({ [FILES[0]]: mapsOf(2), [FILES[1]]: mapsOf(3) }, async (folder) => {
    const one = await openNewMaps(`${folder}/${FILES[1]}`, ["occupancy"], {}, context);
    assert.deepEqual(one.table.occupancy!.shape, [3, 64, 72]);
    const both = await openNewMaps(folder, ["occupancy", "occupancy_d25"], {}, context);
    assert.deepEqual(both.table.occupancy_d25!.shape, [5, 64, 72]);
    assert.deepEqual([...(both.table.file!.data as Int32Array)], [0, 0, 1, 1, 1]);
  });
});

/** Maps with faults in some sections, and the same maps without these sections. */
function spoiledMaps(
  rows: number,
  faults: { readonly [section: number]: number },
) {
  const value = (i: number) => i % 13;
  const bad = Object.keys(faults).map(Number);
  const kept = Array.from({ length: rows }, (_, section) => section).filter((
    one,
  ) => !bad.includes(one));
  return {
    spoiled: mapsOf(rows, (i) => i % CELLS === 7 ? faults[Math.floor(i / CELLS)] ?? value(i) : value(i)),
    sound: mapsOf(kept.length, (i) => value(kept[Math.floor(i / CELLS)]! * CELLS + i % CELLS)),
    kept,
  };
}

const FIRST = spoiledMaps(300, { 0: NaN, 5: -1, 280: Infinity });
const SECOND = spoiledMaps(40, { 39: 1e300 });

Deno.test("prepareTables() lists the faults of all sections of both files", async () => {
  const text = await refusal({
    [FILES[0]]: FIRST.spoiled,
    [FILES[1]]: SECOND.spoiled,
  });
  assert.equal(
    text,
    "Cannot use 2 files as their data must be sound: found 4 defects in 4 of 340 sections: " +
      `(1) "DIR/${FILES[0]}", every occupancy must be a finite number, 2 times: ` +
      "NaN in section 0, ieta -32, iphi 7 | Infinity in section 280, ieta -32, iphi 7; " +
      `(2) "DIR/${FILES[0]}", occupancies must not be negative: -1 in section 5, ieta -32, iphi 7; ` +
      `(3) "DIR/${FILES[1]}", every occupancy must be a finite number: ` +
      `1e+300 in section 39, ieta -32, iphi 7${SKIP}`,
  );
  const turned: NdArray = {
    dtype: "float64",
    shape: [2, 72, 64],
    data: new Float64Array(2 * CELLS),
  };
  assert.match(
    await refusal({ [FILES[0]]: FIRST.spoiled, [FILES[1]]: turned }),
    /^Cannot use 2 files .* \(1\) Cannot read .* found float64\[2,72,64\]; \(2\) .*, 2 times: NaN in section 0.* \(3\)/,
  );
  assert.match(
    await refusal({}),
    /Run355456_Dataset\*.npy.*; \(2\) .*Run357479_Dataset\*.npy/,
  );
});

Deno.test("prepareTables() with skipBad is what the files without the bad sections give", async () => {
  const options = { difficulty: 0, split: "blocked" } as const;
  const warnings: string[][] = [];
  const heard = {
    ...context,
    warn: (...warning: string[]) => void warnings.push(warning),
  };
  const files = { [FILES[0]]: FIRST.spoiled, [FILES[1]]: SECOND.spoiled };
  await withFiles(files, async (data) => {
    await withFiles(
      { [FILES[0]]: FIRST.sound, [FILES[1]]: SECOND.sound },
      async (soundData) => {
        const found = await prepareTables(
          { ...options, data, skipBad: true },
          heard,
        );
        const expected = await prepareTables(
          { ...options, data: soundData },
          heard,
        );
        assert.deepEqual(found.metadata, expected.metadata);
        assert.equal(found.source, expected.source);
        for (const part of ["train", "validation", "test"]) {
          const { section, ...columns } = found.tables[part]!;
          const { section: compact, ...others } = expected.tables[part]!;
          assert.deepEqual(columns, others);
          // sections are those of the file
          const kept = (row: number) => (columns.label!.data[row] === 0 ? FIRST : SECOND).kept;
          assert.deepEqual(
            [...section!.data as Int32Array],
            Array.from(compact!.data as Int32Array, (i, row) => kept(row)[i]),
          );
        }
        assert.deepEqual(found.notes!.map(({ name }) => name), [
          "split",
          "skipped",
        ]);
        assert.equal(found.notes![1]!.rows.length, 3);
      },
    );
  });
  assert.deepEqual(warnings, [[
    "skipped-events",
    `left out 3 of 300 sections of ${FILES[0]} and 1 of 40 sections of ${
      FILES[1]
    }, as they have defects (--skip-bad)`,
  ]]);
});

Deno.test("prepareTables() with skipBad refuses a file of which no section is sound", async () => {
  const files = { [FILES[0]]: mapsOf(20, () => NaN), [FILES[1]]: mapsOf(20) };
  await withFiles(files, async (data) => {
    const options = {
      data,
      difficulty: 0,
      split: "blocked",
      skipBad: true,
    } as const;
    await assert.rejects(
      prepareTables(options, context),
      /92160 times: .*; none of the sections of .* is sound$/,
    );
  });
});

Deno.test("openNewMaps() lists all faults, or leaves the bad sections out", async () => {
  await withFiles(
    { [FILES[0]]: FIRST.spoiled, "sound.npy": FIRST.sound },
    async (folder) => {
      const path = `${folder}/${FILES[0]}`;
      await assert.rejects(
        openNewMaps(path, ["occupancy"], {}, context),
        /found 3 defects in 3 of 300 sections/,
      );
      const found = await openNewMaps(
        path,
        ["occupancy"],
        { skipBad: true },
        context,
      );
      const expected = await openNewMaps(
        `${folder}/sound.npy`,
        ["occupancy"],
        {},
        context,
      );
      assert.deepEqual(found.table.occupancy, expected.table.occupancy);
      assert.deepEqual(
        [...found.table.section!.data as Int32Array],
        FIRST.kept,
      );
      assert.match(
        found.source,
        /^297 luminosity sections of .*; left out 3 of 300 sections/,
      );
    },
  );
});

Deno.test("explore() counts the sections that were used", async () => {
  const [first, second] = [
    spoiledMaps(30, { 3: NaN, 9: -2 }),
    spoiledMaps(20, {}),
  ];
  await withFiles(
    { [FILES[0]]: first.spoiled, [FILES[1]]: second.sound },
    async (data) => {
      await assert.rejects(
        explore({ data, difficulty: 0 }, context),
        /found 2 defects in 2 of 30 sections/,
      );
      await withFiles(
        { [FILES[0]]: first.sound, [FILES[1]]: second.sound },
        async (soundData) => {
          const found = await explore(
            { data, difficulty: 0, skipBad: true },
            context,
          );
          const expected = await explore(
            { data: soundData, difficulty: 0 },
            context,
          );
          assert.deepEqual(found.results, expected.results);
          assert.deepEqual(found.tables!.map(({ name }) => name), [
            "statistics",
            "skipped",
          ]);
        },
      );
    },
  );
});
