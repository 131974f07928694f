/**
 * The classifier test: can a network tell generated from reference showers?
 *
 * @see CaloChallenge/homepage, `code/evaluate.py`: two hidden layers, leaky ReLU, 60 % / 20 % / 20 %, isotonic
 * calibration. Ours differ in their defaults (width, rows, epochs: preset `calochallenge`), in the inputs (standardized;
 * logarithms of voxels) and in that the epoch of the least validation loss counts, not that of the best accuracy.
 * @module
 */
import type { BuiltModel, Estimate, EvaluateContext, HookContext, ModelDefinition, Tables } from "beamline";
import { column } from "beamline/data";
import { aucEstimate, classifierDivergence, isotonicFit, type Matrix } from "beamline/metrics";
import { adam, binaryCrossEntropyFromLogits, mlp } from "beamline/nn";
import * as tf from "beamline/tf";
import type { Config } from "./config.ts";
import type { Metadata } from "./metadata.ts";

/** Shares of training and validation; the rest is the test. */
const SHARES = { train: 0.6, validation: 0.2 } as const;

/** Units of a layer of the network that tells broken showers, which is easy. */
const BROKEN_WIDTH = 32;

/** Whom the reference is told from, in the order of the networks. */
function opponents({ generated }: Metadata): readonly string[] {
  return [...generated.map(({ label }) => label), "floor", "broken"];
}

/** What a network sees: features or voxels. */
export type Level = "high" | "low";

/**
 * Tables of the classifier test. One row holds one shower of the reference and one of each generated sample, so that it
 * teaches every classifier one shower of each class. Columns are standardized with the training rows of the reference.
 *
 * @param inputs By level, one matrix per sample: the reference, the generated ones, the floor, the broken showers.
 */
export function classifierTables(
  inputs: { readonly [level: string]: readonly Matrix[] },
  metadata: Metadata,
  context: HookContext,
): Tables {
  const rows = Math.min(
    metadata.classifierRows,
    ...Object.values(inputs).flatMap((matrices) => matrices.map((matrix) => matrix.rows)),
  );
  const trained = Math.floor(rows * SHARES.train);
  const validated = trained + Math.floor(rows * SHARES.validation);
  const bounds = {
    train: [0, trained],
    validation: [trained, validated],
    test: [validated, rows],
  } as const;
  const joined = Object.entries(inputs).map(([level, matrices]) => {
    const width = matrices[0]!.columns;
    const data = sideBySide(
      matrices,
      rows,
      (sample, count) => context.random(`classifier/${level}/${sample}`).permutation(count),
    );
    standardizeColumns(data, width, matrices.length, trained);
    return { level, width, samples: matrices.length, data };
  });
  return Object.fromEntries(
    Object.entries(bounds).map(([split, [from, to]]) => [
      split,
      Object.fromEntries(joined.map(({ level, width, samples, data }) => [
        level,
        column(data.slice(from * samples * width, to * samples * width), {
          unit: "1",
          shape: [to - from, samples, width],
          dims: ["row", "sample", "input"],
          description: `${level === "high" ? "features" : "voxels"}, standardized`,
        }),
      ])),
    ]),
  );
}

function sideBySide(
  matrices: readonly Matrix[],
  rows: number,
  orderOf: (sample: number, rows: number) => Uint32Array,
): Float32Array<ArrayBuffer> {
  const [samples, width] = [matrices.length, matrices[0]!.columns];
  const data = new Float32Array(rows * samples * width);
  matrices.forEach((matrix, sample) => {
    const order = orderOf(sample, matrix.rows);
    for (let row = 0; row < rows; row++) {
      const from = order[row]! * width;
      data.set(
        matrix.data.subarray(from, from + width),
        (row * samples + sample) * width,
      );
    }
  });
  return data;
}

/** Subtracts the mean and divides by the spread of the reference in the first rows; a constant column becomes 0. */
function standardizeColumns(
  data: Float32Array,
  width: number,
  samples: number,
  rows: number,
): void {
  const stride = width * samples;
  for (let column = 0; column < width; column++) {
    let [sum, squares] = [0, 0];
    for (let row = 0; row < rows; row++) sum += data[row * stride + column]!;
    const mean = sum / rows;
    for (let row = 0; row < rows; row++) {
      squares += (data[row * stride + column]! - mean) ** 2;
    }
    const factor = squares > 0 ? 1 / Math.sqrt(squares / rows) : 0;
    for (let i = column; i < data.length; i += width) {
      data[i] = Math.max(-20, Math.min(20, (data[i]! - mean) * factor));
    }
  }
}

