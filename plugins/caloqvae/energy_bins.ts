/**
 * Showers in bins of the incident energy: powers of 2 of MeV, each bin from half a power below to half a power above.
 *
 * @see CaloChallenge/homepage, `code/evaluate_plotting_helper.py`: total over incident energy in 20 bins for each energy of
 * data set 1, narrower where showers are narrow.
 * @module
 */
import { binEdges, mean, standardDeviation } from "beamline/metrics";
import type { Features } from "./features.ts";
import type { Geometry } from "./geometry.ts";
import type { HistogramSpec } from "./histogram_spec.ts";
import { energyGroup } from "./statistics.ts";

/** Centers of the first and the last bin, as powers of 2 of MeV. */
const POWERS: readonly [number, number] = [8, 22];
/** A bin with fewer showers of the reference is left out. */
export const FEWEST = 40;
/** Bins of a histogram. */
const BINS = 20;
/** Range of total over incident energy where showers are wide, and the spread above which a quantity is wide. */
const WIDE: readonly [number, number] = [0.4, 1.4];
const WIDE_SPREAD = 0.1;

/** Bins with enough showers, as powers of 2 of MeV. */
export function energyBins({ incident }: Features): number[] {
  const counts = new Map<number, number>();
  for (const energy of incident) counts.set(energyGroup(energy), (counts.get(energyGroup(energy)) ?? 0) + 1);
  return [...counts].filter(([power, count]) => power >= POWERS[0] && power <= POWERS[1] && count >= FEWEST)
    .map(([power]) => power).sort((a, b) => a - b);
}

/** Rows of a bin through a function. */
export function valuesIn(
  { incident, rows }: Features,
  power: number,
  of: (row: number) => number,
): Float64Array<ArrayBuffer> {
  const values: number[] = [];
  for (let row = 0; row < rows; row++) if (energyGroup(incident[row]!) === power) values.push(of(row));
  return Float64Array.from(values);
}

/** Total over incident energy of a shower. */
export function ratioAt({ total, incident }: Features): (row: number) => number {
  return (row) => total[row]! / incident[row]!;
}

/** Share of the voxels of a shower that are empty. */
export function sparsityAt({ layers }: Geometry, features: Features): (row: number) => number {
  const voxels = layers.reduce((sum, layer) => sum + layer.voxels, 0);
  const { sparsity } = features.layers;
  return (row) =>
    layers.reduce((sum, layer, at) => sum + layer.voxels * sparsity[row * layers.length + at]!, 0) / voxels;
}

/** Bins in a wide range, or four standard deviations around the mean where showers are narrow. */
function edgesFor(values: Float64Array, wide: readonly [number, number]): Float64Array {
  const [center, spread] = [mean(values), standardDeviation(values)];
  const isWide = spread > WIDE_SPREAD || !(spread > 0);
  return binEdges({ range: isWide ? wide : [center - 4 * spread, center + 4 * spread], bins: BINS });
}

/** Histograms of total over incident energy and of sparsity in each bin; keys `energy_ratio_bin_8`, `sparsity_bin_8`. */
export function energyBinSpecs(geometry: Geometry, reference: Features): HistogramSpec[] {
  return energyBins(reference).flatMap((power): HistogramSpec[] => {
    const ratios = edgesFor(valuesIn(reference, power, ratioAt(reference)), WIDE);
    const sparsities = edgesFor(valuesIn(reference, power, sparsityAt(geometry, reference)), [0, 1]);
    return [{
      key: `energy_ratio_bin_${power}`,
      label: `total energy / incident energy at ${energyText(power)}`,
      unit: "1",
      energyBin: power,
      edges: ratios,
      isLog: false,
      values: (features) => valuesIn(features, power, ratioAt(features)).map(into(ratios)),
    }, {
      key: `sparsity_bin_${power}`,
      label: `sparsity at ${energyText(power)}`,
      unit: "1",
      energyBin: power,
      edges: sparsities,
      isLog: false,
      values: (features) => valuesIn(features, power, sparsityAt(geometry, features)).map(into(sparsities)),
    }];
  });
}

/** A value beyond the ends of the bins counts in the outermost one, so that a sample that lies elsewhere is not empty. */
export function into(edges: Float64Array): (value: number) => number {
  const [low, high] = [edges[0]!, edges.at(-1)!];
  return (value) => Math.min(high, Math.max(low, value));
}

/** The center of a bin, such as "8.2 GeV". */
export function energyText(power: number): string {
  const energy = 2 ** power;
  return energy < 1000
    ? `${energy} MeV`
    : energy < 1e6
    ? `${(energy / 1000).toPrecision(3)} GeV`
    : `${(energy / 1e6).toPrecision(3)} TeV`;
}
