/**
 * Everything that is measured between two samples.
 *
 * @module
 */
import type { Estimate, EvaluateContext, Metric, Random } from "beamline";
import {
  compareGroupedCounts,
  correlationDistance,
  correlationMatrix,
  type FpdEstimate,
  frechetPhysicsDistance,
  frobeniusDistance,
  frobeniusError,
  frobeniusInfluences,
  kernelPhysicsDistance,
  type KpdEstimate,
  type Matrix,
  type Moments,
  neighborhoods,
  type SymmetricBlocks,
} from "beamline/metrics";
import type { EngineAlgebra } from "./algebra.ts";
import { FPD_POINTS } from "./algebra_programs.ts";
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";
import { featureMatrix, type Features } from "./features.ts";
import type { Geometry } from "./geometry.ts";
import { compareHistogram, type HistogramSpec } from "./histograms.ts";
import { spectraOf, type VoxelSpectra, type VoxelSummary } from "./statistics.ts";

/** What remains of a sample after its comparisons. */
export interface Sample {
  readonly label: string;
  readonly features: Features;
  readonly statistics: VoxelSpectra;
}

/** One sample with all that was gathered of it. */
export interface Side extends Sample {
  /** A few showers for the errors of Frobenius distances, MeV. */
  readonly showers: Matrix;
  /** Showers for neighborhoods, the same object in every comparison. */
  readonly logSample: Matrix;
  readonly correlations: Correlations;
}

/** Correlation matrices of voxels, and what makes showers comparable with them. */
export interface Correlations {
  readonly energy: SymmetricBlocks;
  readonly hits: SymmetricBlocks;
  readonly standards: { readonly energy: Standard; readonly hits: Standard };
}

/** z = (x - mean) * factor, [voxel] each. */
interface Standard {
  readonly means: Float64Array;
  readonly factors: Float64Array;
}

/** A value of a comparison and what it means. */
export type Measured = Estimate & Pick<Metric, "unit" | "better" | "label" | "rows">;

/** What was measured. */
export interface Comparison {
  /** By metric key, such as `fpd`. */
  readonly values: { readonly [key: string]: Measured };
  readonly fpd: FpdEstimate;
  readonly kpd: KpdEstimate;
}

/** What comparisons share. */
export interface Judge {
  readonly config: Config;
  readonly context: EvaluateContext<Facts>;
  readonly geometry: Geometry;
  readonly specs: readonly HistogramSpec[];
  readonly algebra: EngineAlgebra;
}

/** Completes what was gathered. The sums of products become the correlations and are lost. */
export function makeSide(label: string, features: Features, summary: VoxelSummary): Side {
  const { energyMoments, hitMoments, sample, logSample } = summary;
  const constant = emptyVoxels(summary);
  const standards = { energy: standardOf(energyMoments, constant), hits: standardOf(hitMoments, constant) };
  return {
    label,
    features,
    statistics: spectraOf(summary),
    showers: sample,
    logSample,
    correlations: {
      energy: correlationMatrix(energyMoments, { reuse: true, constant }),
      hits: correlationMatrix(hitMoments, { reuse: true, constant }),
      standards,
    },
  };
}

const NO_ROWS: Matrix = { rows: 0, columns: 0, data: new Float32Array(0) };

/** A side that will not be compared any more, without its showers. */
export function withoutShowers(side: Side): Side {
  return { ...side, showers: NO_ROWS, logSample: NO_ROWS };
}

/** A side that will not be compared any more, without its showers and matrices. */
export function sampleOf({ label, features, statistics }: Side): Sample {
  return { label, features, statistics };
}

/** Voxels that no shower fills. */
function emptyVoxels({ sums, hits }: VoxelSummary): number[] {
  return Array.from(sums.keys()).filter((voxel) => sums[voxel] === 0 && hits[voxel] === 0);
}

function standardOf(moments: Moments, constant: readonly number[]): Standard {
  const factors = moments.variances().map((variance) => variance > 0 ? 1 / (Math.sqrt(variance) + 1e-8) : 0);
  for (const voxel of constant) factors[voxel] = 0;
  return { means: moments.means(), factors };
}

/** Vectors of features of both, divided by the largest absolute value of each column of the first. */
function vectorsOf(reference: Side, other: Side, { geometry, config }: Judge): readonly [Matrix, Matrix] {
  const x = featureMatrix(reference.features, geometry, config.features);
  const y = featureMatrix(other.features, geometry, config.features);
  const largest = largestOf(x);
  for (const { rows, columns, data } of [x, y]) {
    for (let n = 0, at = 0; n < rows; n++) {
      for (let i = 0; i < columns; i++, at++) data[at]! /= largest[i]!;
    }
  }
  return [x, y];
}

