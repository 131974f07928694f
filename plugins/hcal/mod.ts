/**
 * Which of two CMS runs is an HCAL occupancy map from? Vision transformers on the map, against a threshold on its mean
 * and a logistic regression on its row profile, on files or simulated maps.
 *
 * @module
 */
import { ConfigError, definePlugin, inputPath, trainingOptions, z } from "beamline";
import type { BuildContext, ModelDefinition, PrepareContext, Prepared, SimulateContext } from "beamline";
import { writeNpy } from "beamline/data";
import { DEFAULT_ROWS, type Metadata, MIN_ROWS, openNewMaps, prepareTables } from "./data.ts";
import { evaluateModels } from "./evaluate.ts";
import { explore } from "./explore.ts";
import { CELLS, COLUMNS, ROWS, RUNS } from "./geometry.ts";
import { buildTransformer } from "./model.ts";
import { addStudyColumns, isStudied, MAX_STUDY_ROWS, type StudyModel, studyModels } from "./robustness.ts";
import { simulatedRun } from "./simulation.ts";

const training = { affects: "training" } as const;

const config = z.object({
  data: inputPath(
    "directory",
    "folder with Run355456_Dataset*.npy and Run357479_Dataset*.npy (default: simulated)",
  ),
  rows: z.int().min(MIN_ROWS).max(1_000_000).optional()
    .describe(`images per run (default: ${DEFAULT_ROWS} simulated, all of the files)`),
  skipBad: z.boolean().default(false)
    .describe(
      "leave out sections of the files that have defects, and say which, instead of refusing the files",
    ),
  difficulty: z.number().min(0).max(1).default(0)
    .describe("of the simulation: 0 = published row profiles, 1 = the same row profile in both runs"),
  split: z.enum(["blocked", "random"]).default("blocked")
    .describe("what goes to one part: blocks of adjacent luminosity sections, or single ones"),
  model: z.enum(["vit", "moe-vit"]).default("vit")
    .describe("vision transformer, or one with mixtures of experts").meta(training),
  robustness: z.boolean().default(false)
    .describe(
      "also measure damaged images, fewer training images, other difficulties (trains further networks)",
    ),
  patch: z.int().min(2).max(64).default(8).describe("side of a patch in cells")
    .meta(training),
  dim: z.int().min(2).max(1024).default(64).describe("length of a token").meta(training),
  depth: z.int().min(1).max(24).default(2).describe("transformer blocks").meta(training),
  heads: z.int().min(1).max(64).default(4).describe("attention heads; divides --dim").meta(training),
  mlpRatio: z.number().positive().max(16).default(2).describe(
    "hidden units per unit of --dim",
  ).meta(training),
  dropout: z.number().min(0).max(0.9).default(0.1).describe(
    "share of values dropped in training",
  ).meta(training),
  experts: z.int().min(1).max(16).default(2).describe("networks per block of moe-vit").meta(training),
  scaling: z.enum(["train", "log1p"]).default("train")
    .describe("input: log1p centered and scaled by the training part, or log1p alone").meta(training),
  weightDecay: z.number().min(0).max(1).default(0.01).describe("decoupled weight decay").meta(training),
  ...trainingOptions({ epochs: 5, batchSize: 64, learningRate: 1e-3, schedule: "cosine", warmup: 0.1 }),
}).refine(({ dim, heads }) => dim % heads === 0, { path: ["heads"], message: "must divide --dim" });

type Config = z.output<typeof config>;

/** The network of `--model`, or one of the robustness study on columns of its own. */
function transformer(
  isEnabled: (config: Config) => boolean,
  study?: StudyModel,
): ModelDefinition<Config, Metadata> {
  const { inputColumn = "occupancy", labelColumn = "label" } = study ?? {};
  return {
    inputs: () => [inputColumn],
    targets: () => [labelColumn],
    enabled: isEnabled,
    outputs: {
      probability: { unit: "1", description: `probability of run ${RUNS[1]}` },
      logit: { unit: "1", description: "log odds of that probability" },
    },
    build: (config, context: BuildContext<Metadata>) =>
      buildTransformer(config, context.metadata.scales[inputColumn]!, {
        isMixture: config.model === "moe-vit",
        inputColumn,
        labelColumn,
      }),
  };
}

