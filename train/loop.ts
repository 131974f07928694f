/**
 * The training loop: shuffled mini-batches, validation, schedule, early stopping, checkpoints. Everything random is
 * keyed by (seed, purpose, epoch, step), so where training stands is all there is to save.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { randomFor } from "../core/random.ts";
import type { TrainingPlan } from "../core/training.ts";
import type { TrainingRecord } from "../core/types.ts";
import type { Executable, Session, Tensor, Tensors } from "../engine/runtimes/types.ts";
import { BatchBuffer, type ProgramColumn } from "./batches.ts";
import { type Fingerprint, hashState, isFingerprinted, lossBits } from "./fingerprint.ts";
import type { CheckpointStore, TrainingCounters } from "./checkpoint.ts";
import { learningRateAt } from "./schedule.ts";

/** Everything one model's training needs. */
export interface TrainRequest {
  readonly model: string;
  readonly plan: TrainingPlan;
  readonly seed: number;
  readonly session: Session;
  readonly step: Executable;
  readonly validate?: Executable | undefined;
  /** The same as `validate` for the last, smaller batch. */
  readonly validateLastBatch?: Executable | undefined;
  readonly train: { readonly [column: string]: ProgramColumn };
  readonly validation?: { readonly [column: string]: ProgramColumn } | undefined;
  readonly checkpoints: CheckpointStore;
  /** Steps of the models trained before in this run. */
  readonly stepOffset: number;
  /** Where to resume; its state is loaded by the caller. */
  readonly resumeFrom?:
    | { readonly counters: TrainingCounters; readonly best?: BestState | undefined }
    | undefined;
  readonly listener: TrainListener;
  /** Asked between steps; true = save and stop. */
  isStopped(): boolean;
  /** Save and stop after this many steps. @default never */
  readonly stopAfterSteps?: number | undefined;
  /** Seconds between checkpoints; 0 for one after each step. @default 10, or longer where writing one is slow */
  readonly checkpointSeconds?: number | undefined;
}

/** The state with the lowest monitored loss, and where training stood. */
export interface BestState {
  readonly state: Tensors;
  readonly counters: TrainingCounters;
}

/** What is told while training. */
export interface TrainListener {
  onStep(position: { step: number; totalSteps: number; epoch: number; epochs: number; loss: number }): void;
  onRecord(record: TrainingRecord): Promise<void> | void;
  onFingerprint(fingerprint: Fingerprint): Promise<void> | void;
}

/** How a training ended. */
export interface TrainOutcome {
  readonly counters: TrainingCounters;
  readonly reason: "finished" | "early-stopping" | "interrupted";
  readonly totalSteps: number;
}

/** Seconds between checkpoints that are written while training goes on. */
const CHECKPOINT_SECONDS = 10;
/** Writing checkpoints takes at most this share of the time, where nothing else is asked for. */
const CHECKPOINT_SHARE = 0.05;
/** Milliseconds after which the event loop gets a turn, so that signals and timers are seen. */
const YIELD_MS = 50;

const INITIAL_COUNTERS: TrainingCounters = {
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  bestLoss: null,
  bestEpoch: null,
  bestStep: null,
  epochsSinceBest: 0,
  plateauDrops: 0,
  epochsSinceDrop: 0,
  sums: {},
};

/**
 * Trains one model to the end of its plan and leaves the best weights in the session.
 *
 * @throws {ConfigError} If the loss is not finite; the message names the step and the first tensor that is not.
 */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  return await new Training(request).run();
}

class Training {
  readonly #batches: BatchBuffer;
  readonly #rows: number;
  readonly #stepsPerEpoch: number;
  readonly #totalSteps: number;
  #counters: { -readonly [K in keyof TrainingCounters]: TrainingCounters[K] };
  #sums: { [name: string]: number };
  #best: BestState | undefined;
  #written = performance.now();
  /** Milliseconds that the last checkpoint took. */
  #writing = 0;
  #yielded = performance.now();
  /** Best and last of the newest checkpoint, and of the one before. */
  #pairs: readonly (readonly string[])[] = [];

