/**
 * Simulated files in the formats of the field, for `deno task data simulate caloqvae`.
 *
 * | folder | what |
 * |---|---|
 * | `atlas_july31/eta_EEE/eta_EEE_regular_binning/` | complete files in three flavors, and job folders |
 * | `family/` | a reference and generated samples of known quality, `detuned_0` (right) to `detuned_200` |
 *
 * @module
 */
import { ConfigError, type Random, type SimulateContext } from "beamline";
import { createHdf5, type Hdf5Writer } from "beamline/data";
import { writeBinArrays, writeBins } from "./bins.ts";
import { DETECTOR_LAYERS, regularBins, regularGeometry } from "./binning.ts";
import type { Config } from "./config.ts";
import { detuning, FAMILY, NO_FLAWS } from "./detuning.ts";
import { geometryFromBins, type Layer } from "./geometry.ts";
import { randomEnergies, simulatedSource } from "./simulation.ts";
import { judgedShowers } from "./sources.ts";
import { blocksOf } from "./showers.ts";

/** Writes all files; returns the folders. */
export async function simulate(config: Config, context: SimulateContext): Promise<readonly string[]> {
  if (config.eta % 5 !== 0) {
    throw new ConfigError(
      `Cannot simulate eta ${config.eta} as it must be a multiple of 5: found ${config.eta}`,
    );
  }
  await writeAtlas(config, context);
  await writeFamily(config, context);
  return ["atlas_july31", "family"];
}

/** Flavors of a data set. */
const FLAVORS = {
  dataset_combined: "combined",
  dataset_combined_positive: "positive",
  dataset_combined_fine: "fine",
} as const;
type Flavor = typeof FLAVORS[keyof typeof FLAVORS];

/** Share of empty voxels of a layer with energy that noise makes negative, and its size over the energy of the layer. */
const NOISE = { share: 0.02, size: 2e-4 } as const;
/** Layers that job folders have beyond those of complete files: the more the larger the pseudorapidity. */
const EXTRA_LAYERS: readonly number[] = [13, 14, 4, 5, 15, 6, 17, 7, 18, 8, 19, 9, 20];
/** Share of events with energy in such a layer, and that energy over the incident energy. */
const EXTRA = { events: 0.03, share: 1e-4 } as const;
/** Event numbers whose largest voxel is put above the incident energy. */
const BAD_EVENTS: readonly number[] = [7, 101];

async function writeAtlas(config: Config, context: SimulateContext): Promise<void> {
  const eta = String(config.eta).padStart(3, "0");
  const folder = `${context.directory}/atlas_july31/eta_${eta}/eta_${eta}_regular_binning`;
  const active = regularGeometry();
  const events = config.events;
  const source = simulatedSource({
    label: "atlas",
    geometry: active,
    flaws: NO_FLAWS,
    incident: randomEnergies(context.random(`simulate/atlas/${config.eta}/incident`), events),
    random: (step) => context.random(`simulate/atlas/${config.eta}`, { step }),
  });
  const all = Array.from({ length: DETECTOR_LAYERS }, (_, id) => id);
  const showers = new Float32Array(events * active.voxels);
  source.readRows(0, events, showers);
  const places = [
    { folder, from: 0, to: events, job: -1 },
    ...Array.from({ length: config.jobs }, (_, job) => ({
      folder: `${folder}/job_${job}`,
      from: Math.floor(job * events / config.jobs),
      to: Math.floor((job + 1) * events / config.jobs),
      job,
    })),
  ];
  let done = 0;
  for (const place of places) {
    await Deno.mkdir(place.folder, { recursive: true });
    for (const [name, flavor] of Object.entries(FLAVORS)) {
      const writer = await createHdf5(`${place.folder}/${name}.hdf5`);
      writer.setAttributes({ simulated: 1, generator: "parametrized showers" });
      writer.write("incident_energy", {
        dtype: "float64",
        shape: [place.to - place.from],
        data: source.incident.slice(place.from, place.to) as Float64Array<ArrayBuffer>,
      });
      for (const id of all) {
        const layer = active.layers.find((candidate) => candidate.id === id);
        const isExtra = place.job >= 0 && EXTRA_LAYERS.slice(0, 1 + Math.floor(config.eta / 10)).includes(id);
        const energies = layer
          ? fractions(layer, showers, source.incident, place, flavor, active.voxels, context)
          : extraLayer(id, isExtra ? EXTRA.events : 0, place, flavor, context);
        writeLayer(writer, id, flavor, energies, place, context);
      }
      writer.close();
      context.progress(++done, places.length * 3, `${place.folder.split("/").at(-1)}/${name}`);
    }
  }
}

interface Place {
  readonly from: number;
  readonly to: number;
  /** -1 for a complete file. */
  readonly job: number;
}

function writeLayer(
  writer: Hdf5Writer,
  id: number,
  flavor: Flavor,
  energies: Float32Array<ArrayBuffer>,
  place: Place,
  context: SimulateContext,
): void {
  const isFine = flavor === "fine";
  const bins = regularBins(id, isFine);
  const voxels = bins.rStart.length;
  writer.write(
    `energy_layer_${id}`,
    { dtype: "float32", shape: [place.to - place.from, voxels], data: energies },
    { gzip: 4 },
  );
  writeBinArrays(bins, writer);
  if (place.job < 0 || isFine) return;
  const isActive = regularGeometry().layers.some((layer) => layer.id === id);
  const random = context.random(`probabilities/${place.job}`, { step: id });
  const data = new Float32Array(voxels * 3);
  for (let voxel = 0; voxel < voxels; voxel++) {
    data.set(
      isActive && random.uniform() < 0.8 ? cumulative(id, voxel, random) : [0.25, 0.5, 0.75],
      voxel * 3,
    );
  }
  writer.write(`probabilities_layer_${id}`, { dtype: "float32", shape: [voxels, 3], data });
}

