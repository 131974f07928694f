import assert from "node:assert/strict";
import { DataError, randomFor } from "beamline";
import { createHdf5, openHdf5 } from "beamline/data";
import {
  correlationDistance,
  countsBetween,
  frechetPhysicsDistance,
  logEdges,
  separationPower,
} from "beamline/metrics";
import { regularGeometry, ringBins } from "./binning.ts";
import { writeBins } from "./bins.ts";
import { config as schema } from "./config.ts";
import { detuning, FAMILY } from "./detuning.ts";
import { computeFeatures, emptyFeatures, featureMatrix, type Features } from "./features.ts";
import { type Geometry, geometryFromBins, geometryFromXml, matchGeometries, reordering } from "./geometry.ts";
import { compareHistogram, histogramSpecs } from "./histograms.ts";
import { inspectFile } from "./inspection.ts";
import { openShowers } from "./showers.ts";
import { evenEnergies, simulatedSource } from "./simulation.ts";
import { energyGroup, shuffleVoxels } from "./statistics.ts";

const config = schema.parse({});

function sample(label: string, scale: number, rows: number, geometry = regularGeometry()) {
  const source = simulatedSource({
    label,
    geometry,
    flaws: detuning(scale),
    incident: evenEnergies(randomFor({ seed: 1, purpose: "test/incident" }), rows),
    random: (step) => randomFor({ seed: 1, purpose: `test/${label}`, step }),
  });
  const voxels = new Float32Array(rows * geometry.voxels);
  source.readRows(0, rows, voxels);
  return { voxels, incident: source.incident, geometry, rows };
}

function featuresOf({ voxels, incident, geometry, rows }: ReturnType<typeof sample>): Features {
  const features = emptyFeatures(geometry, rows);
  computeFeatures(voxels, rows, geometry, "calochallenge", features, 0);
  features.incident.set(incident);
  return features;
}

Deno.test("geometryFromXml() orders voxels radius fastest and leaves out layers with one edge", () => {
  const text = `<Bins><!-- <Layer/> --><Bin pid="22" name="photon">
    <Layer id="0" r_edges="0,5,10,30" n_bin_alpha="2" /><Layer id="4" r_edges="0" n_bin_alpha="1"/>
    <Layer id='12' r_edges='0,50,100' n_bin_alpha='1'/></Bin></Bins>`;
  const { layers, voxels } = geometryFromXml(text, "test.xml");
  assert.equal(voxels, 8);
  assert.deepEqual(layers.map(({ id, from, rings, sectors }) => [id, from, rings, sectors]), [
    [0, 0, 3, 2],
    [12, 6, 2, 1],
  ]);
  assert.deepEqual([...layers[0]!.ring], [0, 1, 2, 0, 1, 2]);
  assert.deepEqual([...layers[0]!.r], [2.5, 7.5, 20, 2.5, 7.5, 20]);
  assert.ok(Math.abs(layers[0]!.alpha[0]! + Math.PI / 2) < 1e-12);
  assert.equal(geometryFromXml(text, "test.xml", "22").voxels, 8);
  for (const bad of ["", "<Bins/>", text.replace("0,5,10", "0,5,5"), text.replace('"2"', '"x"')]) {
    assert.throws(() => geometryFromXml(bad, "bad.xml"), DataError);
  }
  assert.throws(() => geometryFromXml(text, "test.xml", "pion"), DataError);
});

Deno.test("geometryFromBins() derives the order of the voxels; reordering() undoes another order", () => {
  const bins = ringBins(1, 4, 3, [1, 1]);
  const order = Array.from({ length: 12 }, (_, i) => (i * 5) % 12);
  const pick = (values: ArrayLike<number>) => order.map((i) => values[i]!);
  const shuffled = {
    id: 1,
    rStart: pick(bins.rStart),
    rSize: pick(bins.rSize),
    alphaStart: pick(bins.alphaStart),
    alphaSize: pick(bins.alphaSize),
  };
  const [a, b] = [geometryFromBins([bins], "a"), geometryFromBins([shuffled], "b")];
  assert.equal(matchGeometries(a, a), "same");
  assert.equal(matchGeometries(a, b), "other order");
  assert.equal(matchGeometries(a, geometryFromBins([ringBins(1, 3, 4, [1, 1])], "c")), "different");
  assert.deepEqual(Array.from(reordering(b, a), (i) => order[i]), Array.from({ length: 12 }, (_, i) => i));
  assert.throws(
    () => geometryFromBins([{ ...bins, rStart: bins.rStart.length === 0 ? [] : [0] }], "d"),
    DataError,
  );
});

