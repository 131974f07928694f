/**
 * Stage "train": every model of the configuration, one after the other, with its logs and checkpoints in the run.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import { decodeRecord } from "../../core/not_finite.ts";
import { plainJson } from "../../core/plain_text.ts";
import type { JsonObject, Table, Tables, TrainingRecord, Warning } from "../../core/types.ts";
import { writeAll } from "../../files/atomic.ts";
import { dtypesOf } from "../../train/batches.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import { hasEnded, stepsPerEpoch, train } from "../../train/loop.ts";
import type { LoadedModel } from "../../train/models.ts";
import type { TrainOutcome } from "../../train/types.ts";
import { closeRows, columnsIn, openRows } from "../../train/rows/rows.ts";
import { checkColumns } from "../../train/nan_guard.ts";
import type { ResolvedConfig } from "../config/config.ts";
import { scheduleStartOf } from "../replay/changes.ts";
import { isBehindFolder, type RunProgress } from "../replay/progress.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { checkMonitored, monitoringWarnings } from "../../train/stopping.ts";
import { rowsOf } from "./prepare.ts";
import { stoppedError } from "./record.ts";
import type { RunRequest } from "./request.ts";

/** What the stage is given. */
export interface TrainInput {
  readonly run: RunDirectory;
  readonly models: ReadonlyMap<string, LoadedModel>;
  readonly plans: ResolvedConfig["models"];
  readonly tables: Tables;
  /** Where each model's training stands. */
  readonly progress: RunProgress;
  /** Adds warnings to the run. */
  warn(...warnings: readonly Warning[]): void;
  readonly request: Pick<
    RunRequest,
    "seed" | "stop" | "stopAfterSteps" | "stopAt" | "checkpointSeconds" | "listener"
  >;
}

/** Whether there is anything to train. */
export function canTrain(models: ReadonlyMap<string, LoadedModel>): boolean {
  return [...models.values()].some((model) => model.has("step"));
}

/**
 * Trains all models to the end of their plans and leaves the best weights in their sessions.
 *
 * @returns Every record of every epoch, those before an interruption first.
 * @throws {ConfigError} If there are no rows to train on, a loss is not finite, or early stopping is asked for without a
 * loss to watch.
 * @throws {DataError} If a column holds NaN, an infinity, or what does not fit 32 bits.
 * @throws {InterruptedError} If the run was stopped; a checkpoint is saved.
 */
export async function trainModels(input: TrainInput): Promise<readonly TrainingRecord[]> {
  const { run, plans, models, progress } = input;
  filledTable(input.tables, "train");
  const trained = new Map(
    Object.keys(plans).map((name) => [name, models.get(name)!] as const).filter(([, model]) =>
      model.has("step")
    ),
  );
  for (const name of trained.keys()) checkModel(input, name);
  const history = [...progress.history];
  const log = await Log.open(run.file("metrics.jsonl"));
  const fingerprints = await Log.open(run.file("fingerprints.jsonl"));
  let stepOffset = 0;
  try {
    for (const [name, model] of trained) {
      const outcome = await trainOne(input, { name, model, stepOffset, history, log, fingerprints });
      stepOffset += outcome.counters.step;
    }
    return history;
  } finally {
    log.close();
    fingerprints.close();
    // of the whole history, so that a run that was resumed says the same as one that was not
    const hasRows = rowsOf(input.tables.validation ?? {}) > 0;
    input.warn(...monitoringWarnings({ models: trained, hasRows, history }));
  }
}

/** Refuses what cannot be trained well before any model is trained. */
function checkModel({ plans, models, tables }: TrainInput, name: string): void {
  const { inputs, targets, training } = plans[name]!;
  checkMonitored(name, models.get(name)!, training);
  for (const split of ["train", "validation"]) {
    checkColumns(name, split, tables[split] ?? {}, [...inputs, ...targets]);
  }
}

/** One model, and what its training shares with that of the others. */
interface Turn {
  readonly name: string;
  readonly model: LoadedModel;
  readonly stepOffset: number;
  readonly history: TrainingRecord[];
  readonly log: Log;
  readonly fingerprints: Log;
}

