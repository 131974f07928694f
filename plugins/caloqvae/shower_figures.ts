/**
 * Pictures of showers: cylinders, and slices by layer.
 *
 * @module
 */
import type { Figure } from "beamline";
import { cylinderFigure, panelsFigure, polarFigure } from "beamline/plot";
import type { ComparedSamples } from "./comparison_result.ts";
import { panelOf, someLayers } from "./panels.ts";
import type { Pictured } from "./spectrum_figures.ts";

/** Layers shown in slices; of more, a choice at equal distances. */
const MOST_SLICES = 10;

const COLOR = { colorLabel: "energy", colorUnit: "MeV", logColor: true } as const;

/** Cylinders of one shower and of the mean, and slices of the mean in both radial scales. */
export function showers(compared: ComparedSamples): Promise<Figure>[] {
  const { setup, reference, generated } = compared;
  const { layers } = setup.geometry;
  const { simulated } = setup.context;
  const samples = [reference, ...generated.slice(0, 1)];
  const means = samples.map(meanShower);
  const largest = Math.max(...means[0]!);
  if (!(largest > 0)) return [];
  const colorDomain = [largest * 1e-6, largest] as const;
  const slices = someLayers(layers, MOST_SLICES);
  const rim = Math.max(...layers.map(({ rEdges }) => rEdges.at(-1)!));
  const slice = (at: number, radius: "equal" | "true"): Promise<Figure> =>
    polarFigure({
      ...COLOR,
      name: `slices_${at === 0 ? "reference" : "generated"}_${radius}`,
      title: `Mean shower of ${samples[at]!.label} by layer, ${
        radius === "equal" ? "rings of equal width" : "radius to scale"
      }`,
      caption: `Mean of ${samples[at]!.features.rows} showers; ${
        radius === "equal"
          ? "every ring is drawn as wide as the others"
          : `the rim is at ${rim.toPrecision(3)} mm`
      }${at === 0 ? "" : "; colors as for the reference"}.`,
      simulated,
      panels: slices.map((layer) => panelOf(layer, means[at]!)),
      radius,
      colorDomain,
    });
  return [
    ...singles(compared, samples),
    beside("cylinder_mean", "Mean showers", "Means of all showers; rings of equal width.", simulated, [
      ...samples.map((sample, at) =>
        cylinderFigure({
          ...COLOR,
          name: `cylinder_mean_${at + 1}`,
          title: sample.label,
          caption: `Mean shower of ${sample.label}.`,
          simulated: false,
          panels: layers.map((layer) => panelOf(layer, means[at]!)),
          colorDomain,
        })
      ),
    ]),
    slice(0, "equal"),
    ...(samples.length > 1 ? [slice(1, "equal")] : []),
    slice(0, "true"),
  ];
}

/** One shower of each sample, the one of the highest incident energy among the first. */
function singles(compared: ComparedSamples, samples: readonly Pictured[]): Promise<Figure>[] {
  const { setup, showers, energies } = compared;
  const shown = samples.flatMap((sample, at) =>
    showers[at]?.some((value) => value > 0)
      ? [{ sample, shower: showers[at], energy: energies[at]![0]! }]
      : []
  );
  if (shown.length === 0) return [];
  const largest = Math.max(
    ...shown.map(({ shower }) => shower.reduce((most, value) => Math.max(most, value), 0)),
  );
  return [beside(
    "cylinder_shower",
    "Single showers",
    "One shower of each sample, that of the highest incident energy among the first; rings of equal width; blank voxels are empty.",
    setup.context.simulated,
    shown.map(({ sample, shower, energy }, i) =>
      cylinderFigure({
        ...COLOR,
        name: `cylinder_shower_${i + 1}`,
        title: `${sample.label}, ${energyOf(energy)}`,
        caption: `One shower of ${sample.label}.`,
        simulated: false,
        panels: setup.geometry.layers.map((layer) => panelOf(layer, shower)),
        colorDomain: [largest * 1e-5, largest],
      })
    ),
  )];
}

function beside(
  name: string,
  title: string,
  caption: string,
  simulated: boolean,
  panels: readonly Promise<Figure>[],
): Promise<Figure> {
  return panelsFigure({
    name,
    title,
    caption: `${caption} The shower enters at the bottom.`,
    simulated,
    panels,
  });
}

function energyOf(energy: number): string {
  return energy < 1e6 ? `${(energy / 1000).toPrecision(3)} GeV` : `${(energy / 1e6).toPrecision(3)} TeV`;
}

function meanShower({ statistics, features }: Pictured): Float64Array {
  return statistics.sums.map((sum) => sum / features.rows);
}
