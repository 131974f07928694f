/**
 * The training loop: shuffled mini-batches, validation, schedule, early stopping, checkpoints. Everything random is
 * keyed by (seed, purpose, epoch, step), so where training stands is all there is to save.
 *
 * @module
 */
import type { TrainingPlan } from "../core/training.ts";
import type { Tensors } from "../engine/runtimes/types.ts";
import { setImmediate } from "node:timers";
import { BatchBuffer } from "./batches.ts";
import { CheckpointStrategy } from "./checkpoint_strategy.ts";
import { type BestState, INITIAL_COUNTERS, type TrainingCounters } from "./counters.ts";
import { hashState, isFingerprinted, lossBits } from "./fingerprint.ts";
import { checkFiniteState, nonFiniteError } from "./nan_guard.ts";
import { columnsOf, randomInputs, scalarInputs } from "./programs/inputs.ts";
import { columnsIn, orderOf, type RowOrder, rowsIn } from "./rows/rows.ts";
import { countPlateau, learningRateAt, since } from "./schedule.ts";
import { countBest, countLast, isOutOfPatience, monitoredOf } from "./stopping.ts";
import type { TrainOutcome, TrainRequest } from "./types.ts";
import { meanOverRows } from "./validation.ts";

/** Milliseconds after which the event loop gets a turn, so that signals and timers are seen. */
const YIELD_MS = 50;

/** The same while rows are read, each piece of which needs a turn; a turn takes some microseconds. */
const READING_YIELD_MS = 4;

/**
 * Trains one model to the end of its plan and leaves the best weights in the session.
 *
 * @throws {ConfigError} If the loss is not finite, or a tensor of the state is NaN; the message names the step and the
 * first such tensor.
 */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  return await new Training(request).run();
}

/** Steps of an epoch: whole batches. */
export function stepsPerEpoch({ batchSize }: Pick<TrainingPlan, "batchSize">, rows: number): number {
  return rows === 0 ? 0 : Math.floor(rows / Math.min(batchSize, rows));
}

/** Whether a training has come to its end: all epochs, or too many without a better loss. */
export function hasEnded(
  counters: Pick<TrainingCounters, "epoch" | "epochsSinceBest">,
  { epochs, patience }: Pick<TrainingPlan, "epochs" | "patience">,
): boolean {
  return counters.epoch >= epochs || isOutOfPatience(counters, patience);
}

class Training {
  readonly #batches: BatchBuffer;
  readonly #rows: number;
  readonly #stepsPerEpoch: number;
  readonly #totalSteps: number;
  readonly #checkpoints: CheckpointStrategy;
  /** Where training stands; the sums of the epoch that was begun are in `#sums`. */
  #counters: TrainingCounters;
  #sums: { [name: string]: number };
  #best: BestState | undefined;
  #yielded = performance.now();

