/**
 * How data sets differ: incident energies, layers, binning and energy sums of several files or folders.
 *
 * @module
 */
import { DataError, type EvaluateContext, type Evaluation, type JsonObject, type TextTable } from "beamline";
import type { Config } from "./config.ts";
import { datasetFigures, type Group } from "./dataset_figures.ts";
import type { Metadata } from "./metadata.ts";
import { type Layer, matchLayers } from "./geometry.ts";
import { inspectFile, type Inspection } from "./inspection.ts";
import { etaOf, filesOf, shortName } from "./paths.ts";
import type { Problem } from "./layout.ts";

/** The action: identity of incident energies, layers, energy sums and binning of several files. */
export async function compareDatasets(
  config: Config,
  context: EvaluateContext<Metadata>,
  paths: readonly string[],
): Promise<Evaluation> {
  const files = await filesOf(paths);
  if (files.length < 2) {
    throw new DataError(
      `Cannot compare data sets as there must be at least two files: found ${files.length}`,
    );
  }
  const inspections: Inspection[] = [];
  for (const [i, file] of files.entries()) {
    inspections.push(await inspectFile(file, config));
    context.progress(i + 1, files.length, file.split("/").at(-1)!);
  }
  const problems: (Problem & { file?: string })[] = inspections.flatMap(({ report }) =>
    report.problems.map((problem) => ({ ...problem, file: report.file }))
  );
  const groups = groupsOf(inspections);
  const comparisons: JsonObject[] = [];
  const layers: JsonObject[] = [];
  for (const [main, others] of groups) {
    for (const other of others) {
      const found = compareIncident(main, other);
      problems.push(...found.problems);
      comparisons.push({ ...found.result, ...compareSums(main, other) });
      layers.push(...compareLayers(main, other));
    }
  }
  for (const [main, split] of splitsOf(inspections)) layers.push(...compareLayers(main, split));
  return {
    results: {
      files: inspections.map(({ report }) => report),
      comparisons,
      layers,
      problems: problems as unknown as JsonObject[],
    },
    figures: datasetFigures(inspections, groups),
    simulated: inspections.some(({ simulated }) => simulated),
    tables: [comparisonTable(comparisons), layerTable(layers), activityTable(inspections)],
    summary: problems.length === 0
      ? `Incident energies are identical in ${comparisons.length} comparisons.`
      : `${problems.length} problems: ${[...new Set(problems.map(({ code }) => code))].join(", ")}.`,
  };
}

/**
 * What is compared with what: every flavor of a folder with the one of the shortest name. Files alone in their folders are
 * compared with the first of them, or with the main file of the first folder.
 */
function groupsOf(inspections: readonly Inspection[]): Group[] {
  const folders = new Map<string, Inspection[]>();
  for (const inspection of inspections) {
    const folder = folderOf(inspection);
    folders.set(folder, [...folders.get(folder) ?? [], inspection]);
  }
  const lists = [...folders.values()].map((list) =>
    [...list].sort((a, b) => a.report.file.length - b.report.file.length)
  );
  const [mains, singles] = [
    lists.filter(({ length }) => length > 1),
    lists.filter(({ length }) => length === 1),
  ];
  const groups = mains.map(([main, ...others]) => [main!, others] as const);
  const [first, ...rest] = singles.map(([only]) => only!);
  const anchor = mains[0]?.[0] ?? first;
  const remaining = anchor === first ? rest : [...(first ? [first] : []), ...rest];
  return anchor && remaining.length > 0 ? [...groups, [anchor, remaining] as const] : groups;
}

function folderOf({ report }: Inspection): string {
  return report.file.replace(/\/?[^/]*$/, "");
}

/** Pairs of a complete file and the file of the same name in a job folder next to it. */
function splitsOf(inspections: readonly Inspection[]): (readonly [Inspection, Inspection])[] {
  const byPath = new Map(inspections.map((inspection) => [inspection.report.file, inspection]));
  return inspections.flatMap((split) => {
    const main = byPath.get(split.report.file.replace(/\/job_?\d+\/([^/]*)$/, "/$1"));
    return main && main !== split ? [[main, split] as const] : [];
  });
}

