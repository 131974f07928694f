/**
 * Metrics and figures of the trained transformer and of the baselines, on the test part.
 *
 * @module
 */
import type { EvaluateContext, Evaluation, Figure, Json, Metrics, Table, TextTable } from "beamline";
import { takeRows } from "beamline/data";
import { toMetric, wilsonInterval } from "beamline/metrics";
import { profilesOf, trainMeanThreshold, trainRowProfile } from "./baselines.ts";
import type { Metadata } from "./data.ts";
import {
  attentionFigure,
  blockFigure,
  confusionOf,
  reliabilityOf,
  rocOf,
  type StudyCurves,
  studyFigure,
} from "./figures.ts";
import { CELLS, COLUMNS, ROWS, RUNS } from "./geometry.ts";
import {
  blockAccuracies,
  type BlockAccuracy,
  classifierMetrics,
  type Measured,
  networkScores,
} from "./metrics.ts";
import { patchGrid } from "./model.ts";
import { studyRobustness } from "./robustness.ts";

/** What the evaluation needs of the configuration. */
export interface EvaluateConfig {
  readonly model: "vit" | "moe-vit";
  readonly patch: number;
  readonly robustness: boolean;
  readonly difficulty: number;
  readonly data?: string | undefined;
}

/** Measures the transformer against the baselines. */
export async function evaluateModels(
  config: EvaluateConfig,
  context: EvaluateContext<Metadata>,
): Promise<Evaluation> {
  warnOfCrop(config.patch, context);
  const { train, test } = context.tables as { train: Table; test: Table };
  const truth = test.label!.data as Int32Array;
  const found = await context.predict(config.model, "test");
  const network = networkScores(found.logit!.data as Float32Array);
  const [profiles, labels] = [profilesOf(train), train.label!.data as Int32Array];
  const testProfiles = profilesOf(test);
  const measured: Measured[] = [
    { label: config.model, scores: network, truth },
    { label: "row profile", scores: trainRowProfile(profiles, labels)(testProfiles), truth },
    { label: "mean threshold", scores: trainMeanThreshold(profiles, labels)(testProfiles), truth },
  ];
  const prefixes = ["", "row_profile.", "mean_threshold."];
  const metrics: Metrics = Object.assign(
    {},
    ...measured.map((one, i) => classifierMetrics(one, context, prefixes[i])),
  );
  const blocks = blockAccuracies(network.predicted, {
    truth,
    blocks: test.block!.data as Int32Array,
    sections: test.section!.data as Int32Array,
  });
  const robustness = config.robustness ? await studyRobustness(config, context) : [];
  return {
    metrics: { ...metrics, ...worstBlock(blocks) },
    figures: figuresOf(measured, metrics, { blocks, robustness, context, prefixes })
      .concat(await attentionFigures(config, context)),
    tables: [blockTable(blocks), ...robustness.map(studyTable)],
    predictions: { probability: found.probability!, label: test.label!, section: test.section! },
    ...(robustness.length > 0 &&
      { results: { robustness: robustness as unknown as Json } }),
    summary: summaryOf(metrics, config, context),
  };
}

/** Says which cells the patches leave out. */
function warnOfCrop(patch: number, context: EvaluateContext<Metadata>): void {
  const { down, across } = patchGrid(patch);
  const missing = [
    ...(across * patch < COLUMNS ? [`iphi ${across * patch}-${COLUMNS - 1}`] : []),
    ...(down * patch < ROWS ? [`rows ${down * patch}-${ROWS - 1} of ieta`] : []),
  ];
  if (missing.length === 0) return;
  context.warn("cells-left-out", `patches of ${patch} x ${patch} cells leave out ${missing.join(" and ")}`);
}

/** Figures of the classifiers; the confusion matrix is that of the network. */
function figuresOf(
  measured: readonly Measured[],
  metrics: Metrics,
  { blocks, robustness, context: { simulated }, prefixes }: {
    readonly blocks: readonly BlockAccuracy[];
    readonly robustness: readonly StudyCurves[];
    readonly context: EvaluateContext<Metadata>;
    readonly prefixes: readonly string[];
  },
): Promise<Figure>[] {
  return [
    rocOf(measured, prefixes.map((prefix) => metrics[`${prefix}auc`]!), simulated),
    confusionOf(measured[0]!, simulated),
    reliabilityOf(measured, simulated),
    blockFigure(blocks, simulated),
    ...robustness.map((curves) => studyFigure(curves, simulated)),
  ];
}

