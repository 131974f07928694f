/**
 * Everything that is measured between two samples.
 *
 * @module
 */
import type { Estimate, EvaluateContext, Metric } from "beamline";
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
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";
import { featureMatrix, type Features } from "./features.ts";
import type { Geometry, Layer } from "./geometry.ts";
import { compareHistogram, type HistogramSpec } from "./histograms.ts";
import { logSample, type VoxelSummary } from "./statistics.ts";

/** One sample with all that was gathered of it. */
export interface Side {
  readonly label: string;
  readonly features: Features;
  readonly statistics: VoxelSummary;
  /** Vectors of features; made once. */
  readonly vectors: Matrix;
  /** Showers for neighborhoods, the same object in every comparison. */
  readonly logSample: Matrix;
  readonly correlations: Correlations;
}

/** Correlation matrices of voxels. */
export interface Correlations {
  readonly energy: SymmetricBlocks;
  readonly hits: SymmetricBlocks;
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

/** Completes what was gathered. */
export function makeSide(
  label: string,
  features: Features,
  statistics: VoxelSummary,
  { config, geometry, context }: Judge,
  correlations: Correlations = correlationsOf(statistics),
): Side {
  return {
    label,
    features,
    statistics,
    vectors: featureMatrix(features, geometry, config.features),
    logSample: logSample(statistics, context.facts.neighborRows),
    correlations,
  };
}

/** Correlation matrices of gathered moments. */
export function correlationsOf({ energyMoments, hitMoments }: VoxelSummary): Correlations {
  return { energy: correlationMatrix(energyMoments), hits: correlationMatrix(hitMoments) };
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
  const { config, context, algebra } = judge;
  const rows = Math.min(half.features.rows, matched.features.rows);
  const facts = { better: "lower", unit: "1", rows } as const;
  const { value, error, errorKind } = await frechetPhysicsDistance(half.vectors, matched.vectors, {
    random: context.random(`fpd/${matched.label}`),
    smallest: config.fpd === "jetnet" ? 20_000 : 10_000,
    draws: context.facts.fpdDraws,
    algebra,
  });
  const found: { [key: string]: Measured } = {
    fpd: { value, error, errorKind, ...facts, label: "Fréchet physics distance, at the size of the floor" },
  };
  for (const [key, { estimate, label }] of Object.entries(await frobenius(half, matched, judge))) {
    found[key] = { ...estimate, ...facts, label: `${label}, at the size of the floor` };
  }
  return found;
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
  const fpd = await frechetPhysicsDistance(reference.vectors, other.vectors, {
    random: random("fpd"),
    smallest: config.fpd === "jetnet" ? 20_000 : 10_000,
    draws: context.facts.fpdDraws,
    algebra,
  });
  add("fpd", fpd, "Fréchet physics distance");
  const kpd = await kernelPhysicsDistance(reference.vectors, other.vectors, {
    random: random("kpd"),
    batchRows: context.facts.kernelRows,
    algebra,
  });
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

/** Showers behind the errors of Frobenius distances. */
const INFLUENCE_ROWS = 1000;

/** All Frobenius distances of correlation matrices. */
async function frobenius(
  reference: Side,
  other: Side,
  judge: Judge,
): Promise<{ readonly [key: string]: Labelled }> {
  const { geometry } = judge;
  const found: { [key: string]: Labelled } = {};
  for (const kind of ["energy", "hits"] as const) {
    const [a, b] = [reference.correlations[kind], other.correlations[kind]];
    const name = kind === "energy" ? "voxel energies" : "voxel hits";
    const brackets = await influences(reference, other, kind, judge);
    const rows = [reference.features.rows, other.features.rows] as const;
    const distance = frobeniusDistance(a, b);
    const sum = brackets.whole.map((values) => sumOfGroups(values, geometry.layers.length)) as [
      Float64Array,
      Float64Array,
    ];
    found[`frobenius_voxel_${kind}`] = {
      estimate: { value: distance, error: frobeniusError(distance, sum, rows), errorKind: "analytic" },
      label: `Frobenius distance of ${name}`,
    };
    geometry.layers.forEach((layer, at) => {
      const indices = voxelIndices(layer);
      const value = frobeniusDistance(a.select(indices), b.select(indices));
      const own = brackets.perLayer.map((values) => groupOf(values, geometry.layers.length, at)) as [
        Float64Array,
        Float64Array,
      ];
      found[`frobenius_${kind}_layer_${layer.id}`] = {
        estimate: { value, error: frobeniusError(value, own, rows), errorKind: "analytic" },
        label: `Frobenius distance of ${name} in layer ${layer.id}`,
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

function voxelIndices({ from, voxels }: Layer): Int32Array {
  return Int32Array.from({ length: voxels }, (_, i) => from + i);
}

/** The distance of the correlations of a few voxels, with its error from the kept showers. */
function selectedDistance(reference: Side, other: Side, voxels: readonly number[]): Estimate {
  const [a, b] = [reference, other].map(({ correlations }) => correlations.energy.select(voxels)) as [
    Float64Array,
    Float64Array,
  ];
  const difference = a.map((value, i) => value - b[i]!);
  const value = frobeniusDistance(a, b);
  const brackets = [reference, other].map(({ statistics }, i) => {
    const z = standardizedSample(statistics, statistics.energyMoments, voxels);
    return frobeniusInfluences(Float64Array.from(z.data), z.rows, difference, i === 0 ? a : b);
  }) as [Float64Array, Float64Array];
  const rows = [reference.features.rows, other.features.rows] as const;
  return { value, error: frobeniusError(value, brackets, rows), errorKind: "analytic" };
}

/** z of some voxels of kept showers, with mean and spread of all showers. */
function standardizedSample(
  statistics: VoxelSummary,
  moments: Moments,
  voxels: readonly number[],
): Matrix {
  const { voxels: stride, sample, sampleRows } = statistics;
  const rows = Math.min(INFLUENCE_ROWS, sampleRows);
  const isHits = moments === statistics.hitMoments;
  const [means, variances] = [moments.means(), moments.variances()];
  const factors = variances.map((variance) => variance > 0 ? 1 / (Math.sqrt(variance) + 1e-8) : 0);
  const data = new Float32Array(rows * voxels.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (const voxel of voxels) {
      const value = sample[row * stride + voxel]!;
      data[at++] = ((isHits ? (value > 0 ? 1 : 0) : value) - means[voxel]!) * factors[voxel]!;
    }
  }
  return { rows, columns: voxels.length, data };
}

interface Brackets {
  /** Of the distance of the whole matrix, [row, layer] of each sample: a row's sum over layers is its bracket. */
  readonly whole: readonly [Float64Array, Float64Array];
  /** Of the distance of each layer alone, [row, layer]. */
  readonly perLayer: readonly [Float64Array, Float64Array];
}

/** The brackets behind the errors of the voxel-wise distances, on the engine. */
async function influences(
  reference: Side,
  other: Side,
  kind: "energy" | "hits",
  { geometry, algebra }: Judge,
): Promise<Brackets> {
  const { voxels, layers } = geometry;
  const [a, b] = [reference.correlations[kind], other.correlations[kind]];
  const layerOf = new Int32Array(voxels);
  const group = new Float32Array(voxels * layers.length);
  layers.forEach((layer, at) => {
    for (let i = layer.from; i < layer.from + layer.voxels; i++) {
      layerOf[i] = at;
      group[i * layers.length + at] = 1;
    }
  });
  const difference = (isWhole: boolean): Float32Array<ArrayBuffer> => {
    const dense = new Float32Array(voxels * voxels);
    forBlocks(a, b, (row, column, x, y) => {
      if (!isWhole && layerOf[row] !== layerOf[column]) return;
      dense[row * voxels + column] = x - y;
      dense[column * voxels + row] = x - y;
    });
    return dense;
  };
  const diagonal = (own: SymmetricBlocks, isWhole: boolean): Float64Array => {
    const sums = new Float64Array(voxels);
    forBlocks(a, b, (row, column, x, y) => {
      if (!isWhole && layerOf[row] !== layerOf[column]) return;
      const product = (x - y) * (own === a ? x : y);
      sums[row]! += product;
      if (row !== column) sums[column]! += product;
    });
    return sums;
  };
  const all = Array.from({ length: voxels }, (_, i) => i);
  const result: { whole: Float64Array[]; perLayer: Float64Array[] } = { whole: [], perLayer: [] };
  for (const name of ["whole", "perLayer"] as const) {
    const dense = difference(name === "whole");
    for (const side of [reference, other]) {
      const { statistics } = side;
      const moments = kind === "energy" ? statistics.energyMoments : statistics.hitMoments;
      const z = standardizedSample(statistics, moments, all);
      const own = side === reference ? a : b;
      result[name].push(await algebra.influences(z, dense, diagonal(own, name === "whole"), group));
    }
  }
  return result as unknown as Brackets;
}

/** Visits the elements on and below the diagonal of two matrices of the same blocks. */
function forBlocks(
  a: SymmetricBlocks,
  b: SymmetricBlocks,
  visit: (row: number, column: number, x: number, y: number) => void,
): void {
  for (let i = 0; i < a.count; i++) {
    for (let j = 0; j <= i; j++) {
      const [x, y] = [a.block(i, j), b.block(i, j)];
      const [columns, top, left] = [a.length(j), a.edges[i]!, a.edges[j]!];
      for (let at = 0; at < x.length; at++) {
        const row = top + Math.floor(at / columns);
        const column = left + at % columns;
        if (column <= row) visit(row, column, x[at]!, y[at]!);
      }
    }
  }
}

function sumOfGroups(values: Float64Array, groups: number): Float64Array {
  return Float64Array.from({ length: values.length / groups }, (_, row) => {
    let sum = 0;
    for (let at = 0; at < groups; at++) sum += values[row * groups + at]!;
    return sum;
  });
}

function groupOf(values: Float64Array, groups: number, at: number): Float64Array {
  return Float64Array.from({ length: values.length / groups }, (_, row) => values[row * groups + at]!);
}
