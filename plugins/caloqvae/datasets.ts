/**
 * Work on data sets: comparing their flavors, merging job folders, removing bad events.
 *
 * @module
 */
import { DataError, type EvaluateContext, type Evaluation, type JsonObject, type TextTable } from "beamline";
import { createHdf5, type Hdf5Writer } from "beamline/data";
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";
import { type Geometry, matchLayers, selectLayers } from "./geometry.ts";
import { geometryOf, inspectFile, type Inspection } from "./inspect.ts";
import { blocksOf, type Layout, openLayout, openShowers, type Problem, readGeometry } from "./showers.ts";

/** Files named on the command line; folders stand for every HDF5 file below them. */
export async function filesOf(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if ((await Deno.stat(path)).isDirectory) found.push(...await filesBelow(path));
    else found.push(path);
  }
  return found;
}

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesBelow(`${folder}/${name}`));
    else if (/\.(h5|hdf5)$/i.test(name)) found.push(`${folder}/${name}`);
  }
  return found.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** Pseudorapidity in the path, such as `eta_050`. */
function etaOf(path: string): string {
  return /eta_(\d{3})/.exec(path)?.[1] ?? "";
}

/** The action: identity of incident energies, layers, energy sums and binning of several files. */
export async function compareDatasets(
  config: Config,
  context: EvaluateContext<Facts>,
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
  return {
    results: {
      files: inspections.map(({ report }) => report),
      comparisons,
      layers,
      problems: problems as unknown as JsonObject[],
    },
    tables: [comparisonTable(comparisons), layerTable(layers), activityTable(inspections)],
    summary: problems.length === 0
      ? `Incident energies are identical in ${comparisons.length} comparisons.`
      : `${problems.length} problems: ${[...new Set(problems.map(({ code }) => code))].join(", ")}.`,
  };
}

/**
 * What is compared with what: every flavor of a folder with the first, and a file in a job folder with nothing but the
 * other flavors of its job. Files of different folders given by name are compared with the first of their number of events.
 */
