/**
 * Pictures of what is in files.
 *
 * @module
 */
import type { Figure } from "beamline";
import { binEdges, countsBetween } from "beamline/metrics";
import { curveFigure, cylinderFigure, histogramFigure, panelsFigure, polarFigure } from "beamline/plot";
import { panelOf, someLayers } from "./panels.ts";
import type { Geometry, Layer } from "./geometry.ts";
import type { Inspection } from "./inspection.ts";
import { countInformative, informationOf, type Splitting, UNIFORM } from "./probabilities.ts";
import {
  activityFigure,
  anyOf,
  firstOf,
  incidentFigure,
  negativeFigure,
  type Studied,
  studied,
} from "./study_figures.ts";

/** Files with pictures of their own. */
const MOST_FILES = 4;
/** Layers in polar slices. */
const MOST_SLICES = 10;

/** All figures of `inspect`. */
export function inspectFigures(inspections: readonly Inspection[]): Promise<Figure>[] {
  const files = studied(inspections);
  if (files.length === 0) return [];
  return [
    ...incidentFigure(files),
    responseFigure(files),
    ...activityFigure(files),
    ...negativeFigure(files),
    ...files.slice(0, MOST_FILES).flatMap((file, at) => meanShowers(file, at + 1)),
    ...files.slice(0, MOST_FILES).flatMap((file, at) => probabilityFigures(file, at + 1)),
  ];
}

/** Sums of voxels over the incident energy. */
function responseFigure(files: readonly Studied[]): Promise<Figure> {
  const { shown, rest } = firstOf(files);
  const edges = binEdges({ range: [0, 2], bins: 80 });
  const ratios = shown.map(({ inspection: { totals, incident } }) =>
    totals!.map((total, i) => total / incident[i]!).filter(Number.isFinite)
  );
  const outside = ratios.map((values) => values.filter((value) => value < 0 || value > 2).length);
  const notes = shown.flatMap(({ label }, i) => outside[i]! > 0 ? [`${outside[i]} of ${label}`] : []);
  return histogramFigure({
    name: "energy_ratio",
    title: "Sum of voxels over incident energy",
    caption: `All events${notes.length > 0 ? `; outside of the axis: ${notes.join(", ")}` : ""}.${rest}`,
    simulated: anyOf(files),
    x: { label: "sum of voxels / incident energy" },
    y: { label: "events per bin" },
    series: shown.map(({ label }, i) => ({ label, edges, counts: countsBetween(ratios[i]!, edges) })),
  });
}

function activeLayers({ report }: Inspection, geometry: Geometry): Layer[] {
  return geometry.layers.filter(({ id }) => report.activeLayers.includes(id));
}

/** The mean shower as slices, and as a cylinder. */
function meanShowers({ label, inspection }: Studied, at: number): Promise<Figure>[] {
  const { geometry, means, report, simulated } = inspection;
  const layers = geometry ? activeLayers(inspection, geometry) : [];
  const largest = means?.reduce((most, value) => Math.max(most, value), 0) ?? 0;
  if (!means || layers.length === 0 || !(largest > 0)) return [];
  const color = {
    colorLabel: "mean energy",
    colorUnit: "MeV",
    logColor: true,
    colorDomain: [largest * 1e-6, largest] as const,
    simulated,
  };
  const caption =
    `${label}: mean of ${report.events} events; rings of equal width; blank where the mean is not positive.`;
  return [
    polarFigure({
      ...color,
      name: `mean_slices_${at}`,
      title: `Mean shower of ${label}, by layer`,
      caption,
      panels: someLayers(layers, MOST_SLICES).map((layer) => panelOf(layer, means)),
    }),
    cylinderFigure({
      ...color,
      name: `mean_cylinder_${at}`,
      title: `Mean shower of ${label}`,
      caption: `${caption} The shower enters at the bottom.`,
      panels: layers.map((layer) => panelOf(layer, means)),
    }),
  ];
}

/** Which voxels say how they are split, and the probabilities by number of the voxel. */
function probabilityFigures({ label, inspection }: Studied, at: number): Promise<Figure>[] {
  const { geometry, splitting, simulated } = inspection;
  if (!geometry || splitting.size === 0) return [];
  const known = geometry.layers.filter(({ id, voxels }) => splitting.get(id)?.voxels === voxels);
  const informed = known.filter(({ id }) => countInformative(splitting.get(id)!) > 0);
  const uniform = known.filter(({ id }) => countInformative(splitting.get(id)!) === 0);
  const byCount = [...informed].sort((a, b) =>
    countInformative(splitting.get(b.id)!) - countInformative(splitting.get(a.id)!)
  );
  const drawn = known.filter((layer) => byCount.slice(0, MOST_SLICES).includes(layer));
  const made: Promise<Figure>[] = [];
  if (informed.length > 0) {
    made.push(polarFigure({
      name: `probabilities_${at}`,
      title: `What the splitting probabilities of ${label} say`,
      caption:
        "Information of each voxel, sum of p log2(4 p) over its four parts: 0 where they are equal (0.25, 0.50, 0.75), 2 bits where one part gets all. " +
        (informed.length > drawn.length ? `The ${drawn.length} layers with the most such voxels. ` : "") +
        (uniform.length > 0 ? `Layers without any: ${uniform.map(({ id }) => id).join(", ")}.` : ""),
      simulated,
      colorLabel: "information",
      colorUnit: "bits",
      panels: drawn.map((layer) => panelOf(layer, informationOf(splitting.get(layer.id)!), 0)),
    }));
  }
  const chosen = [byCount[0], uniform[0]].filter((layer) => layer !== undefined);
  if (chosen.length > 0) {
    made.push(panelsFigure({
      name: `probability_voxels_${at}`,
      title: `Splitting probabilities of ${label} by voxel`,
      caption:
        "Cumulative probabilities c0, c1, c2 of two layers, in the order of the file: the one with the most voxels that differ from 0.25, 0.50, 0.75 (lines), and one without any.",
      simulated,
      columns: chosen.length,
      panels: chosen.map((layer) => voxelPanel(layer, splitting.get(layer.id)!, at)),
    }));
  }
  return made;
}

function voxelPanel({ id }: Layer, { voxels, cumulative }: Splitting, at: number): Promise<Figure> {
  const places = Array.from({ length: voxels }, (_, voxel) => voxel);
  return curveFigure({
    name: `probability_voxels_${at}_layer_${id}`,
    title: `Layer ${id}`,
    caption: `Cumulative probabilities of layer ${id}.`,
    simulated: false,
    width: 420,
    height: 280,
    x: { label: "voxel", whole: true },
    y: { label: "cumulative probability", domain: [0, 1] },
    series: UNIFORM.map((_, i) => ({
      label: `c${i}`,
      x: places,
      y: places.map((voxel) => cumulative[voxel * 3 + i]!),
      kind: "points" as const,
    })),
    reference: UNIFORM.map((value) => ({ label: `${value.toFixed(2)}`, value })),
  });
}
