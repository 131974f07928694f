/**
 * The second pass over the files: gathers what comparisons need, for the samples and for the anchors that are made of the
 * reference itself.
 *
 * @module
 */
import type { EvaluateContext } from "beamline";
import { logEdges } from "beamline/metrics";
import { engineAlgebra } from "./algebra.ts";
import { Cleaner } from "./cleaning.ts";
import { type Judge, makeSide, type Side } from "./comparison.ts";
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";
import { computeFeatures, emptyFeatures, type Features, featuresFrom, takeFeatures } from "./features.ts";
import { histogramSpecs, pooledEdges } from "./histograms.ts";
import { blocksOf, type ShowerSource } from "./showers.ts";
import { closeAll, openSamples } from "./sources.ts";
import {
  detuneVoxels,
  mergedSummary,
  shuffleVoxels,
  type SpectrumEdges,
  VoxelStatistics,
} from "./statistics.ts";

/** Everything that is compared. */
export interface Gathered {
  readonly judge: Judge;
  readonly reference: Side;
  /** Two halves of the reference: the floor. */
  readonly halves: readonly [Side, Side];
  /** The reference with every voxel shuffled across showers, and detuned. */
  readonly broken: { readonly shuffled: Side; readonly detuned: Side };
  readonly generated: readonly Side[];
  /** As many showers of each generated sample as a half of the reference has. */
  readonly matched: readonly Side[];
  /** One shower of each sample for pictures, [sample][voxel], and its incident energy. */
  readonly showers: readonly Float32Array[];
  readonly energies: readonly Float64Array[];
  readonly threshold: number;
  /** Bins of the voxel spectrum, MeV. */
  readonly spectrumEdges: Float64Array;
}

/** Reads the files a second time. */
export async function gather(config: Config, context: EvaluateContext<Facts>): Promise<Gathered> {
  const { facts, tables } = context;
  const samples = await openSamples(config, context, facts.layers);
  const sources = [samples.reference, ...samples.generated];
  try {
    const { geometry } = samples.reference;
    const algebra = engineAlgebra(context);
    const features = sources.map((_, i) =>
      featuresFrom(tables[i === 0 ? "reference" : `generated_${i}`]!, facts.layers)
    );
    const threshold = thresholdOf(facts);
    const specs = histogramSpecs(geometry, features[0]!, threshold);
    const judge: Judge = { config, context, geometry, specs, algebra };
    const map = affineMap(samples.reference, config, facts);
    const total = sources.reduce((sum, { rows }) => sum + rows, 0);
    let done = 0;
    const progress = (source: ShowerSource) => (rows: number) =>
      context.progress(done + rows, total, `${source.label}, second pass`);
    const start = (label: string, rows: number, edges: SpectrumEdges): VoxelStatistics =>
      new VoxelStatistics({
        label,
        voxels: geometry.voxels,
        rows,
        edges,
        algebra,
        sampleRows: facts.neighborRows,
        ...map,
      });
    const reference = await gatherReference(
      samples.reference,
      features[0]!,
      judge,
      threshold,
      start,
      progress(samples.reference),
    );
    done += samples.reference.rows;
    const generated: Side[] = [];
    const matched: Side[] = [];
    const pictured = [reference.showers];
    const energies = [reference.energies];
    for (const [i, source] of samples.generated.entries()) {
      const edges = edgesOf(facts, threshold, [i]);
      const own = features[i + 1]!;
      const first = Math.min(own.rows, reference.sides.halves[0].features.rows);
      const parts = [
        start(`${source.label}, matched`, first, edges),
        start(source.label, own.rows - first, edges),
      ];
      const picture = new Picture(geometry.voxels);
      let count = 0;
      await eachBlock(source, config, facts, async (voxels, rows, kept) => {
        picture.add(voxels, rows, kept, source.incident);
        const before = Math.max(0, Math.min(rows, first - count));
        await parts[0]!.add(voxels.subarray(0, before * geometry.voxels), before);
        await parts[1]!.add(voxels.subarray(before * geometry.voxels, rows * geometry.voxels), rows - before);
        count += rows;
      }, progress(source));
      for (const part of parts) await part.finish();
      const whole = parts[1]!.rows === 0 ? parts[0]! : mergedSummary(parts[0]!, parts[1]!);
      const side = makeSide(source.label, own, whole, judge);
      const part = takeFeatures(own, Array.from({ length: first }, (_, row) => row));
      generated.push(side);
      matched.push({
        ...makeSide(`${source.label}, matched`, part, parts[0]!, judge),
        logSample: side.logSample,
      });
      pictured.push(picture.showers);
      energies.push(picture.energies);
      done += source.rows;
    }
    return {
      judge,
      ...reference.sides,
      generated,
      matched,
      showers: pictured,
      energies,
      threshold,
      spectrumEdges: edgesOf(facts, threshold, []).log,
    };
  } finally {
    closeAll(sources);
  }
}

