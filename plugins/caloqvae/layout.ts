/**
 * What a file of showers holds, before any shower is read, and what in it does not fit.
 *
 * @module
 */
import { DataError } from "beamline";
import { type Hdf5Dataset, type Hdf5File, openHdf5 } from "beamline/data";
import { type BinArrays, type Geometry, geometryFromBins, geometryFromXml } from "./geometry.ts";

/** Something wrong with a file, as scripts read it. */
export interface Problem {
  readonly code: ProblemCode;
  readonly message: string;
  readonly layer?: number;
  readonly events?: number;
}

/** What can be wrong. */
export type ProblemCode =
  | "unreadable-file"
  | "missing-key"
  | "voxel-count"
  | "row-count"
  | "geometry"
  | "not-finite"
  | "voxel-above-incident"
  | "incident-energy"
  | "incident-energy-mismatch"
  | "unit-slip"
  | "index-order"
  | "binning-mismatch";

/** How a file stores its showers. */
export type ShowerFormat = "ATLAS" | "showers" | "simulated";

/** The voxels of one layer in an ATLAS file. */
export interface LayerData {
  readonly id: number;
  readonly dataset: Hdf5Dataset;
  readonly bins: BinArrays | undefined;
  /** Columns of `probabilities_layer_L`, where there are any. */
  readonly probabilities: Hdf5Dataset | undefined;
}

/** What a file holds, before any shower is read. */
export interface Layout {
  readonly file: Hdf5File;
  readonly format: Exclude<ShowerFormat, "simulated">;
  readonly rows: number;
  readonly incident: Float64Array;
  /** Per layer in an ATLAS file, by number; else empty. */
  readonly layers: readonly LayerData[];
  /** The joined voxels of a file that is not ATLAS. */
  readonly showers: Hdf5Dataset | undefined;
  /** What does not fit; a file with problems is not judged. */
  readonly problems: readonly Problem[];
}

const LAYER_KEY = /^energy_layer_(\d+)$/;
/** Names of the bin arrays of a layer, in the order of {@linkcode BinArrays}; `_layer_N` follows. */
export const BIN_KEYS = [
  "binstart_radius",
  "binsize_radius",
  "binstart_alpha",
  "binsize_alpha",
] as const;

/**
 * Reads what a file holds and collects what does not fit.
 *
 * @throws {DataError} If the file cannot be read at all.
 */
export async function openLayout(path: string): Promise<Layout> {
  const file = await openHdf5(path);
  try {
    return layoutOf(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

function layoutOf(file: Hdf5File): Layout {
  const problems: Problem[] = [];
  const ids = file.keys().flatMap((key) => LAYER_KEY.exec(key)?.[1] ?? []).map(
    Number,
  ).sort((a, b) => a - b);
  const isAtlas = ids.length > 0 || !file.has("showers");
  const incidentKey = ["incident_energy", "incident_energies"].find((key) => file.has(key));
  if (incidentKey === undefined) {
    const message = `there is neither "incident_energy" nor "incident_energies"`;
    problems.push({ code: "missing-key", message });
  }
  const incident = incidentKey === undefined ? new Float64Array(0) : readColumn(file.dataset(incidentKey));
  const layers = ids.map((id) => layerOf(file, id, problems));
  const showers = isAtlas ? undefined : file.dataset("showers");
  if (isAtlas && ids.length === 0) {
    problems.push({
      code: "missing-key",
      message: 'there is neither "showers" nor any "energy_layer_<number>"',
    });
  }
  if (ids.length > 1) {
    const gaps = Array.from({ length: ids.at(-1)! }, (_, id) => id).filter((
      id,
    ) => !ids.includes(id));
    for (const id of gaps) {
      problems.push({
        code: "missing-key",
        layer: id,
        message: `"energy_layer_${id}" is missing`,
      });
    }
  }
  const datasets = showers ? [showers] : layers.map(({ dataset }) => dataset);
  const rows = datasets[0]?.shape[0] ?? incident.length;
  for (const { name, shape } of datasets) {
    if (incidentKey === undefined || shape[0] === incident.length) continue;
    const layer = LAYER_KEY.exec(name)?.[1];
    problems.push({
      code: "row-count",
      message: `"${name}" has ${shape[0]} events and "${incidentKey}" ${incident.length}`,
      ...(layer === undefined ? {} : { layer: Number(layer) }),
    });
  }
  return {
    file,
    format: isAtlas ? "ATLAS" : "showers",
    rows,
    incident,
    layers,
    showers,
    problems,
  };
}

/** A column of numbers, (N) or (N, 1), as float64. */
function readColumn(dataset: Hdf5Dataset): Float64Array {
  const { data, shape } = dataset.read();
  if (shape.length === 0 || shape.slice(1).some((length) => length !== 1)) {
    throw new DataError(
      `Cannot read "${dataset.name}" as it must be a column of numbers: its shape is [${shape.join(",")}]`,
    );
  }
  return Float64Array.from(data as Float64Array, Number);
}

function layerOf(file: Hdf5File, id: number, problems: Problem[]): LayerData {
  const dataset = file.dataset(`energy_layer_${id}`);
  const names = BIN_KEYS.map((key) => `${key}_layer_${id}`);
  const missing = names.filter((name) => !file.has(name));
  for (const name of missing) {
    problems.push({
      code: "missing-key",
      layer: id,
      message: `"${name}" is missing`,
    });
  }
  const probabilities = file.has(`probabilities_layer_${id}`)
    ? file.dataset(`probabilities_layer_${id}`)
    : undefined;
  if (missing.length > 0) {
    return { id, dataset, bins: undefined, probabilities };
  }
  const [rStart, rSize, alphaStart, alphaSize] = names.map((name) => readColumn(file.dataset(name))) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const voxels = dataset.shape[1] ?? 0;
  if (rStart.length !== voxels) {
    problems.push({
      code: "voxel-count",
      layer: id,
      message: `"${dataset.name}" has ${voxels} voxels and its bin arrays describe ${rStart.length}`,
    });
  }
  return {
    id,
    dataset,
    bins: { id, rStart, rSize, alphaStart, alphaSize },
    probabilities,
  };
}

/** Bin arrays in a file of joined voxels, which our own merging writes. */
export function joinedGeometry(file: Hdf5File): Geometry | undefined {
  const ids = file.keys().flatMap((key) => /^binstart_radius_layer_(\d+)$/.exec(key)?.[1] ?? []).map(Number);
  if (ids.length === 0) return undefined;
  const read = (key: string, id: number): Float64Array => readColumn(file.dataset(`${key}_layer_${id}`));
  const bins = ids.sort((a, b) => a - b).map((id) => ({
    id,
    rStart: read("binstart_radius", id),
    rSize: read("binsize_radius", id),
    alphaStart: read("binstart_alpha", id),
    alphaSize: read("binsize_alpha", id),
  }));
  return geometryFromBins(bins, file.path);
}

/** A geometry from a binning XML or from the bin arrays of an HDF5 file. */
export async function readGeometry(
  path: string,
  particle?: string,
): Promise<Geometry> {
  if (!/\.(h5|hdf5)$/i.test(path)) {
    return geometryFromXml(await Deno.readTextFile(path), path, particle);
  }
  const { file, layers } = await openLayout(path);
  try {
    const bins = layers.flatMap((layer) => layer.bins ?? []);
    const found = bins.length > 0 ? geometryFromBins(bins, path) : joinedGeometry(file);
    if (found) return found;
    throw new DataError(
      `Cannot use "${path}" as a geometry as it must have bin arrays: it has none`,
      path,
    );
  } finally {
    file.close();
  }
}
