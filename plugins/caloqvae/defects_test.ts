import assert from "node:assert/strict";
import { type HookContext, type JsonObject, type PrepareContext, randomFor } from "beamline";
import { createHdf5 } from "beamline/data";
import { ringBins } from "./binning.ts";
import { writeBins } from "./bins.ts";
import { config as schema } from "./config.ts";
import { firstPasses } from "./first_passes.ts";
import { geometryFromBins } from "./geometry.ts";
import { inspectFile } from "./inspection.ts";
import type { Metadata } from "./metadata.ts";
import { prepare } from "./prepare.ts";
import { blocksOf } from "./showers.ts";
import { closeAll, openSamples, withoutBadRows } from "./sources.ts";

const ROWS = 400;
const geometry = geometryFromBins([ringBins(0, 4, 3, [1, 1])], "test");

/** What is wrong with a file. */
interface Faults {
  /** Value by event and voxel. */
  readonly voxels?: readonly (readonly [event: number, voxel: number, value: number])[];
  /** Value by event. */
  readonly incident?: readonly (readonly [event: number, value: number])[];
  /** Incident energies that are missing at the end. */
  readonly short?: number;
}

const badEvents = ({ voxels = [], incident = [] }: Faults) =>
  new Set([...voxels.map(([event]) => event), ...incident.map(([event]) => event)]);

/** Showers of 12 voxels; `isSound` leaves out the events with faults instead. */
async function showerFile(path: string, seed: number, faults: Faults, isSound = false): Promise<void> {
  const random = randomFor({ seed, purpose: "defects" });
  const { voxels } = geometry;
  const values = Float32Array.from({ length: ROWS * voxels }, () => Math.max(0, 100 * random.normal()));
  const energies = Float64Array.from({ length: ROWS }, () => 1e4 * (1 + random.uniform()));
  for (const [event, voxel, value] of faults.voxels ?? []) values[event * voxels + voxel] = value;
  for (const [event, value] of faults.incident ?? []) energies[event] = value;
  const bad = badEvents(faults);
  const kept = Array.from({ length: ROWS }, (_, i) => i).filter((i) => !isSound || !bad.has(i));
  const writer = await createHdf5(path);
  const showers = writer.create("showers", { dtype: "float32", rowShape: [voxels] }, {
    chunkRows: 100,
    gzip: 1,
  });
  showers.append(Float32Array.from(kept.flatMap((i) => [...values.subarray(i * voxels, (i + 1) * voxels)])));
  const data = Float64Array.from(kept.slice(0, kept.length - (faults.short ?? 0)), (i) => energies[i]!);
  writer.write("incident_energies", { dtype: "float64", shape: [data.length, 1], data });
  writeBins(geometry, writer);
  writer.close();
}

const A: Faults = { voxels: [[7, 3, NaN], [7, 5, NaN], [9, 0, -Infinity]], incident: [[20, -5], [399, NaN]] };
const B: Faults = { voxels: [[0, 11, Infinity]] };

/** A reference and a generated file with faults, and the same files without the bad events. */
async function withFiles(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [i, [name, faults]] of Object.entries({ a: A, b: B }).entries()) {
      await showerFile(`${folder}/${name}.h5`, i, faults);
      await Deno.mkdir(`${folder}/sound`, { recursive: true });
      await showerFile(`${folder}/sound/${name}.h5`, i, faults, true);
    }
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const configOf = (folder: string, skipBad: boolean, names = ["a", "b"]) => {
  const [reference, ...generated] = names.map((name) => `${folder}/${name}.h5`);
  return schema.parse({ reference, generated, skipBad, cut: 0.5, classifierRows: 100 });
};

function contextOf(warnings: string[][] = []): PrepareContext {
  return {
    seed: 3,
    random: (purpose: string, position = {}) => randomFor({ seed: 3, purpose, ...position }),
    progress() {},
    log() {},
    warn: (...warning: string[]) => void warnings.push(warning),
  } as unknown as PrepareContext;
}

Deno.test("prepare() lists the faults of all files by event and voxel", async () => {
  await withFiles(async (folder) => {
    await assert.rejects(prepare(configOf(folder, false), contextOf()), {
      name: "DataError",
      message: "Cannot use 2 files as their data must be sound: found 6 defects in 5 of 800 events: " +
        `(1) "${folder}/a.h5", voxels must be finite numbers, 3 times: ` +
        "NaN in event 7, voxel 3 | NaN in event 7, voxel 5 | -Infinity in event 9, voxel 0; " +
        `(2) "${folder}/a.h5", incident energies must be positive numbers, 2 times: ` +
        "-5 MeV in event 20 | NaN MeV in event 399; " +
        `(3) "${folder}/b.h5", voxels must be finite numbers: Infinity in event 0, voxel 11; ` +
        "--skip-bad goes on without the bad events",
    });
  });
});