/** Lower end of energy histograms, MeV: the cut, or the smallest positive voxel of the reference. */
function thresholdOf({ cut, reference }: Facts): number {
  return cut > 0 ? cut : Math.max(1e-6, reference.smallestPositive);
}

/** Bins of the voxel spectrum: sets of equal bins for the reference alone and pooled with generated samples. */
function edgesOf(
  { reference, generated }: Facts,
  threshold: number,
  pooled: readonly number[],
): SpectrumEdges {
  const range = (of: Facts["reference"]): readonly [number, number] => [Math.min(0, of.smallest), of.largest];
  const largest = Math.max(reference.largest, threshold * 1.001);
  return {
    log: logEdges([threshold, largest], 49),
    equal: [
      pooledEdges([range(reference)]),
      ...pooled.map((i) => pooledEdges([range(reference), range(generated[i]!)])),
    ],
  };
}

/** Means and spreads of the voxels in the first block. */
function affineMap(
  source: ShowerSource,
  config: Config,
  facts: Facts,
): { readonly shift: Float64Array; readonly scale: Float64Array } {
  const { voxels } = source.geometry;
  const [sum, squares] = [new Float64Array(voxels), new Float64Array(voxels)];
  const block = blocksOf(source, { to: Math.min(source.rows, source.blockRows) }).next().value!;
  const kept = new Cleaner({ cut: facts.cut, negatives: config.negatives }).clean(
    block,
    source.incident,
    voxels,
  );
  const rows = kept.length;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < voxels; i++) {
      const value = block.voxels[row * voxels + i]!;
      sum[i]! += value;
      squares[i]! += value * value;
    }
  }
  const shift = sum.map((value) => Math.fround(value / Math.max(1, rows)));
  const scale = squares.map((value, i) => {
    const spread = Math.fround(Math.sqrt(Math.max(0, value / Math.max(1, rows) - shift[i]! ** 2)));
    return spread > 0 ? spread : 1;
  });
  return { shift, scale };
}

/** Reads, cleans and hands over all showers of a source. */
async function eachBlock(
  source: ShowerSource,
  config: Config,
  facts: Facts,
  use: (voxels: Float32Array<ArrayBuffer>, rows: number, kept: Int32Array) => Promise<void>,
  progress: (rows: number) => void,
): Promise<void> {
  const cleaner = new Cleaner({ cut: facts.cut, negatives: config.negatives });
  for (const block of blocksOf(source)) {
    const kept = cleaner.clean(block, source.incident, source.geometry.voxels);
    await use(block.voxels, kept.length, kept);
    progress(block.from + block.rows);
  }
}

/** The most energetic shower of the first block of a sample. */
class Picture {
  showers = new Float32Array(0);
  energies = new Float64Array(0);
  constructor(readonly voxels: number) {}

  add(values: Float32Array, rows: number, kept: Int32Array, incident: Float64Array): void {
    if (this.energies.length > 0 || rows === 0) return;
    let best = 0;
    for (let row = 1; row < rows; row++) if (incident[kept[row]!]! > incident[kept[best]!]!) best = row;
    this.showers = Float32Array.from(values.subarray(best * this.voxels, (best + 1) * this.voxels));
    this.energies = Float64Array.of(incident[kept[best]!]!);
  }
}

interface GatheredReference {
  readonly sides: Pick<Gathered, "reference" | "halves" | "broken">;
  readonly showers: Float32Array;
  readonly energies: Float64Array;
}

/** Shuffles and detunes blocks of this many showers. */
const SHUFFLED_ROWS = 4096;

