/**
 * The second pass over the voxels: spectra, means, moments and samples of showers, gathered block by block.
 *
 * @module
 */
import type { Random } from "beamline";
import { type Matrix, Moments } from "beamline/metrics";
import type { EngineAlgebra } from "./algebra.ts";
import { MOMENT_ROWS, momentEdges } from "./algebra_programs.ts";

/** Edges that hold for all samples of a run. */
export interface SpectrumEdges {
  /** Bins of the separation power: equal in the logarithm of the voxel energy, MeV. */
  readonly log: Float64Array;
  /** Bins of the chi2 distances: equal over the range of the sample pooled with another, MeV; one set per other. */
  readonly equal: readonly Float64Array[];
}

/** What is gathered, and how. */
export interface GatherOptions {
  readonly voxels: number;
  /** Showers expected. */
  readonly rows: number;
  readonly edges: SpectrumEdges;
  readonly algebra: EngineAlgebra;
  /** Showers kept for neighborhoods; 0 for none. */
  readonly neighborRows: number;
  /** Room for them, of a sample that is not needed any more. */
  readonly neighborRoom?: Float32Array<ArrayBuffer> | undefined;
  readonly stages: Stages;
  /** Affine map of the voxels before their products are summed. */
  readonly shift: Float64Array;
  readonly scale: Float64Array;
}

/** Groups of events whose spectra are kept apart, for errors. */
const GROUPS = 50;
/** Showers kept for the errors of Frobenius distances. */
const INFLUENCE_ROWS = 1000;
/** Bytes of voxels sent to the engine at once. */
const STAGE_BYTES = 2 ** 23;

/** Counts and sums of one sample. */
export interface VoxelSpectra {
  readonly voxels: number;
  readonly rows: number;
  /** Spectra of voxels per group of events, in the bins of `edges.log`. */
  readonly logCounts: readonly Float64Array[];
  /** Likewise for each set of `edges.equal`. */
  readonly equalCounts: readonly (readonly Float64Array[])[];
  /** Sum of each voxel over showers, MeV. */
  readonly sums: Float64Array;
  /** Showers with a positive voxel, by voxel. */
  readonly hits: Float64Array;
}

/** What the second pass finds of one sample. */
export interface VoxelSummary extends VoxelSpectra {
  readonly energyMoments: Moments;
  readonly hitMoments: Moments;
  /** A few showers, evenly spaced, [row, voxel], MeV. */
  readonly sample: Matrix;
  /** Showers as precision and recall see them, evenly spaced: log10 of MeV, with 0.1 MeV in place of nothing. */
  readonly logSample: Matrix;
}

/** The counts and sums alone, without what takes much memory. */
export function spectraOf(summary: VoxelSummary): VoxelSpectra {
  const { voxels, rows, logCounts, equalCounts, sums, hits } = summary;
  return { voxels, rows, logCounts, equalCounts, sums, hits };
}

/**
 * Two parts of a sample as one; the showers kept are those of the first. With `reuse`, the sums of products of the second
 * grow into those of both.
 */
export function mergedSummary(a: VoxelSummary, b: VoxelSummary, { reuse = false } = {}): VoxelSummary {
  const both = (x: Moments, y: Moments): Moments => {
    if (!reuse) return x.merged(y);
    y.addSums(x);
    return y;
  };
  const add = (x: Float64Array, y: Float64Array): Float64Array => x.map((value, i) => value + y[i]!);
  return {
    voxels: a.voxels,
    rows: a.rows + b.rows,
    logCounts: [...a.logCounts, ...b.logCounts],
    equalCounts: a.equalCounts.map((groups, set) => [...groups, ...b.equalCounts[set]!]),
    sums: add(a.sums, b.sums),
    hits: add(a.hits, b.hits),
    energyMoments: both(a.energyMoments, b.energyMoments),
    hitMoments: both(a.hitMoments, b.hitMoments),
    sample: a.sample,
    logSample: a.logSample,
  };
}

/** Buffers for voxels on their way to the engine: one at a time is there, others are being filled. */
export class Stages {
  readonly #free: Float32Array<ArrayBuffer>[] = [];
  readonly rows: number;
  #pending: Promise<void> = Promise.resolve();

  constructor(readonly voxels: number) {
    this.rows = MOMENT_ROWS * Math.max(1, Math.floor(STAGE_BYTES / 4 / voxels / MOMENT_ROWS));
  }

  /** A buffer of `rows` showers; its content is of no meaning. */
  take(): Float32Array<ArrayBuffer> {
    return this.#free.pop() ?? new Float32Array(this.rows * this.voxels);
  }

  /**
   * Has a buffer worked on, after the one before, and takes it back then. Returns when the work has begun: reading goes
   * on meanwhile.
   */
  async send(stage: Float32Array<ArrayBuffer>, work: () => Promise<void>): Promise<void> {
    await this.#pending;
    this.#pending = work().finally(() => this.#free.push(stage));
    this.#pending.catch(() => {}); // told when it is waited for
    await nextTurn();
  }