/** Largest absolute value of each column, 1 for a column of zeros. */
function largestOf({ rows, columns, data }: Matrix): Float64Array {
  const largest = new Float64Array(columns);
  for (let n = 0, at = 0; n < rows; n++) {
    for (let i = 0; i < columns; i++, at++) largest[i] = Math.max(largest[i]!, Math.abs(data[at]!));
  }
  return largest.map((size) => size || 1);
}

/**
 * The quantities whose value depends on the number of showers, for samples as large as the halves that make the floor.
 * A Fréchet or Frobenius distance of few showers is mostly noise: only at equal numbers does it compare with the floor.
 */
export async function compareBiased(
  half: Side,
  matched: Side,
  judge: Judge,
): Promise<{ readonly [key: string]: Measured }> {
  const { context } = judge;
  const rows = Math.min(half.features.rows, matched.features.rows);
  const facts = { better: "lower", unit: "1", rows } as const;
  const { value, error, errorKind } = await fpdOf(
    ...vectorsOf(half, matched, judge),
    judge,
    context.random(`fpd/${matched.label}`),
  );
  const found: { [key: string]: Measured } = {
    fpd: { value, error, errorKind, ...facts, label: "Fréchet physics distance, at the size of the floor" },
  };
  for (const [key, { estimate, label }] of Object.entries(await frobenius(half, matched, judge))) {
    found[key] = { ...estimate, ...facts, label: `${label}, at the size of the floor` };
  }
  return found;
}

function fpdOf(reference: Matrix, other: Matrix, judge: Judge, random: Random): Promise<FpdEstimate> {
  const { config, context, algebra } = judge;
  return frechetPhysicsDistance(reference, other, {
    random,
    smallest: config.fpd === "jetnet" ? 20_000 : 10_000,
    points: FPD_POINTS,
    draws: context.facts.fpdDraws,
    normalize: false, // they are
    algebra,
  });
}

/** The distances of the vectors of features, which are not kept. */
async function vectorDistances(
  reference: Side,
  other: Side,
  judge: Judge,
): Promise<{ readonly fpd: FpdEstimate; readonly kpd: KpdEstimate }> {
  const { context, algebra } = judge;
  const [x, y] = vectorsOf(reference, other, judge);
  const fpd = await fpdOf(x, y, judge, context.random(`fpd/${other.label}`));
  const kpd = await kernelPhysicsDistance(x, y, {
    random: context.random(`kpd/${other.label}`),
    batchRows: context.facts.kernelRows,
    normalize: false,
    algebra,
  });
  return { fpd, kpd };
}

/**
 * Measures everything between a reference and another sample.
 *
 * @param set Which of the other sets of equal bins of the voxel spectrum is pooled from the two.
 */
export async function compare(
  reference: Side,
  other: Side,
  judge: Judge,
  sets: readonly [number, number],
): Promise<Comparison> {
  const { config, context, algebra } = judge;
  const random = (purpose: string) => context.random(`${purpose}/${other.label}`);
  const values: { [key: string]: Measured } = {};
  const rows = Math.min(reference.features.rows, other.features.rows);
  const add = (
    key: string,
    estimate: Estimate,
    label: string,
    better: Metric["better"] = "lower",
    unit = "1",
  ) => {
    const { value, error, errorKind } = estimate;
    values[key] = { value, error, errorKind, label, better, unit, rows };
  };
  const { fpd, kpd } = await vectorDistances(reference, other, judge);
  add("fpd", fpd, "Fréchet physics distance");
  add("kpd", kpd, "kernel physics distance", "zero");
  const shares = await neighborhoods(reference.logSample, other.logSample, {
    neighbors: config.neighbors,
    algebra,
  });
  for (const [key, estimate] of Object.entries(shares)) {
    add(key, estimate, `${key} of neighborhoods`, key === "density" ? "none" : "higher");
    values[key] = { ...values[key]!, rows: context.facts.neighborRows };
  }
  for (const [key, { estimate, label }] of Object.entries(await frobenius(reference, other, judge))) {
    add(key, estimate, label);
  }
  for (const spec of judge.specs) {
    const found = compareHistogram(spec, reference.features, other.features, random(spec.key));
    add(`separation_${spec.key}`, found.separation, `separation power of ${spec.label}`);
    add(`chi2_${spec.key}`, found.chi2, `chi2 distance of ${spec.label}`);
  }
  const [ofReference, ofOther] = sets;
  const options = { random: random("voxel_energy") };
  const { separation } = compareGroupedCounts(
    reference.statistics.logCounts,
    other.statistics.logCounts,
    options,
  );
  const { chi2 } = compareGroupedCounts(
    reference.statistics.equalCounts[ofReference]!,
    other.statistics.equalCounts[ofOther]!,
    options,
  );
  add("separation_voxel_energy", separation, "separation power of voxel energy");
  add("chi2_voxel_energy", chi2, "chi2 distance of voxel energy");
  return { values, fpd, kpd };
}