  constructor(readonly request: TrainRequest) {
    const { plan, train, step } = request;
    this.#rows = Object.values(train)[0]?.rows ?? 0;
    const batchSize = Math.min(plan.batchSize, this.#rows);
    this.#batches = new BatchBuffer(columnsOf(step, train), batchSize);
    this.#stepsPerEpoch = Math.floor(this.#rows / batchSize);
    this.#totalSteps = this.#stepsPerEpoch * plan.epochs;
    this.#counters = { ...(request.resumeFrom?.counters ?? INITIAL_COUNTERS) };
    this.#sums = { ...this.#counters.sums };
    this.#counters.sums = {};
    this.#best = request.resumeFrom?.best;
    if (request.resumeFrom) {
      const { step, bestStep } = request.resumeFrom.counters;
      this.#pairs = [[bestStep ?? step, step].map((done) => String(request.stepOffset + done))];
    }
  }

  async run(): Promise<TrainOutcome> {
    const { plan } = this.request;
    while (this.#counters.epoch < plan.epochs && !this.#isOutOfPatience()) {
      if (await this.#epoch() === "interrupted") return await this.#end("interrupted");
      await this.#checkpointInTime();
    }
    return await this.#end(this.#isOutOfPatience() ? "early-stopping" : "finished");
  }

  #isOutOfPatience(): boolean {
    const { patience } = this.request.plan;
    return patience > 0 && this.#counters.epochsSinceBest >= patience;
  }

  async #end(reason: TrainOutcome["reason"]): Promise<TrainOutcome> {
    await this.#checkpoint();
    if (reason !== "interrupted" && this.#best) await this.request.session.load(this.#best.state);
    return { counters: this.#snapshot(), reason, totalSteps: this.#totalSteps };
  }

  #snapshot(): TrainingCounters {
    return { ...this.#counters, sums: { ...this.#sums } };
  }

  /** One pass over the training rows; the last rows that do not fill a batch wait for another epoch's order. */
  async #epoch(): Promise<"done" | "interrupted"> {
    const { request } = this;
    const { epoch } = this.#counters;
    const order = randomFor({ seed: request.seed, purpose: `shuffle/${request.model}`, epoch }).permutation(
      this.#rows,
    );
    const started = performance.now();
    while (this.#counters.stepInEpoch < this.#stepsPerEpoch) {
      await this.#letOthersRun();
      if (request.isStopped() || this.#counters.step >= (request.stopAfterSteps ?? Infinity)) {
        return "interrupted";
      }
      await this.#step(order);
      if (this.#counters.stepInEpoch < this.#stepsPerEpoch) await this.#checkpointInTime();
    }
    await this.#closeEpoch((performance.now() - started) / 1000);
    return "done";
  }

  async #step(order: Uint32Array): Promise<void> {
    const { request } = this;
    const { step, epoch, stepInEpoch, plateauDrops } = this.#counters;
    const learningRate = learningRateAt(request.plan, {
      step,
      totalSteps: this.#totalSteps,
      epoch,
      plateauDrops,
    });
    this.#batches.fillFrom(order, stepInEpoch * this.#batches.batchSize);
    const outputs = await request.step.run({
      ...this.#batches.tensors,
      ...scalarInputs(request.step, learningRate),
      ...randomInputs(request.step, request.seed, request.model, epoch, step),
    });
    this.#counters.step++;
    this.#counters.stepInEpoch++;
    for (const [name, output] of Object.entries(outputs)) {
      const value = (output.data as Float32Array)[0]!;
      if (!Number.isFinite(value)) await this.#refuse(name, value);
      this.#sums[name] = (this.#sums[name] ?? 0) + value;
    }
    await this.#fingerprint((outputs.loss!.data as Float32Array)[0]!);
    request.listener.onStep({
      step: this.#counters.step,
      totalSteps: this.#totalSteps,
      epoch,
      epochs: request.plan.epochs,
      loss: this.#sums.loss! / this.#counters.stepInEpoch,
    });
  }

  async #fingerprint(loss: number): Promise<void> {
    const { step, epoch, stepInEpoch } = this.#counters;
    if (stepInEpoch < this.#stepsPerEpoch && !isFingerprinted(step, this.#totalSteps)) return;
    const { model, session, listener } = this.request;
    const parameters = hashState(await session.state());
    await listener.onFingerprint({ model, step, epoch: epoch + 1, loss: lossBits(loss), parameters });
  }

  /** The NaN guard. */
  async #refuse(output: string, value: number): Promise<never> {
    const state = await this.request.session.state();
    const first = Object.entries(state).find(([, tensor]) =>
      tensor.dtype === "float32" && !(tensor.data as Float32Array).every(Number.isFinite)
    );
    const where = first
      ? `the first tensor that is not finite is "${first[0]}"`
      : "all parameters are still finite";
    throw new ConfigError(
      `Cannot train "${this.request.model}" as "${output}" must be finite: ${value} at step ${this.#counters.step} ` +
        `(epoch ${this.#counters.epoch + 1}), ${where}; try a lower --learning-rate`,
    );
  }