Deno.test("computeFeatures() gives the numbers of a shower that is done by hand", () => {
  const geometry = geometryFromBins([ringBins(3, 2, 4, [1, 1])], "test");
  const { eta, phi, r } = geometry.layers[0]!;
  const voxels = Float32Array.of(3, 0, 0, 1, -0.5, 0, 0, 0);
  const features = emptyFeatures(geometry, 1);
  computeFeatures(voxels, 1, geometry, "calochallenge", features, 0);
  const sum = (x: Float64Array, power: number) =>
    (3 * x[0]! ** power + x[3]! ** power - 0.5 * x[4]! ** power) / 3.5;
  const near = (a: number, b: number) =>
    assert.ok(Math.abs(a - b) < 1e-9 * (1 + Math.abs(b)), `${a} is not ${b}`);
  near(features.total[0]!, 3.5);
  near(features.layers.center_eta[0]!, sum(eta, 1));
  near(features.layers.center_phi[0]!, sum(phi, 1));
  near(features.layers.width_r[0]!, Math.sqrt(Math.max(0, sum(r, 2) - sum(r, 1) ** 2)));
  near(features.layers.sparsity[0]!, 1 - 2 / 8);
  computeFeatures(voxels, 1, geometry, "caloqvae", features, 0);
  near(features.layers.sparsity[0]!, 1 - 3 / 8);
});

Deno.test("shuffled voxels keep spectrum and marginals exactly, and change sums and centers", () => {
  const { voxels, geometry, rows, incident } = sample("shuffle", 0, 400);
  const groups = Array.from(incident, energyGroup);
  const stride = geometry.voxels;
  const column = (values: Float32Array, voxel: number) =>
    Float32Array.from({ length: rows }, (_, row) => values[row * stride + voxel]!).sort();
  const before = featuresOf({ voxels, geometry, rows, incident });
  for (const inGroups of [false, true]) {
    const shuffled = voxels.slice();
    const random = randomFor({ seed: 2, purpose: "shuffle" });
    shuffleVoxels(shuffled, rows, stride, random, inGroups ? groups : undefined);
    for (let voxel = 0; voxel < stride; voxel++) {
      assert.deepEqual(column(shuffled, voxel), column(voxels, voxel));
    }
    const edges = logEdges([1, 1e5], 49);
    assert.equal(separationPower(countsBetween(voxels, edges), countsBetween(shuffled, edges)), 0);
    const after = featuresOf({ voxels: shuffled, geometry, rows, incident });
    assert.notDeepEqual(after.total, before.total);
    assert.notDeepEqual(after.layers.center_eta, before.layers.center_eta);
  }
});

Deno.test("voxels shuffled within bins of incident energy are caught by correlations of hits and sparsities", () => {
  const rows = 1000;
  const own = sample("a", 0, rows);
  const shuffled = { ...own, voxels: own.voxels.slice() };
  const random = randomFor({ seed: 2, purpose: "shuffle" });
  shuffleVoxels(shuffled.voxels, rows, own.geometry.voxels, random, Array.from(own.incident, energyGroup));
  const sparsities = (of: ReturnType<typeof sample>) => ({
    rows,
    columns: own.geometry.layers.length,
    data: featuresOf(of).layers.sparsity,
  });
  const places = Array.from({ length: own.geometry.voxels / 8 }, (_, i) => i * 8 + 3);
  const hits = ({ voxels, geometry }: ReturnType<typeof sample>) => ({
    rows,
    columns: places.length,
    data: Float64Array.from(
      { length: rows * places.length },
      (_, i) =>
        voxels[Math.floor(i / places.length) * geometry.voxels + places[i % places.length]!]! > 0 ? 1 : 0,
    ),
  });
  const other = sample("b", 0, rows);
  for (const [name, matrix] of Object.entries({ sparsities, hits })) {
    const caught = correlationDistance(matrix(own), matrix(shuffled));
    const floor = correlationDistance(matrix(own), matrix(other));
    assert.ok(caught.value - 2 * caught.error! > floor.value, `${name}: ${caught.value} and ${floor.value}`);
  }
});

