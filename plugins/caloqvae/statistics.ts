/**
 * The second pass over the voxels: spectra, means, moments and a sample of showers, gathered block by block.
 *
 * @module
 */
import type { Random } from "beamline";
import { type Matrix, Moments } from "beamline/metrics";
import { type EngineAlgebra, MOMENT_ROWS, momentEdges } from "./algebra.ts";
import type { Block } from "./showers.ts";

/** Edges that hold for all samples of a run. */
export interface SpectrumEdges {
  /** Bins of the separation power: equal in the logarithm of the voxel energy, MeV. */
  readonly log: Float64Array;
  /** Bins of the chi2 distances: equal over the range of the sample pooled with another, MeV; one set per other. */
  readonly equal: readonly Float64Array[];
}

/** What is gathered, and how. */
export interface GatherOptions {
  readonly label: string;
  readonly voxels: number;
  /** Showers expected. */
  readonly rows: number;
  readonly edges: SpectrumEdges;
  readonly algebra: EngineAlgebra;
  /** Showers kept for neighborhoods. */
  readonly sampleRows: number;
  /** Affine map of the voxels before their products are summed. */
  readonly shift: Float64Array;
  readonly scale: Float64Array;
}

/** Groups of events whose spectra are kept apart, for errors. */
const GROUPS = 50;
/** Bytes of voxels sent to the engine at once. */
const STAGE_BYTES = 2 ** 25;

/** What the second pass finds of one sample. */
export interface VoxelSummary {
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
  readonly energyMoments: Moments;
  readonly hitMoments: Moments;
  /** Showers kept, [row, voxel], MeV. */
  readonly sample: Float32Array<ArrayBuffer>;
  readonly sampleRows: number;
}

/** Two parts of a sample as one; the showers kept are those of the first. */
export function mergedSummary(a: VoxelSummary, b: VoxelSummary): VoxelSummary {
  const add = (x: Float64Array, y: Float64Array): Float64Array => x.map((value, i) => value + y[i]!);
  return {
    voxels: a.voxels,
    rows: a.rows + b.rows,
    logCounts: [...a.logCounts, ...b.logCounts],
    equalCounts: a.equalCounts.map((groups, set) => [...groups, ...b.equalCounts[set]!]),
    sums: add(a.sums, b.sums),
    hits: add(a.hits, b.hits),
    energyMoments: a.energyMoments.merged(b.energyMoments),
    hitMoments: a.hitMoments.merged(b.hitMoments),
    sample: a.sample,
    sampleRows: a.sampleRows,
  };
}

/** Gathers a {@linkcode VoxelSummary}. */
export class VoxelStatistics implements VoxelSummary {
  rows = 0;
  /** Spectra of voxels per group of events, in the bins of `edges.log`. */
  readonly logCounts: Float64Array[];
  /** Likewise for each set of `edges.equal`. */
  readonly equalCounts: Float64Array[][];
  /** Sum of each voxel over showers, MeV. */
  readonly sums: Float64Array;
  /** Showers with a positive voxel, by voxel. */
  readonly hits: Float64Array;
  readonly energyMoments: Moments;
  readonly hitMoments: Moments;
  /** Showers kept, [row, voxel], MeV. */
  readonly sample: Float32Array<ArrayBuffer>;
  sampleRows = 0;
  /** Two, so that one is filled while the engine works on the other. */
  #stages: [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>];
  readonly #stageRows: number;
  #staged = 0;
  #pending: Promise<void> = Promise.resolve();

  constructor(readonly options: GatherOptions) {
    const { voxels, edges, sampleRows, shift, scale, rows } = options;
    const room = (length: number) => Array.from({ length: GROUPS }, () => new Float64Array(length - 1));
    this.logCounts = room(edges.log.length);
    this.equalCounts = edges.equal.map(({ length }) => room(length));
    this.sums = new Float64Array(voxels);
    this.hits = new Float64Array(voxels);
    const blocks = momentEdges(voxels);
    this.energyMoments = new Moments(shift, scale, blocks);
    this.hitMoments = new Moments(
      new Float64Array(voxels),
      new Float64Array(voxels).fill(1),
      blocks,
    );
    this.sample = new Float32Array(Math.min(sampleRows, rows) * voxels);
    const batches = Math.max(1, Math.floor(STAGE_BYTES / 4 / voxels / MOMENT_ROWS));
    this.#stageRows = Math.min(rows, batches * MOMENT_ROWS);
    const size = this.#stageRows * voxels;
    this.#stages = [new Float32Array(size), new Float32Array(size)];
  }