  /** Waits for all work. */
  async finish(): Promise<void> {
    await this.#pending;
  }

  /** Lets go of the buffers. */
  clear(): void {
    this.#free.length = 0;
  }
}

/** Lets files be made and messages go out, which only an idle moment does. */
async function nextTurn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve));
}

/** Every so many rows, so that `kept` of `rows` are chosen evenly. */
function isChosen(row: number, kept: number, rows: number): boolean {
  return Math.floor((row + 1) * kept / rows) > Math.floor(row * kept / rows);
}

/** Rows that are kept. */
class Kept {
  readonly data: Float32Array<ArrayBuffer>;
  rows = 0;
  #matrix: Matrix | undefined;

  constructor(readonly most: number, readonly columns: number, room?: Float32Array<ArrayBuffer>) {
    const size = most * columns;
    this.data = room?.length === size ? room : new Float32Array(size);
  }

  /** Room for the next row. */
  next(): Float32Array<ArrayBuffer> {
    const from = this.rows++ * this.columns;
    return this.data.subarray(from, from + this.columns);
  }

  /** The same object each time: what was computed of it is known by it. */
  get matrix(): Matrix {
    const { rows, columns, data } = this;
    if (this.#matrix?.rows === rows) return this.#matrix;
    return this.#matrix = { rows, columns, data: data.subarray(0, rows * columns) };
  }
}

/** Gathers a {@linkcode VoxelSummary}. */
export class VoxelStatistics implements VoxelSummary {
  rows = 0;
  readonly logCounts: Float64Array[];
  readonly equalCounts: Float64Array[][];
  readonly sums: Float64Array;
  readonly hits: Float64Array;
  readonly energyMoments: Moments;
  readonly hitMoments: Moments;
  readonly #sample: Kept;
  readonly #logSample: Kept;
  readonly #logBins: LogBins;
  readonly #equalBins: readonly EqualBins[];
  #stage: Float32Array<ArrayBuffer> | undefined;
  #staged = 0;

  constructor(readonly options: GatherOptions) {
    const { voxels, edges, neighborRows, neighborRoom, shift, scale, rows } = options;
    const room = (length: number) => Array.from({ length: GROUPS }, () => new Float64Array(length - 1));
    this.logCounts = room(edges.log.length);
    this.equalCounts = edges.equal.map(({ length }) => room(length));
    this.sums = new Float64Array(voxels);
    this.hits = new Float64Array(voxels);
    const blocks = momentEdges(voxels);
    this.energyMoments = new Moments(shift, scale, blocks);
    this.hitMoments = new Moments(new Float64Array(voxels), new Float64Array(voxels).fill(1), blocks);
    this.#sample = new Kept(Math.min(INFLUENCE_ROWS, rows), voxels);
    this.#logSample = new Kept(Math.min(neighborRows, rows), voxels, neighborRoom);
    this.#logBins = new LogBins(edges.log);
    this.#equalBins = edges.equal.map((own) => new EqualBins(own));
  }

  get voxels(): number {
    return this.options.voxels;
  }

  get sample(): Matrix {
    return this.#sample.matrix;
  }

  get logSample(): Matrix {
    return this.#logSample.matrix;
  }

  /** Adds showers, [row, voxel]; waits for the engine when it is behind. */
  async add(values: Float32Array<ArrayBuffer>, rows: number): Promise<void> {
    const { voxels, stages } = this.options;
    this.#count(values, rows);
    for (let done = 0; done < rows;) {
      this.#stage ??= stages.take();
      const take = Math.min(rows - done, stages.rows - this.#staged);
      this.#stage.set(values.subarray(done * voxels, (done + take) * voxels), this.#staged * voxels);
      this.#staged += take;
      done += take;
      if (this.#staged === stages.rows) await this.#send();
    }
  }

  #count(values: Float32Array<ArrayBuffer>, rows: number): void {
    const { voxels, rows: expected } = this.options;
    for (let row = 0; row < rows; row++) {
      const position = this.rows + row;
      const group = Math.min(GROUPS - 1, Math.floor(position * GROUPS / expected));
      const shower = values.subarray(row * voxels, (row + 1) * voxels);
      this.#add(shower);
      this.#logBins.count(shower, this.logCounts[group]!);
      this.#equalBins.forEach((bins, set) => bins.count(shower, this.equalCounts[set]![group]!));
      this.#keep(shower, position);
    }
    this.rows += rows;
  }

  #add(shower: Float32Array): void {
    const { sums, hits } = this;
    for (let i = 0; i < shower.length; i++) {
      const value = shower[i]!;
      if (value === 0) continue;
      sums[i]! += value;
      if (value > 0) hits[i]!++;
    }
  }

  #keep(shower: Float32Array, position: number): void {
    const { rows } = this.options;
    const [sample, logs] = [this.#sample, this.#logSample];
    if (position >= rows) return;
    if (isChosen(position, sample.most, rows)) sample.next().set(shower);
    if (!isChosen(position, logs.most, rows)) return;
    const target = logs.next();
    for (let i = 0; i < shower.length; i++) {
      const value = shower[i]!;
      target[i] = value > 0 ? Math.log10(value) : EMPTY_LOG;
    }
  }

