/**
 * Statistics of a run in passes over ranges of its maps: exact, in float64, whatever the number of sections.
 *
 * @module
 */
import type { Random } from "beamline";
import { CELLS } from "./geometry.ts";
import { forEachRange, type Maps, type RunMaps, sectionOf } from "./map_files.ts";

/** The numbers of the study; names as `explore --json` prints them. */
export interface Statistics {
  readonly images: number;
  /** Hits. */
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly median: number;
  /** Population standard deviation (divided by n), as numpy's. */
  readonly std: number;
  /** Percent of all values that are exactly zero. */
  readonly zeroPercent: number;
  /** Percent of zeros per image: mean, smallest, largest. */
  readonly meanSparsityPercent: number;
  readonly minSparsityPercent: number;
  readonly maxSparsityPercent: number;
  /** Cells that are filled in every image. */
  readonly activeCells: number;
  /** Of the values that are not zero. */
  readonly nonZeroMean: number;
  readonly nonZeroMin: number;
  readonly [name: string]: number;
}

/** A run in numbers. */
export interface RunStudy {
  readonly run: number;
  readonly statistics: Statistics;
  /** Mean occupancy per cell, in hits. */
  readonly meanMap: Float64Array<ArrayBuffer>;
  /** Share of images in which a cell is not zero. */
  readonly frequencyMap: Float64Array<ArrayBuffer>;
}

/** Computes statistics and maps of a run; `progress` is told the sections done. */
export async function studyRun(run: RunMaps, progress: (sections: number) => void): Promise<RunStudy> {
  const moments = new Moments();
  await forEachRange(run, (maps, _from, to) => {
    moments.add(maps);
    progress(to);
  });
  const median = await medianOf(run, moments);
  return { run: run.run, ...moments.finish(median) };
}

/**
 * Moments of values that come in images. Each image is summed by itself, then its mean and its sum of squared
 * deviations are merged into the total, so that rounding errors stay at some units of the last place.
 *
 * @see Chan, Golub, LeVeque (1983), "Algorithms for computing the sample variance", doi:10.2307/2683386, equation 2.1
 */
class Moments {
  images = 0;
  zeros = 0;
  negatives = 0;
  #min = Infinity;
  #max = -Infinity;
  #nonZeroMin = Infinity;
  #mean = 0;
  #squares = 0;
  readonly #sparsity = { min: Infinity, max: -Infinity };
  readonly #sums = new Float64Array(CELLS);
  readonly #counts = new Float64Array(CELLS);

  get size(): number {
    return this.images * CELLS;
  }

  add(maps: Maps): void {
    for (let from = 0; from < maps.length; from += CELLS) {
      this.#addImage(maps, from);
    }
  }

  #addImage(maps: Maps, from: number): void {
    const [sums, counts] = [this.#sums, this.#counts];
    let sum = 0;
    let zeros = 0;
    let min = this.#min;
    let max = this.#max;
    let nonZeroMin = this.#nonZeroMin;
    for (let cell = 0; cell < CELLS; cell++) {
      const value = maps[from + cell]!;
      if (value === 0) {
        zeros++;
        continue;
      }
      sum += value;
      sums[cell]! += value;
      counts[cell]!++;
      if (value < 0) this.negatives++;
      if (value < nonZeroMin) nonZeroMin = value;
      if (value > max) max = value;
    }
    if (zeros > 0) {
      min = Math.min(min, 0);
      max = Math.max(max, 0);
    }
    const mean = sum / CELLS;
    let squares = zeros * mean * mean;
    for (let cell = 0; cell < CELLS; cell++) {
      const value = maps[from + cell]!;
      if (value !== 0) squares += (value - mean) * (value - mean);
    }
    this.#merge(mean, squares);
    this.#min = Math.min(min, nonZeroMin);
    this.#max = max;
    this.#nonZeroMin = nonZeroMin;
    this.zeros += zeros;
    const percent = 100 * zeros / CELLS;
    this.#sparsity.min = Math.min(this.#sparsity.min, percent);
    this.#sparsity.max = Math.max(this.#sparsity.max, percent);
  }

  #merge(mean: number, squares: number): void {
    const before = this.images++;
    const difference = mean - this.#mean;
    this.#mean += difference / this.images;
    this.#squares += squares +
      difference * difference * CELLS * before / this.images;
  }

  finish(median: number): Omit<RunStudy, "run"> {
    const { images, size, zeros } = this;
    let total = 0;
    for (const sum of this.#sums) total += sum;
    const statistics: Statistics = {
      images,
      min: this.#min,
      max: this.#max,
      mean: total / size,
      median,
      std: Math.sqrt(this.#squares / size),
      zeroPercent: zeros / size * 100,
      meanSparsityPercent: zeros / size * 100, // images are of one size
      minSparsityPercent: this.#sparsity.min,
      maxSparsityPercent: this.#sparsity.max,
      activeCells: this.#counts.reduce((count, found) => count + Number(found === images), 0),
      nonZeroMean: zeros === size ? 0 : total / (size - zeros),
      nonZeroMin: zeros === size ? 0 : this.#nonZeroMin,
    };
    return {
      statistics,
      meanMap: this.#sums.map((sum) => sum / images),
      frequencyMap: this.#counts.map((count) => count / images),
    };
  }
}

/** The middle value, or the mean of the two middle ones. Needs a second pass only where it is not among the zeros. */
async function medianOf(run: RunMaps, { size, zeros, negatives }: Moments): Promise<number> {
  const ranks = [Math.floor((size - 1) / 2), Math.floor(size / 2)];
  if (ranks.every((rank) => rank >= negatives && rank < negatives + zeros)) {
    return 0;
  }
  const others = new Float64Array(size - zeros);
  let count = 0;
  await forEachRange(run, (maps) => {
    for (let i = 0; i < maps.length; i++) {
      if (maps[i] !== 0) others[count++] = maps[i]!;
    }
  });
  others.sort();
  const [low, high] = ranks.map((rank) => {
    if (rank < negatives) return others[rank]!;
    return rank < negatives + zeros ? 0 : others[rank - zeros]!;
  });
  return (low! + high!) / 2;
}

/** A histogram of the values of a run that are not zero, all of them; the last bin holds its upper edge. */
export async function nonZeroHistogram(
  run: RunMaps,
  { range: [low, high], bins }: {
    readonly range: readonly [number, number];
    readonly bins: number;
  },
): Promise<
  { edges: Float64Array<ArrayBuffer>; counts: Float64Array<ArrayBuffer> }
> {
  const counts = new Float64Array(bins);
  const factor = bins / (high - low);
  await forEachRange(run, (maps) => {
    for (let i = 0; i < maps.length; i++) {
      const value = maps[i]!;
      if (value === 0 || value < low || value > high) continue;
      counts[Math.min(bins - 1, Math.floor((value - low) * factor))]!++;
    }
  });
  return { edges: Float64Array.from({ length: bins + 1 }, (_, i) => low + (high - low) * i / bins), counts };
}

/** Some maps drawn at random, in order of their sections. */
export async function randomSamples(
  run: RunMaps,
  count: number,
  random: Random,
): Promise<{ section: number; map: Float64Array<ArrayBuffer> }[]> {
  const sections = [...random.permutation(run.rows).subarray(0, count)].sort((a, b) => a - b);
  const samples = [];
  for (const section of sections) {
    const map = Float64Array.from(await run.read(section, section + 1));
    samples.push({ section: sectionOf(run, section), map });
  }
  return samples;
}
