/**
 * Showers in bins of the incident energy, as figures: response, resolution, and a histogram per bin.
 *
 * @module
 */
import type { Figure } from "beamline";
import { binEdges, countsBetween, mean, quantiles, standardDeviation } from "beamline/metrics";
import { curveFigure, panelsFigure, ratioFigure } from "beamline/plot";
import type { ComparedSamples } from "./comparison_result.ts";
import { energyBins, energyText, into, ratioAt, sparsityAt, valuesIn } from "./energy_bins.ts";
import type { Features } from "./features.ts";
import type { Pictured } from "./spectrum_figures.ts";

/** Response and resolution against energy, and the histograms of each bin. */
export function energyBinFigures(compared: ComparedSamples): Promise<Figure>[] {
  const { setup: { geometry, context: { simulated } }, reference, generated } = compared;
  const powers = energyBins(reference.features);
  if (powers.length < 2) return [];
  const samples = [reference, ...generated];
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
        const values = samples.map(({ features }) =>
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
          series: samples.map(({ label }, i) => ({
            label,
            counts: countsBetween(values[i]!.map(into(edges)), edges),
          })),
        });
      }),
    });
  return [
    ...calibration(samples, powers, simulated),
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
  samples: readonly Pictured[],
  powers: readonly number[],
  simulated: boolean,
): Promise<Figure>[] {
  const points = samples.map(({ label, features }) => ({
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
