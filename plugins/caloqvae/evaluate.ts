/**
 * Judging: every metric for every generated sample, between the floor and what is broken.
 *
 * @module
 */
import type { EvaluateContext, Evaluation, JsonObject, Metric, TextTable } from "beamline";
import { formatEstimate } from "beamline";
import { toMetric } from "beamline/metrics";
import { classifierResults, type Level } from "./classifier.ts";
import { compare, compareBiased, type Comparison, type Measured } from "./comparison.ts";
import type { Config } from "./config.ts";
import type { Facts } from "./facts.ts";
import { figures } from "./figures.ts";
import { gather, type Gathered } from "./gather.ts";

/** Values by key, of one sample. */
export type Values = { readonly [key: string]: Measured };

/** Everything that was measured. */
export interface Judgement {
  /** By label, in the order of the command. */
  readonly generated: { readonly [label: string]: Values };
  /** Quantities that depend on the number of showers, at that of the floor; by label. */
  readonly matched: { readonly [label: string]: Values };
  readonly floor: Values;
  readonly shuffled: Values;
  readonly detuned: Values;
  /** The worse of shuffled and detuned, by key. */
  readonly broken: Values;
}

/** Judges. */
export async function evaluate(config: Config, context: EvaluateContext<Facts>): Promise<Evaluation> {
  const gathered = await gather(config, context);
  const { judge, reference, halves, broken, generated } = gathered;
  const steps = generated.length + 3;
  let done = 0;
  const next = async (label: string, work: Promise<Comparison>): Promise<Comparison> => {
    const found = await work;
    context.progress(++done, steps, `compared ${label}`);
    return found;
  };
  const floor = await next("the halves of the reference", compare(halves[0], halves[1], judge, [0, 0]));
  const shuffled = await next("shuffled voxels", compare(reference, broken.shuffled, judge, [0, 0]));
  const detuned = await next("detuned voxels", compare(reference, broken.detuned, judge, [0, 0]));
  const comparisons: { [label: string]: Comparison } = {};
  const matched: { [label: string]: Values } = {};
  for (const [i, side] of generated.entries()) {
    matched[side.label] = await compareBiased(halves[0], gathered.matched[i]!, judge);
    comparisons[side.label] = await next(side.label, compare(reference, side, judge, [i + 1, 1]));
  }
  const classified = await classifierValues(context);
  const judgement: Judgement = {
    generated: Object.fromEntries(
      Object.entries(comparisons).map(([label, { values }], i) => [label, { ...values, ...classified[i] }]),
    ),
    matched,
    floor: { ...floor.values, ...classified.at(-1) },
    shuffled: shuffled.values,
    detuned: detuned.values,
    broken: worse(shuffled.values, detuned.values, floor.values),
  };
  return {
    metrics: metricsOf(judgement),
    figures: figures(gathered, judgement),
    tables: [overviewTable(judgement)],
    results: resultsOf(gathered, comparisons, floor, judgement),
    summary: summaryOf(gathered, judgement),
  };
}

/** Values of the classifier test, per generated sample and last for the floor. */
async function classifierValues(context: EvaluateContext<Facts>): Promise<Values[]> {
  const levels = (["high", "low"] as const).filter((level) => context.tables.test?.[level] !== undefined);
  const count = context.facts.generated.length + 1;
  const found: { [key: string]: Measured }[] = Array.from({ length: count }, () => ({}));
  for (const level of levels) {
    (await classifierResults(level, context)).forEach(({ auc, divergence, rows }, i) => {
      const facts = { unit: "1", better: "lower", rows } as const;
      const of = level === "high" ? "features" : "voxels";
      found[i]![keyOf("auc", level, levels)] = { ...auc, ...facts, label: `AUC of the classifier on ${of}` };
      found[i]![keyOf("jsd", level, levels)] = {
        ...divergence,
        ...facts,
        label: `Jensen-Shannon divergence seen by the classifier on ${of}`,
      };
    });
  }
  return levels.length === 0 ? [] : found;
}

/** `classifier_auc` is that on features where there are both. */
function keyOf(quantity: "auc" | "jsd", level: Level, levels: readonly Level[]): string {
  return level === levels[0] ? `classifier_${quantity}` : `classifier_${level}_${quantity}`;
}

