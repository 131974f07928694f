/**
 * How the learning rate of a training goes on where a run is resumed with other values.
 *
 * @module
 */
import type { ScheduleStart } from "../../core/records.ts";
import type { TrainingPlan } from "../../core/training.ts";
import { hasEnded, stepsPerEpoch } from "../../train/loop.ts";
import { learningRateAt, since } from "../../train/schedule.ts";
import type { TrainingCounters } from "../../train/counters.ts";

/** The rate of a model's training before and after. */
export interface RateChange {
  readonly model: string;
  /** Steps and epochs that are done. */
  readonly step: number;
  readonly epoch: number;
  /** Epochs that are planned now. */
  readonly epochs: number;
  readonly schedule: TrainingPlan["schedule"];
  /** Rate of the last step that was done. */
  readonly before: number;
  /** Rate of the next step, and of the last one that is planned, as far as it is known now. */
  readonly next: number;
  readonly last: number;
  /** The peak that is planned now. */
  readonly peak: number;
  /** The schedule begins anew. */
  readonly isScheduleAnew: boolean;
  /** Epochs without a better loss are counted anew. */
  readonly isPatienceAnew: boolean;
}

/** What is known of a training that is resumed. */
export interface RateInput {
  readonly model: string;
  readonly counters: TrainingCounters;
  readonly rows: number;
  readonly before: TrainingPlan;
  readonly now: TrainingPlan;
  /** Where the schedule began, before and now. */
  readonly startBefore: ScheduleStart | undefined;
  readonly startNow: ScheduleStart | undefined;
  readonly isPatienceAnew: boolean;
}

/** The rates; undefined where the training has not begun or does not go on. */
export function rateChange(input: RateInput): RateChange | undefined {
  const { model, counters, rows, before, now, startBefore, startNow, isPatienceAnew } = input;
  const { step, epoch, plateauDrops } = counters;
  if (step === 0 || hasEnded(counters, now)) return undefined;
  const perEpoch = stepsPerEpoch(now, rows);
  const rateAt = (
    plan: TrainingPlan,
    start: ScheduleStart | undefined,
    at: number,
    inEpoch: number,
  ): number => {
    const position = { step: at, totalSteps: perEpoch * plan.epochs, epoch: inEpoch, plateauDrops };
    return learningRateAt(plan, since(position, start));
  };
  return {
    model,
    step,
    epoch,
    epochs: now.epochs,
    schedule: now.schedule,
    before: rateAt(before, startBefore, step - 1, Math.floor((step - 1) / perEpoch)),
    next: rateAt(now, startNow, step, epoch),
    last: rateAt(now, startNow, perEpoch * now.epochs - 1, now.epochs - 1),
    peak: now.learningRate,
    isScheduleAnew: startNow !== undefined && startNow.step === step,
    isPatienceAnew: isPatienceAnew && now.patience > 0,
  };
}
