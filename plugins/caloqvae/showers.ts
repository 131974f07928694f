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
import type { Hdf5Dataset } from "beamline/data";
import { type Geometry, geometryFromBins, reordering } from "./geometry.ts";
import { joinedGeometry, type Layout, openLayout, type ShowerFormat } from "./layout.ts";

/** Showers of one origin. Energies are in MeV. */
export interface ShowerSource {
  /** Short name for tables, legends and metric keys. */
  readonly label: string;
  /** Path of the file; the label of simulated showers. */
  readonly file: string;
  readonly format: ShowerFormat;
  readonly geometry: Geometry;
  readonly rows: number;
  /** Incident energies. */
  readonly incident: Float64Array;
  /** Rows that are cheap to read at once. */
  readonly blockRows: number;
  /** Writes the voxels of rows `from` to `to` into `target`, [row, voxel], voxels in the order of `geometry`. */
  readRows(from: number, to: number, target: Float32Array<ArrayBuffer>): void;
  /** Where a voxel is in the file, such as "layer 2, voxel 17"; its number is that of `geometry`. */
  placeOf(voxel: number): string;
  close(): void;
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
 * @throws {DataError} With everything that does not fit.
 */
export async function openShowers(
  path: string,
  options: OpenOptions,
): Promise<ShowerSource> {
  const layout = await openLayout(path);
  try {
    requireFit(layout, path);
    return layout.showers ? joinedSource(layout, layout.showers, options) : layeredSource(layout, options);
  } catch (error) {
    layout.file.close();
    throw error;
  }
}

/** Parts of a file that do not fit are named up to this number. */
const NAMED_PROBLEMS = 30;

/** Refuses a file whose parts do not fit, with all of them. */
function requireFit({ problems }: Layout, path: string): void {
  if (problems.length === 0) return;
  const named = problems.slice(0, NAMED_PROBLEMS).map(({ message }) => message);
  if (problems.length > named.length) named.push(`and ${problems.length - named.length} more`);
  throw new DataError(`Cannot read "${path}" as its parts must fit: ${named.join("; ")}`, path);
}

/**
 * Looks whether the parts of a file fit, without a geometry.
 *
 * @throws {DataError} With everything that does not fit.
 */
export async function checkShowers(path: string): Promise<void> {
  const layout = await openLayout(path);
  try {
    requireFit(layout, path);
  } finally {
    layout.file.close();
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
    file: file.path,
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
    placeOf(voxel) {
      const { id, from } = geometry.layers.findLast(({ from }) => from <= voxel)!;
      return `layer ${id}, voxel ${voxel - from}`;
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
    file: file.path,
    format: "showers",
    geometry,
    rows,
    incident,
    blockRows: Math.min(
      Math.max(1, rows),
      blockRowsOf(voxels, showers.chunks?.[0] ?? 1),
    ),
    readRows: (from, to, target) => readFloats(showers, from, to, target),
    placeOf: (voxel) => `voxel ${voxel}`,
    close: () => file.close(),
  };
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
    placeOf: (voxel) => source.placeOf(order[voxel]!),
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

/** The same showers without some rows, as if they were not in the file. */
export function withoutRows(source: ShowerSource, left: readonly number[]): ShowerSource {
  if (left.length === 0) return source;
  const bad = new Set(left);
  const kept = Int32Array.from({ length: source.rows }, (_, row) => row).filter((row) => !bad.has(row));
  const { voxels } = source.geometry;
  return {
    ...source,
    rows: kept.length,
    incident: Float64Array.from(kept, (row) => source.incident[row]!),
    blockRows: Math.max(1, Math.min(source.blockRows, kept.length)),
    readRows(from, to, target) {
      for (let row = from; row < to;) {
        let end = row + 1; // rows that lie one after the other are read together
        while (end < to && kept[end]! === kept[end - 1]! + 1) end++;
        const part = target.subarray((row - from) * voxels, (end - from) * voxels);
        source.readRows(kept[row]!, kept[end - 1]! + 1, part);
        row = end;
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

/** Every so many rows, so that `kept` of `rows` are chosen evenly. */
export function isChosen(row: number, kept: number, rows: number): boolean {
  return Math.floor((row + 1) * kept / rows) > Math.floor(row * kept / rows);
}