  /** Adds showers, [row, voxel]; waits for the engine when it is behind. */
  async add(values: Float32Array, rows: number): Promise<void> {
    const { voxels } = this.options;
    this.#count(values, rows);
    for (let done = 0; done < rows;) {
      const take = Math.min(rows - done, this.#stageRows - this.#staged);
      this.#stages[0].set(
        values.subarray(done * voxels, (done + take) * voxels),
        this.#staged * voxels,
      );
      this.#staged += take;
      done += take;
      if (this.#staged === this.#stageRows) await this.#send();
    }
  }

  #count(values: Float32Array, rows: number): void {
    const { voxels, edges, rows: expected } = this.options;
    const logBin = logFinder(edges.log);
    const equalBins = edges.equal.map(equalFinder);
    const kept = this.sample.length / voxels;
    for (let row = 0; row < rows; row++) {
      const position = this.rows + row;
      const group = Math.min(
        GROUPS - 1,
        Math.floor(position * GROUPS / expected),
      );
      const log = this.logCounts[group]!;
      const base = row * voxels;
      let zeros = 0;
      for (let i = 0; i < voxels; i++) {
        const value = values[base + i]!;
        if (value === 0) {
          zeros++;
          continue;
        }
        this.sums[i]! += value;
        if (value > 0) {
          this.hits[i]!++;
          const bin = logBin(value);
          if (bin >= 0) log[bin]!++;
        }
        for (let set = 0; set < equalBins.length; set++) {
          const bin = equalBins[set]!(value);
          if (bin >= 0) this.equalCounts[set]![group]![bin]!++;
        }
      }
      equalBins.forEach((binOf, set) => {
        const bin = binOf(0);
        if (bin >= 0) this.equalCounts[set]![group]![bin]! += zeros;
      });
      const isKept = Math.floor((position + 1) * kept / expected) >
        Math.floor(position * kept / expected);
      if (isKept && this.sampleRows < kept) {
        this.sample.set(
          values.subarray(base, base + voxels),
          this.sampleRows * voxels,
        );
        this.sampleRows++;
      }
    }
    this.rows += rows;
  }

  /** Gives the staged showers to the engine, which works while the next are read. */
  async #send(): Promise<void> {
    await this.#pending;
    const rows = this.#staged;
    const { algebra, shift, scale } = this.options;
    const found = algebra.voxelMoments(this.#stages[0], rows, shift, scale);
    this.#stages.reverse();
    this.#staged = 0;
    this.#pending = found.then(({ energy, hits }) => {
      this.energyMoments.addSums(energy);
      this.hitMoments.addSums(hits);
    });
    this.#pending.catch(() => {}); // told when it is waited for
  }

  /** Waits for everything that was given to the engine. */
  async finish(): Promise<void> {
    if (this.#staged > 0) await this.#send();
    await this.#pending;
    this.#stages = [new Float32Array(0), new Float32Array(0)];
  }

  get voxels(): number {
    return this.options.voxels;
  }
}

/** Kept showers as precision and recall see them: log10 of MeV, with 0.1 MeV in place of nothing. */
export function logSample({ sample, voxels }: VoxelSummary, rows: number): Matrix {
  const data = sample.subarray(0, rows * voxels).map((value) => Math.log10(value > 0 ? value : 0.1));
  return { rows, columns: voxels, data };
}

/** Bins equal in the logarithm, by a guess that the edges correct. */
function logFinder(edges: Float64Array): (value: number) => number {
  const last = edges.length - 1;
  const [low, high] = [edges[0]!, edges[last]!];
  const factor = last / Math.log(high / low);
  return (value) => {
    if (!(value >= low && value <= high)) return -1;
    return settle(edges, value, Math.floor(Math.log(value / low) * factor));
  };
}

/** Bins of one width, by a guess that the edges correct. */
function equalFinder(edges: Float64Array): (value: number) => number {
  const last = edges.length - 1;
  const [low, high] = [edges[0]!, edges[last]!];
  const factor = last / (high - low);
  return (value) => {
    if (!(value >= low && value <= high)) return -1;
    return settle(edges, value, Math.floor((value - low) * factor));
  };
}

function settle(edges: Float64Array, value: number, guess: number): number {
  const last = edges.length - 2;
  let bin = guess < 0 ? 0 : guess > last ? last : guess;
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

/** Part of a block. */
export function partOf(
  block: Block,
  voxels: number,
  from: number,
  to: number,
): Float32Array {
  return block.voxels.subarray(from * voxels, to * voxels);
}
