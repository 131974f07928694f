/**
 * Figures of files of showers that `inspect` and `compare-datasets` share.
 *
 * @module
 */
import type { Figure } from "beamline";
import { countsBetween, logEdges } from "beamline/metrics";
import { curveFigure, heatMapFigure, type HeatMapOptions } from "beamline/plot";
import type { Inspection } from "./inspection.ts";
import { etaOf } from "./paths.ts";
import { ends } from "./problems.ts";

/** A file in figures. */
export interface Studied {
  readonly label: string;
  readonly inspection: Inspection;
}

/** Curves in one figure; of more files, the first. */
export const MOST_CURVES = 6;
/** Where the tail of the incident energies begins, GeV. */
const TAIL_GEV = 40;

/**
 * Files under short names: the file name, with the folder or the pseudorapidity where several share it. Files that could
 * not be read are left out.
 */
export function studied(inspections: readonly Inspection[]): Studied[] {
  const good = inspections.filter(({ report }) => report.layers.length > 0);
  const parts = good.map(({ report: { file } }) => {
    const folders = file.split("/");
    const stem = folders.at(-1)!.replace(/\.(h5|hdf5)$/i, "").replace(/^dataset_/, "");
    const binning = /(default|regular)_binning/.exec(file)?.[1] ?? "";
    const job = /\/(job_?\d+)\//.exec(file)?.[1] ?? "";
    return { stem, job, binning, eta: etaOf(file), folder: folders.at(-2) ?? "" };
  });
  const differs = (key: keyof typeof parts[number]): boolean =>
    new Set(parts.map((part) => part[key])).size > 1;
  const shown = (["eta", "binning", "job"] as const).filter(differs);
  const labels = parts.map((part) =>
    [...shown.map((key) => key === "eta" && part.eta ? `eta ${part.eta}` : part[key]), part.stem].filter(
      Boolean,
    )
      .join(" ")
  );
  return good.map((inspection, i) => {
    const twins = labels.slice(0, i).filter((label) => label === labels[i]).length;
    return { label: twins === 0 ? labels[i]! : `${labels[i]} (${twins + 1})`, inspection };
  });
}

/** Whether one of the files was simulated here. */
export function anyOf(files: readonly Studied[]): boolean {
  return files.some(({ inspection }) => inspection.simulated);
}

/** The first files, and how many there are more. */
export function firstOf(
  files: readonly Studied[],
): { readonly shown: readonly Studied[]; readonly rest: string } {
  const shown = files.slice(0, MOST_CURVES);
  return {
    shown,
    rest: files.length > shown.length ? ` The first ${shown.length} of ${files.length} files.` : "",
  };
}

/** Files with the same incident energies, event by event, as one. */
function distinct(files: readonly Studied[]): Studied[] {
  const groups: Studied[][] = [];
  for (const file of files) {
    const own = file.inspection.incident;
    const twin = groups.find((group) => {
      const { incident } = group[0]!.inspection;
      return incident.length === own.length && incident.every((energy, i) => energy === own[i]);
    });
    if (twin) twin.push(file);
    else groups.push([file]);
  }
  return groups.map(([first, ...others]) => ({
    label: others.length === 0 ? first!.label : `${first!.label} = ${others.length} more`,
    inspection: first!.inspection,
  }));
}

