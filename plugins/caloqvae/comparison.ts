/**
 * Everything that is measured between two samples.
 *
 * @module
 */
import type { Estimate, Metric, Random } from "beamline";
import {
  compareGroupedCounts,
  type FpdEstimate,
  frechetPhysicsDistance,
  kernelPhysicsDistance,
  type KpdEstimate,
  type Matrix,
  neighborhoods,
} from "beamline/metrics";
import { FPD_POINTS } from "./algebra_sizes.ts";
import type { Comparison, ComparisonSetup, Measured } from "./comparison_result.ts";
import { featureMatrix } from "./features.ts";
import { frobeniusDistances } from "./frobenius.ts";
import { compareHistogram } from "./histograms.ts";
import type { SampleStatistics } from "./sample_statistics.ts";

/** Vectors of features of both, divided by the largest absolute value of each column of the first. */
function vectorsOf(
  reference: SampleStatistics,
  other: SampleStatistics,
  { geometry, config }: ComparisonSetup,
): readonly [Matrix, Matrix] {
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
  half: SampleStatistics,
  matched: SampleStatistics,
  setup: ComparisonSetup,
): Promise<{ readonly [key: string]: Measured }> {
  const { context } = setup;
  const rows = Math.min(half.features.rows, matched.features.rows);
  const facts = { better: "lower", unit: "1", rows } as const;
  const { value, error, errorKind } = await fpdOf(
    ...vectorsOf(half, matched, setup),
    setup,
    context.random(`fpd/${matched.label}`),
  );
  const found: { [key: string]: Measured } = {
    fpd: { value, error, errorKind, ...facts, label: "Fréchet physics distance, at the size of the floor" },
  };
  for (const [key, { estimate, label }] of Object.entries(await frobeniusDistances(half, matched, setup))) {
    found[key] = { ...estimate, ...facts, label: `${label}, at the size of the floor` };
  }
  return found;
}

function fpdOf(
  reference: Matrix,
  other: Matrix,
  setup: ComparisonSetup,
  random: Random,
): Promise<FpdEstimate> {
  const { config, context, algebra } = setup;
  return frechetPhysicsDistance(reference, other, {
    random,
    smallest: config.fpd === "jetnet" ? 20_000 : 10_000,
    points: FPD_POINTS,
    draws: context.metadata.fpdDraws,
    normalize: false, // they are
    algebra,
  });
}

/** The distances of the vectors of features, which are not kept. */
async function vectorDistances(
  reference: SampleStatistics,
  other: SampleStatistics,
  setup: ComparisonSetup,
): Promise<{ readonly fpd: FpdEstimate; readonly kpd: KpdEstimate }> {
  const { context, algebra } = setup;
  const [x, y] = vectorsOf(reference, other, setup);
  const fpd = await fpdOf(x, y, setup, context.random(`fpd/${other.label}`));
  const kpd = await kernelPhysicsDistance(x, y, {
    random: context.random(`kpd/${other.label}`),
    batchRows: context.metadata.kernelRows,
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
  reference: SampleStatistics,
  other: SampleStatistics,
  setup: ComparisonSetup,
  sets: readonly [number, number],
): Promise<Comparison> {
  const { config, context, algebra } = setup;
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
  // At the same time: while one lays out its numbers, the engine works for the others.
  const [shares, distances, { fpd, kpd }] = await Promise.all([
    neighborhoods(reference.logSample, other.logSample, { neighbors: config.neighbors, algebra }),
    frobeniusDistances(reference, other, setup),
    vectorDistances(reference, other, setup),
  ]);
  add("fpd", fpd, "Fréchet physics distance");
  add("kpd", kpd, "kernel physics distance", "zero");
  for (const [key, estimate] of Object.entries(shares)) {
    add(key, estimate, `${key} of neighborhoods`, key === "density" ? "none" : "higher");
    values[key] = { ...values[key]!, rows: context.metadata.neighborRows };
  }
  for (const [key, { estimate, label }] of Object.entries(distances)) add(key, estimate, label);
  for (const spec of setup.specs) {
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
