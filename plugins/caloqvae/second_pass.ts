/**
 * The second pass over the files: gathers what comparisons need, for the samples and for the negative controls that are
 * made of the reference itself. Samples are gathered one after the other, when they are asked for, and forgotten when they have been
 * compared, so that memory does not grow with their number.
 *
 * @module
 */
import type { EvaluateContext } from "beamline";
import { logEdges } from "beamline/metrics";
import { engineAlgebra } from "./algebra.ts";
import { Cleaner, isClean } from "./cleaning.ts";
import type { ComparisonSetup, NegativeControl } from "./comparison_result.ts";
import type { Config } from "./config.ts";
import type { Metadata } from "./metadata.ts";
import { computeFeatures, emptyFeatures, type Features, featuresFrom, sliceFeatures } from "./features.ts";
import { histogramSpecs, pooledEdges } from "./histograms.ts";
import { blocksOf, type ShowerSource } from "./showers.ts";
import { type SampleStatistics, sampleStatistics } from "./sample_statistics.ts";
import { closeAll, openSamples, type Samples, withoutBadRows } from "./sources.ts";
import {
  detuneVoxels,
  mergedSummary,
  shuffleVoxels,
  type SpectrumEdges,
  UploadBuffer,
  VoxelStatistics,
} from "./statistics.ts";

/** The reference and its halves. */
export interface ReferenceStatistics {
  readonly reference: SampleStatistics;
  readonly halves: readonly [SampleStatistics, SampleStatistics];
}

/** A generated sample, and as many of its showers as a half of the reference has. */
export interface GeneratedStatistics {
  readonly whole: SampleStatistics;
  readonly matched: SampleStatistics;
}

/** Changes showers in place, [row, voxel]. */
type Change = (values: Float32Array, rows: number, step: number) => void;

/** Showers that are shuffled among each other, at most. */
const SHUFFLED_ROWS = 2048;

/** Reads the files a second time, sample by sample. */
export class SecondPass {
  readonly setup: ComparisonSetup;
  /** Lower end of energy histograms, MeV: the cut, or the smallest positive voxel of the reference. */
  readonly threshold: number;
  /** One shower of each sample that was gathered, and its incident energy. */
  readonly pictures: Picture[] = [];
  readonly #features: readonly Features[];
  readonly #upload: UploadBuffer;
  readonly #map: AffineMap;
  readonly #rows: number;
  #done = 0;

  private constructor(
    readonly config: Config,
    context: EvaluateContext<Metadata>,
    readonly samples: Samples,
  ) {
    const { metadata, tables } = context;
    const { reference, generated } = samples;
    this.#features = [reference, ...generated].map((_, i) =>
      featuresFrom(tables[i === 0 ? "reference" : `generated_${i}`]!, metadata.layers)
    );
    this.threshold = metadata.cut > 0 ? metadata.cut : Math.max(1e-6, metadata.reference.smallestPositive);
    const { geometry } = reference;
    const specs = histogramSpecs(geometry, this.#features[0]!, this.threshold);
    this.setup = { config, context, geometry, specs, algebra: engineAlgebra(context) };
    this.#upload = new UploadBuffer(geometry.voxels);
    this.#map = affineMap(reference, config, metadata);
    this.#rows = [reference, ...generated].reduce((sum, { rows }) => sum + rows, 0) +
      2 * Math.min(config.anchorRows, reference.rows);
  }

  /** Opens the files. */
  static async open(config: Config, context: EvaluateContext<Metadata>): Promise<SecondPass> {
    const opened = await openSamples(config, context, context.metadata.layers);
    const samples = withoutBadRows(opened, context.metadata);
    try {
      return new SecondPass(config, context, samples);
    } catch (error) {
      closeAll([samples.reference, ...samples.generated]);
      throw error;
    }
  }

  /** Bins of the voxel spectrum, MeV. */
  get spectrumEdges(): Float64Array {
    return this.#edges([]).log;
  }