interface Labelled {
  readonly estimate: Estimate;
  readonly label: string;
}

/** All Frobenius distances of correlation matrices. */
async function frobenius(
  reference: Side,
  other: Side,
  judge: Judge,
): Promise<{ readonly [key: string]: Labelled }> {
  const { geometry } = judge;
  const found: { [key: string]: Labelled } = {};
  for (const kind of ["energy", "hits"] as const) {
    const name = kind === "energy" ? "voxel energies" : "voxel hits";
    const { distance, layers } = await voxelDistances(reference, other, kind, judge);
    found[`frobenius_voxel_${kind}`] = { estimate: distance, label: `Frobenius distance of ${name}` };
    geometry.layers.forEach(({ id }, at) => {
      found[`frobenius_${kind}_layer_${id}`] = {
        estimate: layers[at]!,
        label: `Frobenius distance of ${name} in layer ${id}`,
      };
    });
  }
  const layered = (values: Float64Array<ArrayBuffer>, rows: number): Matrix => ({
    rows,
    columns: geometry.layers.length,
    data: values,
  });
  const both = (name: "energy" | "sparsity"): Estimate =>
    correlationDistance(
      layered(reference.features.layers[name], reference.features.rows),
      layered(other.features.layers[name], other.features.rows),
    );
  found.frobenius_layer_sums = { estimate: both("energy"), label: "Frobenius distance of layer energies" };
  found.frobenius_layer_sparsity = {
    estimate: both("sparsity"),
    label: "Frobenius distance of layer sparsities",
  };
  const patches = patchVoxels(geometry);
  if (patches.length > 1) {
    found.frobenius_patches = {
      estimate: selectedDistance(reference, other, patches),
      label: "Frobenius distance of patches",
    };
  }
  return found;
}

/** Places (ring, sector) of the patches. */
const PATCHES: readonly (readonly [number, number])[] = [
  [0, 0],
  ...[4, 10, 15].flatMap((ring) => [0, 3, 6, 9].map((sector) => [ring, sector] as const)),
];

/** Voxels of the patches in all layers; places that a layer does not have are left out. */
export function patchVoxels({ layers }: Geometry): number[] {
  return PATCHES.flatMap(([ring, sector]) =>
    layers.flatMap((layer) => {
      const at = layer.ring.findIndex((own, i) => own === ring && layer.sector[i] === sector);
      return at < 0 ? [] : [layer.from + at];
    })
  );
}

/** The distance of the correlations of a few voxels, with its error from the kept showers. */
function selectedDistance(reference: Side, other: Side, voxels: readonly number[]): Estimate {
  const [a, b] = [reference, other].map(({ correlations }) => correlations.energy.select(voxels)) as [
    Float64Array,
    Float64Array,
  ];
  const difference = a.map((value, i) => value - b[i]!);
  const value = frobeniusDistance(a, b);
  const brackets = [reference, other].map((side, i) => {
    const z = standardizedSample(side, "energy", voxels);
    return frobeniusInfluences(new Float64Array(z.data), z.rows, difference, i === 0 ? a : b);
  }) as [Float64Array, Float64Array];
  const rows = [reference.features.rows, other.features.rows] as const;
  return { value, error: frobeniusError(value, brackets, rows), errorKind: "analytic" };
}

/** z of some voxels of the kept showers, with mean and spread of all showers. */
function standardizedSample(
  { showers, correlations }: Side,
  kind: "energy" | "hits",
  voxels: readonly number[],
): Matrix {
  const { rows, columns: stride, data: values } = showers;
  const { means, factors } = correlations.standards[kind];
  const isHits = kind === "hits";
  const data = new Float32Array(rows * voxels.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let i = 0; i < voxels.length; i++, at++) {
      const voxel = voxels[i]!;
      const value = values[row * stride + voxel]!;
      data[at] = ((isHits ? (value > 0 ? 1 : 0) : value) - means[voxel]!) * factors[voxel]!;
    }
  }
  return { rows, columns: voxels.length, data };
}

