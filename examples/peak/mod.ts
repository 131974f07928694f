/** Where is the peak? A small network against the centroid, on simulated spectra of 64 bins. @module */
import { definePlugin, trainingOptions, z } from "beamline";
import type { EvaluateContext, Evaluation, Metric, Random, Table } from "beamline";
import { column } from "beamline/data";
import { bootstrapOf, halfWidth, histogram, toMetric } from "beamline/metrics";
import { adam } from "beamline/nn";
import { histogramFigure } from "beamline/plot";
import * as tf from "beamline/tf";

const BINS = 64; // of 1 keV
export default definePlugin({
  name: "peak",
  title: "Position of a peak in a spectrum",
  config: z.object({
    events: z.int().min(500).default(20_000).describe("spectra to train on"),
    ...trainingOptions({ epochs: 10 }),
  }),
  prepare({ events }, context) {
    const draw = (split: string, rows: number) => simulate(rows, context.random(split));
    const tables = { train: draw("fit", events), validation: draw("stop", 2000), test: draw("test", 5000) };
    return { tables, simulated: true, source: "a Gaussian line on a falling background" };
  },
  models: {
    mlp: {
      inputs: () => ["counts"],
      targets: () => ["position"],
      build() {
        const hidden = tf.layers.dense({ inputShape: [BINS], units: 64, activation: "relu" });
        const network = tf.sequential({ layers: [hidden, tf.layers.dense({ units: 1 })] });
        const find = (counts: tf.Tensor) => (network.apply(tf.log1p(counts)) as tf.Tensor).flatten().mul(16);
        return {
          predict: ({ counts }) => ({ position: find(counts!) }),
          loss: ({ counts, position }) => ({ loss: tf.losses.meanSquaredError(position!, find(counts!)) }),
          optimizer: adam(),
        };
      },
    },
  },
  evaluate: (_config, context) => compare(context),
});

/** A line of 50 counts at its top on a background that falls with 30 keV; every bin is Poisson. */
function simulate(rows: number, random: Random): Table {
  const [counts, position] = [new Float32Array(rows * BINS), new Float32Array(rows)];
  for (let i = 0; i < counts.length; i++) {
    const [row, energy] = [Math.floor(i / BINS), i % BINS + 0.5];
    if (i % BINS === 0) position[row] = 16 + 32 * random.uniform();
    const line = 50 * Math.exp(-0.5 * ((energy - position[row]!) / 2.5) ** 2);
    counts[i] = random.poisson(line + 15 * Math.exp(-energy / 30));
  }
  const spectra = column(counts, { unit: "1", shape: [rows, BINS], dims: ["row", "bin"] });
  return { counts: spectra, position: column(position, { unit: "keV" }) };
}

/** Mean energy of the counts above the median, within 8 bins of the highest. */
function centroid(spectrum: Float32Array): number {
  const [background, top] = [spectrum.toSorted()[BINS / 2]!, spectrum.indexOf(Math.max(...spectrum))];
  const weights = spectrum.map((count, bin) => Math.abs(bin - top) > 8 ? 0 : Math.max(0, count - background));
  const sum = (values: Float32Array) => values.reduce((a, b) => a + b);
  return sum(weights.map((weight, bin) => weight * (bin + 0.5))) / sum(weights);
}

async function compare(context: EvaluateContext): Promise<Evaluation> {
  const { counts, position } = context.tables.test! as Record<string, { data: Float32Array }>;
  const network = (await context.predict("mlp", context.tables.test!)).position!.data as Float32Array;
  const centroids = network.map((_, row) => centroid(counts!.data.subarray(row * BINS, (row + 1) * BINS)));
  const metrics: { [key: string]: Metric } = {};
  const series = Object.entries({ network, centroid: centroids }).map(([label, found]) => {
    const residuals = found.map((value, row) => value - position!.data[row]!);
    const width = bootstrapOf(residuals, (sample) => halfWidth(sample), { random: context.random(label) });
    const facts = { unit: "keV", better: "lower", rows: found.length, split: "test" } as const;
    metrics[`${label}.half_width_68`] = toMetric(width, facts);
    return { label, ...histogram(residuals, { range: [-2, 2], bins: 80 }) };
  });
  const text = { name: "position", title: "Position", caption: `${network.length} spectra`, simulated: true };
  const figure = await histogramFigure({ ...text, x: { label: "residual", unit: "keV" }, series });
  return { metrics, figures: [figure] };
}
