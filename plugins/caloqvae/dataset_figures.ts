/**
 * Pictures of how data sets differ.
 *
 * @module
 */
import type { Figure } from "beamline";
import { binEdges, countsBetween } from "beamline/metrics";
import { curveFigure, histogramFigure, ratioFigure } from "beamline/plot";
import type { Inspection } from "./inspection.ts";
import { etaOf } from "./paths.ts";
import {
  activityFigure,
  anyOf,
  firstOf,
  incidentFigure,
  layersOf,
  negativeFigure,
  shareOf,
  type Studied,
  studied,
} from "./study_figures.ts";

/** What is compared with what. */
export type Group = readonly [main: Inspection, others: readonly Inspection[]];

/** All figures of `compare-datasets`. */
export function datasetFigures(
  inspections: readonly Inspection[],
  groups: readonly Group[],
): Promise<Figure>[] {
  const files = studied(inspections);
  if (files.length === 0) return [];
  return [
    ...incidentFigure(files),
    ...activityFigure(files),
    ...layerCurves(files),
    ...negativeFigure(files),
    ...sumFigures(files, groups),
    ...differencesAgainstEta(files, groups),
  ];
}

/** Pseudorapidity of a file; NaN where its path does not say. */
const pseudorapidity = ({ inspection: { report } }: Studied): number =>
  Number(etaOf(report.file) || NaN) / 100;

/** Files at one pseudorapidity: those outside of job folders, or those in them. */
function kindOf({ inspection: { report } }: Studied): string {
  return /\/job_?\d+\//.test(report.file) || /rebuilt/.test(report.file)
    ? "job folders, rebuilt"
    : "complete";
}

/** Active layers, and events with energy in each, against eta, where there are several. */
function layerCurves(files: readonly Studied[]): Promise<Figure>[] {
  const simulated = anyOf(files);
  const placed = files.filter((file) => Number.isFinite(pseudorapidity(file)));
  const etas = [...new Set(placed.map(pseudorapidity))].sort((a, b) => a - b);
  const ids = layersOf(files);
  const percent = ({ inspection }: Studied, id: number): number =>
    100 * shareOf(inspection, id, ({ nonZeroEvents }, events) => nonZeroEvents / events);
  if (etas.length < 2) return []; // the map of activity says it all
  const kinds = [...new Set(placed.map(kindOf))];
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const at = (kind: string) => {
    const own = placed.filter((file) => kindOf(file) === kind);
    return etas.map((eta) => own.filter((file) => pseudorapidity(file) === eta)).filter(({ length }) =>
      length > 0
    );
  };
  return [
    curveFigure({
      name: "active_layers_eta",
      title: "Active layers against eta",
      caption: "Layers with a voxel that is not 0 in some event; the mean over the files at one eta.",
      simulated,
      x: { label: "eta" },
      y: { label: "active layers" },
      series: kinds.map((kind) => ({
        label: kind,
        x: at(kind).map(([first]) => pseudorapidity(first!)),
        y: at(kind).map((own) => mean(own.map(({ inspection }) => inspection.report.activeLayers.length))),
        kind: "both" as const,
      })),
    }),
    ...kinds.map((kind, i) =>
      curveFigure({
        name: `nonzero_events_eta_${i + 1}`,
        title: `Events with energy in each layer against eta, ${kind}`,
        caption: `Share of events with a voxel that is not 0; the mean over the files at one eta.${
          ids.length > MOST_LAYERS ? ` The ${MOST_LAYERS} layers with the most.` : ""
        }`,
        simulated,
        x: { label: "eta" },
        y: { label: "events with energy", unit: "%", domain: [0, 103] },
        series: busiest(ids, at(kind).flat(), percent).map((id) => ({
          label: `layer ${id}`,
          x: at(kind).map(([first]) => pseudorapidity(first!)),
          y: at(kind).map((own) => mean(own.map((file) => percent(file, id)))),
          kind: "both" as const,
        })),
      })
    ),
  ];
}

/** Curves of layers in one figure. */
const MOST_LAYERS = 8;

function busiest(
  ids: readonly number[],
  files: readonly Studied[],
  percent: (file: Studied, id: number) => number,
): number[] {
  const sum = (id: number): number => files.reduce((total, file) => total + percent(file, id), 0);
  return ids.filter((id) => sum(id) > 0).sort((a, b) => sum(b) - sum(a)).slice(0, MOST_LAYERS).sort((a, b) =>
    a - b
  );
}

/** Sums of voxels over the incident energy: their distribution, its difference, and the difference event by event. */
function sumFigures(files: readonly Studied[], groups: readonly Group[]): Promise<Figure>[] {
  const [main, others] =
    groups.find(([{ totals }, rest]) =>
      totals && rest.some((other) => other.totals?.length === totals.length)
    ) ?? [];
  if (!main || !others) return [];
  const find = (inspection: Inspection): Studied => files.find((file) => file.inspection === inspection)!;
  const comparable = others.filter(({ totals }) => totals?.length === main.totals!.length);
  const { shown } = firstOf([main, ...comparable].map(find));
  const [first, ...rest] = shown;
  const ratios = shown.map(({ inspection: { totals, incident } }) =>
    totals!.map((total, i) => total / incident[i]!).filter(Number.isFinite)
  );
  const edges = binEdges({ range: [0.5, 1.5], bins: 50 });
  const counts = ratios.map((values) => countsBetween(values, edges));
  const simulated = anyOf(files);
  const inside = counts.every((one) => one.some((count) => count > 0));
  if (!inside) return [];
  return [
    ratioFigure({
      name: "energy_sums",
      title: "Energy sums of the flavors",
      caption: `${main.totals!.length} events each; below, the ratio to ${first!.label}.`,
      simulated,
      x: SUM_AXIS,
      y: { label: "share per bin" },
      edges,
      series: shown.map(({ label }, i) => ({ label, counts: counts[i]! })),
    }),
    ...(rest.length === 0 ? [] : [
      sumDifferences(shown, counts, edges, simulated),
      eventDifferences(first!, rest, simulated),
    ]),
  ];
}

