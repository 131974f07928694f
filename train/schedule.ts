/**
 * Learning rates: a pure function of the plan and of where training stands; and the plateau's counting of drops.
 *
 * @module
 */
import type { ScheduleStart } from "../core/records.ts";
import type { TrainingPlan } from "../core/training.ts";
import type { TrainingCounters } from "./counters.ts";

/** Where training stands. */
export interface Position {
  /** Steps done before this one. */
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  /** Drops that the plateau rule has asked for so far. */
  readonly plateauDrops: number;
}

/** The same position as a schedule counts it that began anew on the way; its plan is that of the steps that were left. */
export function since(position: Position, start: ScheduleStart | undefined): Position {
  if (!start) return position;
  return {
    step: position.step - start.step,
    totalSteps: position.totalSteps - start.step,
    epoch: position.epoch - start.epoch,
    plateauDrops: position.plateauDrops - start.plateauDrops,
  };
}

/** The factor of a schedule, where none is given. */
const FACTORS: { readonly [schedule in TrainingPlan["schedule"]]: number } = {
  constant: 1,
  cosine: 0.01,
  step: 0.1,
  plateau: 0.1,
};

/** The factor of a plan's schedule. */
function scheduleFactorOf({ schedule, scheduleFactor }: TrainingPlan): number {
  return scheduleFactor ?? FACTORS[schedule];
}

type Rule = (plan: TrainingPlan, position: Position) => number;

/** Share of the peak rate, without warm-up. */
const RULES: { readonly [schedule in TrainingPlan["schedule"]]: Rule } = {
  constant: () => 1,
  // half a cosine from 1 to the final share, over the steps after the warm-up
  cosine: (plan, { step, totalSteps }) => {
    const first = plan.warmup * totalSteps;
    const done = Math.min(1, Math.max(0, (step - first) / Math.max(1, totalSteps - first)));
    const last = scheduleFactorOf(plan);
    return last + (1 - last) * 0.5 * (1 + Math.cos(Math.PI * done));
  },
  step: (plan, { epoch }) => scheduleFactorOf(plan) ** Math.floor(epoch / plan.scheduleEpochs),
  plateau: (plan, { plateauDrops }) => scheduleFactorOf(plan) ** plateauDrops,
};

/**
 * The learning rate of a step: the peak rate, times the schedule's share, times a linear rise over the first
 * `warmup` share of all steps.
 */
export function learningRateAt(plan: TrainingPlan, position: Position): number {
  const warmupSteps = plan.warmup * position.totalSteps;
  const rise = position.step < warmupSteps ? (position.step + 1) / (warmupSteps + 1) : 1;
  return plan.learningRate * rise * RULES[plan.schedule](plan, position);
}

/** The counters of the plateau rule. */
export type PlateauCounters = Pick<TrainingCounters, "plateauDrops" | "epochsSinceDrop">;

/**
 * The counters after an epoch: one more drop once `epochs` epochs have passed without a better value, counted from the
 * last better value or the last drop.
 *
 * @param hasImproved Whether the epoch's monitored value was better than all before.
 * @param epochs At least 1.
 */
export function countPlateau<C extends PlateauCounters>(
  counters: C,
  hasImproved: boolean,
  epochs: number,
): C {
  if (hasImproved) return { ...counters, epochsSinceDrop: 0 };
  const epochsSinceDrop = counters.epochsSinceDrop + 1;
  return epochsSinceDrop < epochs
    ? { ...counters, epochsSinceDrop }
    : { ...counters, plateauDrops: counters.plateauDrops + 1, epochsSinceDrop: 0 };
}