  /** Means of the epoch, validation, best weights, patience, plateau. */
  async #closeEpoch(seconds: number): Promise<void> {
    const { request } = this;
    const counters = this.#counters;
    const { step, plateauDrops } = counters;
    const learningRate = learningRateAt(request.plan, {
      step: step - 1,
      totalSteps: this.#totalSteps,
      epoch: counters.epoch,
      plateauDrops,
    });
    const means = Object.fromEntries(
      Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#stepsPerEpoch]),
    );
    counters.epoch++;
    counters.stepInEpoch = 0;
    this.#sums = {};
    const validation = await this.#validate();
    await this.#judge((validation ?? means).loss!);
    await request.listener.onRecord({
      step,
      epoch: counters.epoch,
      split: "train",
      learningRate,
      seconds,
      ...means,
    });
    if (validation) {
      await request.listener.onRecord({ step, epoch: counters.epoch, split: "validation", ...validation });
    }
  }

  async #judge(loss: number): Promise<void> {
    const counters = this.#counters;
    const isBetter = counters.bestLoss === null || loss < counters.bestLoss;
    counters.epochsSinceBest = isBetter ? 0 : counters.epochsSinceBest + 1;
    counters.epochsSinceDrop = isBetter ? 0 : counters.epochsSinceDrop + 1;
    if (isBetter) {
      Object.assign(counters, { bestLoss: loss, bestEpoch: counters.epoch, bestStep: counters.step });
    }
    if (counters.epochsSinceDrop >= this.request.plan.scheduleEpochs) {
      counters.plateauDrops++;
      counters.epochsSinceDrop = 0;
    }
    if (isBetter) this.#best = { state: await this.request.session.state(), counters: this.#snapshot() };
  }

  /** Means over the validation rows, each row counted once. */
  async #validate(): Promise<{ [name: string]: number } | undefined> {
    const { validate, validateLastBatch, validation } = this.request;
    if (!validate || !validation) return undefined;
    return await meanOverRows(validation, validate, validateLastBatch, (executable, from) => ({
      ...scalarInputs(executable, 0),
      ...randomInputs(
        executable,
        this.request.seed,
        `${this.request.model}/validate`,
        this.#counters.epoch,
        from,
      ),
    }));
  }

  /**
   * Writes the best and then the last state, and lets go of older ones. The pair before is kept to fall back on. In
   * this order a checkpoint that is there always finds the best state that its counters name.
   */
  async #checkpoint(): Promise<void> {
    const started = performance.now();
    const { checkpoints, model, stepOffset, session } = this.request;
    const counters = this.#snapshot();
    const at = this.#best?.counters;
    const best = this.#best && at &&
      await checkpoints.write(model, stepOffset + at.step, at, this.#best.state);
    const state = await session.state();
    const last = await checkpoints.write(model, stepOffset + counters.step, counters, state);
    await checkpoints.point("best", model, best ?? last);
    await checkpoints.point("last", model, last);
    const isNew = last !== this.#pairs[0]?.[1];
    if (isNew) this.#pairs = [[best ?? last, last], ...this.#pairs.slice(0, 1)];
    await checkpoints.prune(this.#pairs.flat());
    this.#written = performance.now();
    this.#writing = this.#written - started;
  }

  async #checkpointInTime(): Promise<void> {
    const { checkpointSeconds } = this.request;
    const pause = checkpointSeconds === undefined
      ? Math.max(CHECKPOINT_SECONDS * 1000, this.#writing / CHECKPOINT_SHARE)
      : checkpointSeconds * 1000;
    if (performance.now() - this.#written >= pause) await this.#checkpoint();
  }

  async #letOthersRun(): Promise<void> {
    if (performance.now() - this.#yielded < YIELD_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#yielded = performance.now();
  }
}

/** Mean of each output over all rows: whole batches, then the rest. */
export async function meanOverRows(
  columns: { readonly [name: string]: ProgramColumn },
  whole: Executable,
  tail: Executable | undefined,
  extra: (executable: Executable, from: number) => Tensors,
): Promise<{ [name: string]: number }> {
  const used = columnsOf(whole, columns);
  const rows = Object.values(columns)[0]?.rows ?? 0;
  const sums: { [name: string]: number } = {};
  const add = async (executable: Executable, buffer: BatchBuffer, from: number): Promise<void> => {
    buffer.fillRange(from);
    const outputs = await executable.run({ ...buffer.tensors, ...extra(executable, from) });
    for (const [name, output] of Object.entries(outputs)) {
      sums[name] = (sums[name] ?? 0) + (output.data as Float32Array)[0]! * buffer.batchSize;
    }
  };
  const batchSize = batchSizeOf(whole);
  const buffer = new BatchBuffer(used, batchSize);
  let from = 0;
  for (; from + batchSize <= rows; from += batchSize) await add(whole, buffer, from);
  if (from < rows && tail) await add(tail, new BatchBuffer(used, rows - from), from);
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows]));
}

