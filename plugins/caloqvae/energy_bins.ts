/**
 * Showers in bins of the incident energy: powers of 2 of MeV, each bin from half a power below to half a power above.
 *
 * @see CaloChallenge/homepage, `code/evaluate_plotting_helper.py`: total over incident energy in 20 bins for each energy of
 * data set 1, narrower where showers are narrow.
 * @module
 */
import type { Figure, TextTable } from "beamline";
import { binEdges, countsBetween, mean, quantiles, standardDeviation } from "beamline/metrics";
import { curveFigure, panelsFigure, ratioFigure } from "beamline/plot";
import type { Judgement } from "./evaluate.ts";
import type { Features } from "./features.ts";
import type { Gathered } from "./gather.ts";
import type { Geometry } from "./geometry.ts";
import type { HistogramSpec } from "./histograms.ts";
import { positionOf, shown, verdictOf } from "./overview.ts";
import type { Pictured } from "./spectrum_figures.ts";
import { energyGroup } from "./statistics.ts";

/** Centers of the first and the last bin, as powers of 2 of MeV. */
const POWERS: readonly [number, number] = [8, 22];
/** A bin with fewer showers of the reference is left out. */
const FEWEST = 40;
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
function valuesIn(
  { incident, rows }: Features,
  power: number,
  of: (row: number) => number,
): Float64Array<ArrayBuffer> {
  const values: number[] = [];
  for (let row = 0; row < rows; row++) if (energyGroup(incident[row]!) === power) values.push(of(row));
  return Float64Array.from(values);
}

const ratioAt = ({ total, incident }: Features) => (row: number): number => total[row]! / incident[row]!;

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
function into(edges: Float64Array): (value: number) => number {
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

/** Separations in each bin, with a verdict for the first sample. */
export function energyBinTable(
  { reference }: Pick<Gathered, "reference">,
  judgement: Judgement,
): TextTable[] {
  const { generated, floor, broken } = judgement;
  const powers = energyBins(reference.features);
  const labels = Object.keys(generated);
  if (powers.length === 0 || labels.length === 0) return [];
  const quantities = [["energy_ratio", "total / incident"], ["sparsity", "sparsity"]] as const;
  const counts = new Map(powers.map((power) => [power, valuesIn(reference.features, power, () => 1).length]));
  return [{
    name: "energy_bins",
    title: "Separation power by incident energy",
    columns: [
      "incident energy",
      "showers",
      ...quantities.flatMap(([, text]) => [
        ...labels.map((label) => `${text}: ${label}`),
        `${text}: verdict of ${labels[0]}`,
        `${text}: floor`,
      ]),
    ],
    rows: powers.map((power) => [
      energyText(power),
      counts.get(power)!,
      ...quantities.flatMap(([name]) => {
        const key = `separation_${name}_bin_${power}`;
        const first = generated[labels[0]!]![key]!;
        const show = (values: Judgement["floor"]): string => shown(values[key]!);
        return [
          ...labels.map((label) => show(generated[label]!)),
          verdictOf(first, floor[key], positionOf(key, first, floor[key], broken[key])),
          show(floor),
        ];
      }),
    ]),
    note:
      `bins of incident energy from half a power of 2 below to half a power above; those with fewer than ${FEWEST} showers of the reference are left out`,
  }];
}

/** Response and resolution against energy, and the histograms of each bin. */
export function energyBinFigures(gathered: Gathered): Promise<Figure>[] {
  const { judge: { geometry, context: { simulated } }, reference, generated } = gathered;
  const powers = energyBins(reference.features);
  if (powers.length < 2) return [];
  const sides = [reference, ...generated];
  const draw = (
    name: string,
    title: string,
    x: string,
    of: (features: Features) => (row: number) => number,
  ): Promise<Figure> =>
    panelsFigure({
      name: `${name}_bins`,
      title,
      caption:
        "In bins of incident energy around the energies above the panels; below each, the ratio to the reference. Values beyond the axis count in the outermost bins.",
      simulated,
      columns: Math.min(COLUMNS, powers.length),
      panels: powers.map((power) => {
        const values = sides.map(({ features }) =>
          valuesIn(features, power, of(features)).filter(Number.isFinite)
        );
        const edges = pooledEdges(values);
        return ratioFigure({
          name: `${name}_bin_${power}`,
          title: energyText(power),
          caption: `${title} at ${energyText(power)}.`,
          simulated: false,
          width: 400,
          height: 300,
          x: { label: x },
          y: { label: "share per bin" },
          edges,
          series: sides.map(({ label }, i) => ({
            label,
            counts: countsBetween(values[i]!.map(into(edges)), edges),
          })),
        });
      }),
    });
  return [
    ...calibration(sides, powers, simulated),
    draw("energy_ratio", "Total over incident energy, by energy", "total energy / incident energy", ratioAt),
    draw("sparsity", "Sparsity, by energy", "sparsity", (features) => sparsityAt(geometry, features)),
  ];
}

/** Bins that hold all but a few of the values of every sample. */
function pooledEdges(samples: readonly Float64Array[]): Float64Array {
  const ends = samples.filter(({ length }) => length > 0).map((values) => quantiles(values, [0.01, 0.99]));
  const [low, high] = [Math.min(...ends.map(([from]) => from!)), Math.max(...ends.map(([, to]) => to!))];
  const margin = high > low ? 0.05 * (high - low) : 0.05;
  return binEdges({ range: [low - margin, high + margin], bins: 24 });
}

/** Panels beside each other. */
const COLUMNS = 3;

/** Mean and relative spread of total over incident energy against the energy. */
function calibration(
  sides: readonly Pictured[],
  powers: readonly number[],
  simulated: boolean,
): Promise<Figure>[] {
  const points = sides.map(({ label, features }) => ({
    label,
    points: powers.flatMap((power) => {
      const values = valuesIn(features, power, ratioAt(features)).filter(Number.isFinite);
      if (values.length < 10) return [];
      const [center, spread] = [mean(values), standardDeviation(values)];
      const error = spread / Math.sqrt(values.length);
      return [{ energy: 2 ** power / 1000, center, error, spread: spread / center, count: values.length }];
    }),
  })).filter(({ points }) => points.length > 0);
  const common = { simulated, x: { label: "incident energy", unit: "GeV", log: true } } as const;
  return [
    curveFigure({
      ...common,
      name: "response",
      title: "Response against energy",
      caption: "Mean of total over incident energy, with its standard error.",
      y: { label: "mean of total / incident energy" },
      series: points.map(({ label, points }) => ({
        label,
        x: points.map(({ energy }) => energy),
        y: points.map(({ center }) => center),
        error: points.map(({ error }) => error),
        kind: "both" as const,
      })),
    }),
    curveFigure({
      ...common,
      name: "resolution",
      title: "Resolution against energy",
      caption: "Standard deviation over mean of total over incident energy; errors for normal fluctuations.",
      y: { label: "σ / mean of total / incident energy", unit: "%", log: true },
      series: points.map(({ label, points }) => {
        const shown = points.filter(({ spread }) => spread > 0);
        return {
          label,
          x: shown.map(({ energy }) => energy),
          y: shown.map(({ spread }) => 100 * spread),
          error: shown.map(({ spread, count }) => 100 * spread / Math.sqrt(2 * (count - 1))),
          kind: "both" as const,
        };
      }).filter(({ x }) => x.length > 0),
    }),
  ];
}
