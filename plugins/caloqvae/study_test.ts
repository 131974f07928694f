/** What `inspect` and `compare-datasets` say and draw, and how quantities are put between floor and broken. */
import assert from "node:assert/strict";
import { type Evaluation, randomFor } from "beamline";
import { createHdf5 } from "beamline/data";
import { ringBins } from "./binning.ts";
import { writeBins } from "./bins.ts";
import { compareDatasets } from "./compare_datasets.ts";
import type { Measured } from "./comparison_result.ts";
import { config as schema } from "./config.ts";
import { NO_FLAWS } from "./detuning.ts";
import { energyBins, energyBinSpecs } from "./energy_bins.ts";
import { computeFeatures, emptyFeatures } from "./features.ts";
import { geometryFromBins } from "./geometry.ts";
import { inspect } from "./inspect.ts";
import { overviewTable, positionOf, verdictOf } from "./overview.ts";
import { countInformative, informationOf } from "./probabilities.ts";
import { evenEnergies, simulatedSource } from "./simulation.ts";

const config = schema.parse({});
const context = { progress: () => {} } as unknown as Parameters<typeof compareDatasets>[1];
const geometry = geometryFromBins([0, 1, 2].map((id) => ringBins(id, 6, 5, [1, 1])), "test");
const ROWS = 120;

function showers() {
  const source = simulatedSource({
    label: "test",
    geometry,
    flaws: NO_FLAWS,
    incident: evenEnergies(randomFor({ seed: 1, purpose: "energies" }), ROWS),
    random: (step) => randomFor({ seed: 1, purpose: "showers", step }),
  });
  const voxels = new Float32Array(ROWS * geometry.voxels);
  source.readRows(0, ROWS, voxels);
  return { voxels, incident: source.incident };
}

/** A file with all layers; energy in those of `active`, with an offset in MeV on every voxel of layer 1. */
async function writeFile(
  path: string,
  { active, simulated = false, offset = 0, probabilities = false }: {
    readonly active: readonly number[];
    readonly simulated?: boolean;
    readonly offset?: number;
    readonly probabilities?: boolean;
  },
): Promise<void> {
  const { voxels, incident } = showers();
  const writer = await createHdf5(path);
  if (simulated) writer.setAttributes({ simulated: 1 });
  writer.write("incident_energy", {
    dtype: "float64",
    shape: [ROWS],
    data: incident as Float64Array<ArrayBuffer>,
  });
  for (const { id, from, voxels: size } of geometry.layers) {
    const data = Float32Array.from({ length: ROWS * size }, (_, i) => {
      const row = Math.floor(i / size);
      const value = voxels[row * geometry.voxels + from + i % size]! + (id === 1 ? offset : 0);
      return active.includes(id) ? value / incident[row]! : 0;
    });
    writer.write(`energy_layer_${id}`, { dtype: "float32", shape: [ROWS, size], data });
    if (!probabilities) continue;
    writer.write(`probabilities_layer_${id}`, {
      dtype: "float32",
      shape: [size, 3],
      data: Float32Array.from(
        { length: size * 3 },
        (_, i) => id === 1 && i < 30 ? [0.5, 0.75, 1][i % 3]! : [0.25, 0.5, 0.75][i % 3]!,
      ),
    });
  }
  writeBins(geometry, writer);
  writer.close();
}

async function figureNames({ figures = [] }: Evaluation): Promise<string[]> {
  return (await Promise.all(figures)).map(({ name }) => name);
}

Deno.test("informationOf() is 0 bits for equal parts, 1 for two of four, 2 for one", () => {
  const cumulative = Float64Array.of(0.25, 0.5, 0.75, 0.5, 1, 1, 0, 0, 1);
  const splitting = { voxels: 3, cumulative };
  assert.deepEqual([...informationOf(splitting)], [0, 1, 2]);
  assert.equal(countInformative(splitting), 2);
});

