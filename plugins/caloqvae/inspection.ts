/**
 * What is in a file of showers: one pass over its voxels.
 *
 * @module
 */
import { DataError, type JsonObject } from "beamline";
import { median } from "beamline/metrics";
import type { Config } from "./config.ts";
import { isEnergy } from "./defects.ts";
import type { Geometry, Layer } from "./geometry.ts";
import { countInformative, probabilitiesOf, type Splitting } from "./probabilities.ts";
import {
  type BadEvents,
  ends,
  incidentProblems,
  orderProblems,
  unitProblems,
  voxelProblems,
} from "./problems.ts";
import { type Layout, openLayout, type Problem, readGeometry } from "./layout.ts";
import { blocksOf, openShowers, type ShowerSource } from "./showers.ts";
import { isSimulated } from "./sources.ts";

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
  /** Events without NaN, infinity and bad incident energies: those that means and shares are of. */
  readonly usedEvents: number;
  /** MeV; null where there are none. */
  readonly incident: { readonly smallest: number; readonly median: number; readonly largest: number } | null;
  /** Share of events above 40 GeV, where the tail of the spectrum begins. */
  readonly tailShare: number | null;
  /** Median of the sum of voxels over the incident energy. */
  readonly medianResponse: number | null;
  readonly problems: readonly (Problem & JsonObject)[];
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
  /** Splitting probabilities, by number of the layer. */
  readonly splitting: ReadonlyMap<number, Splitting>;
  /** Whether the file says that it was simulated by this plugin. */
  readonly simulated: boolean;
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
  const simulated = isSimulated(layout);
  const splitting = probabilitiesOf(layout);
  layout.file.close();
  if (problems.length > 0) {
    return {
      report: { ...emptyReport(path), ...header, problems: problems as FileReport["problems"] },
      incident,
      splitting,
      simulated,
    };
  }
  try {
    const geometry = config.geometry === undefined
      ? undefined
      : await readGeometry(config.geometry, config.particle);
    const source = await openShowers(path, { label: path, geometry });
    try {
      return { ...scan(path, source, splitting), simulated };
    } finally {
      source.close();
    }
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const code = /geometry|places of its/.test(error.message) ? "geometry" : "unreadable-file";
    const problem = { code, message: error.message } as const;
    return {
      report: { ...emptyReport(path), ...header, problems: [problem] },
      incident,
      splitting,
      simulated,
    };
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
    usedEvents: 0,
    incident: null,
    tailShare: null,
    medianResponse: null,
    problems: [],
  };
}

function unreadable(file: string, code: Problem["code"], message: string): Inspection {
  return {
    report: { ...emptyReport(file), problems: [{ code, message }] },
    incident: new Float64Array(0),
    splitting: new Map(),
    simulated: false,
  };
}

/** Counts of one layer, of the events that are used. */
class LayerTally implements BadEvents {
  nonZeroEvents = 0;
  negativeVoxels = 0;
  notFinite = 0;
  /** The first voxel that is not finite. */
  firstNotFinite: string | undefined;
  above = 0;
  firstAbove: string | undefined;
  hits = 0;
  energy = 0;
  share = 0;
}

/** What one layer of one shower adds up to. */
interface LayerSum {
  readonly sum: number;
  readonly hits: number;
  readonly negative: number;
  readonly highest: number;
}

/** Sums over all showers of a file. */
class Scan {
  readonly tallies: readonly LayerTally[];
  /** Sum of each voxel over the events that are used, MeV. */
  readonly sums: Float64Array;
  /** Sum of all voxels of each event, MeV; NaN for an event that is not used. */
  readonly totals: Float64Array;
  badEvents = 0;
  eventsWithNegative = 0;
  notFiniteEvents = 0;
  usedEvents = 0;

  constructor(readonly source: ShowerSource) {
    this.tallies = source.geometry.layers.map(() => new LayerTally());
    this.sums = new Float64Array(source.geometry.voxels);
    this.totals = new Float64Array(source.rows);
  }

