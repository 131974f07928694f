/**
 * Pictures of showers and of how samples differ.
 *
 * @module
 */
import type { Figure } from "beamline";
import { countsBetween } from "beamline/metrics";
import {
  barFigure,
  curveFigure,
  cylinderFigure,
  heatMapFigure,
  polarFigure,
  ratioFigure,
} from "beamline/plot";
import type { Side } from "./comparison.ts";
import type { Judgement } from "./evaluate.ts";
import type { Gathered } from "./gather.ts";
import type { Geometry, Layer } from "./geometry.ts";
import { panelOf, someLayers } from "./panels.ts";

/** All figures, in the order of the report. */
export function figures(gathered: Gathered, judgement: Judgement): Promise<Figure>[] {
  return [
    ...spectra(gathered),
    ...profiles(gathered),
    ...showers(gathered),
    ...correlations(gathered, judgement),
    ...trends(gathered, judgement),
  ];
}

/** Layers shown in polar slices; of more, a choice at equal distances. */
const MOST_SLICES = 10;

function simulated({ judge }: Gathered): boolean {
  return judge.context.simulated;
}

function allSides({ reference, generated }: Gathered): readonly Side[] {
  return [reference, ...generated];
}

function countText({ reference, generated }: Gathered): string {
  return [reference, ...generated].map(({ label, features }) => `${label} ${features.rows}`).join(", ") +
    " showers";
}

/** Spectra with ratios: response, voxel energies, total and layer energies. */
function spectra(gathered: Gathered): Promise<Figure>[] {
  const { judge, threshold, spectrumEdges: edges } = gathered;
  const sides = allSides(gathered);
  const chosen = judge.specs.filter(({ key, layer }) =>
    ["energy_ratio", "energy_total"].includes(key) || (layer === widestLayer(gathered).id)
  );
  const ofShowers = chosen.map((spec) =>
    ratioFigure({
      name: `spectrum_${spec.key}`,
      title: spec.label[0]!.toUpperCase() + spec.label.slice(1),
      caption: `${countText(gathered)}; below, the ratio to the reference.`,
      simulated: simulated(gathered),
      x: { label: spec.label, unit: spec.unit, log: spec.isLog },
      y: { label: "share per bin", log: spec.isLog },
      edges: spec.edges,
      series: sides.map(({ label, features }) => ({
        label,
        counts: countsBetween(spec.values(features), spec.edges),
      })),
    })
  );
  const voxels = ratioFigure({
    name: "spectrum_voxel_energy",
    title: "Energies of voxels",
    caption: `Voxels above ${threshold.toPrecision(3)} MeV; ${countText(gathered)}.`,
    simulated: simulated(gathered),
    x: { label: "voxel energy", unit: "MeV", log: true },
    y: { label: "share per bin", log: true },
    edges,
    series: sides.map(({ label, statistics }) => ({ label, counts: sumOf(statistics.logCounts) })),
  });
  return [...ofShowers.slice(0, 2), voxels, ...ofShowers.slice(2)];
}

function sumOf(groups: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(groups[0]!.length);
  for (const group of groups) for (let i = 0; i < sum.length; i++) sum[i]! += group[i]!;
  return sum;
}

/** The layer with the most energy in the reference. */
function widestLayer({ judge, reference }: Gathered): Layer {
  const energies = judge.geometry.layers.map((layer) => layerSum(layer, reference.statistics.sums));
  return judge.geometry.layers[energies.indexOf(Math.max(...energies))]!;
}

function layerSum({ from, voxels }: Layer, sums: Float64Array): number {
  let sum = 0;
  for (let i = from; i < from + voxels; i++) sum += sums[i]!;
  return sum;
}

