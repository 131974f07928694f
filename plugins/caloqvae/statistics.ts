/**
 * The second pass over the voxels: spectra, means, moments and samples of showers, gathered block by block.
 *
 * @module
 */
import { InternalError, type Random } from "beamline";
import type { Matrix, Moments } from "beamline/metrics";
import type { EngineAlgebra, VoxelMoments, VoxelMomentSum } from "./algebra.ts";
import { MOMENT_ROWS } from "./algebra_sizes.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import type { EngineSample, SampleWriter } from "./neighbor_algebra.ts";
import { isChosen } from "./showers.ts";

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
  readonly upload: UploadBuffer;
  /** Affine map of the voxels before their products are summed. */
  readonly shift: Float64Array;
  readonly scale: Float64Array;
}

/** Groups of events whose spectra are kept apart, for errors. */
const GROUPS = 50;
/** Showers kept for the errors of Frobenius distances. */
const INFLUENCE_ROWS = 1000;
/** Bytes of voxels sent to the engine at once. */
const UPLOAD_BYTES = 2 ** 23;

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
  readonly logSample: EngineSample;
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

/** Buffers that may wait for the engine. */
const AHEAD = 2;

/** Voxels on their way to the engine: a buffer to fill, and the work on what was sent. */
export class UploadBuffer {
  readonly rows: number;
  readonly #queue = new BoundedQueue(AHEAD);
  #buffer: Float32Array<ArrayBuffer> | undefined;

  constructor(readonly voxels: number) {
    this.rows = MOMENT_ROWS * Math.max(1, Math.floor(UPLOAD_BYTES / 4 / voxels / MOMENT_ROWS));
  }

  /** Room for `rows` showers, always the same; its content is of no meaning. */
  get buffer(): Float32Array<ArrayBuffer> {
    return this.#buffer ??= new Float32Array(this.rows * this.voxels);
  }

  /** Has the buffer worked on, when not too much waits. Work takes what it needs of the buffer before it waits. */
  async send(work: () => Promise<void>): Promise<void> {
    await this.#queue.add(work);
  }

  /** Waits for all work. */
  async finish(): Promise<void> {
    await this.#queue.drain();
  }

  /** Lets go of the buffer. */
  clear(): void {
    this.#buffer = undefined;
  }
}

/** Gathers a {@linkcode VoxelSummary}. */
export class VoxelStatistics implements VoxelSummary {
  rows = 0;
  readonly logCounts: Float64Array[];
  readonly equalCounts: Float64Array[][];
  readonly sums: Float64Array;
  readonly hits: Float64Array;
  readonly #sum: VoxelMomentSum;
  #moments: VoxelMoments | undefined;
  readonly #kept: Float32Array<ArrayBuffer>;
  #keptRows = 0;
  readonly #logRows: SampleWriter;
  #logSample: EngineSample | undefined;
  readonly #filled: Float32Array<ArrayBuffer>;
  readonly #logBins: LogBins;
  readonly #equalBins: readonly EqualBins[];
  #staged = 0;

  constructor(readonly options: GatherOptions) {
    const { voxels, edges, shift, scale, rows, algebra } = options;
    const room = (length: number) => Array.from({ length: GROUPS }, () => new Float64Array(length - 1));
    this.logCounts = room(edges.log.length);
    this.equalCounts = edges.equal.map(({ length }) => room(length));
    this.sums = new Float64Array(voxels);
    this.hits = new Float64Array(voxels);
    this.#sum = algebra.voxelMoments(shift, scale);
    this.#kept = new Float32Array(Math.min(INFLUENCE_ROWS, rows) * voxels);
    this.#logRows = algebra.sample(voxels);
    this.#filled = new Float32Array(voxels);
    this.#logBins = new LogBins(edges.log);
    this.#equalBins = edges.equal.map((own) => new EqualBins(own));
  }

  get voxels(): number {
    return this.options.voxels;
  }

  get energyMoments(): Moments {
    return this.#found.energy;
  }

  get hitMoments(): Moments {
    return this.#found.hits;
  }

