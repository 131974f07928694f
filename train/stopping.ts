/**
 * Which epoch is the best, and when there is no point in going on: counters in, counters out; and what a reader must
 * know of the losses that this was judged by.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import type { TrainingPlan } from "../core/training.ts";
import type { TrainingRecord, Warning } from "../core/types.ts";
import type { TrainingCounters } from "./counters.ts";

/** The counters that say which epoch was the best, and how long ago. */
export type BestCounters = Pick<
  TrainingCounters,
  "step" | "epoch" | "bestLoss" | "bestEpoch" | "bestStep" | "epochsSinceBest"
>;

/** What is watched of a training, and when it counts as better. */
export type Watch = Pick<TrainingPlan, "monitor" | "monitorMode" | "minDelta">;

/**
 * Whether a monitored value is better than the best one so far: by more than `minDelta` lower, or higher with `max`; or the
 * first one. The one place that knows in which direction "better" lies; an equal value is not better, and one that is not
 * finite never is.
 *
 * @param best Null before the first epoch with a finite value.
 */
export function isBetter(
  value: number,
  best: number | null,
  { monitorMode = "min", minDelta = 0 }: Watch = {},
): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === null) return true;
  return monitorMode === "min" ? value < best - minDelta : value > best + minDelta;
}

/**
 * The counters after an epoch with this monitored value; `step` and `epoch` count that epoch already.
 *
 * @example
 * ```ts ignore
 * countBest({ ...INITIAL_COUNTERS, step: 10, epoch: 1 }, 0.5); // bestLoss 0.5, bestEpoch 1, bestStep 10
 * ```
 */
export function countBest<C extends BestCounters>(counters: C, value: number, watch: Watch = {}): C {
  if (!isBetter(value, counters.bestLoss, watch)) {
    return { ...counters, epochsSinceBest: counters.epochsSinceBest + 1 };
  }
  const { step, epoch } = counters;
  return { ...counters, bestLoss: value, bestEpoch: epoch, bestStep: step, epochsSinceBest: 0 };
}

/**
 * The monitored value among those of an epoch.
 *
 * @throws {ConfigError} If there is none of this name.
 */
export function monitoredOf(
  model: string,
  values: { readonly [name: string]: number },
  { monitor = "loss" }: Watch,
): number {
  if (Object.hasOwn(values, monitor)) return values[monitor]!;
  throw noSuchValue(model, monitor, Object.keys(values));
}

function noSuchValue(model: string, monitor: string, names: readonly string[]): ConfigError {
  const nearest = nearestName(monitor, names);
  return new ConfigError(
    `Cannot train "${model}" with --monitor ${monitor} as the model's loss must give this value: it gives ${
      names.join(", ")
    }${nearest ? `; did you mean "${nearest}"?` : ""}`,
  );
}

/** The counters after an epoch of a training that has no monitored value: the last epoch counts as the best. */
export function countLast<C extends BestCounters>(counters: C): C {
  const { step, epoch } = counters;
  return { ...counters, bestEpoch: epoch, bestStep: step, epochsSinceBest: 0 };
}

/**
 * Whether a training stops early: no better value for `patience` epochs.
 *
 * @param patience Epochs; 0 for never.
 */
export function isOutOfPatience(
  { epochsSinceBest }: Pick<TrainingCounters, "epochsSinceBest">,
  patience: number,
): boolean {
  return patience > 0 && epochsSinceBest >= patience;
}

/** A model, as far as it matters here: whether it has the program "validate". */
export interface MonitoredModel {
  has(program: string): boolean;
  readonly programs?: {
    readonly [program: string]: { readonly outputs: readonly { readonly name: string }[] };
  };
}

/** What was trained. */
export interface Monitored {
  /** By name, in the order of training. */
  readonly models: ReadonlyMap<string, MonitoredModel>;
  /** Whether there are validation rows. */
  readonly hasRows: boolean;
  /** The records of all epochs. */
  readonly history: readonly TrainingRecord[];
}

/**
 * Refuses a monitored value that the model does not give; and early stopping and the plateau schedule for a model without a
 * validation loss: one with `step` and no `loss`.
 *
 * @throws {ConfigError} Naming the option and what to set it to.
 */
export function checkMonitored(name: string, model: MonitoredModel, plan: TrainingPlan): void {
  const { monitor = "loss" } = plan;
  const names = (model.programs?.validate ?? model.programs?.step)?.outputs.map(({ name }) => name);
  if (names !== undefined && monitor !== "loss" && !names.includes(monitor)) {
    throw noSuchValue(name, monitor, names);
  }
  if (model.has("validate")) return;
  const asked = plan.patience > 0
    ? { option: `--patience ${plan.patience}`, instead: "--patience 0" }
    : plan.schedule === "plateau"
    ? { option: "--schedule plateau", instead: "another --schedule" }
    : undefined;
  if (!asked) return;
  throw new ConfigError(
    `Cannot train "${name}" with ${asked.option} as it watches the validation loss: the model has "step" without "loss"; ` +
      `add "loss" to the model, or use ${asked.instead}`,
  );
}

/** What a reader must know of the losses that training was judged by: once for each model, kind and epoch. */
export function monitoringWarnings({ models, hasRows, history }: Monitored): Warning[] {
  return [...models].flatMap(([name, model]) => {
    const lines = history.filter((line) => line.model === undefined || line.model === name);
    const validation = lines.filter(({ split }) => split === "validation");
    if (validation.length > 0) return [...notFinite(name, validation), ...withoutBest(name, validation)];
    return model.has("validate") && !hasRows && lines.length > 0 ? [overTraining(name)] : [];
  });
}

/** One warning for each epoch with validation values that are NaN or infinite. */
function notFinite(model: string, lines: readonly TrainingRecord[]): Warning[] {
  return lines.flatMap((line) => {
    const names = Object.keys(line).filter((key) => Number.isNaN(line[key]));
    if (names.length === 0) return [];
    const values = names.map((name) => `"${name}"`).join(", ");
    const consequence = names.includes("loss") ? "; it does not count as better than any other epoch" : "";
    return [{
      code: "validation-not-finite",
      message:
        `validation of "${model}" after epoch ${line.epoch} gave NaN or an infinity for ${values}${consequence}`,
    }];
  });
}

function withoutBest(model: string, lines: readonly TrainingRecord[]): Warning[] {
  if (lines.some(({ loss }) => Number.isFinite(loss))) return [];
  return [{
    code: "no-best-epoch",
    message: `"${model}" never had a finite validation loss: the weights of its last epoch are used`,
  }];
}

function overTraining(model: string): Warning {
  return {
    code: "no-validation",
    message: `"${model}" has no validation rows: its best epoch is the one with the lowest training loss`,
  };
}
