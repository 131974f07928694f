/**
 * Trainings that need no sandbox: scripted losses, and a least-squares line whose path can be computed by hand.
 *
 * @module
 */
import type { Scalar } from "../../core/tensor.ts";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../../core/training.ts";
import type { TrainingRecord } from "../../core/types.ts";
import { engineByName, type Program, type ProgramInput } from "../../engine/mod.ts";
import { sgd } from "../../engine/nn/mod.ts";
import type { Executable, Session, Tensor, Tensors } from "../../engine/runtimes/types.ts";
import * as tf from "../../engine/tf.ts";
import { type TracedModel, traceModel } from "../../engine/trace/trace.ts";
import type { ProgramColumn } from "../../train/batches.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import type { Fingerprint } from "../../train/fingerprint.ts";
import type { TrainRequest } from "../../train/types.ts";

/** Numbers as a tensor. */
export function floats(shape: readonly number[], ...data: number[]): Tensor {
  return { dtype: "float32", shape, data: Float32Array.from(data) };
}

/** One number per row as a column. */
export function column(...data: number[]): ProgramColumn {
  return { dtype: "float32", shape: [], rowSize: 1, rows: data.length, data: Float32Array.from(data) };
}

/** An input of a program that {@linkcode fakeExecutable} declares. */
export type FakeInput = Omit<ProgramInput, "value"> & { readonly shape: readonly number[] };

/** A program without nodes: its outputs are what `run` says. */
export function fakeExecutable(inputs: readonly FakeInput[], run: (inputs: Tensors) => Tensors): Executable {
  const program: Program = {
    format: "beamline-program/1",
    name: "fake",
    values: inputs.map(({ shape }) => ({ dtype: "float32", shape })),
    inputs: inputs.map(({ shape: _shape, ...input }, value) => ({ ...input, value })),
    state: [],
    constants: [],
    nodes: [],
    outputs: [],
    updates: [],
  };
  return { program, run: (given) => Promise.resolve(run(given)), dispose: () => Promise.resolve() };
}

/** The results of a training besides its outcome. */
export interface Watched {
  readonly records: TrainingRecord[];
  readonly fingerprints: Fingerprint[];
  /** Steps that were reported. */
  readonly steps: number[];
}

/** The parts of a request that are the same for all trials. */
function frame(
  directory: string,
  plan: Partial<TrainingPlan>,
): Pick<TrainRequest, "model" | "plan" | "seed" | "checkpoints" | "stepOffset" | "isStopped" | "listener"> & {
  readonly watched: Watched;
} {
  const watched: Watched = { records: [], fingerprints: [], steps: [] };
  return {
    model: "network",
    plan: { ...TRAINING_DEFAULTS, schedule: "constant", warmup: 0, ...plan },
    seed: 7,
    checkpoints: new CheckpointStore(directory),
    stepOffset: 0,
    isStopped: () => false,
    listener: {
      onStep: ({ step }) => void watched.steps.push(step),
      onRecord: (record) => void watched.records.push(record),
      onFingerprint: (fingerprint) => void watched.fingerprints.push(fingerprint),
    },
    watched,
  };
}

/** A request with what it reports. */
export type Trial = TrainRequest & { readonly watched: Watched };

/**
 * A training of two steps an epoch whose only state counts its steps, and whose validation loss after epoch `i` is
 * `losses[i - 1]`.
 */
export function scriptedTrial(
  directory: string,
  losses: readonly number[],
  plan: Partial<TrainingPlan>,
): Trial {
  let steps = 0;
  const session: Session = {
    engine: "fake",
    threads: 1,
    compile: () => Promise.reject(new Error("nothing to compile")),
    state: () => Promise.resolve({ steps: floats([1], steps) }),
    load: (state) => {
      steps = state.steps!.data[0] as number;
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  };
  const rows: FakeInput = { name: "x", role: "batch", shape: [2] };
  return {
    ...frame(directory, { batchSize: 2, epochs: losses.length, ...plan }),
    session,
    train: { x: column(1, 2, 3, 4) },
    validation: { x: column(1, 2) },
    step: fakeExecutable([rows, { name: "learningRate", role: "scalar", shape: [] }], () => {
      steps++;
      return { loss: floats([], 1) };
    }),
    validate: fakeExecutable([rows], () => ({ loss: floats([], losses[steps / 2 - 1]!) })),
  };
}

/** Mean squared error of y = slope x, by gradient descent from slope 0. */
function tracedLine(batchSize: number): Promise<TracedModel> {
  return traceModel({
    build() {
      const slope = tf.variable(tf.zeros([1]), true, "line/slope");
      return {
        predict: ({ x }) => ({ y: tf.mul(x!, slope) }),
        loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y!, tf.mul(x!, slope)) as Scalar }),
        optimizer: sgd(),
      };
    },
    columns: { x: { dtype: "float32", shape: [] }, y: { dtype: "float32", shape: [] } },
    inputs: ["x"],
    targets: ["y"],
    batchSize,
    lastValidationBatch: 0,
    predictBatch: batchSize,
    seed: 0,
    purpose: "test",
  });
}

/** A line of least squares on an engine; `close` ends its session. */
export async function lineTrial(
  directory: string,
  { engine, x, y, batchSize }: {
    readonly engine: string;
    readonly x: readonly number[];
    readonly y: readonly number[];
    readonly batchSize: number;
  },
  plan: Partial<TrainingPlan>,
): Promise<Trial & { close(): Promise<void> }> {
  const { programs, state } = await tracedLine(batchSize);
  const session = await (await engineByName(engine)).open(state);
  return {
    ...frame(directory, { batchSize, ...plan }),
    session,
    step: await session.compile(programs.step!),
    train: { x: column(...x), y: column(...y) },
    close: () => session.dispose(),
  };
}
