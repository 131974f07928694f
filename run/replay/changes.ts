/**
 * What is changed of a training when a run is resumed: patience, learning rate, schedule, epochs. Each change is recorded
 * with the steps at which it was made, so that the same training can be done again.
 *
 * @module
 */
import { ConfigError, type ConfigIssue } from "../../core/errors.ts";
import { type Flag, getPath, setPath } from "../../core/flags.ts";
import type { ConfigRecord, ResumeRecord, RunRecord, ScheduleStart } from "../../core/records.ts";
import { TRAINING_DEFAULTS, type TrainingPlan } from "../../core/training.ts";
import type { Json, JsonObject } from "../../core/types.ts";
import type { ModelPlan } from "../../sandbox/protocol/description.ts";
import { sha256Hex } from "../../core/hash.ts";
import { readPlainFile } from "../../files/plain_file.ts";
import { absolutePaths, type ResolvedConfig } from "../config/config.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import type { RunProgress } from "./progress.ts";
import { readRunJson } from "./replay.ts";

/** How a run is resumed, beside the values of its configuration. */
export interface ResumeOptions {
  /** Epochs without a better loss are counted anew. */
  readonly isPatienceAnew?: boolean;
  /** The schedule of the learning rate begins anew, for the epochs that are left. */
  readonly isScheduleAnew?: boolean;
  /** Refuse to go on if no epochs are left. */
  readonly mustTrain?: boolean;
}

/** Fields of a plan that can be changed on the way: the programs and the order of the rows stay the same. */
const CHANGEABLE: ReadonlySet<string> = new Set<keyof TrainingPlan>([
  "epochs",
  "learningRate",
  "schedule",
  "warmup",
  "scheduleEpochs",
  "scheduleFactor",
  "patience",
  "minDelta",
]);

/** Plans of models, by name. */
export type Plans = { readonly [model: string]: ModelPlan };

/** Values that are others than recorded, by dotted path. */
export type Changes = NonNullable<ResumeRecord["changed"]>;

/** The values that are asked for and not those of the record; inputs can lie elsewhere and are no change. */
export function changesOf(
  asked: { readonly [path: string]: Json },
  before: JsonObject,
  now: JsonObject,
  flags: readonly Flag[],
): Changes {
  const isInput = (path: string): boolean => flags.some((flag) => flag.path === path && flag.inputPath);
  return Object.fromEntries(
    Object.keys(asked).filter((path) => !isInput(path)).flatMap((path) => {
      const [from, to] = [getPath(before, path), getPath(now, path)];
      if (to === undefined || JSON.stringify(from) === JSON.stringify(to)) return [];
      return [[path, { ...(from === undefined ? {} : { from }), to }]];
    }),
  );
}

/** The values with other ones at some paths. */
export function withValues(values: JsonObject, others: { readonly [path: string]: Json }): JsonObject {
  const copy = structuredClone(values) as { [key: string]: Json };
  for (const [path, value] of Object.entries(others)) setPath(copy, path, value);
  return copy;
}

/** What is checked of a run that is resumed. */
export interface ChangeCheck {
  readonly run: RunDirectory;
  /** What is asked for: values by dotted path. */
  readonly asked: { readonly [path: string]: Json };
  readonly options: ResumeOptions;
  readonly config: Pick<ResolvedConfig, "values" | "flags" | "models">;
  /** The plans of models with a configuration; undefined where it is not valid. */
  plansOf(values: JsonObject): Promise<Plans | undefined>;
}

/** What a run is resumed with. */
export interface CheckedChanges {
  readonly changes: Changes;
  /** The plans of its models before. */
  readonly before: Plans;
}

/**
 * Refuses changes of anything but how a training goes on.
 *
 * @returns Undefined where nothing is asked for but to go on.
 * @throws {ConfigError} With every value that cannot be changed, or if nothing is left to train.
 */
export async function checkChanges(
  { run, asked, options, config, plansOf }: ChangeCheck,
): Promise<CheckedChanges | undefined> {
  const { values, flags, models } = config;
  const recorded = lastConfig(run.record, await readRunJson<ConfigRecord>(run, "config.json"));
  const old = absolutePaths(recorded.values, flags, run.path);
  const changes = changesOf(asked, old, values, flags);
  const isPlain = !options.isPatienceAnew && !options.isScheduleAnew && !options.mustTrain;
  if (isPlain && Object.keys(changes).length === 0) return undefined;
  const before = await plansOf(old) ?? models;
  const issues: ConfigIssue[] = [];
  for (const [path, { to }] of Object.entries(changes)) {
    const alone = await plansOf(withValues(old, { [path]: to }));
    const message = alone && fault(before, alone);
    const flag = flags.find((candidate) => candidate.path === path)?.name ?? path;
    if (message) issues.push({ path: `--${flag}`, message, source: "command line" });
  }
  if (issues.length > 0) {
    throw new ConfigError(
      `Cannot resume run "${run.record.id}" with other values as only a training's ${
        [...CHANGEABLE].join(", ")
      } can be changed`,
      issues,
    );
  }
  if (options.mustTrain) checkLeft(run.record, models);
  return { changes, before };
}

/**
 * Refuses to resume with values that change more than the plan, as where a plugin builds its learning rate in.
 *
 * @param files What was traced now, by the name of the file.
 * @throws {ConfigError} Naming the first program that is another one.
 */
export function requireSamePrograms(
  run: RunDirectory,
  model: string,
  files: ReadonlyMap<string, Uint8Array>,
): void {
  for (const [file, bytes] of files) {
    const path = run.file("programs", `${model}-${file}`);
    if (isSame(path, bytes)) continue;
    throw new ConfigError(
      `Cannot resume run "${run.record.id}" with other values as its models must stay as they are: program "${
        file.replace(/\.json$/, "")
      }" of model "${model}" becomes another one`,
    );
  }
}