/** Cumulative shares of four parts: more at low radius, a little different in each job. */
function cumulative(id: number, voxel: number, random: Random): number[] {
  const inner = 0.62 + 0.05 * Math.sin(id + voxel) + 0.01 * random.normal();
  const share = 0.5 + 0.01 * random.normal();
  return [inner * share, inner, inner + (1 - inner) * share];
}

/** Fractions of the incident energy in one layer, [event, voxel]. */
function fractions(
  layer: Layer,
  showers: Float32Array,
  incident: Float64Array,
  { from, to }: Place,
  flavor: Flavor,
  stride: number,
  context: SimulateContext,
): Float32Array<ArrayBuffer> {
  const coarse = new Float32Array((to - from) * layer.voxels);
  const isFine = flavor === "fine";
  for (let event = from; event < to; event++) {
    const own = showers.subarray(event * stride + layer.from, event * stride + layer.from + layer.voxels);
    const energy = own.reduce((sum, value) => sum + value, 0);
    // the fine flavor was split from other noise than the others
    const random = context.random(isFine ? "noise/fine" : "noise", { step: event, epoch: layer.id });
    const row = coarse.subarray((event - from) * layer.voxels, (event - from + 1) * layer.voxels);
    own.forEach((value, i) => {
      const isNoisy = energy > 0 && value === 0 && random.uniform() < NOISE.share;
      const noise = isNoisy ? -Math.abs(NOISE.size * energy * random.normal()) : 0;
      row[i] = (flavor === "positive" ? value : value + noise) / incident[event]!;
    });
    if (layer.id === 2 && BAD_EVENTS.includes(event)) row[row.indexOf(Math.max(...row))] = 1.2;
  }
  return isFine ? refined(layer, coarse, to - from) : coarse;
}

/** A layer without energy but in a share of the events, where one voxel near the axis has some. */
function extraLayer(
  id: number,
  share: number,
  { from, to }: Place,
  flavor: Flavor,
  context: SimulateContext,
): Float32Array<ArrayBuffer> {
  const voxels = regularBins(id, flavor === "fine").rStart.length;
  const values = new Float32Array((to - from) * voxels);
  for (let event = from; event < to && share > 0; event++) {
    const random = context.random("extra", { step: event, epoch: id });
    if (random.uniform() < share) {
      values[(event - from) * voxels + random.integer(4)] = EXTRA.share * random.uniform();
    }
  }
  return values;
}

/** Splits every voxel into 2 x 2, radius fastest. */
function refined(layer: Layer, coarse: Float32Array, events: number): Float32Array<ArrayBuffer> {
  const { rings, voxels, ring, sector } = layer;
  const fine = new Float32Array(events * voxels * 4);
  const shares = [0.33, 0.3, 0.2, 0.17];
  for (let event = 0; event < events; event++) {
    for (let i = 0; i < voxels; i++) {
      const value = coarse[event * voxels + i]!;
      if (value === 0) continue;
      for (let part = 0; part < 4; part++) {
        const [r, a] = [2 * ring[i]! + (part & 1), 2 * sector[i]! + (part >> 1)];
        fine[event * voxels * 4 + a * rings * 2 + r] = value * shares[part]!;
      }
    }
  }
  return fine;
}

/** A reference and generated samples from right to wrong, joined voxels with bin arrays. */
export async function writeFamily(
  config: Pick<Config, "events">,
  context: Pick<SimulateContext, "directory" | "random" | "progress">,
): Promise<void> {
  const folder = `${context.directory}/family`;
  await Deno.mkdir(folder, { recursive: true });
  const geometry = geometryFromBins(
    regularGeometry().layers.map(({ id }) => regularBins(id, false)),
    "the regular binning",
  );
  const samples = [
    { name: "reference", scale: 0 },
    ...FAMILY.map((scale) => ({ name: `detuned_${Math.round(100 * scale)}`, scale })),
  ];
  for (const [i, { name, scale }] of samples.entries()) {
    const source = simulatedSource({
      label: name,
      geometry,
      flaws: detuning(scale),
      ...judgedShowers(context, config.events, name === "reference"),
    });
    const writer = await createHdf5(`${folder}/${name}.hdf5`);
    writer.setAttributes({ simulated: 1, detuning: scale });
    const showers = writer.create("showers", { dtype: "float32", rowShape: [geometry.voxels] }, { gzip: 4 });
    const energies = writer.create("incident_energies", { dtype: "float64", rowShape: [1] });
    for (const block of blocksOf(source)) {
      showers.append(block.voxels);
      energies.append(
        source.incident.slice(block.from, block.from + block.rows) as Float64Array<ArrayBuffer>,
      );
    }
    writeBins(geometry, writer);
    writer.close();
    context.progress(i + 1, samples.length, name);
  }
}