/** How much worse than the floor a value is; larger is worse. */
function distanceFrom(value: Measured, floor: Measured | undefined): number {
  if (value.better === "higher") return -value.value;
  if (value.better === "lower") return value.value;
  const target = value.better === "zero" ? 0 : floor?.value ?? 0;
  return Math.abs(value.value - target);
}

function worse(a: Values, b: Values, floor: Values): Values {
  return Object.fromEntries(
    Object.keys(a).map((key) => {
      const isFirst = distanceFrom(a[key]!, floor[key]) >= distanceFrom(b[key]!, floor[key]);
      return [key, isFirst ? a[key]! : b[key]!];
    }),
  );
}

/** The value of a sample that compares with the floor: that of equal numbers of showers where it matters. */
function fair({ generated, matched }: Judgement, label: string, key: string): Measured | undefined {
  return matched[label]?.[key] ?? generated[label]?.[key];
}

/** Where a value lies between floor (0) and broken (1). */
export function positionOf(
  value: Measured,
  floor: Measured | undefined,
  broken: Measured | undefined,
): number | null {
  if (!floor || !broken) return null;
  const [low, high] = [distanceFrom(floor, floor), distanceFrom(broken, floor)];
  return high > low ? (distanceFrom(value, floor) - low) / (high - low) : null;
}

/** First generated sample by plain keys, others with their label, anchors with theirs. */
function metricsOf({ generated, matched, floor, broken }: Judgement): { [key: string]: Metric } {
  const metrics: { [key: string]: Metric } = {};
  const add = (prefix: string, values: Values, split: string): void => {
    for (
      const [key, { value, error, errorKind, unit, better, rows, label = key }] of Object.entries(values)
    ) {
      metrics[`${prefix}${key}`] = toMetric({ value, error, errorKind }, {
        unit,
        better,
        rows,
        split,
        label,
      });
    }
  };
  Object.entries(generated).forEach(([label, values], i) => {
    const prefix = i === 0 ? "" : `${label}.`;
    add(prefix, values, label);
    add(`${prefix}matched.`, matched[label]!, label);
  });
  add("floor.", floor, "reference");
  add("broken.", broken, "reference");
  return metrics;
}

/** Rows of the overview: the numbers of everything, then the worst of many. */
const HEADLINES: readonly string[] = [
  "fpd",
  "kpd",
  "classifier_auc",
  "classifier_low_auc",
  "classifier_jsd",
  "classifier_low_jsd",
  "precision",
  "recall",
  "density",
  "coverage",
  "frobenius_voxel_energy",
  "frobenius_voxel_hits",
  "frobenius_layer_sums",
  "frobenius_layer_sparsity",
  "frobenius_patches",
  "separation_energy_ratio",
  "separation_energy_total",
  "separation_voxel_energy",
];

/** Families of keys with a number per layer, of which the worst layer is shown. */
const FAMILIES: readonly (readonly [prefix: string, text: string])[] = [
  ["separation_energy_layer_", "layer energy"],
  ["separation_center_eta_", "center in eta"],
  ["separation_center_phi_", "center in phi"],
  ["separation_width_eta_", "width in eta"],
  ["separation_width_phi_", "width in phi"],
  ["separation_center_r_", "mean radius"],
  ["separation_width_r_", "width in radius"],
  ["separation_sparsity_", "sparsity"],
  ["frobenius_energy_layer_", "correlations of voxel energies"],
  ["frobenius_hits_layer_", "correlations of voxel hits"],
];

/** Words for a position between floor and broken. */
function verdictOf(value: Measured, floor: Measured | undefined, position: number | null): string {
  if (position === null || !floor) return "";
  const spread = Math.hypot(value.error ?? 0, floor.error ?? 0);
  const excess = distanceFrom(value, floor) - distanceFrom(floor, floor);
  if (excess <= 2 * spread) return "at the floor";
  if (position < 0.1) return "close";
  if (position < 0.5) return "visible";
  return position < 1 ? "FAILS" : "BROKEN";
}

/** The worst key of a family in the first sample: the one furthest from the floor towards broken. */
function worstOf(prefix: string, judgement: Judgement): string | undefined {
  const { generated, floor, broken } = judgement;
  const [label] = Object.keys(generated);
  const keys = Object.keys(floor).filter((key) => key.startsWith(prefix));
  if (label === undefined) return keys[0];
  const rank = (key: string): number =>
    positionOf(fair(judgement, label, key)!, floor[key], broken[key]) ?? -Infinity;
  return keys.sort((a, b) => rank(b) - rank(a))[0];
}