export default definePlugin({
  name: "hcal",
  title: "HCAL: which of two CMS runs an occupancy map is from",
  config,
  presets: {
    // The published solution, except that its clipping of gradients and warm-up are ours.
    source: {
      patch: 32,
      dim: 64,
      depth: 4,
      heads: 2,
      mlpRatio: 4,
      dropout: 0.1,
      scaling: "log1p",
      split: "random",
      epochs: 3,
      batchSize: 64,
      learningRate: 3e-5,
      weightDecay: 0.05,
      schedule: "plateau",
      scheduleEpochs: 3,
      scheduleFactor: 0.5,
    },
  },
  formerPresets: { reference: "source" },
  metrics: [
    { key: "accuracy", label: "accuracy of the transformer", unit: "1", better: "higher" },
    { key: "auc", label: "its area under the ROC curve", unit: "1", better: "higher" },
    { key: "log_loss", label: "its log loss", unit: "1", better: "lower" },
    { key: "ece", label: "its expected calibration error", unit: "1", better: "lower" },
    {
      key: "row_profile.accuracy",
      label: "logistic regression on the row profile",
      unit: "1",
      better: "higher",
    },
    { key: "mean_threshold.accuracy", label: "threshold on the mean occupancy", unit: "1", better: "higher" },
  ],
  models: {
    vit: {
      title: "vision transformer",
      ...transformer(({ model }) => model === "vit"),
    },
    "moe-vit": {
      title: "vision transformer with mixtures of experts",
      ...transformer(({ model }) => model === "moe-vit"),
    },
    ...Object.fromEntries(
      studyModels().map((study) => [study.name, {
        title: study.title,
        ...transformer((config) => isStudied(study, config), study),
      }]),
    ),
  },
  actions: {
    explore: {
      title: "statistics and figures of both runs, without training",
      prepare: false,
      run: (config: Config, context) => explore(config, context),
    },
  },

  prepare: (config, context) => prepare(config, context),
  evaluate: (config, context) => evaluateModels(config, context),
  readForPrediction: (config, path, context) => {
    const studied = studyModels().filter((model) => isStudied(model, config));
    const columns = ["occupancy", ...studied.map(({ inputColumn }) => inputColumn)];
    return openNewMaps(path, columns, config, context);
  },
  simulate: (config, context) => simulate(config, context),
});

async function prepare(config: Config, context: PrepareContext): Promise<Prepared<Metadata>> {
  if (config.robustness && (config.rows ?? DEFAULT_ROWS) > MAX_STUDY_ROWS) {
    throw new ConfigError(
      `Cannot study robustness as the maps of its further networks must fit into memory: found --rows ${config.rows}, at most ${MAX_STUDY_ROWS}`,
    );
  }
  if (config.data !== undefined && config.difficulty !== 0) {
    context.warn(
      "difficulty-ignored",
      "--difficulty changes the simulation only: the files are used as they are",
    );
  }
  const prepared = await prepareTables(config, context);
  const rows = config.rows ?? DEFAULT_ROWS;
  const { tables, scales } = addStudyColumns(prepared.tables, {
    ...config,
    rows,
  }, context);
  return {
    ...prepared,
    tables,
    metadata: {
      ...prepared.metadata!,
      scales: { ...prepared.metadata!.scales, ...scales },
    },
  };
}

/** Files as the originals: float64, one per run. */
async function simulate(config: Config, context: SimulateContext): Promise<string[]> {
  const rows = config.rows ?? DEFAULT_ROWS;
  const names: string[] = [];
  for (const [label, run] of RUNS.entries()) {
    const make = simulatedRun(label as 0 | 1, {
      rows,
      difficulty: config.difficulty,
      random: context.random,
    });
    const data = new Float64Array(rows * CELLS);
    for (let section = 0; section < rows; section++) {
      make(section, data, section * CELLS);
    }
    const name = `Run${run}_Dataset.npy`;
    await writeNpy(`${context.directory}/${name}`, { dtype: "float64", shape: [rows, ROWS, COLUMNS], data });
    context.progress(label + 1, RUNS.length, "simulating");
    names.push(name);
  }
  return names;
}