/** The attention on the first test image of each run. */
async function attentionFigures(
  { model, patch }: EvaluateConfig,
  context: EvaluateContext<Metadata>,
): Promise<Promise<Figure>[]> {
  const test = context.tables.test!;
  const labels = test.label!.data as Int32Array;
  const rows = RUNS.map((_, label) => labels.indexOf(label));
  const chosen = takeRows(test, rows);
  const answer = await context.call(model, "attention", { occupancy: chosen.occupancy! });
  const [, depth, tokens] = answer.attention!.shape as [number, number, number];
  const { down, across } = patchGrid(patch);
  if (tokens !== down * across) {
    throw new TypeError(`Cannot draw attention as there must be one value per patch: found ${tokens}`);
  }
  const samples = rows.map((row, i) => {
    const last = (i * depth + depth - 1) * tokens;
    return {
      label: labels[row]!,
      section: (test.section!.data as Int32Array)[row]!,
      map: (chosen.occupancy!.data as Float32Array).subarray(i * CELLS, (i + 1) * CELLS),
      attention: (answer.attention!.data as Float32Array).subarray(last, last + tokens),
    };
  });
  return [attentionFigure(samples, patch, context.simulated)];
}

/** The block with the lowest accuracy; of several, the one with most rows. */
function worstBlock(blocks: readonly BlockAccuracy[]): Metrics {
  const worst = blocks.reduce((a, b) => {
    if (b.accuracy.value !== a.accuracy.value) {
      return b.accuracy.value < a.accuracy.value ? b : a;
    }
    return b.rows > a.rows ? b : a;
  });
  const right = Math.round(worst.accuracy.value * worst.rows);
  return {
    worst_block_accuracy: toMetric(wilsonInterval(right, worst.rows), {
      unit: "1",
      better: "higher",
      rows: worst.rows,
      split: "test",
      label: `accuracy in the worst block (run ${RUNS[worst.label]}, block ${worst.block})`,
    }),
  };
}

function blockTable(blocks: readonly BlockAccuracy[]): TextTable {
  return {
    name: "blocks",
    title: "Accuracy per block of luminosity sections",
    columns: ["run", "block", "mean section", "test images", "accuracy", "95 % from", "to"],
    rows: blocks.map(({ label, block, section, rows, accuracy: { value, low, high } }) => [
      RUNS[label]!,
      block,
      Math.round(section),
      rows,
      ...[value, low, high].map((share) => Number(share.toFixed(4))),
    ]),
    note: "Wilson intervals.",
  };
}

function studyTable({ name, title, x, values, classifiers }: StudyCurves): TextTable {
  const text = ({ value, error }: { value: number; error: number | null }) =>
    `${value.toFixed(4)} ± ${(error ?? 0).toFixed(4)}`;
  return {
    name,
    title,
    columns: [
      x.label,
      ...classifiers.flatMap(({ label }) => [`${label}: accuracy`, `${label}: AUC`]),
    ],
    rows: values.map((value, i) => [
      value,
      ...classifiers.flatMap(({ accuracy, auc }) => [text(accuracy[i]!), text(auc[i]!)]),
    ]),
  };
}

function summaryOf(
  metrics: Metrics,
  { model }: EvaluateConfig,
  { metadata }: EvaluateContext<Metadata>,
): string {
  const share = (key: string) => `${(100 * metrics[key]!.value).toFixed(2)} %`;
  const best = metrics["row_profile.accuracy"]!.value >= metrics.accuracy!.value
    ? "the row profile alone does as well: no network is needed here"
    : `the row profile reaches ${share("row_profile.accuracy")}`;
  return `The ${model} tells the runs apart in ${
    share("accuracy")
  } of the test images (${metadata.split} split); ${best}, ` +
    `a threshold on the mean ${share("mean_threshold.accuracy")}.`;
}