/** One line per question, one column per sample: a reader sees where the generator fails. */
function overviewTable(judgement: Judgement): TextTable {
  const { generated, floor, broken } = judgement;
  const labels = Object.keys(generated);
  const first = labels[0] === undefined ? floor : generated[labels[0]]!;
  const show = (value: Measured | undefined): string =>
    value === undefined ? "" : formatEstimate(value.value, value.error, value.unit);
  const rows: (string | number | null)[][] = [];
  const add = (name: string, key: string): void => {
    const cells = labels.flatMap((label) => {
      const value = generated[label]![key];
      if (!value) return ["", ""];
      const compared = fair(judgement, label, key)!;
      return [show(value), verdictOf(compared, floor[key], positionOf(compared, floor[key], broken[key]))];
    });
    rows.push([name, ...cells, show(floor[key]), show(broken[key])]);
  };
  for (const key of HEADLINES) if (first[key]) add(first[key]!.label ?? key, key);
  for (const [prefix, text] of FAMILIES) {
    const key = worstOf(prefix, judgement);
    if (key) add(`${text}, worst layer: ${key.slice(prefix.length)}`, key);
  }
  return {
    name: "overview",
    title: "Where the generator fails",
    columns: ["quantity", ...labels.flatMap((label) => [label, "verdict"]), "floor", "broken"],
    rows,
    note:
      "floor: one half of the reference against the other; broken: the worse of the reference with voxels shuffled across showers and the reference detuned. " +
      "Verdict: within two standard deviations of the floor, below 10 % or 50 % of the way to broken, beyond; for Fréchet and Frobenius distances by the values of as many showers as the floor has (matched).",
  };
}

function resultsOf(
  { threshold, judge }: Gathered,
  comparisons: { readonly [label: string]: Comparison },
  floor: Comparison,
  judgement: Judgement,
): JsonObject {
  const { facts } = judge.context;
  const { generated, floor: floorValues, broken, shuffled, detuned } = judgement;
  const samplings = Object.fromEntries(
    Object.entries({ ...comparisons, floor }).map(([label, { fpd, kpd }]) => [label, {
      fpd: {
        sizes: fpd.sizes,
        means: fpd.means,
        slope: fpd.slope,
        draws: facts.fpdDraws,
        isReduced: fpd.isReduced,
      },
      kpd: { batchRows: kpd.batchRows, batches: kpd.batches },
    }]),
  );
  const plain = (values: Values) =>
    Object.fromEntries(Object.entries(values).map(([key, { value, error }]) => [key, { value, error }]));
  return {
    samples: [facts.reference, ...facts.generated],
    layers: facts.layers,
    voxels: facts.voxels,
    cut: facts.cut,
    threshold,
    neighborRows: facts.neighborRows,
    samplings,
    anchors: { shuffled: plain(shuffled), detuned: plain(detuned) },
    positions: Object.fromEntries(
      Object.entries(generated).map(([label, values]) => [
        label,
        Object.fromEntries(
          Object.entries(values).map((
            [key, value],
          ) => [key, positionOf(value, floorValues[key], broken[key])]),
        ),
      ]),
    ),
  };
}

function summaryOf({ reference }: Gathered, judgement: Judgement): string {
  const [label, values] = Object.entries(judgement.generated)[0] ?? [];
  if (label === undefined || values === undefined) {
    return `The reference alone: ${reference.features.rows} showers, floor and broken anchors.`;
  }
  const { floor, broken } = judgement;
  const keys = HEADLINES.filter((key) =>
    values[key] && positionOf(values[key]!, floor[key], broken[key]) !== null
  );
  const failing = keys
    .map((key) => ({ key, position: positionOf(values[key]!, floor[key], broken[key])! }))
    .filter(({ key, position }) =>
      !["at the floor", "close"].includes(verdictOf(values[key]!, floor[key], position))
    )
    .sort((a, b) => b.position - a.position);
  const fpd = values.fpd!;
  const head = `${label}: FPD ${formatEstimate(fpd.value, fpd.error)} (floor ${
    formatEstimate(floor.fpd!.value, floor.fpd!.error)
  }).`;
  if (failing.length === 0) return `${head} No headline number is far from the floor.`;
  const worst = failing.slice(0, 3).map(({ key }) => values[key]!.label ?? key);
  return `${head} It fails most in: ${worst.join("; ")}.`;
}