/** Whether a file holds these bytes; one that is not there yet is no other. */
function isSame(path: string, bytes: Uint8Array): boolean {
  try {
    return sha256Hex(readPlainFile(path)) === sha256Hex(bytes);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

/** Why plans cannot take the place of others. */
function fault(before: Plans, now: Plans): string | undefined {
  if (Object.keys(before).join("\n") !== Object.keys(now).join("\n")) return "changes which models there are";
  const fields = Object.keys(before).flatMap((model) => changedFields(before[model]!, now[model]!));
  if (fields.length === 0) return "changes nothing of how a model is trained";
  const fixed = fields.find((field) => !CHANGEABLE.has(field));
  return fixed === undefined ? undefined : `changes ${fixed}, which a training keeps from its first step on`;
}

function changedFields(before: ModelPlan, now: ModelPlan): string[] {
  // a plugin may hand over more than a plan, such as its whole configuration
  const flat = ({ training, inputs, targets }: ModelPlan): JsonObject =>
    ({ ...training, inputs, targets }) as unknown as JsonObject;
  const [then, today] = [flat(before), flat(now)];
  const fields = [...Object.keys(TRAINING_DEFAULTS), "inputs", "targets"];
  return fields.filter((field) => JSON.stringify(then[field]) !== JSON.stringify(today[field]));
}

/**
 * The configuration of a run as it was recorded last: changes are noted in `run.json` before `config.json` is written, and
 * the process may be killed between the two.
 */
export function lastConfig({ resumed = [] }: RunRecord, config: ConfigRecord): ConfigRecord {
  const changes = resumed.flatMap(({ changed = {} }) => Object.entries(changed));
  const values = Object.fromEntries(changes.map(([path, { to }]) => [path, to]));
  const sources = Object.fromEntries(changes.map(([path]) => [path, "resume"]));
  return {
    ...config,
    values: withValues(config.values, values),
    sources: { ...sources, ...config.sources },
  };
}

/** A part of a training that is done again. */
export interface Part {
  /** Values other than those at the end, by dotted path; undefined where none was set. */
  readonly values: { readonly [path: string]: Json | undefined };
  /** Steps of each model after which the next part follows; undefined for the last one. */
  readonly stopAt?: { readonly [model: string]: number };
  readonly options: ResumeOptions;
}

/** The parts of a run's training: a new one begins with each change. */
export function partsOf({ resumed = [], extendedFrom = [] }: RunRecord): readonly Part[] {
  const entries = resumed.filter(isChange);
  const first: Part["values"] = Object.assign(
    {},
    ...entries.toReversed().map(({ changed = {} }) => valuesOf(changed, "from")),
  );
  // extensions of an older version came before all changes, each at the end of the training
  const parts = extendedFrom.map((epochs): Part => ({ values: { ...first, epochs }, options: {} }));
  let values = first;
  let options: ResumeOptions = {};
  for (const { steps, changed = {}, patience, schedule } of entries) {
    parts.push({ values, options, stopAt: steps });
    values = { ...values, ...valuesOf(changed, "to") };
    options = { isPatienceAnew: patience === "anew", isScheduleAnew: schedule !== undefined };
  }
  return [...parts, { values, options }];
}

function valuesOf(changed: Changes, which: "from" | "to"): Part["values"] {
  return Object.fromEntries(Object.entries(changed).map(([path, change]) => [path, change[which]]));
}

/** Whether from these steps on anything is otherwise. */
export function isChange({ changed = {}, patience, schedule }: ResumeRecord): boolean {
  return Object.keys(changed).length > 0 || patience !== undefined || schedule !== undefined;
}

/** Where the schedule of a model's rate began last. */
export function scheduleStartOf({ resumed = [] }: RunRecord, model: string): ScheduleStart | undefined {
  return resumed.findLast(({ schedule }) => schedule && Object.hasOwn(schedule, model))?.schedule?.[model];
}

/** The progress with the counters that were to begin anew: those that have not moved since that was recorded. */
export function withPatience(progress: RunProgress, { resumed = [] }: RunRecord): RunProgress {
  const anew = resumed.filter(({ patience }) => patience === "anew");
  const models = Object.entries(progress.models).map(([model, found]) => {
    const { counters } = found;
    const isAnew = anew.some(({ steps }) => steps[model] === counters.step);
    return [model, isAnew ? { ...found, counters: { ...counters, epochsSinceBest: 0 } } : found] as const;
  });
  return { ...progress, models: Object.fromEntries(models) };
}

/** Where each model's training stands, as a schedule that begins there is recorded. */
export function scheduleStarts({ models }: RunProgress): { readonly [model: string]: ScheduleStart } {
  return Object.fromEntries(
    Object.entries(models).map(([model, { counters: { step, epoch, plateauDrops } }]) => [
      model,
      { step, epoch, plateauDrops },
    ]),
  );
}

/**
 * Refuses to go on with a finished run if nothing is left to train.
 *
 * @throws {ConfigError} With the epochs of each model.
 */
function checkLeft({ id, training = {} }: RunRecord, plans: Plans): void {
  const trained = Object.entries(training).filter(([model]) => Object.hasOwn(plans, model));
  const isLeft = trained.some(([model, { epochs }]) => plans[model]!.training.epochs > Number(epochs));
  if (isLeft) return;
  const done = trained.map(([model, { epochs }]) =>
    `"${model}" has trained ${epochs} and is to train ${plans[model]!.training.epochs}`
  );
  throw new ConfigError(
    `Cannot train run "${id}" further as more epochs must be asked for than were trained: ${
      done.join(", ") || "it has no trained model"
    }; --extend EPOCHS names their number in all`,
  );
}
