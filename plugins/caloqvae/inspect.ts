/**
 * What is in a file of showers, and what is wrong with it.
 *
 * @module
 */
import { DataError, type Evaluation, type JsonObject, type TextTable } from "beamline";
import { median } from "beamline/metrics";
import type { Config } from "./config.ts";
import { type Geometry, geometryFromBins, type Layer } from "./geometry.ts";
import {
  type Layout,
  openLayout,
  openShowers,
  type Problem,
  readGeometry,
  type ShowerSource,
} from "./showers.ts";
import { blocksOf } from "./showers.ts";

/** What was found in one layer. */
export interface LayerReport extends JsonObject {
  readonly layer: number;
  readonly voxels: number;
  /** null where the geometry does not fit. */
  readonly rings: number | null;
  readonly sectors: number | null;
  readonly active: boolean;
  /** Events with a voxel that is not 0. */
  readonly nonZeroEvents: number;
  readonly negativeVoxels: number;
  /** Mean energy, MeV. */
  readonly meanEnergy: number;
  /** Mean of its energy over the incident energy. */
  readonly meanShare: number;
  /** Mean share of voxels that are 0. */
  readonly sparsity: number;
  /** Voxels whose splitting probabilities are not (1/4, 1/2, 3/4); null without probabilities. */
  readonly informativeVoxels: number | null;
}

/** What was found in a file. */
export interface FileReport extends JsonObject {
  readonly file: string;
  readonly format: string | null;
  readonly events: number;
  readonly voxels: number;
  readonly layers: readonly LayerReport[];
  readonly activeLayers: readonly number[];
  /** Events with a voxel at or above the incident energy. */
  readonly badEvents: number;
  readonly negativeVoxels: number;
  readonly eventsWithNegative: number;
  readonly notFiniteEvents: number;
  /** MeV; null where there are none. */
  readonly incident: { readonly smallest: number; readonly median: number; readonly largest: number } | null;
  /** Share of events above 40 GeV, where the tail of the spectrum begins. */
  readonly tailShare: number | null;
  /** Median of the sum of voxels over the incident energy. */
  readonly medianResponse: number | null;
  readonly problems: readonly (Problem & JsonObject)[];
}

/** The action: reports on every file. */
export async function inspect(config: Config, files: readonly string[]): Promise<Evaluation> {
  if (files.length === 0) {
    throw new DataError("Cannot inspect as at least one file must be named: none given");
  }
  const reports: FileReport[] = [];
  for (const file of files) reports.push((await inspectFile(file, config)).report);
  const [first] = reports;
  const problems = reports.flatMap((report) => report.problems);
  return {
    results: reports.length === 1 ? first! : {
      files: reports,
      problems: reports.flatMap(({ file, problems }) => problems.map((p) => ({ ...p, file }))),
    },
    tables: reports.flatMap(tablesOf),
    summary: problems.length === 0
      ? "No problem was found."
      : `${problems.length} problem${problems.length === 1 ? "" : "s"}: ${
        problems.map(({ code }) => code).join(", ")
      }.`,
  };
}

/** A report, and the mean energy of every voxel for pictures. */
export interface Inspection {
  readonly report: FileReport;
  readonly geometry?: Geometry;
  /** MeV, [voxel]. */
  readonly means?: Float64Array;
  /** MeV, [event]. */
  readonly incident: Float64Array;
  /** MeV, [event]; sums of all voxels. */
  readonly totals?: Float64Array;
}

