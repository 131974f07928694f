/**
 * Showers in the files of the field, read by blocks of rows in MeV, whatever the file stores.
 *
 * | format | keys | unit |
 * |---|---|---|
 * | ATLAS | `incident_energy` (N), `energy_layer_L` (N, voxels), `binstart_*`, `binsize_*` | MeV; layers as fractions of it |
 * | concatenated | `showers` (N, voxels), `incident_energies` or `incident_energy` | MeV |
 * | CaloChallenge | the same, with the binning in an XML file | MeV |
 *
 * @module
 */
import { DataError } from "beamline";
import { type Hdf5Dataset, type Hdf5File, openHdf5 } from "beamline/data";
import { type BinArrays, type Geometry, geometryFromBins, geometryFromXml, reordering } from "./geometry.ts";

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

/** Showers of one origin. Energies are in MeV. */
export interface ShowerSource {
  /** Short name for tables, legends and metric keys. */
  readonly label: string;
  readonly format: ShowerFormat;
  readonly geometry: Geometry;
  readonly rows: number;
  /** Incident energies. */
  readonly incident: Float64Array;
  /** Rows that are cheap to read at once. */
  readonly blockRows: number;
  /** Writes the voxels of rows `from` to `to` into `target`, [row, voxel], voxels in the order of `geometry`. */
  readRows(from: number, to: number, target: Float32Array<ArrayBuffer>): void;
  close(): void;
}

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

/** How to open a file for judging. */
export interface OpenOptions {
  readonly label: string;
  /** For files without bin arrays. */
  readonly geometry?: Geometry | undefined;
  /** Only these layers of an ATLAS file. @default all */
  readonly layers?: readonly number[] | undefined;
}

/**
 * Opens showers for reading.
 *
 * @throws {DataError} With the first thing that does not fit.
 */
export async function openShowers(
  path: string,
  options: OpenOptions,
): Promise<ShowerSource> {
  const layout = await openLayout(path);
  try {
    const problem = layout.problems[0];
    if (problem) {
      throw new DataError(
        `Cannot read "${path}" as its parts must fit: ${problem.message}`,
        path,
      );
    }
    return layout.showers ? joinedSource(layout, layout.showers, options) : layeredSource(layout, options);
  } catch (error) {
    layout.file.close();
    throw error;
  }
}

/** About this many bytes of voxels are read at once. */
const BLOCK_BYTES = 2 ** 23;

/** Whole chunks, as many as fit. */
function blockRowsOf(voxels: number, chunkRows: number): number {
  const fit = Math.max(64, Math.floor(BLOCK_BYTES / 4 / Math.max(1, voxels)));
  return chunkRows >= fit ? chunkRows : Math.floor(fit / chunkRows) * chunkRows;
}

function layeredSource(
  layout: Layout,
  { label, layers: wanted }: OpenOptions,
): ShowerSource {
  const { file, rows, incident } = layout;
  const layers = layout.layers.filter(({ id }) => wanted?.includes(id) ?? true);
  const geometry = geometryFromBins(layers.map(({ bins }) => bins!), file.path);
  const chunkRows = Math.max(
    1,
    ...layers.map(({ dataset }) => dataset.chunks?.[0] ?? 1),
  );
  let scratch = new Float32Array(0);
  return {
    label,
    format: "ATLAS",
    geometry,
    rows,
    incident,
    blockRows: Math.min(
      Math.max(1, rows),
      blockRowsOf(geometry.voxels, chunkRows),
    ),
    readRows(from, to, target) {
      const stride = geometry.voxels;
      layers.forEach(({ dataset }, at) => {
        const { from: start, voxels } = geometry.layers[at]!;
        const length = (to - from) * voxels;
        if (scratch.length < length) scratch = new Float32Array(length);
        readFloats(dataset, from, to, scratch);
        for (let row = 0, i = 0; row < to - from; row++) {
          const energy = incident[from + row]!;
          const base = row * stride + start;
          for (let voxel = 0; voxel < voxels; voxel++) {
            target[base + voxel] = scratch[i++]! * energy;
          }
        }
      });
    },
    close: () => file.close(),
  };
}

function joinedSource(
  layout: Layout,
  showers: Hdf5Dataset,
  options: OpenOptions,
): ShowerSource {
  const { file, rows, incident } = layout;
  const geometry = joinedGeometry(file) ?? options.geometry;
  const voxels = showers.shape[1] ?? 0;
  if (!geometry) {
    throw new DataError(
      `Cannot read "${file.path}" as the places of its ${voxels} voxels must be known: it has no bin arrays; give --geometry`,
      file.path,
    );
  }
  if (geometry.voxels !== voxels) {
    throw new DataError(
      `Cannot read "${file.path}" with the geometry of "${geometry.source}" as the voxels must be as many: ${voxels} and ${geometry.voxels}`,
      file.path,
    );
  }
  return {
    label: options.label,
    format: "showers",
    geometry,
    rows,
    incident,
    blockRows: Math.min(
      Math.max(1, rows),
      blockRowsOf(voxels, showers.chunks?.[0] ?? 1),
    ),
    readRows: (from, to, target) => readFloats(showers, from, to, target),
    close: () => file.close(),
  };
}

/** Bin arrays in a file of joined voxels, which our own merging writes. */
function joinedGeometry(file: Hdf5File): Geometry | undefined {
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

/** Rows of a dataset as float32, whatever number it stores. */
function readFloats(
  dataset: Hdf5Dataset,
  from: number,
  to: number,
  target: Float32Array<ArrayBuffer>,
): void {
  if (dataset.dtype === "float32") {
    dataset.readRowsInto(from, to, target);
    return;
  }
  const { data } = dataset.readRows(from, to);
  for (let i = 0; i < data.length; i++) target[i] = Number(data[i]);
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

/** The same showers with the voxels in the order of another geometry. */
export function reordered(
  source: ShowerSource,
  geometry: Geometry,
): ShowerSource {
  const order = reordering(source.geometry, geometry);
  let scratch = new Float32Array(0);
  return {
    ...source,
    geometry,
    readRows(from, to, target) {
      const { voxels } = geometry;
      const length = (to - from) * voxels;
      if (scratch.length < length) scratch = new Float32Array(length);
      source.readRows(from, to, scratch);
      for (let base = 0; base < length; base += voxels) {
        for (let voxel = 0; voxel < voxels; voxel++) {
          target[base + voxel] = scratch[base + order[voxel]!]!;
        }
      }
    },
  };
}

/** One block of showers. `voxels` is reused from block to block and must not be kept. */
export interface Block {
  readonly from: number;
  readonly rows: number;
  /** [row, voxel], MeV. */
  readonly voxels: Float32Array<ArrayBuffer>;
}

/** Goes through all rows, or rows `from` to `to`, block by block. */
export function* blocksOf(
  source: ShowerSource,
  { from = 0, to = source.rows, blockRows = source.blockRows }: {
    readonly from?: number;
    readonly to?: number;
    readonly blockRows?: number;
  } = {},
): Generator<Block> {
  const { voxels } = source.geometry;
  const buffer = new Float32Array(
    Math.min(blockRows, Math.max(0, to - from)) * voxels,
  );
  for (let start = from; start < to; start += blockRows) {
    const rows = Math.min(blockRows, to - start);
    const block = buffer.subarray(0, rows * voxels);
    source.readRows(start, start + rows, block);
    yield { from: start, rows, voxels: block };
  }
}