/** Longitudinal and radial profiles, and the share of hits per layer. */
function profiles(gathered: Gathered): Promise<Figure>[] {
  const { judge: { geometry } } = gathered;
  const sides = allSides(gathered);
  const layers = geometry.layers.map((_, i) => i);
  const longitudinal = curveFigure({
    name: "longitudinal_profile",
    title: "Longitudinal profile",
    caption: `Mean energy per layer; ${countText(gathered)}. Layers: ${
      geometry.layers.map(({ id }) => id).join(", ")
    }.`,
    simulated: simulated(gathered),
    x: { label: "place of the layer along the shower", whole: true },
    y: { label: "mean energy", unit: "MeV" },
    series: sides.map(({ label, features }) => {
      const count = layers.length;
      const stats = layers.map((at) => {
        let [sum, squares] = [0, 0];
        for (let row = 0; row < features.rows; row++) {
          const value = features.layers.energy[row * count + at]!;
          sum += value;
          squares += value * value;
        }
        const mean = sum / features.rows;
        return { mean, error: Math.sqrt(Math.max(0, squares / features.rows - mean * mean) / features.rows) };
      });
      return {
        label,
        x: layers,
        y: stats.map(({ mean }) => mean),
        error: stats.map(({ error }) => error),
        kind: "both" as const,
      };
    }),
  });
  const layer = widestLayer(gathered);
  const radii = Array.from(
    { length: layer.rings },
    (_, ring) => (layer.rEdges[ring]! + layer.rEdges[ring + 1]!) / 2,
  );
  const radial = curveFigure({
    name: "radial_profile",
    title: `Radial profile of layer ${layer.id}`,
    caption: `Mean energy per area of a ring; ${countText(gathered)}.`,
    simulated: simulated(gathered),
    x: { label: "radius", unit: "mm", log: radii[0]! > 0 },
    y: { label: "mean energy density", unit: "MeV/mm²", log: true },
    series: sides.map(({ label, statistics, features }) => {
      const rings = new Float64Array(layer.rings);
      layer.ring.forEach((ring, i) => rings[ring]! += statistics.sums[layer.from + i]! / features.rows);
      const density = Array.from(
        rings,
        (energy, ring) => energy / (Math.PI * (layer.rEdges[ring + 1]! ** 2 - layer.rEdges[ring]! ** 2)),
      );
      const shown = density.flatMap((value, i) => value > 0 ? [i] : []);
      return {
        label,
        x: shown.map((i) => radii[i]!),
        y: shown.map((i) => density[i]!),
        kind: "both" as const,
      };
    }),
  });
  return [longitudinal, radial];
}

/** Cylinder views of one shower and of the mean, polar slices of the mean in both radial scales. */
function showers(gathered: Gathered): Promise<Figure>[] {
  const { judge: { geometry }, reference, generated, showers, energies } = gathered;
  const isSimulated = simulated(gathered);
  const color = { colorLabel: "energy", colorUnit: "MeV", logColor: true, simulated: isSimulated } as const;
  const mean = ({ statistics, features }: Side): Float64Array =>
    statistics.sums.map((sum) => sum / features.rows);
  const meanOf = mean(reference);
  const largest = Math.max(...meanOf);
  const domain = [largest * 1e-6, largest] as const;
  const all = geometry.layers;
  const slices = someLayers(geometry.layers, MOST_SLICES);
  const one = showers[0]!.subarray(0, geometry.voxels);
  const made = [
    ...(one.some((value) => value > 0)
      ? [cylinderFigure({
        ...color,
        name: "cylinder_shower",
        title: "One shower of the reference",
        caption: `Incident energy ${
          (energies[0]![0]! / 1000).toPrecision(3)
        } GeV; rings of equal width; it enters at the bottom.`,
        panels: all.map((layer) => panelOf(layer, one)),
      })]
      : []),
    cylinderFigure({
      ...color,
      name: "cylinder_mean",
      title: "Mean shower of the reference",
      caption: `Mean of ${reference.features.rows} showers; rings of equal width; it enters at the bottom.`,
      panels: all.map((layer) => panelOf(layer, meanOf)),
      colorDomain: domain,
    }),
    ...(["equal", "true"] as const).map((radius) =>
      polarFigure({
        ...color,
        name: `slices_reference_${radius}`,
        title: `Mean shower by layer, ${radius === "equal" ? "rings of equal width" : "radius to scale"}`,
        caption: `Reference, mean of ${reference.features.rows} showers.`,
        panels: slices.map((layer) => panelOf(layer, meanOf)),
        radius,
        colorDomain: domain,
      })
    ),
  ];
  const [first] = generated;
  if (!first) return made;
  return [
    ...made,
    polarFigure({
      ...color,
      name: "slices_generated_equal",
      title: `Mean shower of ${first.label} by layer`,
      caption: `Mean of ${first.features.rows} showers; rings of equal width; colors as for the reference.`,
      panels: slices.map((layer) => panelOf(layer, mean(first))),
      colorDomain: domain,
    }),
  ];
}