const SUM_AXIS = { label: "sum of voxels / incident energy" } as const;

/** Events per bin minus those of the first file, over the band of its Poisson spread. */
function sumDifferences(
  [first, ...rest]: readonly Studied[],
  counts: readonly Float64Array[],
  edges: Float64Array,
  simulated: boolean,
): Promise<Figure> {
  const steps = (values: ArrayLike<number>): { x: number[]; y: number[] } => ({
    x: Array.from(values).flatMap((_, bin) => [edges[bin]!, edges[bin + 1]!]),
    y: Array.from(values).flatMap((value) => [value, value]),
  });
  const noise = steps(counts[0]!.map(Math.sqrt));
  return curveFigure({
    name: "energy_sum_difference",
    title: `Energy sums: events per bin, minus those of ${first!.label}`,
    caption: `The flavors hold the same events, so their differences are smaller than the Poisson spread of ${
      first!.label
    } (band).`,
    simulated,
    x: SUM_AXIS,
    y: { label: "difference of events per bin" },
    series: [
      {
        label: `sqrt of the events of ${first!.label}`,
        x: noise.x,
        y: noise.x.map(() => 0),
        band: { low: noise.y.map((value) => -value), high: noise.y },
      },
      ...rest.map(({ label }, i) => ({
        label,
        ...steps(counts[i + 1]!.map((count, bin) => count - counts[0]![bin]!)),
      })),
    ],
  });
}

/** Difference of the sums of each event, in units of the incident energy. */
function eventDifferences(main: Studied, others: readonly Studied[], simulated: boolean): Promise<Figure> {
  const differences = others.map(({ inspection }) =>
    inspection.totals!.map((total, i) =>
      100 * (total - main.inspection.totals![i]!) / main.inspection.incident[i]!
    )
      .filter(Number.isFinite)
  );
  const sorted = Float64Array.from(differences.flatMap((values) => Array.from(values, Math.abs))).sort();
  const reach = Math.max(1e-9, sorted[Math.floor(0.99 * (sorted.length - 1))] ?? 0);
  const edges = binEdges({ range: [-1.05 * reach, 1.05 * reach], bins: 61 });
  const outside = differences.map((values) =>
    values.filter((value) => Math.abs(value) > 1.05 * reach).length
  );
  return histogramFigure({
    name: "energy_sum_events",
    title: `Energy sums of each event, minus those of ${main.label}`,
    caption: `Difference of the sum of voxels over the incident energy; ${
      others.map(({ label }, i) =>
        `${label}: rms ${rms(differences[i]!).toPrecision(3)} %, ${outside[i]} events outside of the axis`
      ).join("; ")
    }.`,
    simulated,
    x: { label: "difference / incident energy", unit: "%" },
    y: { label: "events per bin", log: true },
    series: others.map(({ label }, i) => ({ label, edges, counts: countsBetween(differences[i]!, edges) })),
  });
}

function rms(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
}

/** Mean difference of the sums against eta, flavor by flavor. */
function differencesAgainstEta(files: readonly Studied[], groups: readonly Group[]): Promise<Figure>[] {
  const points = new Map<string, { x: number; y: number }[]>();
  for (const [main, others] of groups) {
    const eta = Number(etaOf(main.report.file) || NaN) / 100;
    for (const other of others) {
      if (!Number.isFinite(eta) || !main.totals || other.totals?.length !== main.totals.length) continue;
      const stem = other.report.file.split("/").at(-1)!.replace(/\.(h5|hdf5)$/i, "").replace(/^dataset_/, "");
      let [sum, count] = [0, 0];
      main.totals.forEach((total, i) => {
        const difference = (other.totals![i]! - total) / main.incident[i]!;
        if (!Number.isFinite(difference)) return;
        sum += difference;
        count++;
      });
      if (count === 0) continue;
      points.set(stem, [...points.get(stem) ?? [], { x: eta, y: 100 * sum / count }]);
    }
  }
  const series = [...points].filter(([, list]) => new Set(list.map(({ x }) => x)).size > 1);
  if (series.length === 0) return [];
  return [curveFigure({
    name: "energy_sum_eta",
    title: "Mean difference of energy sums against eta",
    caption:
      "Mean over events of the sum of voxels minus that of the first flavor, over the incident energy, and over the files at one eta.",
    simulated: anyOf(files),
    x: { label: "eta" },
    y: { label: "mean difference / incident energy", unit: "%" },
    series: series.map(([label, list]) => {
      const etas = [...new Set(list.map(({ x }) => x))].sort((a, b) => a - b);
      const meanAt = (eta: number): number => {
        const own = list.filter(({ x }) => x === eta);
        return own.reduce((sum, { y }) => sum + y, 0) / own.length;
      };
      return { label, x: etas, y: etas.map(meanAt), kind: "both" as const };
    }),
    reference: [{ label: "no difference", value: 0 }],
  })];
}
