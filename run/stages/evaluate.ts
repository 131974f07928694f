/**
 * Stage "evaluate": metrics, figures, tables and files of the plugin's last hook, taken into the run.
 *
 * @module
 */
import type { z } from "zod";
import type {
  Figure,
  Json,
  JsonObject,
  Metrics,
  Tables,
  TextTable,
  TrainingRecord,
  Warning,
} from "../../core/types.ts";
import { encodeMetrics, receiveMetric, type SentMetric } from "../../core/not_finite.ts";
import { writeAtomic } from "../../files/atomic.ts";
import { learningCurveFigure, stampSimulated } from "../../plot/mod.ts";
import { DEFAULT_LIMITS, type HookName } from "../../sandbox/protocol/limits.ts";
import type { LoadedModel } from "../../train/models.ts";
import { evaluationResult } from "../hooks/results.ts";
import type { Hooks } from "../hooks/workspace.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import type { PreparedData } from "./prepare.ts";

/** What the stage is given. */
export interface EvaluateInput {
  readonly run: RunDirectory;
  readonly plugin: string;
  /** The values of the configuration. */
  readonly config: JsonObject;
  readonly seed: number;
  /** The action whose hook runs in place of `evaluate`. */
  readonly action: string | undefined;
  /** Files given after the action; absolute. */
  readonly files: readonly string[];
  readonly data: PreparedData | undefined;
  readonly models: ReadonlyMap<string, LoadedModel>;
  /** What training recorded. */
  readonly history: readonly TrainingRecord[];
  readonly hooks: Hooks;
  /** Adds warnings to the run. */
  warn(...warnings: readonly Warning[]): void;
  /** Leaves paths of this machine out of texts that are recorded. */
  plain<T>(value: T): T;
}

/** What it gives. */
export interface Evaluated {
  readonly metrics: Metrics;
  readonly results: JsonObject;
  readonly tables: readonly TextTable[];
  /** Files that an action made; absolute. */
  readonly files: readonly string[];
  /** What is noted in `run.json`. */
  readonly record: { readonly summary?: string; readonly simulated?: boolean };
}

/** Records of training that travel in the message itself; more are a file, as a message is bounded. */
const INLINE_HISTORY = 1000;

type Result = z.output<typeof evaluationResult>;

/**
 * Runs `evaluate` or an action, and writes what it made into the run.
 *
 * @throws {PluginError} If the hook fails, or hands over what is not a plain file.
 */
export async function evaluate(input: EvaluateInput): Promise<Evaluated> {
  const { run, data, hooks, action, models } = input;
  const tables: Tables = data?.tables ?? {};
  const hook = action === undefined ? "evaluate" : "action";
  const args = await evaluateArgs(input);
  const result = input.plain(await hooks.call(hook, args, evaluationResult, { models, tables }));
  const simulated = data?.simulated ?? result.simulated ?? false;
  await hooks.end(); // what it left changes no more
  await takeFigures(input, hook, result, simulated);
  await takeFiles(input, hook, result.files);
  await takePredictions(input, hook, Object.keys(result.predictions));
  const metrics = takeMetrics(input, result.metrics as { readonly [key: string]: SentMetric });
  await run.write("metrics.json", encodeMetrics(metrics));
  await run.write("results.json", { tables: result.tables, results: result.results });
  return {
    metrics,
    results: result.results as JsonObject,
    tables: result.tables as unknown as TextTable[],
    files: result.files.map((name) => run.file("files", name)),
    record: {
      ...(result.summary === "" ? {} : { summary: result.summary }),
      ...(data || result.simulated === null ? {} : { simulated: result.simulated }),
    },
  };
}

async function evaluateArgs(input: EvaluateInput): Promise<Json> {
  const { config, seed, action, files, data, history, hooks } = input;
  const isLong = history.length > INLINE_HISTORY;
  return {
    config,
    seed,
    metadata: data?.metadata ?? {},
    simulated: data?.simulated ?? false,
    source: data?.source ?? "",
    tables: data?.directory ?? null,
    history: isLong ? await hooks.sendHistory(history) : history,
    ...(action === undefined ? {} : { action, files }),
  } as unknown as Json;
}

/** The metrics as they were returned, one that is not finite with a warning; an error that is not finite is none. */
function takeMetrics(input: EvaluateInput, sent: { readonly [key: string]: SentMetric }): Metrics {
  const entries = Object.entries(sent).map(([key, one]) => {
    const metric = receiveMetric(one);
    const { value, error } = metric;
    if (!Number.isFinite(value)) {
      input.warn({ code: "metric-not-finite", message: `metric "${key}" is ${value}` });
    }
    if (error === null || Number.isFinite(error)) return [key, metric] as const;
    input.warn({
      code: "metric-not-finite",
      message: `the error of metric "${key}" is ${error}: it is recorded as unknown`,
    });
    return [key, { ...metric, error: null }] as const;
  });
  return Object.fromEntries(entries);
}

/** Takes the figures that were named, stamps those of simulated data, and adds the learning curve. */
async function takeFigures(
  { hooks, run, history }: EvaluateInput,
  hook: HookName,
  result: Result,
  simulated: boolean,
): Promise<void> {
  const index = [...result.figures];
  const folder = index.length > 0 ? hooks.take("figures", hook) : undefined;
  const { textBytes } = DEFAULT_LIMITS;
  for (const { name } of index) {
    const svg = folder!.read(`${name}.svg`, textBytes);
    const stamped = simulated ? stampSimulated(new TextDecoder().decode(svg)) : svg;
    await writeAtomic(run.file("figures", `${name}.svg`), stamped);
    await writeAtomic(run.file("figures", `${name}.json`), folder!.read(`${name}.json`, textBytes));
  }
  if (history.length > 0 && !index.some(({ name }) => name === "learning_curve")) {
    const figure: Figure = await learningCurveFigure({ history, simulated });
    await writeAtomic(run.file("figures", `${figure.name}.svg`), figure.svg);
    await writeAtomic(run.file("figures", `${figure.name}.json`), JSON.stringify(figure.data));
    index.push({ name: figure.name, title: figure.title, caption: figure.caption });
  }
  await run.write("figures/index.json", index);
}

/** Moves the files that an action made; they can be large and are not read. */
async function takeFiles(
  { hooks, run }: EvaluateInput,
  hook: HookName,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const folder = hooks.take("files", hook);
  await Deno.mkdir(run.file("files"), { recursive: true });
  for (const name of names) await folder.move(name, run.file("files", name));
}

async function takePredictions(
  { hooks, run }: EvaluateInput,
  hook: HookName,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const folder = hooks.take("predictions", hook);
  for (const name of names) {
    const bytes = folder.read(`${name}.npy`, DEFAULT_LIMITS.diskBytes);
    await writeAtomic(run.file("predictions", `${name}.npy`), bytes);
  }
}
