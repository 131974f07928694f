/**
 * Gives traced models the pretrained weights that fit them.
 *
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { NdArray } from "../../core/types.ts";
import { convertWeight, describeLeft, matchWeights, type WeightsReport } from "../../core/weights.ts";
import type { Tensor, Tensors } from "../../engine/runtimes/types.ts";
import type { LoadedModel } from "../../train/models.ts";
import { FILE_MODEL, type InitialWeights, parameterNames } from "./source.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What it is given. */
export interface InitializeInput {
  readonly run: RunDirectory;
  readonly models: ReadonlyMap<string, LoadedModel>;
  readonly initial: InitialWeights;
  /** Whether every weight of each model must be among them. @default false: as many as fit */
  readonly isWhole?: boolean;
}

/**
 * Loads what fits by name and shape into the sessions of the models, and records what was taken and what was left.
 *
 * @throws {ConfigError} If nothing fits any model, or not all that must.
 */
export async function initialize({ run, models, initial, isWhole = false }: InitializeInput): Promise<void> {
  const reports: { [model: string]: WeightsReport } = {};
  for (const [name, model] of models) {
    reports[name] = await initializeModel(model, arraysFor(name, models.size, initial));
  }
  if (isWhole) checkWhole(initial, reports);
  checkTaken(initial, reports);
  const init = { ...initial.record, models: reports };
  await run.update({ init });
  await run.write("provenance/init.json", init);
}

/** The arrays of the model of the same name; else those of a file, or of the only model for the only model. */
function arraysFor(
  name: string,
  count: number,
  { record, models }: InitialWeights,
): { readonly [name: string]: NdArray } {
  if (record.kind === "file") return models[FILE_MODEL]!;
  if (Object.hasOwn(models, name)) return models[name]!;
  const [only, ...others] = Object.values(models);
  return count === 1 && others.length === 0 ? only! : {};
}

async function initializeModel(
  model: LoadedModel,
  arrays: { readonly [name: string]: NdArray },
): Promise<WeightsReport> {
  const parameters = parameterNames(Object.values(model.programs));
  const state = Object.fromEntries(
    Object.entries(await model.session.state()).filter(([name]) => parameters.has(name)),
  );
  const source = Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => [name.replace(/:0$/, ""), array]), // as Keras writes them
  );
  const report = matchWeights(state, source);
  const taken: Tensors = Object.fromEntries(report.taken.map((name) => {
    const { dtype, shape } = state[name]!;
    return [name, { dtype, shape, data: convertWeight(source[name]!, dtype, name) } as Tensor];
  }));
  await model.session.load(taken);
  return report;
}

/** Weights that are evaluated must be all of each model: what `build` gave in their place was never trained. */
function checkWhole({ record }: InitialWeights, reports: { readonly [model: string]: WeightsReport }): void {
  const wrong = Object.entries(reports).filter(([, { missing, otherShape }]) =>
    missing.length + otherShape.length > 0
  );
  if (wrong.length === 0) return;
  const left = wrong.map(([model, report]) => `${model}: ${describeLeft(report)}`).join("; ");
  throw new ConfigError(
    `Cannot evaluate the weights of ${record.kind} "${record.name}" as the plugin must build its models: ${left}`,
  );
}

function checkTaken(
  { record }: InitialWeights,
  reports: { readonly [model: string]: WeightsReport },
): void {
  const source = `Cannot begin with the weights of ${record.kind} "${record.name}" as`;
  const all = Object.entries(reports);
  if (all.length === 0) throw new ConfigError(`${source} there must be a model: this run has none`);
  if (all.some(([, { taken }]) => taken.length > 0)) return;
  const left = all.map(([model, report]) => `${model}: ${describeLeft(report)}`).join("; ");
  throw new ConfigError(`${source} at least one must fit by name and shape: none does, ${left}`);
}