async function gatherReference(
  source: ShowerSource,
  features: Features,
  judge: Judge,
  threshold: number,
  start: (label: string, rows: number, edges: SpectrumEdges) => VoxelStatistics,
  progress: (rows: number) => void,
): Promise<GatheredReference> {
  const { config, context, geometry } = judge;
  const { facts } = context;
  const { voxels } = geometry;
  const rows = features.rows;
  const middle = Math.floor(rows / 2);
  const anchored = Math.min(config.anchorRows, rows);
  const edges = edgesOf(facts, threshold, facts.generated.map((_, i) => i));
  const own = edgesOf(facts, threshold, []);
  const halves = [start("first half", middle, edges), start("second half", rows - middle, edges)] as const;
  const makers = {
    shuffled: new Anchor(
      "shuffled",
      anchored,
      own,
      judge,
      start,
      (values, count, step) => shuffleVoxels(values, count, voxels, context.random("shuffle", { step })),
    ),
    detuned: new Anchor(
      "detuned",
      anchored,
      own,
      judge,
      start,
      (values, _count, step) => detuneVoxels(values, context.random("detune", { step })),
    ),
  };
  const picture = new Picture(voxels);
  let count = 0;
  await eachBlock(source, config, facts, async (values, blockRows, kept) => {
    picture.add(values, blockRows, kept, source.incident);
    const first = Math.max(0, Math.min(blockRows, middle - count));
    await halves[0].add(values.subarray(0, first * voxels), first);
    await halves[1].add(values.subarray(first * voxels, blockRows * voxels), blockRows - first);
    const toAnchors = Math.min(blockRows, anchored - count);
    for (const maker of Object.values(makers)) {
      await maker.add(values, Math.max(0, toAnchors), (row) => features.incident[count + row]!);
    }
    count += blockRows;
  }, progress);
  for (const half of halves) await half.finish();
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const [a, b] = [
    makeSide("first half", takeFeatures(features, range(0, middle)), halves[0], judge),
    makeSide("second half", takeFeatures(features, range(middle, rows)), halves[1], judge),
  ];
  const whole = mergedSummary(...halves);
  const reference = { ...makeSide("reference", features, whole, judge), logSample: a.logSample };
  const broken = { shuffled: await makers.shuffled.finish(), detuned: await makers.detuned.finish() };
  return {
    sides: { reference, halves: [a, b], broken },
    showers: picture.showers,
    energies: picture.energies,
  };
}

/** A sample made of the reference, block by block. */
class Anchor {
  readonly #statistics: VoxelStatistics;
  readonly #features: Features;
  readonly #buffer: Float32Array<ArrayBuffer>;
  readonly #capacity: number;
  #filled = 0;
  #done = 0;
  #step = 0;

  constructor(
    readonly label: string,
    rows: number,
    edges: SpectrumEdges,
    readonly judge: Judge,
    start: (label: string, rows: number, edges: SpectrumEdges) => VoxelStatistics,
    readonly change: (values: Float32Array, rows: number, step: number) => void,
  ) {
    const { voxels } = judge.geometry;
    this.#statistics = start(label, rows, edges);
    this.#features = emptyFeatures(judge.geometry, rows);
    this.#capacity = Math.max(1, Math.min(rows, SHUFFLED_ROWS, Math.floor(2 ** 23 / voxels)));
    this.#buffer = new Float32Array(this.#capacity * voxels);
  }

  async add(values: Float32Array, rows: number, incident: (row: number) => number): Promise<void> {
    const { voxels } = this.judge.geometry;
    for (let row = 0; row < rows; row++) {
      this.#buffer.set(values.subarray(row * voxels, (row + 1) * voxels), this.#filled * voxels);
      this.#features.incident[this.#done + this.#filled] = incident(row);
      this.#filled++;
      if (this.#filled === this.#capacity) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const { geometry, config } = this.judge;
    const part = this.#buffer.subarray(0, this.#filled * geometry.voxels);
    this.change(part, this.#filled, this.#step++);
    computeFeatures(part, this.#filled, geometry, config.sparsity, this.#features, this.#done);
    await this.#statistics.add(part, this.#filled);
    this.#done += this.#filled;
    this.#filled = 0;
  }

  async finish(): Promise<Side> {
    if (this.#filled > 0) await this.#flush();
    await this.#statistics.finish();
    return makeSide(this.label, this.#features, this.#statistics, this.judge);
  }
}