  /** The reference in two halves, and whole. */
  async reference(): Promise<ReferenceStatistics> {
    const { metadata } = this.setup.context;
    const [features] = this.#features;
    const middle = Math.floor(features!.rows / 2);
    const edges = this.#edges(metadata.generated.map((_, i) => i));
    const parts = [this.#start(middle, edges), this.#start(features!.rows - middle, edges)] as const;
    await this.#pass(this.samples.reference, parts, middle);
    const whole = mergedSummary(...parts);
    return {
      reference: sampleStatistics("reference", features!, whole),
      halves: [
        sampleStatistics("first half", sliceFeatures(features!, 0, middle), parts[0]),
        sampleStatistics("second half", sliceFeatures(features!, middle, features!.rows), parts[1]),
      ],
    };
  }

  /** The first showers of the reference, broken. */
  async negativeControl(kind: NegativeControl): Promise<SampleStatistics> {
    const { geometry, config, context } = this.setup;
    const { voxels } = geometry;
    const changes: { readonly [kind in NegativeControl]: Change } = {
      shuffled: (values, count, step) =>
        shuffleVoxels(values, count, voxels, context.random("shuffle", { step })),
      detuned: (values, _count, step) => detuneVoxels(values, context.random("detune", { step })),
    };
    const rows = Math.min(config.anchorRows, this.#features[0]!.rows);
    const statistics = this.#start(rows, this.#edges([]));
    const features = emptyFeatures(geometry, rows);
    features.incident.set(this.#features[0]!.incident.subarray(0, rows));
    const blockRows = Math.max(1, Math.min(rows, SHUFFLED_ROWS, Math.floor(2 ** 23 / voxels)));
    let [done, step] = [0, 0];
    await this.#blocks(this.samples.reference, blockRows, async (values, found) => {
      const count = Math.min(found, rows - done);
      const part = values.subarray(0, count * voxels);
      changes[kind](part, count, step++);
      computeFeatures(part, count, geometry, config.sparsity, features, done);
      await statistics.add(part, count);
      done += count;
      this.#progress(count, kind);
      return done < rows;
    });
    await statistics.finish();
    this.#upload.clear();
    return sampleStatistics(kind, features, statistics);
  }

  /** A generated sample by its place in the command. */
  async generated(at: number): Promise<GeneratedStatistics> {
    const source = this.samples.generated[at]!;
    const features = this.#features[at + 1]!;
    const edges = this.#edges([at]);
    const first = Math.min(features.rows, Math.floor(this.#features[0]!.rows / 2));
    const parts = [this.#start(first, edges), this.#start(features.rows - first, edges, 0)] as const;
    await this.#pass(source, parts, first);
    const label = `${source.label}, matched`;
    if (parts[1].rows === 0) {
      const whole = sampleStatistics(source.label, features, parts[0]);
      return { whole, matched: { ...whole, label } };
    }
    const summary = mergedSummary(...parts, { reuse: true });
    return {
      whole: sampleStatistics(source.label, features, summary),
      matched: sampleStatistics(label, sliceFeatures(features, 0, first), parts[0]),
    };
  }

  close(): void {
    closeAll([this.samples.reference, ...this.samples.generated]);
  }

  /** All showers of a source: the first `middle` into one part, the others into the other. */
  async #pass(
    source: ShowerSource,
    parts: readonly [VoxelStatistics, VoxelStatistics],
    middle: number,
  ): Promise<void> {
    const { voxels } = source.geometry;
    const picture = new Picture(voxels);
    this.pictures.push(picture);
    let done = 0;
    await this.#blocks(source, source.blockRows, async (values, rows, kept) => {
      picture.add(values, rows, kept, source.incident);
      const before = Math.max(0, Math.min(rows, middle - done));
      await parts[0].add(values.subarray(0, before * voxels), before);
      if (before < rows) await parts[0].flush(); // one buffer is filled at a time
      await parts[1].add(values.subarray(before * voxels, rows * voxels), rows - before);
      done += rows;
      this.#progress(rows, source.label);
      return true;
    });
    for (const part of parts) await part.finish();
    this.#upload.clear();
  }

  /** Reads, cleans and hands over showers until all were or `use` wants no more. */
  async #blocks(
    source: ShowerSource,
    blockRows: number,
    use: (values: Float32Array<ArrayBuffer>, rows: number, kept: Int32Array) => Promise<boolean>,
  ): Promise<void> {
    const { cut, reference, generated } = this.setup.context.metadata;
    const rule = { cut, negatives: this.config.negatives };
    const cleaner = new Cleaner(rule);
    const at = this.samples.generated.indexOf(source);
    const needsNothing = isClean((at < 0 ? reference : generated[at]!).census, rule);
    for (const block of blocksOf(source, { blockRows })) {
      const kept = needsNothing
        ? Int32Array.from({ length: block.rows }, (_, row) => block.from + row)
        : cleaner.clean(block, source.incident, source.geometry.voxels);
      if (!await use(block.voxels, kept.length, kept)) return;
    }
  }

  #start(
    rows: number,
    edges: SpectrumEdges,
    neighborRows: number = this.setup.context.metadata.neighborRows,
  ): VoxelStatistics {
    const { geometry, algebra } = this.setup;
    const upload = this.#upload;
    return new VoxelStatistics({
      voxels: geometry.voxels,
      rows,
      edges,
      algebra,
      neighborRows,
      upload,
      ...this.#map,
    });
  }

  /** Bins of the voxel spectrum: sets of equal bins for the reference alone and pooled with generated samples. */
  #edges(pooled: readonly number[]): SpectrumEdges {
    const { reference, generated } = this.setup.context.metadata;
    const range = (
      of: Metadata["reference"],
    ): readonly [number, number] => [Math.min(0, of.smallest), of.largest];
    const largest = Math.max(reference.largest, this.threshold * 1.001);
    return {
      log: logEdges([this.threshold, largest], 49),
      equal: [
        pooledEdges([range(reference)]),
        ...pooled.map((i) => pooledEdges([range(reference), range(generated[i]!)])),
      ],
    };
  }

  #progress(rows: number, label: string): void {
    this.#done += rows;
    this.setup.context.progress(this.#done, this.#rows, `${label}, second pass`);
  }
}

/** z = (x - shift) / scale, [voxel]. */
interface AffineMap {
  readonly shift: Float64Array;
  readonly scale: Float64Array;
}

/** Means and spreads of the voxels in the first block. */
function affineMap(source: ShowerSource, config: Config, metadata: Metadata): AffineMap {
  const { voxels } = source.geometry;
  const [sum, squares] = [new Float64Array(voxels), new Float64Array(voxels)];
  const block = blocksOf(source, { to: Math.min(source.rows, source.blockRows) }).next().value!;
  const kept = new Cleaner({ cut: metadata.cut, negatives: config.negatives }).clean(
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

/** The most energetic shower of the first block of a sample. */
class Picture {
  shower: Float32Array = new Float32Array(0);
  energy: Float64Array = new Float64Array(0);
  constructor(readonly voxels: number) {}

  add(values: Float32Array, rows: number, kept: Int32Array, incident: Float64Array): void {
    if (this.energy.length > 0 || rows === 0) return;
    let best = 0;
    for (let row = 1; row < rows; row++) if (incident[kept[row]!]! > incident[kept[best]!]!) best = row;
    this.shower = values.slice(best * this.voxels, (best + 1) * this.voxels);
    this.energy = Float64Array.of(incident[kept[best]!]!);
  }
}