function compareIncident(
  a: Inspection,
  b: Inspection,
): { result: JsonObject; problems: (Problem & { file: string })[] } {
  const [x, y] = [a.incident, b.incident];
  const names = { main: a.report.file, other: b.report.file, eta: etaOf(a.report.file) };
  if (x.length !== y.length) {
    const result = { ...names, events: [x.length, y.length], isIdentical: null, differing: null };
    return { result, problems: [] };
  }
  const rows: number[] = [];
  let slips = 0;
  for (let i = 0; i < x.length; i++) {
    if (x[i] === y[i] || (Number.isNaN(x[i]!) && Number.isNaN(y[i]!))) continue;
    rows.push(i);
    const ratio = x[i]! / y[i]!;
    if (Math.abs(ratio / 1000 - 1) < 0.02 || Math.abs(ratio * 1000 - 1) < 0.02) slips++;
  }
  const result = {
    ...names,
    events: [x.length, y.length],
    isIdentical: rows.length === 0,
    differing: rows.length,
    firstDiffering: rows.slice(0, 10),
  };
  if (rows.length === 0) return { result, problems: [] };
  const isSlip = slips > 0.9 * rows.length;
  const problem: Problem & { file: string } = {
    code: isSlip ? "unit-slip" : "incident-energy-mismatch",
    events: rows.length,
    message: isSlip
      ? `incident energies of ${rows.length} events differ from "${a.report.file}" by a factor of 1000`
      : `incident energies of ${rows.length} events differ from "${a.report.file}", first of event ${
        rows[0]
      }`,
    file: b.report.file,
  };
  return { result, problems: [problem] };
}

/** Bins of the total energy over the incident energy. */
const SUM_BINS = 50;

/** How the energy sums of two files differ, event by event and in the counts of a histogram. */
function compareSums(a: Inspection, b: Inspection): JsonObject {
  const [x, y] = [a.totals, b.totals];
  if (!x || !y || x.length !== y.length || x.length === 0) return {};
  const counts = [x, y].map((totals, side) => {
    const incident = (side === 0 ? a : b).incident;
    const histogram = new Array<number>(SUM_BINS).fill(0);
    totals.forEach((total, i) => {
      const bin = Math.floor((total / incident[i]! - 0.5) * SUM_BINS);
      if (bin >= 0 && bin < SUM_BINS) histogram[bin]!++;
    });
    return histogram;
  }) as [number[], number[]];
  let [used, sum, squares, equal] = [0, 0, 0, 0];
  x.forEach((total, i) => {
    const relative = (y[i]! - total) / a.incident[i]!;
    if (!Number.isFinite(relative)) return; // one of the files has a defect in this event
    used++;
    sum += relative;
    squares += relative * relative;
    if (y[i] === total) equal++;
  });
  if (used === 0) return {};
  return {
    comparedEvents: used,
    meanDifference: sum / used,
    rmsDifference: Math.sqrt(squares / used),
    equalSums: equal,
    countDifferences: counts[0].map((count, bin) => counts[1][bin]! - count),
  };
}

/** Match, Extra in split or Missing in split, layer by layer. */
function compareLayers(main: Inspection, split: Inspection): JsonObject[] {
  const ids = [...new Set([main, split].flatMap(({ report }) => report.layers.map(({ layer }) => layer)))];
  return ids.sort((a, b) => a - b).flatMap((id): JsonObject[] => {
    const [a, b] = [main, split].map(({ report }) => report.layers.find(({ layer }) => layer === id));
    if (!a?.active && !b?.active) return [];
    const [x, y] = [main, split].map(({ geometry }) => geometry?.layers.find((layer) => layer.id === id));
    const isSame = x && y && matchLayers(x, y) !== "different";
    const finer = x && y ? finerBy(x, y) : undefined;
    const status = !b?.active
      ? "Missing in split (active in main)"
      : !a?.active
      ? "Extra in split (inactive in main)"
      : isSame
      ? "Match"
      : finer ?? "Different binning";
    const shown = b ?? a!;
    return [{
      eta: etaOf(split.report.file),
      main: main.report.file,
      split: split.report.file,
      layer: id,
      status,
      binning: [shown.rings, shown.sectors],
    }];
  });
}