/** Incident energies on two logarithmic axes, with the place where the tail begins. */
export function incidentFigure(files: readonly Studied[]): Promise<Figure>[] {
  const { shown, rest } = firstOf(
    distinct(files.filter(({ inspection }) => inspection.report.incident !== null)),
  );
  if (shown.length === 0) return [];
  const energies = shown.map(({ inspection }) =>
    inspection.incident.filter((energy) => energy > 0 && Number.isFinite(energy)).map((energy) =>
      energy / 1000
    )
  );
  const ranges = energies.map(ends);
  const [low, high] = [
    Math.min(...ranges.map(([from]) => from)),
    Math.max(...ranges.map(([, to]) => to)) * (1 + 1e-9),
  ];
  const events = Math.max(...energies.map(({ length }) => length));
  const bins = Math.max(12, Math.min(60, Math.round(Math.sqrt(events))));
  const edges = low < high ? logEdges([low, high], bins) : Float64Array.of(low * 0.9, low * 1.1);
  const tails = shown.map(({ label, inspection }) =>
    `${label}: ${(100 * (inspection.report.tailShare ?? 0)).toFixed(1)} %`
  );
  return [curveFigure({
    name: "incident_energy",
    title: "Incident energies",
    caption: `Events in ${
      edges.length - 1
    } bins of equal width in log E, with Poisson errors; files with equal energies in every event are one series. Above ${TAIL_GEV} GeV, ${
      tails.join("; ")
    }.${rest}`,
    simulated: anyOf(files),
    x: { label: "incident energy", unit: "GeV", log: true },
    y: { label: "events per bin", log: true },
    series: shown.map(({ label }, i) => {
      const counts = countsBetween(energies[i]!, edges);
      const filled = Array.from(counts, (_, bin) => bin).filter((bin) => counts[bin]! > 0);
      return {
        label,
        x: filled.map((bin) => Math.sqrt(edges[bin]! * edges[bin + 1]!)),
        y: filled.map((bin) => counts[bin]!),
        error: filled.map((bin) => Math.sqrt(counts[bin]!)),
      };
    }),
    ...(low < TAIL_GEV && TAIL_GEV < high && {
      reference: [{ label: `tail from ${TAIL_GEV} GeV`, value: TAIL_GEV, axis: "x" as const }],
    }),
  })];
}

/** Rows of a heat map that are still readable. */
const MOST_ROWS = 40;

/** Share of events with energy, file by layer. */
export function activityFigure(files: readonly Studied[]): Promise<Figure>[] {
  return layerMap(files, {
    name: "activity",
    title: "Events with energy, by layer",
    caption: "Share of the events in which a layer has a voxel that is not 0.",
    colorLabel: "events",
    colorDomain: [0, 100],
    of: ({ nonZeroEvents }, events) => 100 * nonZeroEvents / events,
  });
}

/** Share of negative voxels, file by layer. */
export function negativeFigure(files: readonly Studied[]): Promise<Figure>[] {
  if (files.every(({ inspection }) => inspection.report.negativeVoxels === 0)) return [];
  return layerMap(files, {
    name: "negative_voxels",
    title: "Negative voxels, by layer",
    caption: "Share of the voxels of all events that are negative.",
    colorLabel: "voxels",
    of: ({ negativeVoxels, voxels }, events) => 100 * negativeVoxels / events / voxels,
  });
}

type LayerReport = Inspection["report"]["layers"][number];

/** A percentage of each layer with energy in some file, one row per file. */
function layerMap(
  files: readonly Studied[],
  { of, caption, ...options }:
    & Pick<HeatMapOptions, "name" | "title" | "caption" | "colorLabel" | "colorDomain">
    & {
      of(layer: LayerReport, events: number): number;
    },
): Promise<Figure>[] {
  const ids = layersOf(files);
  if (ids.length === 0) return [];
  const rows = files.slice(0, MOST_ROWS);
  const notes = [
    "Layers without energy in all files are left out.",
    ...(files.length > rows.length ? [`The first ${rows.length} of ${files.length} files.`] : []),
  ];
  return [heatMapFigure({
    ...options,
    caption: `${caption} ${notes.join(" ")}`,
    simulated: anyOf(files),
    x: { label: "layer" },
    y: { label: "file" },
    values: rows.flatMap(({ inspection }) =>
      ids.map((id) => Number(shareOf(inspection, id, of).toPrecision(3)))
    ),
    rows: rows.length,
    columns: ids.length,
    rowOrder: "down",
    rowNames: rows.map(({ label }) => label),
    columnNames: ids.map(String),
    colorUnit: "%",
    showValues: rows.length * ids.length <= 200,
    width: 720,
    height: Math.max(200, 90 + 26 * rows.length),
  })];
}

/** Layers with energy in some file. */
export function layersOf(files: readonly Studied[]): number[] {
  return [...new Set(files.flatMap(({ inspection }) => inspection.report.activeLayers))].sort((a, b) =>
    a - b
  );
}

/** A quantity of a layer of a file; 0 where the file does not have it. */
export function shareOf(
  { report }: Inspection,
  id: number,
  of: (layer: LayerReport, events: number) => number,
): number {
  const layer = report.layers.find((candidate) => candidate.layer === id);
  return layer ? of(layer, Math.max(1, report.events)) : 0;
}
