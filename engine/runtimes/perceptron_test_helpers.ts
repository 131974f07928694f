/**
 * A small model for the tests of sessions.
 *
 * @module
 */
import type { Optimizer } from "../../core/plugin.ts";
import type { Scalar } from "../../core/tensor.ts";
import { mlp } from "../nn/mod.ts";
import * as tf from "../tf.ts";
import { type TracedModel, traceModel } from "../trace/trace.ts";

/** Two dense layers on 8 rows, mean squared error; `purpose` decides the initial weights. */
export function perceptron(optimizer: () => Optimizer, purpose: string): Promise<TracedModel> {
  return traceModel({
    build() {
      const net = mlp({ inputs: 3, units: [4, 2] });
      return {
        predict: ({ x }) => ({ y: net(x!) }),
        loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y!, net(x!)) as Scalar }),
        optimizer: optimizer(),
      };
    },
    columns: { x: { dtype: "float32", shape: [3] }, y: { dtype: "float32", shape: [2] } },
    inputs: ["x"],
    targets: ["y"],
    batchSize: 8,
    lastValidationBatch: 0,
    predictBatch: 8,
    seed: 1,
    purpose,
  });
}
