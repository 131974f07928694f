/**
 * What a training is asked for, what it reports, how it ends.
 *
 * @module
 */
import type { ScheduleStart } from "../core/records.ts";
import type { TrainingPlan } from "../core/training.ts";
import type { TrainingRecord } from "../core/types.ts";
import type { Executable, Session } from "../engine/runtimes/types.ts";
import type { CheckpointStore } from "./checkpoint.ts";
import type { CheckpointPair } from "./checkpoint_strategy.ts";
import type { BestState, TrainingCounters } from "./counters.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { TrainRows } from "./rows/rows.ts";

/** Everything one model's training needs. */
export interface TrainRequest {
  readonly model: string;
  readonly plan: TrainingPlan;
  readonly seed: number;
  readonly session: Session;
  readonly step: Executable;
  readonly validate?: Executable | undefined;
  /**
   * Whether the `loss` of the step is the one that validation would have, and stands in for it where there are no
   * validation rows; else the last epoch counts as the best. @default true
   */
  readonly hasLoss?: boolean | undefined;
  /** The same as `validate` for the last, smaller batch. */
  readonly validateLastBatch?: Executable | undefined;
  readonly train: TrainRows;
  readonly validation?: TrainRows | undefined;
  readonly checkpoints: CheckpointStore;
  /** Steps of the models trained before in this run. */
  readonly stepOffset: number;
  /** Where to resume; its state is loaded by the caller. */
  readonly resumeFrom?: ResumePoint | undefined;
  /** Whether a later model has begun, whose checkpoints may have the same steps. @default false */
  readonly isBehind?: boolean | undefined;
  /** Where the schedule of the rate begins. @default with the training */
  readonly scheduleFrom?: ScheduleStart | undefined;
  readonly listener: TrainListener;
  /** Asked between steps; true = save and stop. */
  isStopped(): boolean;
  /** Save and stop after this many steps. @default never */
  readonly stopAfterSteps?: number | undefined;
  /** Seconds between checkpoints; 0 for one after each step. @default 10, or longer where writing one is slow */
  readonly checkpointSeconds?: number | undefined;
}

/** Where a training is resumed. */
export interface ResumePoint {
  readonly counters: TrainingCounters;
  readonly best?: BestState | undefined;
  /** Folders of the checkpoints that hold both. */
  readonly pair: CheckpointPair;
}

/** What is reported while training. */
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
  /** The monitored value. @default "loss" */
  readonly monitor?: string;
}
