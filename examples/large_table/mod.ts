/** Signal against background in a table larger than memory, whose best separation is known. @module */
import { definePlugin, trainingOptions, z } from "beamline";
import type { EvaluateContext, Evaluation, PrepareContext, Random, Table } from "beamline";
import { blocksOf, column, columnOf, tableOf } from "beamline/data";
import { aucEstimate, toMetric } from "beamline/metrics";
import { adam, binaryCrossEntropyFromLogits, mlp } from "beamline/nn";
import * as tf from "beamline/tf";

const FEATURES = 28;
const SHIFT = 0.2; // of signal in each feature, in standard deviations
const PART_ROWS = 65_536; // made and written at a time: 7 MB
const HELD_ROWS = 20_000;

export default definePlugin({
  name: "large-table",
  title: "A table larger than memory",
  config: z.object({
    rows: z.int().min(1000).default(200_000).describe("training rows, of 116 bytes; 172413794 make 20 GB"),
    shuffled: z.int().min(16).default(2 ** 21).describe("rows shuffled together; twice as many in memory"),
    ...trainingOptions({ epochs: 1, batchSize: 1024, learningRate: 0.003 }),
  }),
  async prepare({ rows, shuffled }, context) {
    const train = await writeRows(rows, shuffled, context);
    const held = (split: string) => simulate(HELD_ROWS, context.random(split));
    const tables = { train, validation: held("stop"), test: held("test") };
    return { tables, simulated: true, source: "two Gaussian classes" };
  },
  models: {
    classifier: {
      inputs: () => ["features"],
      targets: () => ["signal"],
      build() {
        const network = mlp({ inputs: FEATURES, units: [64, 32, 1] });
        const logOdds = (features: tf.Tensor) => tf.reshape(network(features), [-1]);
        return {
          predict: ({ features }) => ({ score: logOdds(features!) }),
          loss: ({ features, signal }) => ({
            loss: binaryCrossEntropyFromLogits(signal!, logOdds(features!)),
          }),
          optimizer: adam(),
        };
      },
    },
  },
  evaluate: (_config, context) => compare(context),
});

/** The training table, of which one part at a time is in memory here. */
async function writeRows(rows: number, shuffleRows: number, context: PrepareContext): Promise<Table> {
  const writer = context.writer("train", { shuffleRows });
  while (writer.rows < rows) {
    const random = context.random("train", { step: writer.rows / PART_ROWS });
    await writer.append(simulate(Math.min(PART_ROWS, rows - writer.rows), random));
    context.progress(writer.rows, rows, "rows");
  }
  return await writer.finish();
}

/** Standard normal features, each shifted in rows of signal. */
function simulate(rows: number, random: Random): Table {
  const [features, signal] = [new Float32Array(rows * FEATURES), new Float32Array(rows)];
  random.fillNormal(features);
  random.fillUniform(signal);
  signal.forEach((number, row) => signal[row] = Math.round(number));
  features.forEach((value, i) => features[i] = value + SHIFT * (signal[Math.floor(i / FEATURES)] ?? 0));
  return {
    features: column(features, { unit: "1", shape: [rows, FEATURES], dims: ["row", "feature"] }),
    signal: column(signal, { unit: "1" }),
  };
}

/** The network beside the best classifier, the sum of the features; and the share of signal in all training rows. */
async function compare(context: EvaluateContext): Promise<Evaluation> {
  const test = tableOf(context.tables, "test");
  const signal = columnOf(test, "signal", "float32").data;
  const features = columnOf(test, "features", "float32").data;
  const scores = columnOf(await context.predict("classifier", "test"), "score", "float32").data;
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0);
  const sums = signal.map((_, row) => sum(features.subarray(row * FEATURES, (row + 1) * FEATURES)));
  let [rows, count] = [0, 0];
  for (const block of blocksOf(tableOf(context.tables, "train"), { columns: ["signal"] })) {
    const { data } = columnOf(block, "signal", "float32");
    rows += data.length;
    count += sum(data);
  }
  const share = { value: count / rows, error: null, errorKind: "none" } as const;
  const auc = { unit: "1", better: "higher", rows: HELD_ROWS, split: "test" } as const;
  const metrics = {
    auc: toMetric(aucEstimate(scores, signal), auc),
    "ideal.auc": toMetric(aucEstimate(sums, signal), auc),
    share: toMetric(share, { unit: "1", better: "none", rows, split: "train", label: "share of signal" }),
  };
  return { metrics };
}