function groupsOf(inspections: readonly Inspection[]): (readonly [Inspection, readonly Inspection[]])[] {
  const folders = new Map<string, Inspection[]>();
  for (const inspection of inspections) {
    const folder = inspection.report.file.replace(/\/[^/]*$/, "");
    folders.set(folder, [...folders.get(folder) ?? [], inspection]);
  }
  const lists = [...folders.values()];
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
  let [sum, squares, equal] = [0, 0, 0];
  x.forEach((total, i) => {
    const relative = (y[i]! - total) / a.incident[i]!;
    sum += relative;
    squares += relative * relative;
    if (y[i] === total) equal++;
  });
  return {
    meanDifference: sum / x.length,
    rmsDifference: Math.sqrt(squares / x.length),
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
    const status = !b?.active
      ? "Missing in split (active in main)"
      : !a?.active
      ? "Extra in split (inactive in main)"
      : isSame
      ? "Match"
      : "Different binning";
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

function layerTable(layers: readonly JsonObject[]): TextTable {
  return {
    name: "binning",
    title: "Binning of active layers",
    columns: ["eta", "split", "layer", "status", "binning (r, alpha)"],
    rows: layers.map(({ eta, split, layer, status, binning }) => [
      String(eta),
      shortName(String(split)),
      Number(layer),
      String(status),
      `(${(binning as number[]).join(", ")})`,
    ]),
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

function shortName(path: string): string {
  return path.split("/").slice(-2).join("/");
}

/** The action: merges the files of job folders, flavor by flavor. */
export async function rebuild(
  context: EvaluateContext<Facts>,
  paths: readonly string[],
): Promise<Evaluation> {
  const files = (await filesOf(paths)).filter((file) => paths.includes(file) || /\/job_?\d+\//.test(file));
  const flavors = new Map<string, string[]>();
  for (const file of files) {
    const name = file.split("/").at(-1)!;
    flavors.set(name, [...flavors.get(name) ?? [], file]);
  }
  if (flavors.size === 0) {
    throw new DataError("Cannot rebuild as there must be job folders, or files given by name: found none");
  }
  const made: string[] = [];
  const reports: JsonObject[] = [];
  for (const [name, parts] of flavors) {
    const target = name.replace(/\.(h5|hdf5)$/i, "_rebuilt.hdf5");
    reports.push({ file: target, ...await mergeFiles(parts, `${context.directory}/${target}`, context) });
    made.push(target);
  }
  return {
    files: made,
    results: { rebuilt: reports },
    tables: [{
      name: "rebuilt",
      title: "Merged files",
      columns: ["file", "parts", "events", "largest difference of probabilities"],
      rows: reports.map(({ file, parts, events, probabilityDifference }) => [
        String(file),
        (parts as string[]).length,
        Number(events),
        probabilityDifference === null ? null : Number(probabilityDifference),
      ]),
      note: "probabilities are the means over the parts",
    }],
  };
}

/** Rows read at once when whole layers are copied. */
const COPY_ROWS = 2048;

async function mergeFiles(
  parts: readonly string[],
  target: string,
  context: EvaluateContext<Facts>,
): Promise<JsonObject> {
  const layouts: Layout[] = [];
  let writer: Hdf5Writer | undefined;
  try {
    for (const part of parts) layouts.push(await openLayout(part));
    const [first] = layouts;
    checkParts(layouts);
    writer = await createHdf5(target);
    const incident = writer.create("incident_energy", { dtype: "float64", rowShape: [] });
    for (const layout of layouts) incident.append(Float64Array.from(layout.incident));
    let difference: number | null = null;
    for (const [at, { id, dataset, probabilities }] of first!.layers.entries()) {
      const rows = writer.create(dataset.name, { dtype: "float32", rowShape: dataset.shape.slice(1) }, {
        gzip: 1,
      });
      for (const layout of layouts) {
        const part = layout.layers[at]!.dataset;
        for (let from = 0; from < layout.rows; from += COPY_ROWS) {
          rows.append(
            Float32Array.from(
              part.readRows(from, Math.min(layout.rows, from + COPY_ROWS)).data as Float32Array,
            ),
          );
        }
      }
      copyBins(first!, id, writer);
      if (probabilities) difference = Math.max(difference ?? 0, meanProbabilities(layouts, at, writer));
      context.progress(at + 1, first!.layers.length, target.split("/").at(-1)!);
    }
    writer.close();
    return {
      parts: parts.map(shortName),
      events: layouts.reduce((sum, { rows }) => sum + rows, 0),
      probabilityDifference: difference,
    };
  } catch (error) {
    writer?.discard();
    throw error;
  } finally {
    for (const { file } of layouts) file.close();
  }
}

function checkParts(layouts: readonly Layout[]): void {
  const [first] = layouts;
  for (const layout of layouts) {
    const { path } = layout.file;
    const [problem] = layout.problems;
    if (problem) {
      throw new DataError(`Cannot rebuild from "${path}" as its parts must fit: ${problem.message}`, path);
    }
    if (layout.format !== "ATLAS") {
      throw new DataError(
        `Cannot rebuild from "${path}" as it must have a dataset per layer: it has none`,
        path,
      );
    }
    const [a, b] = [geometryOf(first!), geometryOf(layout)];
    const isSame = a.layers.length === b.layers.length &&
      a.layers.every((layer, i) =>
        layer.id === b.layers[i]!.id && matchLayers(layer, b.layers[i]!) === "same"
      );
    if (isSame) continue;
    throw new DataError(
      `Cannot rebuild from "${path}" as all parts must have one binning: it differs from "${
        first!.file.path
      }"`,
      path,
    );
  }
}

function copyBins({ file }: Layout, id: number, writer: Hdf5Writer): void {
  for (const key of ["binstart_radius", "binsize_radius", "binstart_alpha", "binsize_alpha"]) {
    const name = `${key}_layer_${id}`;
    writer.write(name, file.dataset(name).read());
  }
}

/** Writes the mean splitting probabilities of the parts; returns the largest difference from the mean. */
function meanProbabilities(layouts: readonly Layout[], at: number, writer: Hdf5Writer): number {
  const all = layouts.flatMap(({ layers }) => layers[at]!.probabilities?.read() ?? []);
  const [first] = all;
  const mean = new Float32Array(first!.data.length);
  for (let i = 0; i < mean.length; i++) {
    mean[i] = all.reduce((sum, { data }) => sum + Number(data[i]), 0) / all.length;
  }
  writer.write(layouts[0]!.layers[at]!.probabilities!.name, {
    dtype: "float32",
    shape: first!.shape,
    data: mean,
  });
  return Math.max(
    ...all.map(({ data }) =>
      mean.reduce((most, value, i) => Math.max(most, Math.abs(Number(data[i]) - value)), 0)
    ),
  );
}

/** The action: removes events with a voxel at or above the incident energy, or that are not finite. */
export async function clean(
  config: Config,
  context: EvaluateContext<Facts>,
  paths: readonly string[],
): Promise<Evaluation> {
  if (paths.length === 0) throw new DataError("Cannot clean as at least one file must be named: none given");
  const files: string[] = [];
  const reports: JsonObject[] = [];
  for (const path of paths) {
    const stem = path.split("/").at(-1)!.replace(/\.(h5|hdf5)$/i, "").replace(/_cat$/, "");
    const target = `${stem}_cat_clean.hdf5`;
    if (files.includes(target)) {
      throw new DataError(
        `Cannot clean "${path}" as its result needs a name of its own: "${target}" is taken`,
        path,
      );
    }
    reports.push({
      file: target,
      source: path,
      ...await cleanFile(path, `${context.directory}/${target}`, config, context),
    });
    files.push(target);
  }
  return {
    files,
    results: { cleaned: reports },
    tables: [{
      name: "cleaned",
      title: "Cleaned files",
      columns: ["file", "events", "voxel at or above incident energy", "not finite", "kept", "layers"],
      rows: reports.map(({ file, events, aboveIncident, notFinite, kept, layers }) => [
        String(file),
        Number(events),
        Number(aboveIncident),
        Number(notFinite),
        Number(kept),
        (layers as number[]).join(" "),
      ]),
    }],
  };
}

async function cleanFile(
  path: string,
  target: string,
  config: Config,
  context: EvaluateContext<Facts>,
): Promise<JsonObject> {
  const geometry = config.geometry === undefined
    ? undefined
    : await readGeometry(config.geometry, config.particle);
  const source = await openShowers(path, { label: path, geometry });
  let writer: Hdf5Writer | undefined;
  try {
    const active = source.format === "ATLAS"
      ? await activeLayers(path)
      : source.geometry.layers.map(({ id }) => id);
    const places = placesOf(source.geometry, active);
    const kept = selectLayers(source.geometry, active);
    writer = await createHdf5(target);
    const showers = writer.create("showers", { dtype: "float32", rowShape: [kept.voxels] }, { gzip: 1 });
    const energies = writer.create("incident_energies", { dtype: "float64", rowShape: [1] });
    let [aboveIncident, notFinite] = [0, 0];
    for (const block of blocksOf(source)) {
      const rows = new Float32Array(block.rows * kept.voxels);
      const incident: number[] = [];
      for (let row = 0; row < block.rows; row++) {
        const energy = source.incident[block.from + row]!;
        const verdict = verdictOf(block.voxels, row * source.geometry.voxels, source.geometry.voxels, energy);
        if (verdict === "not finite") notFinite++;
        if (verdict === "above") aboveIncident++;
        if (verdict !== "good") continue;
        const base = incident.length * kept.voxels;
        for (let i = 0; i < places.length; i++) {
          rows[base + i] = block.voxels[row * source.geometry.voxels + places[i]!]!;
        }
        incident.push(energy);
      }
      showers.append(rows.subarray(0, incident.length * kept.voxels));
      energies.append(Float64Array.from(incident));
      context.progress(block.from + block.rows, source.rows, target.split("/").at(-1)!);
    }
    writeBins(kept, writer);
    writer.close();
    return {
      events: source.rows,
      aboveIncident,
      notFinite,
      kept: energies.rows,
      layers: active,
      voxels: kept.voxels,
    };
  } catch (error) {
    writer?.discard();
    throw error;
  } finally {
    source.close();
  }
}

/** Layers with energy in some event; each is read until one is found. */
async function activeLayers(path: string): Promise<number[]> {
  const { file, layers, rows } = await openLayout(path);
  try {
    return layers.filter(({ dataset }) => {
      for (let from = 0; from < rows; from += COPY_ROWS) {
        const { data } = dataset.readRows(from, Math.min(rows, from + COPY_ROWS));
        for (let i = 0; i < data.length; i++) if (data[i] !== 0) return true;
      }
      return false;
    }).map(({ id }) => id);
  } finally {
    file.close();
  }
}

function placesOf(geometry: Geometry, ids: readonly number[]): Int32Array {
  return Int32Array.from(
    geometry.layers.filter(({ id }) => ids.includes(id)).flatMap(({ from, voxels }) =>
      Array.from({ length: voxels }, (_, i) => from + i)
    ),
  );
}

function verdictOf(
  values: Float32Array,
  from: number,
  size: number,
  incident: number,
): "good" | "above" | "not finite" {
  let [sum, highest] = [0, 0];
  for (let i = from; i < from + size; i++) {
    const value = values[i]!;
    sum += value;
    if (value > highest) highest = value;
  }
  if (!Number.isFinite(sum) || !(incident > 0) || !Number.isFinite(incident)) return "not finite";
  return highest >= incident ? "above" : "good";
}

/** Bin arrays of a geometry, as ATLAS files hold them. */
export function writeBins({ layers }: Geometry, writer: Hdf5Writer): void {
  for (const { id, ring, sector, rEdges, alphaEdges, voxels } of layers) {
    const write = (key: string, value: (i: number) => number): void =>
      writer.write(`${key}_layer_${id}`, {
        dtype: "float32",
        shape: [voxels],
        data: Float32Array.from({ length: voxels }, (_, i) => value(i)),
      });
    write("binstart_radius", (i) => rEdges[ring[i]!]!);
    write("binsize_radius", (i) => rEdges[ring[i]! + 1]! - rEdges[ring[i]!]!);
    write("binstart_alpha", (i) => alphaEdges[sector[i]!]!);
    write("binsize_alpha", (i) => alphaEdges[sector[i]! + 1]! - alphaEdges[sector[i]!]!);
  }
}