/** One network per generated sample, one for the floor and a small one for broken showers, trained together; logits of "generated". */
export function classifierModel(level: Level): ModelDefinition<Config, Metadata> {
  return {
    title: level === "high" ? "classifier on features" : "classifier on voxels",
    inputs: () => [level],
    enabled: ({ classifier, reference, generated }) =>
      (classifier === level || classifier === "both") &&
      (reference === undefined || generated.length > 0),
    build(
      { classifierWidth, classifierLayers },
      { metadata, shapes },
    ): BuiltModel {
      const width = shapes[level]![1]!;
      const networks = opponents(metadata).map((_, i, { length }) =>
        mlp({
          inputs: width,
          units: [
            ...Array.from(
              { length: classifierLayers },
              () => i < length - 1 ? classifierWidth : Math.min(BROKEN_WIDTH, classifierWidth),
            ),
            1,
          ],
          activation: "leakyRelu",
          name: `sample_${i + 1}`,
        })
      );
      const sampleOf = (batch: tf.Tensor, sample: number) =>
        tf.reshape(
          tf.slice3d(batch as tf.Tensor3D, [0, sample, 0], [-1, 1, -1]),
          [-1, width],
        );
      const logits = (batch: tf.Tensor) =>
        networks.map((network, i) =>
          [
            network(sampleOf(batch, 0)),
            network(sampleOf(batch, i + 1)),
          ] as const
        );
      return {
        predict: (batch) => {
          const found = logits(batch[level]!);
          return {
            ofReference: tf.concat(found.map(([reference]) => reference), 1),
            ofGenerated: tf.concat(found.map(([, generated]) => generated), 1),
          };
        },
        loss: (batch) => {
          const losses = logits(batch[level]!).map(([reference, generated]) =>
            tf.div(
              tf.add(
                binaryCrossEntropyFromLogits(
                  tf.zerosLike(reference),
                  reference,
                ),
                binaryCrossEntropyFromLogits(tf.onesLike(generated), generated),
              ),
              2,
            )
          );
          return { loss: tf.mean(tf.stack(losses)) as tf.Scalar };
        },
        optimizer: adam(),
      };
    },
  };
}

/** What the classifier test found about one generated sample. */
export interface ClassifierResult {
  readonly auc: Estimate;
  readonly divergence: Estimate;
  /** Test showers of both classes. */
  readonly rows: number;
}

/** Results per generated sample, then of the floor, one part of the reference against another, and of broken showers. */
export async function classifierResults(
  level: Level,
  context: EvaluateContext<Metadata>,
): Promise<readonly ClassifierResult[]> {
  const model = `classifier_${level}`;
  const [calibrating, judged] = [
    await context.predict(model, "validation"),
    await context.predict(model, "test"),
  ];
  return opponents(context.metadata).map((_, i) => {
    const [scores, labels] = scoresOf(judged, i);
    const [validated, classes] = scoresOf(calibrating, i);
    const probability = isotonicFit(validated, classes);
    // n showers cannot tell a probability closer to 0 or 1 than this, and the logarithm of a loss must not see one
    const least = 1 / (validated.length + 2);
    const calibrated = scores.map((score) => Math.min(1 - least, Math.max(least, probability(score))));
    return {
      auc: aucEstimate(scores, labels),
      divergence: classifierDivergence(calibrated, labels, {
        random: context.random(`divergence/${level}/${i}`),
      }),
      rows: scores.length,
    };
  });
}

/** Logits of one network for both classes, and their labels. */
function scoresOf(
  predicted: Awaited<ReturnType<EvaluateContext["predict"]>>,
  at: number,
): [Float64Array, Float64Array] {
  const column = (name: string): number[] => {
    const { data, shape } = predicted[name]!;
    return Array.from(
      { length: shape[0]! },
      (_, row) => Number(data[row * shape[1]! + at]),
    );
  };
  const [reference, generated] = [column("ofReference"), column("ofGenerated")];
  return [
    Float64Array.of(...reference, ...generated),
    Float64Array.from(
      { length: reference.length + generated.length },
      (_, i) => i < reference.length ? 0 : 1,
    ),
  ];
}