async function trainOne(input: TrainInput, turn: Turn): Promise<TrainOutcome> {
  const { run, plans, request, progress } = input;
  const { name, model, stepOffset } = turn;
  const plan = plans[name]!;
  const { train: training, validation: given } = input.tables;
  const validation = given && rowsOf(given) > 0 ? given : undefined;
  const names = [...plan.inputs, ...plan.targets];
  const resumeFrom = progress.models[name];
  if (resumeFrom) await model.session.load(resumeFrom.state);
  const rows = openRows(training!, names, "train");
  const dtypes = dtypesOf(columnsIn(rows));
  const held = validation && openRows(validation, names, "validation", dtypes);
  const programOf = (program: string) => model.has(program) ? model.executable(program) : undefined;
  const outcome = await train({
    model: name,
    plan: plan.training,
    seed: request.seed,
    session: model.session,
    step: await model.executable("step"),
    validate: await programOf("validate"),
    hasLoss: model.has("validate"),
    validateLastBatch: await programOf("validate_tail"),
    train: rows,
    validation: held,
    checkpoints: new CheckpointStore(run.file("checkpoints")),
    stepOffset,
    resumeFrom,
    isBehind: isBehind(input, name, stepOffset),
    scheduleFrom: scheduleStartOf(run.record, name),
    isStopped: () => request.stop.isStopped,
    stopAfterSteps: stopAfter(request, name),
    checkpointSeconds: request.checkpointSeconds,
    listener: listenerOf(input, turn),
  }).finally(() => closeRows(rows));
  await recordOutcome(run, name, outcome, plan.training.epochs);
  request.listener.onTrained?.(name, outcome);
  if (outcome.reason !== "interrupted") return outcome;
  throw stoppedError(request.stop.reason, `a checkpoint was saved at step ${outcome.counters.step}`);
}

/** Steps after which a model's training stops; undefined for none. */
function stopAfter({ stopAfterSteps, stopAt }: TrainInput["request"], model: string): number | undefined {
  if (stopAt === undefined) return stopAfterSteps;
  return Math.min(stopAfterSteps ?? Infinity, Object.hasOwn(stopAt, model) ? stopAt[model]! : 0);
}

/**
 * Whether the checkpoints of a model can come to the steps of a later one that has begun, as where both are trained on. One
 * that has come to its end keeps the names that it has.
 */
function isBehind({ plans, progress, tables }: TrainInput, model: string, stepOffset: number): boolean {
  const own = progress.models[model];
  const { training } = plans[model]!;
  if (own && hasEnded(own.counters, training)) return own.counters.step > 0 && isBehindFolder(own.pair.last);
  const names = Object.keys(plans);
  const later = names.slice(names.indexOf(model) + 1).flatMap((name) => progress.models[name] ?? []);
  const end = stepOffset + stepsPerEpoch(training, rowsOf(tables.train ?? {})) * training.epochs;
  return later.some(({ stepOffset: began }) => end > began);
}

/** Writes what is heard of a training into the logs of the run, and passes it on. */
function listenerOf({ plans, request }: TrainInput, turn: Turn): Parameters<typeof train>[0]["listener"] {
  const { name, history, log, fingerprints } = turn;
  const isOnly = Object.keys(plans).length === 1;
  return {
    onStep: (position) => request.listener.onStep?.({ model: name, ...position }),
    onRecord: async (record) => {
      const line: TrainingRecord = isOnly ? record : { ...record, model: name };
      history.push(decodeRecord(line)); // as it comes back from the file
      await log.append(line);
      request.listener.onRecord?.(name, record, plans[name]!.training.epochs);
    },
    onFingerprint: (fingerprint) => fingerprints.append(fingerprint),
  };
}

/** A file of JSON lines that only grows. */
class Log {
  private constructor(readonly file: Deno.FsFile) {}

  static async open(path: string): Promise<Log> {
    return new Log(await Deno.open(path, { create: true, append: true }));
  }

  async append(line: unknown): Promise<void> {
    await writeAll(this.file, new TextEncoder().encode(plainJson(line) + "\n"));
  }

  close(): void {
    this.file.close();
  }
}

async function recordOutcome(
  run: RunDirectory,
  model: string,
  { counters, reason, totalSteps, monitor = "loss" }: TrainOutcome,
  epochs: number,
): Promise<void> {
  const summary: JsonObject = {
    reason,
    epochs: counters.epoch,
    plannedEpochs: epochs,
    steps: counters.step,
    plannedSteps: totalSteps,
    bestEpoch: counters.bestEpoch,
    bestLoss: counters.bestLoss,
    ...(monitor === "loss" ? {} : { monitor }),
  };
  await run.update({ training: { ...run.record.training, [model]: summary } });
}

/** A table that has rows. */
function filledTable(tables: Tables, split: string): Table {
  const table = tables[split];
  if (table && rowsOf(table) > 0) return table;
  const found = Object.entries(tables).map(([name, table]) => `${name} (${rowsOf(table)} rows)`).join(", ");
  throw new ConfigError(
    `Cannot train as the "${split}" table must have rows: prepare gave ${found || "no tables"}`,
  );
}
