/**
 * Samples that are compared, with all that was gathered of them.
 *
 * @module
 */
import { correlationMatrix, type Matrix, type Moments, type SymmetricBlocks } from "beamline/metrics";
import type { Features } from "./features.ts";
import type { EngineSample } from "./neighbor_algebra.ts";
import { spectraOf, type VoxelSpectra, type VoxelSummary } from "./statistics.ts";

/** What remains of a sample after its comparisons. */
export interface Sample {
  readonly label: string;
  readonly features: Features;
  readonly statistics: VoxelSpectra;
}

/** One sample with all that was gathered of it. */
export interface SampleStatistics extends Sample {
  /** A few showers for the errors of Frobenius distances, MeV. */
  readonly showers: Matrix;
  /** Showers for neighborhoods, with the engine. */
  readonly logSample: EngineSample;
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

/** Completes what was gathered. The sums of products become the correlations and are lost. */
export function sampleStatistics(label: string, features: Features, summary: VoxelSummary): SampleStatistics {
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

/** A sample that will not be compared any more, without its showers. */
export function withoutShowers(sample: SampleStatistics): SampleStatistics {
  return { ...sample, showers: NO_ROWS };
}

/** A sample that will not be compared any more, without its showers and matrices. */
export function sampleOf({ label, features, statistics }: SampleStatistics): Sample {
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
