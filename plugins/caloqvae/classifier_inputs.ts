/**
 * What the networks of the classifier test see of each sample: vectors of features, and of voxels.
 *
 * @module
 */
import type { HookContext } from "beamline";
import type { Matrix } from "beamline/metrics";
import type { Config } from "./config.ts";
import { computeFeatures, emptyFeatures, featureMatrix, type Features } from "./features.ts";
import type { Geometry } from "./geometry.ts";
import { shuffleVoxels } from "./statistics.ts";

/** What the first pass kept of a sample. */
export interface ClassifierSource {
  readonly features: Features;
  /** Showers, [row, voxel], MeV, in the geometry of the file. */
  readonly chosen: Float32Array;
  /** Rows of `features` that they are. */
  readonly chosenRows: readonly number[];
}

/** Showers with voxels shuffled across them; where more are asked for, they are repeated. */
export const BROKEN_ROWS = 4000;

/** Showers that must be kept of a sample, the reference (which also makes floor and broken) or another. */
export function rowsToKeep(
  { classifier, classifierRows }: Config,
  isReference: boolean,
  rows: number,
): number {
  if (classifier === "none") return 0;
  if (classifier !== "high") return Math.min((isReference ? 2 : 1) * classifierRows, rows);
  return isReference ? Math.min(2 * classifierRows, 2 * BROKEN_ROWS, rows) : 0;
}

/**
 * What the networks see, [sample][row, input]: every other shower of the reference, the generated samples, then for the
 * floor the rest of the reference, and last that rest with voxels shuffled across showers.
 *
 * @param whole The geometry of the kept showers, of which `geometry` has some layers.
 */
export function classifierInputs(
  config: Config,
  sources: readonly ClassifierSource[],
  geometry: Geometry,
  whole: Geometry,
  context: Pick<HookContext, "random">,
): { readonly [level: string]: readonly Matrix[] } {
  const { classifier, features: convention } = config;
  const voxels = voxelsOf(geometry, whole);
  const broken = shuffledShowers(sources[0]!, voxels, whole.voxels, context);
  const inputs: { [level: string]: readonly Matrix[] } = {};
  if (classifier !== "low") {
    const features = emptyFeatures(geometry, broken.incident.length);
    computeFeatures(broken.voxels, broken.incident.length, geometry, config.sparsity, features, 0);
    features.incident.set(broken.incident);
    const matrices = withFloor(sources.map(({ features }) => featureMatrix(features, geometry, convention)));
    inputs.high = withBroken(matrices, featureMatrix(features, geometry, convention));
  }
  if (classifier !== "high") {
    const matrices = sources.map(({ chosen, chosenRows, features }) =>
      voxelVectors(chosen, chosenRows.map((row) => features.incident[row]!), voxels, whole.voxels)
    );
    const every = Int32Array.from({ length: voxels.length }, (_, i) => i);
    inputs.low = withBroken(
      withFloor(matrices),
      voxelVectors(broken.voxels, broken.incident, every, voxels.length),
    );
  }
  return inputs;
}

/** Every other row of the reference goes to the end, as a sample of its own. */
function withFloor([reference, ...generated]: readonly Matrix[]): Matrix[] {
  const { rows, columns, data } = reference!;
  const every = (first: number): Matrix => {
    const count = Math.floor((rows - first + 1) / 2);
    const taken = data instanceof Float32Array
      ? new Float32Array(count * columns)
      : new Float64Array(count * columns);
    for (let i = 0; i < count; i++) {
      const from = (first + 2 * i) * columns;
      taken.set(data.subarray(from, from + columns), i * columns);
    }
    return { rows: count, columns, data: taken };
  };
  return [every(0), ...generated, every(1)];
}

/** Adds broken showers, repeated to as many as the smallest of the others has. */
function withBroken(matrices: readonly Matrix[], { rows, columns, data }: Matrix): Matrix[] {
  const count = Math.min(...matrices.map((matrix) => matrix.rows));
  const repeated = new Float32Array(count * columns);
  for (let row = 0; row < count; row++) {
    const from = (row % rows) * columns;
    repeated.set(data.subarray(from, from + columns), row * columns);
  }
  return [...matrices, { rows: count, columns, data: repeated }];
}

/** Kept showers of the floor with every voxel shuffled across them, [row, voxel] of the layers that are judged. */
function shuffledShowers(
  { chosen, chosenRows, features }: ClassifierSource,
  voxels: Int32Array,
  stride: number,
  { random }: Pick<HookContext, "random">,
): { readonly voxels: Float32Array; readonly incident: Float64Array } {
  const rows = Math.min(BROKEN_ROWS, Math.floor(chosenRows.length / 2));
  const values = new Float32Array(rows * voxels.length);
  const incident = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const from = 2 * row + 1;
    incident[row] = features.incident[chosenRows[from]!]!;
    voxels.forEach((voxel, i) => values[row * voxels.length + i] = chosen[from * stride + voxel]!);
  }
  shuffleVoxels(values, rows, voxels.length, random("classifier/shuffle"));
  return { voxels: values, incident };
}

/** Indices of the voxels of some layers among those of all. */
function voxelsOf(geometry: Geometry, whole: Geometry): Int32Array {
  const ids = geometry.layers.map(({ id }) => id);
  return Int32Array.from(
    whole.layers.filter(({ id }) => ids.includes(id)).flatMap(({ from, voxels }) =>
      Array.from({ length: voxels }, (_, i) => from + i)
    ),
  );
}

/** log10 of the incident energy, and of 1 + 1e4 times each voxel's share of it. */
function voxelVectors(
  showers: Float32Array,
  energies: ArrayLike<number>,
  voxels: Int32Array,
  stride: number,
): Matrix {
  const columns = voxels.length + 1;
  const data = new Float32Array(energies.length * columns);
  for (let row = 0; row < energies.length; row++) {
    const incident = energies[row]!;
    data[row * columns] = Math.log10(incident);
    voxels.forEach((voxel, at) => {
      const share = Math.max(0, showers[row * stride + voxel]!) / incident;
      data[row * columns + 1 + at] = Math.log10(1 + 1e4 * share);
    });
  }
  return { rows: energies.length, columns, data };
}