/** The distances of the correlations of all voxels, and of those of each layer, with errors. */
async function voxelDistances(
  reference: Side,
  other: Side,
  kind: "energy" | "hits",
  { geometry, algebra }: Judge,
): Promise<{ readonly distance: Estimate; readonly layers: readonly Estimate[] }> {
  const { layers } = geometry;
  const compared = compareBlocks(reference.correlations[kind], other.correlations[kind], geometry);
  const all = Array.from({ length: geometry.voxels }, (_, i) => i);
  const samples = [reference, other].map((side) => standardizedSample(side, kind, all));
  const [first, second] = samples as [Matrix, Matrix];
  const brackets = await algebra.influences({ ...compared, ...stacked(first, second) });
  const rows = [reference.features.rows, other.features.rows] as const;
  const estimate = (value: number, values: Float64Array): Estimate => {
    const own = [values.subarray(0, first.rows), values.subarray(first.rows)] as const;
    return { value, error: frobeniusError(value, own, rows), errorKind: "analytic" };
  };
  return {
    distance: estimate(compared.distance, brackets.whole),
    layers: compared.layerDistances.map((value, at) =>
      estimate(value, columnOf(brackets.layers, layers.length, at))
    ),
  };
}

/** Rows of two samples one after the other, and which is which. */
function stacked(a: Matrix, b: Matrix): { readonly z: Matrix; readonly side: Matrix } {
  const rows = a.rows + b.rows;
  const data = new Float32Array(rows * a.columns);
  data.set(a.data);
  data.set(b.data, a.rows * a.columns);
  const side = new Float32Array(rows * 2);
  for (let row = 0; row < rows; row++) side[row * 2 + (row < a.rows ? 0 : 1)] = 1;
  return { z: { rows, columns: a.columns, data }, side: { rows, columns: 2, data: side } };
}

/** Two correlation matrices compared element by element. */
interface ComparedBlocks {
  readonly distance: number;
  readonly layerDistances: readonly number[];
  readonly difference: Float32Array<ArrayBuffer>;
  /** Sum over j of D_ij C_ij, [sample, voxel]: over all voxels, and over those of the layer of i. */
  readonly whole: Float64Array;
  readonly within: Float64Array;
}

/** One way through both matrices for all that is asked of them. */
function compareBlocks(a: SymmetricBlocks, b: SymmetricBlocks, { layers, voxels }: Geometry): ComparedBlocks {
  const layerOf = new Int32Array(voxels);
  layers.forEach(({ from, voxels: size }, at) => layerOf.fill(at, from, from + size));
  const difference = new Float32Array(voxels * voxels);
  const [whole, within] = [new Float64Array(2 * voxels), new Float64Array(2 * voxels)];
  const squares = new Float64Array(layers.length);
  let total = 0;
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j <= i; j++) {
      const [x, y] = [a.block(i, j), b.block(i, j)];
      const [size, left] = [a.length(j), a.edges[j]!];
      for (let row = a.edges[i]!, start = 0; row < a.edges[i + 1]!; row++, start += size) {
        const end = Math.min(size, row - left + 1); // on and below the diagonal
        const layer = layerOf[row]!;
        for (let at = 0; at < end; at++) {
          const column = left + at;
          const p = x[start + at]!;
          const q = y[start + at]!;
          const d = p - q;
          difference[row * voxels + column] = difference[column * voxels + row] = d;
          const weight = row === column ? 1 : 2;
          total += weight * d * d;
          whole[row]! += d * p;
          whole[voxels + row]! += d * q;
          if (row !== column) {
            whole[column]! += d * p;
            whole[voxels + column]! += d * q;
          }
          if (layerOf[column] !== layer) continue;
          squares[layer]! += weight * d * d;
          within[row]! += d * p;
          within[voxels + row]! += d * q;
          if (row !== column) {
            within[column]! += d * p;
            within[voxels + column]! += d * q;
          }
        }
      }
    }
  }
  return {
    distance: Math.sqrt(total),
    layerDistances: Array.from(squares, Math.sqrt),
    difference,
    whole,
    within,
  };
}

function columnOf(values: Float64Array, columns: number, at: number): Float64Array {
  const column = new Float64Array(values.length / columns);
  for (let row = 0; row < column.length; row++) column[row] = values[row * columns + at]!;
  return column;
}
