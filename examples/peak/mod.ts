/** Where is the peak? One softmax layer against the centroid, on simulated spectra of 64 bins. @module */
import { definePlugin, trainingOptions, z } from "beamline";
import type { EvaluateContext, Evaluation, Metric, Random, Table } from "beamline";
import { column } from "beamline/data";
import { bootstrapOf, halfWidth, histogram, toMetric } from "beamline/metrics";
import { adam, dense, meanSquaredError } from "beamline/nn";
import { histogramFigure } from "beamline/plot";
import * as tf from "beamline/tf";

const BINS = 64; // of 1 keV
export default definePlugin({
  name: "peak",
  title: "Position of a peak in a spectrum",
  config: z.object({
    events: z.int().min(500).default(20_000).describe("spectra to train on"),
    ...trainingOptions({ epochs: 20, learningRate: 0.01 }),
  }),
  prepare({ events }, context) {
    const draw = (split: string, rows: number) => simulate(rows, context.random(split));
    const tables = { train: draw("fit", events), validation: draw("stop", 2000), test: draw("test", 5000) };
    return { tables, simulated: true, source: "a Gaussian line on a falling background" };
  },
  models: {
    posterior: {
      inputs: () => ["counts"],
      targets: () => ["position"],
      build() {
        // A Poisson log-likelihood is linear in the counts: one softmax layer can learn the posterior.
        const logits = dense({ inputs: BINS, units: BINS });
        const find = (counts: tf.Tensor) =>
          tf.dot(tf.softmax(logits(tf.div(counts, 10))), tf.range(0.5, BINS));
        return {
          predict: ({ counts }) => ({ position: find(counts!) }),
          loss: ({ counts, position }) => ({ loss: meanSquaredError(position!, find(counts!)) }),
          optimizer: adam(),
        };
      },
    },
  },
  evaluate: (_config, context) => compare(context),
});

/** A line of 50 counts at its top on a background that falls with 30 keV; every bin is Poisson. */
function simulate(n: number, random: Random): Table {
  const [counts, mean] = [new Float32Array(n * BINS), new Float32Array(n)];
  for (let i = 0; i < counts.length; i++) {
    const [row, energy] = [Math.floor(i / BINS), i % BINS + 0.5];
    if (i % BINS === 0) mean[row] = 16 + 32 * random.uniform();
    const line = 50 * Math.exp(-0.5 * ((energy - mean[row]!) / 2.5) ** 2);
    counts[i] = random.poisson(line + 15 * Math.exp(-energy / 30));
  }
  return { counts: column(counts, { unit: "1", shape: [n, BINS] }), position: column(mean, { unit: "keV" }) };
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
  const network = (await context.predict("posterior", "test")).position!.data as Float32Array;
  const centroids = network.map((_, row) => centroid(counts!.data.subarray(row * BINS, (row + 1) * BINS)));
  const metrics: { [key: string]: Metric } = {};
  const series = Object.entries({ network, centroid: centroids }).map(([label, found]) => {
    const residuals = found.map((value, row) => value - position!.data[row]!);
    const width = bootstrapOf(residuals, (sample) => halfWidth(sample), { random: context.random(label) });
    const facts = { unit: "keV", better: "lower", rows: found.length, split: "test" } as const;
    metrics[(label === "network" ? "" : `${label}.`) + "half_width_68"] = toMetric(width, facts);
    return { label, ...histogram(residuals, { range: [-2, 2], bins: 80 }) };
  });
  const text = { name: "position", title: "Position", caption: `${network.length} spectra`, simulated: true };
  const figure = await histogramFigure({ ...text, x: { label: "residual", unit: "keV" }, series });
  return { metrics, figures: [figure] };
}
