/**
 * How a model is trained: a plan of plain values, and the flags that fill it.
 *
 * @module
 */
import { z } from "zod";

/** What the training loop does; every field has a flag of the same name in {@linkcode trainingOptions}. */
export interface TrainingPlan {
  /** Passes over the training rows. */
  readonly epochs: number;
  /** Rows per step; smaller when the training table is smaller. */
  readonly batchSize: number;
  /** Peak learning rate. */
  readonly learningRate: number;
  readonly schedule: "constant" | "cosine" | "step" | "plateau";
  /** Fraction of all steps over which the rate rises linearly from 0 (0..1). */
  readonly warmup: number;
  /** `step`: epochs between drops. `plateau`: epochs without improvement before a drop. */
  readonly scheduleEpochs: number;
  /**
   * `step`, `plateau`: factor of a drop. `cosine`: final rate as a fraction of the peak. @default 0.1 for the first two, as in
   * PyTorch (`StepLR`, `ReduceLROnPlateau`) and Keras (`ReduceLROnPlateau`); 0.01 for `cosine`
   */
  readonly scheduleFactor?: number | undefined;
  /** Stop after this many epochs without a better monitored value; 0 = never. */
  readonly patience: number;
  /** The value of `loss` whose validation decides which epoch is the best. @default "loss" */
  readonly monitor?: string | undefined;
  /** Whether lower or higher values are better. @default "min" */
  readonly monitorMode?: "min" | "max" | undefined;
  /** By how much a value must be better than the best one to count. @default 0 */
  readonly minDelta?: number | undefined;
}

/** Defaults of {@linkcode trainingOptions}. */
export const TRAINING_DEFAULTS: TrainingPlan = {
  epochs: 20,
  batchSize: 64,
  learningRate: 1e-3,
  schedule: "cosine",
  warmup: 0.02,
  scheduleEpochs: 10,
  scheduleFactor: undefined,
  patience: 0,
  monitor: "loss",
  monitorMode: "min",
  minDelta: 0,
};

/**
 * Fields for a plugin's `config` schema, spread into `z.object({...trainingOptions({epochs: 30})})`. They are
 * marked as not affecting prepared data, so changing `--epochs` reuses the cache.
 */
// deno-lint-ignore explicit-module-boundary-types
export function trainingOptions(defaults: Partial<TrainingPlan> = {}) {
  const d = { ...TRAINING_DEFAULTS, ...defaults };
  const mark = { affects: "training" } as const;
  const factor = z.number().min(0).max(1);
  return {
    epochs: z.int().min(0).max(100_000).default(d.epochs).describe("passes over the training rows").meta(
      mark,
    ),
    batchSize: z.int().min(1).max(1_000_000).default(d.batchSize).describe("rows per training step").meta(
      mark,
    ),
    learningRate: z.number().positive().max(10).default(d.learningRate).describe("peak learning rate").meta(
      mark,
    ),
    schedule: z.enum(["constant", "cosine", "step", "plateau"]).default(d.schedule)
      .describe("how the learning rate changes").meta(mark),
    warmup: z.number().min(0).max(1).default(d.warmup)
      .describe("share of all steps over which the rate rises from 0").meta(mark),
    scheduleEpochs: z.int().min(1).default(d.scheduleEpochs)
      .describe("step: epochs between drops; plateau: epochs without improvement before a drop").meta(mark),
    scheduleFactor: (d.scheduleFactor === undefined ? factor.optional() : factor.default(d.scheduleFactor))
      .describe(
        "step, plateau: factor of a drop (0.1 where none is given); cosine: final rate as a share of the peak (0.01)",
      ).meta(mark),
    patience: z.int().min(0).default(d.patience)
      .describe("stop after this many epochs without a better monitored value; 0 = never").meta(mark),
    monitor: z.string().min(1).default(d.monitor ?? "loss")
      .describe("the validation value that decides which epoch is the best").meta(mark),
    monitorMode: z.enum(["min", "max"]).default(d.monitorMode ?? "min")
      .describe("whether lower or higher monitored values are better").meta(mark),
    minDelta: z.number().min(0).default(d.minDelta ?? 0)
      .describe("by how much a monitored value must be better to count").meta(mark),
  };
}