/** Correlations of layer energies, and Frobenius distances by layer. */
function correlations({ judge, reference, generated }: Gathered, judgement: Judgement): Promise<Figure>[] {
  const { geometry: { layers }, context } = judge;
  const [first] = generated;
  const label = first?.label;
  const made: Promise<Figure>[] = [];
  const patch = representative(judge.geometry);
  const matrix = ({ correlations }: Side): Float64Array => correlations.energy.select(patch);
  const draw = (name: string, title: string, values: Float64Array): Promise<Figure> =>
    heatMapFigure({
      name,
      title,
      caption: `Energies of ${patch.length} voxels: one ring at a time, layer after layer.`,
      simulated: context.simulated,
      x: { label: "voxel" },
      y: { label: "voxel" },
      rows: patch.length,
      columns: patch.length,
      values,
      colorLabel: "correlation",
      diverging: true,
      width: 460,
      height: 420,
    });
  const ofReference = matrix(reference);
  made.push(draw("correlation_reference", "Correlations in the reference", ofReference));
  if (first && label !== undefined) {
    const ofGenerated = matrix(first);
    made.push(draw("correlation_generated", `Correlations in ${label}`, ofGenerated));
    made.push(
      draw(
        "correlation_difference",
        `Correlations, ${label} - reference`,
        ofGenerated.map((v, i) => v - ofReference[i]!),
      ),
    );
    for (const kind of ["energy", "hits"] as const) {
      const values = judgement.generated[label]!;
      made.push(barFigure({
        name: `frobenius_${kind}`,
        title: `Frobenius distance by layer, voxel ${kind === "energy" ? "energies" : "hits"}`,
        caption:
          `${label} against the reference; distances of layers with other numbers of voxels do not compare.`,
        simulated: context.simulated,
        x: { label: "layer" },
        y: { label: "Frobenius distance" },
        groups: layers.map(({ id }) => {
          const { value, error } = values[`frobenius_${kind}_layer_${id}`]!;
          return { label: String(id), value, error: error ?? 0 };
        }),
      }));
    }
  }
  return made;
}

/** Voxels that stand for all in a picture of correlations: at most about 120, the first sector of each ring. */
function representative({ layers }: Geometry): number[] {
  const step = Math.max(1, Math.ceil(layers.reduce((sum, { rings }) => sum + rings, 0) / 120));
  return layers.flatMap((layer) =>
    Array.from({ length: layer.rings }, (_, ring) => ring).filter((ring) => ring % step === 0).flatMap(
      (ring) => {
        const at = layer.ring.findIndex((own, i) => own === ring && layer.sector[i] === 0);
        return at < 0 ? [] : [layer.from + at];
      },
    )
  );
}

/** Metrics over the generated samples, such as epochs of a training. */
function trends(gathered: Gathered, { generated, floor }: Judgement): Promise<Figure>[] {
  const labels = Object.keys(generated);
  if (labels.length < 2) return [];
  const positions = labels.map((label, i) => Number(/(\d+)(?!.*\d)/.exec(label)?.[1] ?? i));
  const order = labels.map((_, i) => i).sort((a, b) => positions[a]! - positions[b]!);
  return (["fpd", "frobenius_voxel_hits"] as const).map((key) => {
    const of = order.map((i) => generated[labels[i]!]![key]!);
    return curveFigure({
      name: `trend_${key}`,
      title: `${of[0]!.label} over the generated samples`,
      caption: `By the number in the name: ${order.map((i) => labels[i]).join(", ")}. The line is the floor.`,
      simulated: simulated(gathered),
      x: { label: "number in the name" },
      y: { label: of[0]!.label ?? key },
      series: [{
        label: "generated",
        x: order.map((i) => positions[i]!),
        y: of.map(({ value }) => value),
        error: of.map(({ error }) => error ?? 0),
        kind: "both",
      }],
      reference: [{ label: "floor", value: floor[key]!.value }],
    });
  });
}