/** Looks at one file; a file that cannot be read is a report with a problem. */
export async function inspectFile(path: string, config: Config): Promise<Inspection> {
  let layout: Layout;
  try {
    layout = await openLayout(path);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return unreadable(path, "unreadable-file", error.message);
  }
  const { problems, format, rows, incident } = layout;
  const header = { file: path, format, events: rows };
  layout.file.close();
  if (problems.length > 0) {
    return {
      report: { ...emptyReport(path), ...header, problems: problems as FileReport["problems"] },
      incident,
    };
  }
  try {
    const geometry = config.geometry === undefined
      ? undefined
      : await readGeometry(config.geometry, config.particle);
    const source = await openShowers(path, { label: path, geometry });
    try {
      return scan(path, source, await informativeVoxels(path));
    } finally {
      source.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const code = /geometry|places of its/.test(error.message) ? "geometry" : "unreadable-file";
    const problem = { code, message: error.message } as const;
    return { report: { ...emptyReport(path), ...header, problems: [problem] }, incident };
  }
}

function emptyReport(file: string): FileReport {
  return {
    file,
    format: null,
    events: 0,
    voxels: 0,
    layers: [],
    activeLayers: [],
    badEvents: 0,
    negativeVoxels: 0,
    eventsWithNegative: 0,
    notFiniteEvents: 0,
    incident: null,
    tailShare: null,
    medianResponse: null,
    problems: [],
  };
}

function unreadable(file: string, code: Problem["code"], message: string): Inspection {
  return { report: { ...emptyReport(file), problems: [{ code, message }] }, incident: new Float64Array(0) };
}

/** Voxels with splitting probabilities that say something, by layer. */
async function informativeVoxels(path: string): Promise<ReadonlyMap<number, number>> {
  const { file, layers } = await openLayout(path);
  try {
    return new Map(layers.flatMap(({ id, probabilities }) => {
      if (!probabilities) return [];
      const { data, shape } = probabilities.read();
      let count = 0;
      for (let voxel = 0; voxel < shape[0]!; voxel++) {
        const isUniform = [0.25, 0.5, 0.75].every((value, i) =>
          Math.abs(Number(data[voxel * 3 + i]) - value) < 1e-3
        );
        if (!isUniform) count++;
      }
      return [[id, count] as const];
    }));
  } finally {
    file.close();
  }
}

/** Counts of one layer. */
class LayerTally {
  nonZeroEvents = 0;
  negativeVoxels = 0;
  notFinite = 0;
  above = 0;
  hits = 0;
  energy = 0;
  share = 0;
}

function scan(path: string, source: ShowerSource, informative: ReadonlyMap<number, number>): Inspection {
  const { geometry, incident, rows } = source;
  const tallies = geometry.layers.map(() => new LayerTally());
  const means = new Float64Array(geometry.voxels);
  const totals = new Float64Array(rows);
  let [bad, withNegative, notFinite] = [0, 0, 0];
  for (const block of blocksOf(source)) {
    for (let row = 0; row < block.rows; row++) {
      const energy = incident[block.from + row]!;
      let [isBad, isNegative, isFinite] = [false, false, Number.isFinite(energy)];
      for (const [at, layer] of geometry.layers.entries()) {
        const tally = tallies[at]!;
        const base = row * geometry.voxels + layer.from;
        let [sum, hits, highest, negative] = [0, 0, 0, 0];
        for (let i = 0; i < layer.voxels; i++) {
          const value = block.voxels[base + i]!;
          if (value === 0) continue;
          hits++;
          sum += value;
          if (value < 0) negative++;
          if (value > highest) highest = value;
        }
        if (!Number.isFinite(sum)) {
          tally.notFinite++;
          isFinite = false;
          continue;
        }
        if (hits > 0) {
          for (let i = 0; i < layer.voxels; i++) means[layer.from + i]! += block.voxels[base + i]!;
        }
        totals[block.from + row]! += sum;
        tally.hits += hits;
        tally.negativeVoxels += negative;
        tally.energy += sum;
        if (energy > 0) tally.share += sum / energy;
        if (hits > 0) tally.nonZeroEvents++;
        if (negative > 0) isNegative = true;
        if (highest >= energy && hits > 0) {
          tally.above++;
          isBad = true;
        }
      }
      if (isBad) bad++;
      if (isNegative) withNegative++;
      if (!isFinite) notFinite++;
    }
  }
  for (let i = 0; i < means.length; i++) means[i]! /= Math.max(1, rows);
  const layers = geometry.layers.map((layer, at) => layerReport(layer, tallies[at]!, rows, informative));
  const good = Float64Array.from(incident).filter((energy) => Number.isFinite(energy) && energy > 0);
  const ratios = totals.map((total, i) => total / incident[i]!).filter(Number.isFinite);
  const medianResponse = ratios.length === 0 ? null : median(ratios);
  const report: FileReport = {
    file: path,
    format: source.format,
    events: rows,
    voxels: geometry.voxels,
    layers,
    activeLayers: layers.filter(({ active }) => active).map(({ layer }) => layer),
    badEvents: bad,
    negativeVoxels: tallies.reduce((sum, tally) => sum + tally.negativeVoxels, 0),
    eventsWithNegative: withNegative,
    notFiniteEvents: notFinite,
    incident: good.length === 0
      ? null
      : { smallest: Math.min(...ends(good)), median: median(good), largest: Math.max(...ends(good)) },
    tailShare: good.length === 0 ? null : good.filter((energy) => energy > 40_000).length / good.length,
    medianResponse,
    problems: [
      ...voxelProblems(geometry, tallies),
      ...incidentProblems(incident),
      ...unitProblems(good, medianResponse),
      ...orderProblems(geometry, means),
    ] as (Problem & JsonObject)[],
  };
  return { report, geometry, means, incident, totals };
}

/** Smallest and largest of many numbers. */
function ends(values: Float64Array): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

function layerReport(
  layer: Layer,
  tally: LayerTally,
  rows: number,
  informative: ReadonlyMap<number, number>,
): LayerReport {
  const events = Math.max(1, rows);
  return {
    layer: layer.id,
    voxels: layer.voxels,
    rings: layer.rings,
    sectors: layer.sectors,
    active: tally.nonZeroEvents > 0,
    nonZeroEvents: tally.nonZeroEvents,
    negativeVoxels: tally.negativeVoxels,
    meanEnergy: tally.energy / events,
    meanShare: tally.share / events,
    sparsity: 1 - tally.hits / events / layer.voxels,
    informativeVoxels: informative.get(layer.id) ?? null,
  };
}

function voxelProblems(geometry: Geometry, tallies: readonly LayerTally[]): Problem[] {
  return geometry.layers.flatMap(({ id }, at) => {
    const { notFinite, above } = tallies[at]!;
    const found: Problem[] = [];
    if (notFinite > 0) {
      found.push({
        code: "not-finite",
        layer: id,
        events: notFinite,
        message: `layer ${id} has NaN or infinity in ${notFinite} events`,
      });
    }
    if (above > 0) {
      found.push({
        code: "voxel-above-incident",
        layer: id,
        events: above,
        message: `layer ${id} has a voxel at or above the incident energy in ${above} events`,
      });
    }
    return found;
  });
}

function incidentProblems(incident: Float64Array): Problem[] {
  const events = incident.filter((energy) => !(energy > 0) || !Number.isFinite(energy)).length;
  if (events === 0) return [];
  return [{
    code: "incident-energy",
    events,
    message: `the incident energy of ${events} events is not a positive number`,
  }];
}

/** A response this far from 1 is another unit. */
const UNIT_RATIO = 30;
/** Photons of these files have 2^8 to 2^22 MeV. */
const LOWEST_MEV = 256;
const HIGHEST_MEV = 2 ** 22;

function unitProblems(incident: Float64Array, response: number | null): Problem[] {
  if (response !== null && response !== 0) {
    const size = Math.abs(response);
    if (size > UNIT_RATIO || size < 1 / UNIT_RATIO) {
      return [{
        code: "unit-slip",
        message: `the voxels add up to ${
          response.toPrecision(3)
        } times the incident energy in the median event: one of them may be in another unit`,
      }];
    }
  }
  if (incident.length === 0) return [];
  const [middle, [low, high]] = [median(incident), ends(incident)];
  const isTooSmall = middle < LOWEST_MEV && high <= HIGHEST_MEV / 1000 * 1.01;
  const isTooLarge = middle > HIGHEST_MEV;
  if (!isTooSmall && !isTooLarge) return [];
  return [{
    code: "unit-slip",
    message: `incident energies lie in ${low.toPrecision(3)} .. ${
      high.toPrecision(3)
    }, expected 256 MeV .. 4.2 TeV in MeV: they may be in ${isTooSmall ? "GeV" : "keV"}`,
  }];
}

/** Showers are round on average: in the right order, rings differ and sectors do not. */
function orderProblems(geometry: Geometry, means: Float64Array): Problem[] {
  return geometry.layers.flatMap((layer): Problem[] => {
    const { id, from, voxels, rings, sectors, ring } = layer;
    if (rings < 3 || sectors < 3 || rings * sectors !== voxels) return [];
    const values = means.subarray(from, from + voxels);
    const as = spreadWithin(values, ring, rings);
    const other = spreadWithin(values, ring.map((_, i) => otherRing(layer, i)), rings);
    if (!(as > 0.5 && other < 0.3 * as)) return [];
    return [{
      code: "index-order",
      layer: id,
      message:
        `the mean shower of layer ${id} is not round in the order of the geometry, and round with radius and angle exchanged`,
    }];
  });
}

/** The ring of a voxel if the other of radius and angle were the faster index. */
function otherRing({ rings, sectors, ring }: Layer, voxel: number): number {
  const isRadiusFastest = ring[1] !== ring[0];
  return isRadiusFastest ? Math.floor(voxel / sectors) : voxel % rings;
}

/** Share of the variance of values that lies within groups, 0..1; 0 for no variance. */
function spreadWithin(values: Float64Array, group: ArrayLike<number>, groups: number): number {
  const [sums, counts] = [new Float64Array(groups), new Float64Array(groups)];
  values.forEach((value, i) => {
    sums[group[i]!]! += value;
    counts[group[i]!]!++;
  });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let [within, total] = [0, 0];
  values.forEach((value, i) => {
    within += (value - sums[group[i]!]! / counts[group[i]!]!) ** 2;
    total += (value - mean) ** 2;
  });
  return total > 0 ? within / total : 0;
}

function tablesOf(report: FileReport, at: number): TextTable[] {
  const name = report.file.split("/").at(-1)!;
  const layers: TextTable = {
    name: `layers_${at + 1}`,
    title: `Layers of ${name}`,
    columns: [
      "layer",
      "voxels",
      "r x alpha",
      "active",
      "events with energy",
      "negative voxels",
      "mean share",
      "sparsity",
      "informative voxels",
    ],
    rows: report.layers.map((layer) => [
      layer.layer,
      layer.voxels,
      `${layer.rings} x ${layer.sectors}`,
      layer.active ? "yes" : "",
      layer.nonZeroEvents,
      layer.negativeVoxels,
      Number(layer.meanShare.toPrecision(4)),
      Number(layer.sparsity.toPrecision(4)),
      layer.informativeVoxels,
    ]),
    note: `${report.events} events; ${report.badEvents} with a voxel at or above the incident energy, ` +
      `${report.eventsWithNegative} with negative voxels, ${report.notFiniteEvents} with NaN or infinity`,
  };
  const problems: TextTable = {
    name: `problems_${at + 1}`,
    title: `Problems of ${name}`,
    columns: ["problem", "layer", "events", "what"],
    rows: report.problems.map((
      { code, layer, events, message },
    ) => [code, layer ?? null, events ?? null, message]),
  };
  return report.problems.length > 0 ? [problems, layers] : [layers];
}

/** The geometry of an ATLAS file's layers. */
export function geometryOf({ layers, file }: Layout): Geometry {
  return geometryFromBins(layers.flatMap(({ bins }) => bins ?? []), file.path);
}
