/**
 * Spectra of samples with their ratio to the reference.
 *
 * @module
 */
import type { Figure } from "beamline";
import { countsBetween } from "beamline/metrics";
import { ratioFigure } from "beamline/plot";
import type { SampleStatistics } from "./sample_statistics.ts";
import type { ComparedSamples } from "./comparison_result.ts";
import type { Layer } from "./geometry.ts";

/** What pictures need of a sample. */
export type Pictured = Pick<SampleStatistics, "label" | "features" | "statistics">;

/** The reference and the generated samples. */
export function samplesOf(
  { reference, generated }: Pick<ComparedSamples, "reference" | "generated">,
): readonly Pictured[] {
  return [reference, ...generated];
}

/** How many showers are behind a figure. */
export function countText(compared: ComparedSamples): string {
  return `${
    samplesOf(compared).map(({ label, features }) => `${label} ${features.rows}`).join(", ")
  } showers`;
}

/** The layer with the most energy in the reference. */
export function mainLayer({ setup, reference }: ComparedSamples): Layer {
  const energies = setup.geometry.layers.map((layer) => layerSum(layer, reference.statistics.sums));
  return setup.geometry.layers[energies.indexOf(Math.max(...energies))]!;
}

function layerSum({ from, voxels }: Layer, sums: Float64Array): number {
  let sum = 0;
  for (let i = from; i < from + voxels; i++) sum += sums[i]!;
  return sum;
}

/** Quantities of whole showers that are drawn. */
const OVERALL: readonly string[] = ["energy_ratio", "energy_total", "sparsity"];

/** Spectra with ratios: whole showers, voxels, and all quantities of the layer with the most energy. */
export function spectra(compared: ComparedSamples): Promise<Figure>[] {
  const { setup, threshold, spectrumEdges, reference } = compared;
  const { simulated } = setup.context;
  const main = mainLayer(compared).id;
  const samples = samplesOf(compared);
  const chosen = setup.specs.filter(({ key, layer }) => OVERALL.includes(key) || layer === main);
  const ofShowers = chosen.flatMap((spec) => {
    const counts = samples.map(({ features }) => countsBetween(spec.values(features), spec.edges));
    if (!counts[0]!.some((count) => count > 0)) return [];
    const [from, to] = filled(counts, spec.isLog ? 0 : OUTSIDE);
    const hidden = spec.values(reference.features).length - sum(counts[0]!.subarray(from, to));
    return [ratioFigure({
      name: `spectrum_${spec.key}`,
      title: spec.label[0]!.toUpperCase() + spec.label.slice(1),
      caption: `${countText(compared)}${
        hidden > 0 ? `, ${hidden} of the reference outside of the axis` : ""
      }; below, the ratio to the reference.`,
      simulated,
      x: { label: spec.label, unit: spec.unit, log: spec.isLog },
      y: { label: "share per bin", log: spec.isLog },
      edges: spec.edges.subarray(from, to + 1),
      series: samples.map(({ label }, i) => ({ label, counts: counts[i]!.subarray(from, to) })),
    })];
  });
  const voxels = ratioFigure({
    name: "spectrum_voxel_energy",
    title: "Energies of voxels",
    caption: `Voxels above ${threshold.toPrecision(3)} MeV; ${countText(compared)}.`,
    simulated,
    x: { label: "voxel energy", unit: "MeV", log: true },
    y: { label: "share per bin", log: true },
    edges: spectrumEdges,
    series: samples.map(({ label, statistics }) => ({ label, counts: sumOfGroups(statistics.logCounts) })),
  });
  const overall = chosen.filter(({ layer }) => layer === undefined).length;
  return [...ofShowers.slice(0, overall), voxels, ...ofShowers.slice(overall)];
}

/** Share of the entries of each sample that may lie outside of an axis that is not logarithmic. */
const OUTSIDE = 0.002;

/** First and last bin that are drawn: without long empty ends. */
function filled(counts: readonly Float64Array[], outside: number): readonly [number, number] {
  const bins = counts[0]!.length;
  let [first, last] = [bins, 0];
  for (const one of counts) {
    const limit = outside / 2 * sum(one);
    let [from, to, below, above] = [0, bins, 0, 0];
    while (from < bins - 1 && below + one[from]! <= limit) below += one[from++]!;
    while (to > from + 1 && above + one[to - 1]! <= limit) above += one[--to]!;
    first = Math.min(first, from);
    last = Math.max(last, to);
  }
  return [Math.max(0, first - 1), Math.min(bins, last + 1)];
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumOfGroups(groups: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(groups[0]!.length);
  for (const group of groups) for (let i = 0; i < total.length; i++) total[i]! += group[i]!;
  return total;
}