Deno.test("inspect() draws files and says which layers have probabilities that are not uniform", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeFile(`${folder}/one.hdf5`, { active: [0, 1, 2], simulated: true, probabilities: true });
    const found = await inspect(config, context, [`${folder}/one.hdf5`]);
    assert.equal(found.simulated, true);
    assert.deepEqual(await figureNames(found), [
      "incident_energy",
      "energy_ratio",
      "activity",
      "mean_slices_1",
      "mean_cylinder_1",
      "probabilities_1",
      "probability_voxels_1",
    ]);
    for (const { name, svg } of await Promise.all(found.figures!)) {
      assert.ok(svg.includes(">simulated</text>"), name);
    }
    const table = found.tables!.find(({ name }) => name === "probabilities_1")!;
    assert.deepEqual(table.rows.map((row) => row.slice(0, 4)), [[0, 30, 0, 0], [1, 30, 10, 33.3], [
      2,
      30,
      0,
      0,
    ]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("compareDatasets() compares flavors with the shortest name, job folders with the complete file", async () => {
  const folder = `${await Deno.makeTempDir()}/eta_020`;
  try {
    await Deno.mkdir(`${folder}/job_0`, { recursive: true });
    await writeFile(`${folder}/dataset_combined.hdf5`, { active: [0, 1], offset: -1 });
    await writeFile(`${folder}/dataset_combined_positive.hdf5`, { active: [0, 1] });
    await writeFile(`${folder}/job_0/dataset_combined.hdf5`, { active: [0, 1, 2], offset: -1 });
    const found = await compareDatasets(config, context, [folder]);
    const results = found.results as unknown as {
      readonly comparisons: readonly { main: string; other: string; isIdentical: boolean }[];
      readonly layers: readonly { split: string; layer: number; status: string }[];
    };
    const [first] = results.comparisons;
    assert.ok(first!.main.endsWith("eta_020/dataset_combined.hdf5") && first!.isIdentical);
    const split = results.layers.filter((layer) => layer.split.includes("job_0"));
    const known = new Map(split.map(({ layer, status }) => [layer, status]));
    assert.deepEqual([...known], [[0, "Match"], [1, "Match"], [2, "Extra in split (inactive in main)"]]);
    const names = await figureNames(found);
    for (
      const name of ["incident_energy", "activity", "negative_voxels", "energy_sums", "energy_sum_difference"]
    ) assert.ok(names.includes(name), name);
    assert.equal(found.simulated, false);
  } finally {
    await Deno.remove(folder.replace(/\/eta_020$/, ""), { recursive: true });
  }
});

Deno.test("energyBinSpecs() takes showers of one bin and counts values beyond its bins in the outermost", () => {
  const { voxels } = showers();
  const features = emptyFeatures(geometry, ROWS);
  computeFeatures(voxels, ROWS, geometry, "calochallenge", features, 0);
  // 50 showers of 4 GeV, 50 of 8 GeV, 20 of 16 GeV, which are too few
  features.incident.set(Array.from({ length: ROWS }, (_, row) => 4096 * 2 ** Math.floor(row / 50)));
  assert.deepEqual(energyBins(features), [12, 13]);
  const specs = energyBinSpecs(geometry, features);
  assert.deepEqual(specs.map(({ key }) => key), [
    "energy_ratio_bin_12",
    "sparsity_bin_12",
    "energy_ratio_bin_13",
    "sparsity_bin_13",
  ]);
  features.total.fill(1e9);
  const [ratio] = specs;
  assert.deepEqual([...ratio!.values(features)], Array<number>(50).fill(ratio!.edges.at(-1)!));
});

const measured = (value: number, better: Measured["better"] = "lower"): Measured => ({
  value,
  error: 0.001,
  errorKind: "analytic",
  unit: "1",
  better,
  rows: 1,
});

Deno.test("positionOf() takes the root of squares and 0 as the end of shares", () => {
  const near = (found: number | null, expected: number) => assert.ok(Math.abs(found! - expected) < 1e-12);
  near(positionOf("frobenius_voxel_hits", measured(30), measured(10), measured(110)), 0.2);
  near(positionOf("fpd", measured(0.26), measured(0.01), measured(25.01)), 0.1);
  near(
    positionOf("recall", measured(0.45, "higher"), measured(0.6, "higher"), measured(0.8, "higher")),
    0.25,
  );
  assert.equal(positionOf("fpd", measured(1), measured(2), measured(1)), null);
  assert.equal(verdictOf(measured(1.002), measured(1), 0.9), "at the floor");
  assert.equal(verdictOf(measured(2), measured(1), 0.05), "close");
  assert.equal(verdictOf(measured(2), measured(1), 0.7), "FAILS");
});

Deno.test("overviewTable() shows the worst quantity first", () => {
  const values = (fpd: number, hits: number) => ({
    fpd: measured(fpd),
    frobenius_voxel_hits: measured(hits),
  });
  const table = overviewTable({
    generated: { model: values(1.01, 100) },
    matched: {},
    floor: values(0.01, 10),
    shuffled: values(4.01, 910),
    detuned: values(4.01, 910),
    broken: values(4.01, 910),
  });
  // of FPD half of the way in its root, of the hits a tenth
  assert.deepEqual(table.rows.map((row) => [row[0], row[2]]), [
    ["Fréchet distance (FPD)", "FAILS (50 %)"],
    ["correlations of voxel hits", "visible (10 %)"],
  ]);
});