  constructor(readonly request: TrainRequest) {
    const { plan, train, step, resumeFrom } = request;
    this.#rows = rowsIn(train);
    const batchSize = Math.min(plan.batchSize, this.#rows);
    this.#batches = new BatchBuffer(columnsOf(step, columnsIn(train)), batchSize);
    this.#stepsPerEpoch = stepsPerEpoch(plan, this.#rows);
    this.#totalSteps = this.#stepsPerEpoch * plan.epochs;
    this.#counters = resumeFrom?.counters ?? INITIAL_COUNTERS;
    this.#sums = { ...this.#counters.sums };
    this.#best = resumeFrom?.best;
    this.#checkpoints = new CheckpointStrategy({
      store: request.checkpoints,
      model: request.model,
      stepOffset: request.stepOffset,
      seconds: request.checkpointSeconds,
      now: () => performance.now(),
      resumeFrom: resumeFrom?.pair,
      isBehind: request.isBehind,
    });
  }

  async run(): Promise<TrainOutcome> {
    const { patience } = this.request.plan;
    while (!hasEnded(this.#counters, this.request.plan)) {
      if (await this.#epoch() === "interrupted") return await this.#end("interrupted");
      await this.#checkpointInTime();
    }
    return await this.#end(isOutOfPatience(this.#counters, patience) ? "early-stopping" : "finished");
  }

  /** One pass over the training rows; the last rows that do not fill a batch wait for another epoch's order. */
  async #epoch(): Promise<"done" | "interrupted"> {
    const { seed, model, train, stopAfterSteps = Infinity } = this.request;
    const { epoch } = this.#counters;
    const names = Object.keys(this.#batches.columns);
    const order = orderOf(train, names, { seed, purpose: `shuffle/${model}`, epoch });
    const started = performance.now();
    while (this.#counters.stepInEpoch < this.#stepsPerEpoch) {
      await this.#letOthersRun(order.isReading);
      if (this.request.isStopped() || this.#counters.step >= stopAfterSteps) return "interrupted";
      await this.#step(order);
      if (this.#counters.stepInEpoch < this.#stepsPerEpoch) await this.#checkpointInTime();
    }
    await this.#closeEpoch((performance.now() - started) / 1000);
    return "done";
  }

  async #step(order: RowOrder): Promise<void> {
    const { plan, step: program, seed, model, session, listener } = this.request;
    const { step, epoch, stepInEpoch } = this.#counters;
    await order.fill(this.#batches, stepInEpoch * this.#batches.batchSize);
    const outputs = await program.run({
      ...this.#batches.tensors,
      ...scalarInputs(program, this.#learningRateAt(step)),
      ...randomInputs(program, { seed, purpose: model, epoch, step }),
    });
    this.#counters = { ...this.#counters, step: step + 1, stepInEpoch: stepInEpoch + 1 };
    for (const [output, { data }] of Object.entries(outputs)) {
      const value = (data as Float32Array)[0]!;
      if (!Number.isFinite(value)) {
        throw nonFiniteError({ model, output, value, counters: this.#counters }, await session.state());
      }
      this.#sums[output] = (this.#sums[output] ?? 0) + value;
    }
    await this.#fingerprint((outputs.loss!.data as Float32Array)[0]!);
    listener.onStep({
      step: this.#counters.step,
      totalSteps: this.#totalSteps,
      epoch,
      epochs: plan.epochs,
      loss: this.#sums.loss! / this.#counters.stepInEpoch,
    });
  }

  #learningRateAt(step: number): number {
    const { epoch, plateauDrops } = this.#counters;
    const position = { step, totalSteps: this.#totalSteps, epoch, plateauDrops };
    return learningRateAt(this.request.plan, since(position, this.request.scheduleFrom));
  }

  async #fingerprint(loss: number): Promise<void> {
    const { step, epoch, stepInEpoch } = this.#counters;
    if (stepInEpoch < this.#stepsPerEpoch && !isFingerprinted(step, this.#totalSteps)) return;
    const { model, session, listener } = this.request;
    const state = this.#checked(await session.state());
    const parameters = hashState(state);
    await listener.onFingerprint({ model, step, epoch: epoch + 1, loss: lossBits(loss), parameters });
  }

  /** Means of the epoch, validation, best state, patience, plateau. */
  async #closeEpoch(seconds: number): Promise<void> {
    const { plan, listener, session } = this.request;
    const { step } = this.#counters;
    const learningRate = this.#learningRateAt(step - 1);
    const means = Object.fromEntries(
      Object.entries(this.#sums).map(([name, sum]) => [name, sum / this.#stepsPerEpoch]),
    );
    const epoch = this.#counters.epoch + 1;
    this.#counters = { ...this.#counters, epoch, stepInEpoch: 0 };
    this.#sums = {};
    const validation = await this.#validate();
    const counted = this.#countEpoch(validation, means);
    const hasImproved = counted.epochsSinceBest === 0;
    this.#counters = countPlateau(counted, hasImproved, plan.scheduleEpochs);
    if (hasImproved) this.#best = { state: await session.state(), counters: this.#snapshot() };
    await listener.onRecord({ step, epoch, split: "train", learningRate, seconds, ...means });
    if (validation) await listener.onRecord({ step, epoch, split: "validation", ...validation });
  }

  /** Counts an epoch by the monitored value of its validation; see `hasLoss` of the request where there is none. */
  #countEpoch(
    validation: { readonly [name: string]: number } | undefined,
    means: { readonly [name: string]: number },
  ): TrainingCounters {
    const { plan, model, hasLoss = true } = this.request;
    if (!validation && !hasLoss) return countLast(this.#counters);
    return countBest(this.#counters, monitoredOf(model, validation ?? means, plan), plan);
  }

  /** Means over the validation rows; undefined without validation. */
  async #validate(): Promise<{ [name: string]: number } | undefined> {
    const { validate, validateLastBatch, validation, seed, model } = this.request;
    if (!validate || !validation) return undefined;
    const { epoch } = this.#counters;
    return await meanOverRows(validation, {
      whole: validate,
      tail: validateLastBatch,
      extra: (program, from) => ({
        ...scalarInputs(program, 0),
        ...randomInputs(program, { seed, purpose: `${model}/validate`, epoch, step: from }),
      }),
    });
  }

  /** A last checkpoint; then the best state is loaded, unless training goes on another time. */
  async #end(reason: TrainOutcome["reason"]): Promise<TrainOutcome> {
    await this.#checkpoint();
    if (reason !== "interrupted" && this.#best) await this.request.session.load(this.#best.state);
    const { monitor } = this.request.plan;
    return {
      counters: this.#snapshot(),
      reason,
      totalSteps: this.#totalSteps,
      ...(monitor ? { monitor } : {}),
    };
  }

  async #checkpointInTime(): Promise<void> {
    if (this.#checkpoints.isDue) await this.#checkpoint();
  }

  #checkpoint(): Promise<void> {
    const { session } = this.request;
    const readState = async () => this.#checked(await session.state());
    return this.#checkpoints.write(this.#best, this.#snapshot(), readState);
  }

  /** The state, which must not hold NaN. A loss can hide it: a step does not read every tensor that it updates. */
  #checked(state: Tensors): Tensors {
    checkFiniteState({ model: this.request.model, counters: this.#counters }, state);
    return state;
  }

  #snapshot(): TrainingCounters {
    return { ...this.#counters, sums: { ...this.#sums } };
  }

  /** A turn of the event loop now and then; what is read beside training goes on by as many turns. */
  async #letOthersRun(isReading: boolean): Promise<void> {
    if (performance.now() - this.#yielded < (isReading ? READING_YIELD_MS : YIELD_MS)) return;
    await new Promise((resolve) => isReading ? setImmediate(resolve) : setTimeout(resolve, 0));
    this.#yielded = performance.now();
  }
}