  /** Adds a shower; `at` is where its voxels begin. One that is not finite or has no incident energy is only counted. */
  addShower(event: number, voxels: Float32Array, at: number): void {
    const { geometry: { layers }, incident } = this.source;
    const energy = incident[event]!;
    const sums = layers.map((layer) => sumOf(voxels, at + layer.from, layer.voxels));
    const isFinite = sums.every(({ sum }) => Number.isFinite(sum));
    if (!isFinite || !Number.isFinite(energy)) this.notFiniteEvents++;
    if (!isFinite || !isEnergy(energy)) {
      this.totals[event] = NaN;
      sums.forEach(({ sum }, i) => Number.isFinite(sum) || this.#countNotFinite(i, event, voxels, at));
      return;
    }
    this.usedEvents++;
    sums.forEach((sum, i) => this.#addLayer(i, sum, event));
    for (let i = 0; i < this.sums.length; i++) this.sums[i]! += voxels[at + i]!;
    if (sums.some(({ highest, hits }) => highest >= energy && hits > 0)) this.badEvents++;
    if (sums.some(({ negative }) => negative > 0)) this.eventsWithNegative++;
  }

  #countNotFinite(layer: number, event: number, voxels: Float32Array, at: number): void {
    const tally = this.tallies[layer]!;
    tally.notFinite++;
    const { from, voxels: size } = this.source.geometry.layers[layer]!;
    const own = voxels.subarray(at + from, at + from + size);
    tally.firstNotFinite ??= `event ${event}, voxel ${own.findIndex((value) => !Number.isFinite(value))}`;
  }

  #addLayer(layer: number, { sum, hits, negative, highest }: LayerSum, event: number): void {
    const tally = this.tallies[layer]!;
    const energy = this.source.incident[event]!;
    this.totals[event]! += sum;
    tally.hits += hits;
    tally.negativeVoxels += negative;
    tally.energy += sum;
    tally.share += sum / energy;
    if (hits > 0) tally.nonZeroEvents++;
    if (highest >= energy && hits > 0) {
      tally.above++;
      tally.firstAbove ??= `event ${event}`;
    }
  }
}

function sumOf(voxels: Float32Array, from: number, size: number): LayerSum {
  let [sum, hits, highest, negative] = [0, 0, 0, 0];
  for (let i = from; i < from + size; i++) {
    const value = voxels[i]!;
    if (value === 0) continue;
    hits++;
    sum += value;
    if (value < 0) negative++;
    if (value > highest) highest = value;
  }
  return { sum, hits, highest, negative };
}

function scan(
  path: string,
  source: ShowerSource,
  splitting: ReadonlyMap<number, Splitting>,
): Omit<Inspection, "simulated"> {
  const { geometry, incident } = source;
  const found = new Scan(source);
  for (const { from, rows, voxels } of blocksOf(source)) {
    for (let row = 0; row < rows; row++) found.addShower(from + row, voxels, row * geometry.voxels);
  }
  const means = found.sums.map((sum) => sum / Math.max(1, found.usedEvents));
  const report = reportOf(path, found, means, splitting);
  return { report, geometry, means, incident, totals: found.totals, splitting };
}

function reportOf(
  path: string,
  { source, tallies, totals, badEvents, eventsWithNegative, notFiniteEvents, usedEvents }: Scan,
  means: Float64Array,
  splitting: ReadonlyMap<number, Splitting>,
): FileReport {
  const { geometry, incident, rows, format } = source;
  const layers = geometry.layers.map((layer, at) =>
    layerReport(layer, tallies[at]!, usedEvents, splitting.get(layer.id))
  );
  const good = Float64Array.from(incident).filter(isEnergy);
  const ratios = totals.map((total, i) => total / incident[i]!).filter(Number.isFinite);
  const medianResponse = ratios.length === 0 ? null : median(ratios);
  return {
    file: path,
    format,
    events: rows,
    voxels: geometry.voxels,
    layers,
    activeLayers: layers.filter(({ active }) => active).map(({ layer }) => layer),
    badEvents,
    negativeVoxels: tallies.reduce((sum, tally) => sum + tally.negativeVoxels, 0),
    eventsWithNegative,
    notFiniteEvents,
    usedEvents,
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
}

function layerReport(
  layer: Layer,
  tally: LayerTally,
  used: number,
  splitting: Splitting | undefined,
): LayerReport {
  const events = Math.max(1, used);
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
    informativeVoxels: splitting ? countInformative(splitting) : null,
  };
}
