import assert from "node:assert/strict";
import type { Batch, BuildContext, Scalar, StepContext, Tensor } from "beamline";
import * as tf from "beamline/tf";
import { type Config, config, presets } from "./config.ts";
import { network } from "./model.ts";

const step = { training: false } as StepContext;

async function values(tensor: Tensor): Promise<number[]> {
  return [...await tensor.data()];
}

function build(changes: Partial<Config>) {
  return network.build(config.parse({ width: 8, ...changes }), {} as BuildContext);
}

/** Two windows with one and with two cells. */
function batch(): Batch {
  const cells = new Float32Array(50);
  cells[12] = 30;
  cells[25 + 6] = 80;
  cells[25 + 7] = 20;
  return {
    cells: tf.tensor2d(cells, [2, 25]),
    corner: tf.tensor2d([[10, -20], [-30, 5]]),
    x_truth: tf.tensor1d([7.6, 5]),
    y_truth: tf.tensor1d([7.6, 11]),
    energy_truth: tf.tensor1d([31, 102]),
  };
}

for (const stage of ["1", "2", "3"] as const) {
  for (const choice of ["default", "source"] as const) {
    for (const absolutePosition of [false, true]) {
      Deno.test(`network ${choice} of stage ${stage} predicts rows in physical units, ${absolutePosition ? 27 : 25} inputs`, async () => {
        const model = build({ stage, network: choice, absolutePosition });
        const input = batch();
        const output = model.predict!(input, step);
        assert.deepEqual(Object.keys(output), Object.keys(network.outputs!));
        for (const tensor of Object.values(output)) assert.deepEqual(tensor.shape, [2]);
        const [x, absolute] = [await values(output.x!), await values(output.x_absolute!)];
        assert.ok(Math.abs(absolute[0]! - x[0]! - 10) < 1e-4 && Math.abs(absolute[1]! - x[1]! + 30) < 1e-4);
        const losses = model.loss!(input, step);
        assert.deepEqual(losses.loss.shape, []);
        const [loss, position, energy] = await Promise.all(
          [losses.loss, losses.position as Scalar, losses.energy as Scalar].map(values),
        );
        assert.ok(Math.abs(loss![0]! - position![0]! - energy![0]!) < 1e-3 * loss![0]!);
      });
    }
  }
}

Deno.test("network default starts near the middle of the window and the sum of the cells", async () => {
  const { x, energy } = build({}).predict!(batch(), step);
  for (const value of await values(x!)) assert.ok(Math.abs(value - 7.66) < 40);
  const [first, second] = await values(energy!);
  assert.ok(first! > 5 && first! < 180 && second! > 15 && second! < 600);
});

Deno.test("preset seed is the source's training", () => {
  const chosen = config.parse(presets.source);
  assert.equal(chosen.width, 64);
  assert.deepEqual(
    [chosen.learningRate, chosen.epochs, chosen.batchSize, chosen.schedule, chosen.network],
    [1e-5, 200, 64, "constant", "source"],
  );
});