Deno.test("the metrics order the detuned family as it was made", async () => {
  const rows = 1500;
  const reference = featuresOf(sample("reference", 0, rows));
  const geometry = regularGeometry();
  const specs = histogramSpecs(geometry, reference, 1);
  const random = (purpose: string) => randomFor({ seed: 4, purpose });
  const vectors = (features: Features) => featureMatrix(features, geometry, "calochallenge");
  const ratio = specs.find(({ key }) => key === "energy_ratio")!;
  const found: { fpd: number; separation: number; sums: number }[] = [];
  const layerSums = (features: Features) => ({ rows, columns: 5, data: features.layers.energy });
  for (const grade of FAMILY) {
    const other = featuresOf(sample("generated", grade, rows));
    const { value } = await frechetPhysicsDistance(vectors(reference), vectors(other), {
      random: random("fpd"),
      draws: 2,
      points: 4,
    });
    const { separation } = compareHistogram(ratio, reference, other, random("ratio"));
    const sums = correlationDistance(layerSums(reference), layerSums(other)).value;
    found.push({ fpd: value, separation: separation.value, sums });
  }
  const isOrdered = (key: keyof typeof found[number], from: number): boolean =>
    found.slice(from).every((one, i, list) => i === 0 || one[key] > list[i - 1]![key]);
  assert.ok(isOrdered("separation", 0), JSON.stringify(found));
  // 1,500 showers do not resolve the Frechet distances of the two best; 6,000 do, as tests/validation checks
  assert.ok(isOrdered("fpd", 1), JSON.stringify(found));
  assert.ok(found.at(-1)!.sums > found[0]!.sums, JSON.stringify(found));
});

/** A file in ATLAS layout with two layers; `change` may spoil it. */
async function atlasFile(
  path: string,
  change: {
    readonly skip?: string;
    readonly energies?: (values: Float32Array) => void;
    readonly unit?: number;
  } = {},
): Promise<void> {
  const geometry: Geometry = geometryFromBins([ringBins(0, 6, 5, [1, 1]), ringBins(1, 6, 5, [1, 1])], "test");
  const { voxels, incident, rows } = sample("file", 0, 120, geometry);
  const writer = await createHdf5(path);
  const write = (name: string, data: Float32Array | Float64Array, shape: number[]): void => {
    if (name === change.skip) return;
    const dtype = data instanceof Float32Array ? "float32" : "float64";
    writer.write(name, { dtype, shape, data: data as Float32Array<ArrayBuffer> });
  };
  write("incident_energy", incident.map((energy) => energy * (change.unit ?? 1)), [rows]);
  for (const { id, from, voxels: size } of geometry.layers) {
    const values = Float32Array.from({ length: rows * size }, (_, i) => {
      const row = Math.floor(i / size);
      return voxels[row * geometry.voxels + from + i % size]! / incident[row]!;
    });
    if (id === 1) change.energies?.(values);
    write(`energy_layer_${id}`, values, [rows, size]);
  }
  writeBins(geometry, writer);
  writer.close();
}

/** Puts the voxels of 6 rings and 5 sectors in the order with the angle fastest. */
function exchangeIndices(values: Float32Array): void {
  const original = values.slice();
  for (let i = 0; i < values.length; i++) {
    const [row, voxel] = [Math.floor(i / 30), i % 30];
    values[i] = original[row * 30 + (voxel % 5) * 6 + Math.floor(voxel / 5)]!;
  }
}

Deno.test("inspectFile() finds and names planted faults, and none in a good file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const codes = async (name: string): Promise<string[]> => {
      const { report } = await inspectFile(`${folder}/${name}.hdf5`, config);
      return [...new Set(report.problems.map(({ code }) => code))];
    };
    const cases: { [name: string]: [Parameters<typeof atlasFile>[1], string[]] } = {
      good: [{}, []],
      nan: [{ energies: (values) => void (values[7] = NaN) }, ["not-finite"]],
      above: [{ energies: (values) => void (values[7] = 1.5) }, ["voxel-above-incident"]],
      key: [{ skip: "incident_energy" }, ["missing-key"]],
      unit: [{ unit: 1e-3 }, ["unit-slip"]],
      order: [{ energies: exchangeIndices }, ["index-order"]],
    };
    for (const [name, [change, expected]] of Object.entries(cases)) {
      await atlasFile(`${folder}/${name}.hdf5`, change);
      assert.deepEqual(await codes(name), expected, name);
    }
    const whole = await Deno.readFile(`${folder}/above.hdf5`);
    await Deno.writeFile(`${folder}/cut.hdf5`, whole.slice(0, whole.length / 2));
    assert.deepEqual(await codes("cut"), ["unreadable-file"]);
    await assert.rejects(openShowers(`${folder}/cut.hdf5`, { label: "cut" }), DataError);
    const file = await openHdf5(`${folder}/above.hdf5`);
    assert.ok(file.has("binstart_radius_layer_1"));
    file.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