/** The columns that a program reads; a function that does not use a column has no such input. */
function columnsOf(
  executable: Executable,
  columns: { readonly [name: string]: ProgramColumn },
): { [name: string]: ProgramColumn } {
  const names = executable.program.inputs.filter(({ role }) => role === "batch").map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, columns[name]!]));
}

/** Rows per call of a program, from its first batch input that is not given whole. */
export function batchSizeOf(executable: Executable, shared: readonly string[] = []): number {
  const { inputs, values } = executable.program;
  const first = inputs.find((input) => input.role === "batch" && !shared.includes(input.name));
  return first ? values[first.value]!.shape[0] ?? 1 : 1;
}

/** Values for the scalar inputs of a program; the learning rate is the only one there is. */
export function scalarInputs(executable: Executable, learningRate: number): Tensors {
  const scalars = executable.program.inputs.filter((input) => input.role === "scalar");
  return Object.fromEntries(
    scalars.map((
      input,
    ) => [input.name, { dtype: "float32", shape: [], data: Float32Array.of(learningRate) }]),
  );
}

/** Numbers for the random inputs of a program, keyed by the position. */
export function randomInputs(
  executable: Executable,
  seed: number,
  purpose: string,
  epoch: number,
  step: number,
): Tensors {
  const { inputs, values } = executable.program;
  const tensors: { [name: string]: Tensor } = {};
  for (const input of inputs) {
    if (input.role !== "random") continue;
    const { shape } = values[input.value]!;
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    const random = randomFor({ seed, purpose: `${purpose}/${input.name}`, epoch, step });
    if (input.distribution === "normal") random.fillNormal(data);
    else random.fillUniform(data);
    tensors[input.name] = { dtype: "float32", shape, data };
  }
  return tensors;
}
