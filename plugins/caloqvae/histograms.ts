/**
 * Which histograms are compared, and in which bins.
 *
 * @see CaloChallenge/homepage, `code/evaluate_plotting_helper.py`: bins of the separation power; 30 equal bins over the
 * pooled range for the chi2 distance are those of CaloQuVAE.
 * @module
 */
import { binEdges, compareCounts, countsBetween, type HistogramComparison, logEdges } from "beamline/metrics";
import type { Random } from "beamline";
import { energyBinSpecs, sparsityAt } from "./energy_bins.ts";
import { type Features, layerColumn, type LayerFeature } from "./features.ts";
import type { Geometry, Layer } from "./geometry.ts";
import type { HistogramSpec } from "./histogram_spec.ts";

/** Showers within this radius (mm) are those of CaloChallenge data sets 2 and 3. */
const SMALL_RADIUS = 60;

/** Ranges in mm of centers, widths and radii. */
function rangesOf({ id }: Layer, isSmall: boolean): { center: number; width: number; radius: number } {
  if (isSmall) return { center: 30, width: 30, radius: 42 };
  return id === 12 || id === 13
    ? { center: 500, width: 400, radius: 1500 }
    : { center: 100, width: 100, radius: 500 };
}

/** Equal bins. */
function equalBins(low: number, high: number, bins = 100): Float64Array {
  return binEdges({ range: [low, high], bins });
}

/** Bins equal in the logarithm, from the threshold to the largest of the energies, MeV. */
function energyEdges(values: Float64Array, threshold: number): Float64Array {
  const largest = values.reduce((most, value) => Math.max(most, value), 0);
  return logEdges([threshold, Math.max(largest, threshold * 1.001)], 39);
}

/**
 * All histograms of showers.
 *
 * @param threshold Lower end of energies, MeV: the read-out cut, or the smallest voxel of the reference.
 */
export function histogramSpecs(geometry: Geometry, reference: Features, threshold: number): HistogramSpec[] {
  const isSmall = geometry.layers.every(({ rEdges }) => rEdges.at(-1)! <= SMALL_RADIUS);
  return [
    ...showerSpecs(geometry, reference, threshold),
    ...geometry.layers.flatMap((layer, at) => layerSpecs(layer, at, reference, threshold, isSmall)),
    ...energyBinSpecs(geometry, reference),
  ];
}

/** Histograms of whole showers. */
function showerSpecs(geometry: Geometry, reference: Features, threshold: number): HistogramSpec[] {
  return [
    {
      key: "energy_ratio",
      label: "total energy / incident energy",
      unit: "1",
      edges: equalBins(0.5, 1.5),
      isLog: false,
      values: ({ total, incident }) => total.map((value, row) => value / incident[row]!),
    },
    {
      key: "energy_total",
      label: "total energy",
      unit: "MeV",
      edges: energyEdges(reference.total, threshold),
      isLog: true,
      values: ({ total }) => total,
    },
    {
      key: "sparsity",
      label: "sparsity",
      unit: "1",
      edges: equalBins(0, 1, 20),
      isLog: false,
      values: (features) => {
        const of = sparsityAt(geometry, features);
        return Float64Array.from({ length: features.rows }, (_, row) => of(row));
      },
    },
  ];
}

/** Histograms of one layer; `at` is its place. */
function layerSpecs(
  layer: Layer,
  at: number,
  reference: Features,
  threshold: number,
  isSmall: boolean,
): HistogramSpec[] {
  const { center, width, radius } = rangesOf(layer, isSmall);
  const spec = (
    name: LayerFeature,
    label: string,
    unit: string,
    edges: Float64Array,
    isLog = false,
  ): HistogramSpec => ({
    key: name === "energy" ? `energy_layer_${layer.id}` : `${name}_${layer.id}`,
    label: `${label} of layer ${layer.id}`,
    unit,
    layer: layer.id,
    edges,
    isLog,
    values: (features) => layerColumn(features, name, at),
  });
  const energies = energyEdges(layerColumn(reference, "energy", at), threshold);
  const directions = layer.sectors <= 1 ? [] : [
    spec("center_eta", "center in eta", "mm", equalBins(-center, center)),
    spec("center_phi", "center in phi", "mm", equalBins(-center, center)),
    spec("width_eta", "width in eta", "mm", equalBins(0, width)),
    spec("width_phi", "width in phi", "mm", equalBins(0, width)),
  ];
  return [
    spec("energy", "energy", "MeV", energies, true),
    ...directions,
    spec("center_r", "mean radius", "mm", equalBins(0, radius)),
    spec("width_r", "width in radius", "mm", equalBins(0, width)),
    spec("sparsity", "sparsity", "1", equalBins(0, 1, 20)),
  ];
}

/** Bins of the chi2 distance. */
const CHI2_BINS = 30;

/** Equal bins over the pooled range; one bin around a single value. */
export function pooledEdges(ranges: readonly (readonly [number, number])[]): Float64Array {
  const low = Math.min(...ranges.map(([from]) => from));
  const high = Math.max(...ranges.map(([, to]) => to));
  return low < high
    ? binEdges({ range: [low, high], bins: CHI2_BINS })
    : Float64Array.of(low - 0.5, low + 0.5);
}

/** Smallest and largest of the finite values; 0 and 0 where there are none. */
export function finiteRange(values: Float64Array): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Compares a histogram of two samples: separation in its own bins, chi2 in 30 equal ones over the pooled range. */
export function compareHistogram(
  spec: HistogramSpec,
  reference: Features,
  other: Features,
  random: Random,
): HistogramComparison {
  const [a, b] = [spec.values(reference), spec.values(other)];
  const pooled = pooledEdges([finiteRange(a), finiteRange(b)]);
  return {
    chi2: compareCounts(countsBetween(a, pooled), countsBetween(b, pooled), { random }).chi2,
    separation:
      compareCounts(countsBetween(a, spec.edges), countsBetween(b, spec.edges), { random }).separation,
  };
}