Deno.test("prepare() with skipBad is what the files without the bad events give", async () => {
  await withFiles(async (folder) => {
    const warnings: string[][] = [];
    const found = await prepare(configOf(folder, true), contextOf(warnings));
    const expected = await prepare(configOf(`${folder}/sound`, false), contextOf());
    assert.deepEqual(found.tables, expected.tables);
    const plain = ({ reference, generated, ...others }: Metadata) => ({
      ...others,
      samples: [reference, ...generated].map(({ census: _, badRows: __, ...facts }) => facts),
    });
    assert.deepEqual(plain(found.metadata!), plain(expected.metadata!));
    assert.deepEqual(found.metadata!.reference.badRows, [7, 9, 20, 399]);
    assert.deepEqual(warnings.filter(([code]) => code === "skipped-events"), [[
      "skipped-events",
      "left out 4 of 400 events of a.h5 and 1 of 400 events of b.h5, as they have defects (--skip-bad)",
    ]]);
    assert.deepEqual(found.notes!.map(({ name }) => name), ["showers", "skipped"]);
    assert.deepEqual(found.notes![0]!.rows.map((row) => [row[1], row[2], row.at(-1)]), [
      [400, 4, 396],
      [400, 1, 399],
    ]);
  });
});

Deno.test("withoutBadRows() reads as the files without these rows", async () => {
  await withFiles(async (folder) => {
    const { metadata } = await prepare(configOf(folder, true), contextOf());
    const samples = withoutBadRows(await openSamples(configOf(folder, true), contextOf()), metadata!);
    const sound = await openSamples(configOf(`${folder}/sound`, false), contextOf());
    try {
      for (
        const [a, b] of [[samples.reference, sound.reference], [samples.generated[0]!, sound.generated[0]!]]
      ) {
        assert.deepEqual([a!.rows, a!.blockRows, a!.incident], [b!.rows, b!.blockRows, b!.incident]);
        const read = (source: typeof a) =>
          [...blocksOf(source!, { blockRows: 64 })].map(({ from, rows }) => [from, rows]);
        assert.deepEqual(read(a), read(b));
        const [x, y] = [a!, b!].map((source) => {
          const target = new Float32Array(50 * geometry.voxels);
          source.readRows(3, 53, target);
          return target;
        });
        assert.deepEqual(x, y);
      }
    } finally {
      closeAll([samples.reference, ...samples.generated, sound.reference, ...sound.generated]);
    }
  });
});

Deno.test("firstPasses() with skipBad finds the same in threads of their own", async () => {
  await withFiles(async (folder) => {
    const config = configOf(folder, true);
    const { reference, generated } = await openSamples(config, contextOf());
    try {
      const pass = (few: number) =>
        firstPasses([reference, ...generated], config, contextOf() as HookContext, few);
      assert.deepEqual(await pass(0), await pass(Infinity));
    } finally {
      closeAll([reference, ...generated]);
    }
  });
});

Deno.test("prepare() refuses a file of which no event is sound, and parts that do not fit, of all files", async () => {
  await withFiles(async (folder) => {
    const incident = Array.from({ length: ROWS }, (_, event) => [event, NaN] as const);
    await showerFile(`${folder}/none.h5`, 1, { incident });
    await assert.rejects(
      prepare(configOf(folder, true, ["a", "none"]), contextOf()),
      /and 395 more; none of the events of ".*none.h5" is sound$/,
    );
    for (const name of ["short", "shorter"]) {
      await showerFile(`${folder}/${name}.h5`, 1, { short: name.length });
    }
    await assert.rejects(
      prepare(configOf(folder, true, ["short", "a", "shorter"]), contextOf()),
      /Cannot use 2 files .* has 400 events and "incident_energies" 395; \(2\) .* "incident_energies" 393$/,
    );
  });
});

Deno.test("inspectFile() names the first places, and its means are of the events that were used", async () => {
  await withFiles(async (folder) => {
    const config = schema.parse({});
    const [spoiled, sound] = await Promise.all(
      [folder, `${folder}/sound`].map((folder) => inspectFile(`${folder}/a.h5`, config)),
    );
    assert.deepEqual(spoiled!.report.layers, sound!.report.layers);
    assert.deepEqual(spoiled!.means, sound!.means);
    assert.equal(spoiled!.report.usedEvents, 396);
    assert.equal(spoiled!.report.medianResponse, sound!.report.medianResponse);
    const messages = (spoiled!.report.problems as readonly JsonObject[]).map(({ message }) => message);
    assert.ok(messages.includes("layer 0 has NaN or infinity in 2 events, first in event 7, voxel 3"));
    assert.ok(
      messages.includes("the incident energy of 2 events is not a positive number, first in event 20"),
      `${messages}`,
    );
  });
});