/** In words how many times finer the bins of a layer are; undefined where they are not. */
function finerBy(main: Layer, split: Layer): string | undefined {
  const [r, alpha] = [split.rings / main.rings, split.sectors / main.sectors];
  const isFiner = Number.isInteger(r) && Number.isInteger(alpha) && r * alpha > 1 &&
    Math.abs(split.rEdges.at(-1)! - main.rEdges.at(-1)!) < 1e-3 * main.rEdges.at(-1)!;
  return isFiner ? `Finer (r x ${r}, alpha x ${alpha})` : undefined;
}

function comparisonTable(comparisons: readonly JsonObject[]): TextTable {
  const number = (value: unknown): number | null =>
    typeof value === "number" ? Number(value.toPrecision(3)) : null;
  return {
    name: "comparisons",
    title: "Incident energies and energy sums",
    columns: ["eta", "main", "other", "incident energies", "differing", "mean difference of sums", "rms"],
    rows: comparisons.map((found) => [
      String(found.eta),
      shortName(String(found.main)),
      shortName(String(found.other)),
      found.isIdentical === null ? "other number of events" : found.isIdentical ? "identical" : "differ",
      number(found.differing),
      number(found.meanDifference),
      number(found.rmsDifference),
    ]),
    note: "differences of the sum of all voxels over the incident energy",
  };
}

/** One line per layer, status and binning; the files in which they are found are counted. */
function layerTable(layers: readonly JsonObject[]): TextTable {
  const lines = new Map<string, { readonly cells: readonly (string | number)[]; readonly files: string[] }>();
  const isJob = ({ main }: JsonObject): boolean => /\/job_?\d+\//.test(String(main));
  const shown = layers.every(isJob) ? layers : layers.filter((layer) => !isJob(layer));
  for (const { eta, main, split, layer, status, binning } of shown) {
    const cells = [
      String(eta),
      shortName(String(main)),
      Number(layer),
      String(status),
      `(${(binning as number[]).join(", ")})`,
    ];
    const key = cells.join("|");
    const known = lines.get(key);
    if (known) known.files.push(shortName(String(split)));
    else lines.set(key, { cells, files: [shortName(String(split))] });
  }
  const sorted = [...lines.values()].sort((a, b) =>
    a.cells.slice(0, 2).join().localeCompare(b.cells.slice(0, 2).join()) ||
    Number(a.cells[2]) - Number(b.cells[2])
  );
  return {
    name: "binning",
    title: "Binning of active layers",
    columns: ["eta", "main", "layer", "status", "binning (r, alpha)", "files", "found in"],
    rows: sorted.map(({ cells, files }) => [
      ...cells,
      files.length,
      files.length > 3 ? `${files.slice(0, 2).join(", ")}, ...` : files.join(", "),
    ]),
    note:
      "each file against the main one of its folder, and files of job folders against the complete file of their name",
  };
}

function activityTable(inspections: readonly Inspection[]): TextTable {
  const ids = [...new Set(inspections.flatMap(({ report }) => report.activeLayers))].sort((a, b) => a - b);
  return {
    name: "activity",
    title: "Events with energy, by layer",
    columns: ["eta", "file", "events", ...ids.map((id) => `layer ${id}`), "negative voxels"],
    rows: inspections.map(({ report }) => [
      etaOf(report.file),
      shortName(report.file),
      report.events,
      ...ids.map((id) => report.layers.find(({ layer }) => layer === id)?.nonZeroEvents ?? 0),
      report.negativeVoxels,
    ]),
  };
}