  /** Gives the staged showers to the engine. */
  async #send(): Promise<void> {
    const { algebra, stages } = this.options;
    const [stage, rows] = [this.#stage!, this.#staged];
    this.#stage = undefined;
    this.#staged = 0;
    const target = { energy: this.energyMoments, hits: this.hitMoments };
    await stages.send(stage, () => algebra.addVoxelMoments(stage, rows, target));
  }

  /** Waits for everything that was given to the engine. */
  async finish(): Promise<void> {
    if (this.#staged > 0) await this.#send();
    await this.options.stages.finish();
  }
}

/** log10 of the 0.1 MeV that stand for an empty voxel. */
const EMPTY_LOG = -1;

/** Bits of a float32 that choose an entry of the table: sign, exponent and the first six of the fraction. */
const TABLE_SHIFT = 17;

/** Counts positive float32 values between increasing positive edges; a table by their first bits tells where to look. */
class LogBins {
  readonly #first = new Uint16Array(2 ** (31 - TABLE_SHIFT));

  constructor(readonly edges: Float64Array) {
    const bits = new Uint32Array(1);
    const value = new Float32Array(bits.buffer);
    const last = edges.length - 2;
    for (let key = 0, bin = 0; key < this.#first.length; key++) {
      bits[0] = key << TABLE_SHIFT;
      while (bin < last && value[0]! >= edges[bin + 1]!) bin++;
      this.#first[key] = bin;
    }
  }

  count(values: Float32Array<ArrayBuffer>, counts: Float64Array): void {
    const { edges } = this;
    const first = this.#first;
    const last = edges.length - 2;
    const [low, high] = [edges[0]!, edges[last + 1]!];
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!(value >= low && value <= high)) continue;
      let bin = first[bits[i]! >>> TABLE_SHIFT]!;
      while (bin < last && value >= edges[bin + 1]!) bin++;
      counts[bin]!++;
    }
  }
}

/** Counts values in bins of one width, by a guess that the edges correct. */
class EqualBins {
  readonly #zero: number;

  constructor(readonly edges: Float64Array) {
    const last = edges.length - 1;
    this.#zero = edges[0]! <= 0 && edges[last]! >= 0 ? settle(edges, 0, 0) : -1;
  }

  count(values: Float32Array, counts: Float64Array): void {
    const { edges } = this;
    const last = edges.length - 1;
    const [low, high] = [edges[0]!, edges[last]!];
    const factor = last / (high - low);
    let zeros = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value === 0) zeros++;
      else if (value >= low && value <= high) counts[settle(edges, value, (value - low) * factor | 0)]!++;
    }
    if (this.#zero >= 0) counts[this.#zero]! += zeros;
  }
}

/** The bin of a value in range, from a guess. */
function settle(edges: Float64Array, value: number, guess: number): number {
  const last = edges.length - 2;
  let bin = guess > last ? last : guess;
  while (bin > 0 && value < edges[bin]!) bin--;
  while (bin < last && value >= edges[bin + 1]!) bin++;
  return bin;
}

/**
 * Shuffles every voxel across the showers of a block: each voxel keeps its values, and nothing else is left of a shower.
 * With `groups`, values stay among showers of one group.
 *
 * @param values [row, voxel]; changed in place.
 * @param groups Group of each row, such as its bin of incident energy.
 */
export function shuffleVoxels(
  values: Float32Array,
  rows: number,
  voxels: number,
  random: Random,
  groups?: ArrayLike<number>,
): void {
  const members = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    const group = groups?.[row] ?? 0;
    const found = members.get(group);
    if (found) found.push(row);
    else members.set(group, [row]);
  }
  for (const list of members.values()) {
    for (let voxel = 0; voxel < voxels; voxel++) {
      for (let i = list.length - 1; i > 0; i--) {
        const a = list[i]! * voxels + voxel;
        const b = list[random.integer(i + 1)]! * voxels + voxel;
        const value = values[a]!;
        values[a] = values[b]!;
        values[b] = value;
      }
    }
  }
}

/** How the detuned anchor is wrong: scale of all voxels, spread of each, share of hits that are lost. */
export const DETUNED = { scale: 0.9, spread: 0.25, lost: 0.1 } as const;

/** Makes showers worse in a known way: every voxel scaled and smeared, some hits lost. Changes `values` in place. */
export function detuneVoxels(values: Float32Array, random: Random): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === 0) continue;
    values[i] = random.uniform() < DETUNED.lost
      ? 0
      : value * DETUNED.scale * Math.exp(DETUNED.spread * random.normal());
  }
}

/** Bin of the incident energy: powers of 2 of MeV, centered on 2^8, 2^9, ... */
export function energyGroup(incident: number): number {
  return Math.round(Math.log2(incident));
}