  get #found(): VoxelMoments {
    return this.#moments ?? this.#unfinished();
  }

  get sample(): Matrix {
    const { voxels } = this.options;
    return { rows: this.#keptRows, columns: voxels, data: this.#kept.subarray(0, this.#keptRows * voxels) };
  }

  get logSample(): EngineSample {
    return this.#logSample ?? this.#unfinished();
  }

  #unfinished(): never {
    throw new InternalError("Cannot give what was gathered as it must be complete: finish() was not called");
  }

  /** Adds showers, [row, voxel]; waits for the engine when it is behind. */
  async add(values: Float32Array<ArrayBuffer>, rows: number): Promise<void> {
    const { voxels, upload } = this.options;
    this.#count(values, rows);
    for (let done = 0; done < rows;) {
      const take = Math.min(rows - done, upload.rows - this.#staged);
      upload.buffer.set(values.subarray(done * voxels, (done + take) * voxels), this.#staged * voxels);
      this.#staged += take;
      done += take;
      if (this.#staged === upload.rows) await this.#send();
    }
  }

  #count(values: Float32Array<ArrayBuffer>, rows: number): void {
    const { voxels, rows: expected } = this.options;
    for (let row = 0; row < rows; row++) {
      const position = this.rows + row;
      const group = Math.min(GROUPS - 1, Math.floor(position * GROUPS / expected));
      const shower = values.subarray(row * voxels, (row + 1) * voxels);
      const filled = this.#filled.subarray(0, this.#add(shower));
      this.#logBins.count(filled, this.logCounts[group]!);
      const zeros = voxels - filled.length;
      this.#equalBins.forEach((bins, set) => bins.count(filled, zeros, this.equalCounts[set]![group]!));
      this.#keep(shower, position);
    }
    this.rows += rows;
  }

  /** Adds a shower and keeps its voxels that are not 0; returns how many. */
  #add(shower: Float32Array): number {
    const { sums, hits } = this;
    const filled = this.#filled;
    let count = 0;
    for (let i = 0; i < shower.length; i++) {
      const value = shower[i]!;
      if (value === 0) continue;
      filled[count++] = value;
      sums[i]! += value;
      if (value > 0) hits[i]!++;
    }
    return count;
  }

  #keep(shower: Float32Array, position: number): void {
    const { rows, voxels, neighborRows } = this.options;
    if (position >= rows) return;
    if (isChosen(position, Math.min(INFLUENCE_ROWS, rows), rows)) {
      this.#kept.set(shower, this.#keptRows++ * voxels);
    }
    if (!isChosen(position, Math.min(neighborRows, rows), rows)) return;
    const target = this.#logRows.next();
    for (let i = 0; i < shower.length; i++) {
      const value = shower[i]!;
      target[i] = value > 0 ? Math.log10(value) : EMPTY_LOG;
    }
  }

  /** Gives the staged showers to the engine. */
  async #send(): Promise<void> {
    const { upload } = this.options;
    const rows = this.#staged;
    this.#staged = 0;
    await upload.send(() => this.#sum.add(upload.buffer, rows));
  }

  /** Gives everything to the engine that was added. */
  async flush(): Promise<void> {
    if (this.#staged > 0) await this.#send();
  }

  /** Completes the moments; nothing can be added any more. */
  async finish(): Promise<void> {
    await this.flush();
    await this.options.upload.finish();
    this.#moments ??= await this.#sum.total();
    this.#logSample ??= this.#logRows.finish();
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

/** Counts values in bins of one width, by a guess that the edges correct; most voxels lie in the bin of 0. */
class EqualBins {
  readonly #zero: number;
  readonly #hasZero: boolean;

  constructor(readonly edges: Float64Array) {
    this.#hasZero = edges[0]! <= 0 && edges.at(-1)! >= 0;
    this.#zero = this.#hasZero ? settle(edges, 0, 0) : 0;
  }

  /** @param zeros Further values that are 0. */
  count(values: Float32Array, zeros: number, counts: Float64Array): void {
    const { edges } = this;
    const zero = this.#zero;
    const last = edges.length - 1;
    const [low, high] = [edges[0]!, edges[last]!];
    const [from, to] = [edges[zero]!, edges[zero + 1]!];
    const factor = last / (high - low);
    let usual = this.#hasZero ? zeros : 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (value >= from && value < to) usual++;
      else if (value >= low && value <= high) counts[settle(edges, value, (value - low) * factor | 0)]!++;
    }
    counts[zero]! += usual;
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

/** How the detuned control is wrong: scale of all voxels, spread of each, share of hits that are lost. */
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
