/**
 * Evaluation: every metric for every generated sample, between the null baseline (`floor`) and the negative controls
 * (`broken`).
 *
 * @module
 */
import type { EvaluateContext, Evaluation, JsonObject, Metric } from "beamline";
import { toMetric } from "beamline/metrics";
import { BoundedQueue } from "./bounded_queue.ts";
import { classifierResults, type Level } from "./classifier.ts";
import { compare, compareBiased } from "./comparison.ts";
import type {
  ComparedSamples,
  Comparison,
  ComparisonResult,
  Measured,
  NegativeControl,
  Values,
} from "./comparison_result.ts";
import type { Config } from "./config.ts";
import { energyBinTable } from "./energy_bin_table.ts";
import type { Metadata } from "./metadata.ts";
import { figures } from "./figures.ts";
import { SecondPass } from "./second_pass.ts";
import { distanceFrom, overviewTable, positionOf, summaryOf } from "./overview.ts";
import { type Sample, sampleOf, type SampleStatistics, withoutShowers } from "./sample_statistics.ts";

/** What was measured, and what pictures need of it. */
interface AllComparisons {
  readonly compared: ComparedSamples;
  readonly floor: Comparison;
  readonly shuffled: Comparison;
  readonly detuned: Comparison;
  readonly comparisons: { readonly [label: string]: Comparison };
  readonly matched: { readonly [label: string]: Values };
}

/** Compares every generated sample with the reference, and both with the null baseline and the negative controls. */
export async function evaluate(config: Config, context: EvaluateContext<Metadata>): Promise<Evaluation> {
  const { compared, floor, shuffled, detuned, comparisons, matched } = await compareAll(config, context);
  const classified = await classifierValues(context);
  const result: ComparisonResult = {
    generated: Object.fromEntries(
      Object.entries(comparisons).map(([label, { values }], i) => [label, { ...values, ...classified[i] }]),
    ),
    matched,
    floor: { ...floor.values, ...classified.at(-2) },
    shuffled: shuffled.values,
    detuned: detuned.values,
    broken: { ...worse(shuffled.values, detuned.values, floor.values), ...classified.at(-1) },
  };
  return {
    metrics: metricsOf(result),
    figures: figures(compared, result),
    tables: [overviewTable(result), ...energyBinTable(compared, result)],
    results: resultsOf(compared, comparisons, floor, result),
    summary: summaryOf(result, compared.reference.features.rows),
  };
}

/** Gathers each sample, compares it while the next one is gathered, and lets go of it. */
async function compareAll(config: Config, context: EvaluateContext<Metadata>): Promise<AllComparisons> {
  const pass = await SecondPass.open(config, context);
  try {
    const { setup, threshold, spectrumEdges } = pass;
    const { reference, halves: [first, second] } = await pass.reference();
    const queue = new BoundedQueue();
    const halves = [sampleOf(first), sampleOf(second)] as const;
    const controls = {} as { [name in "floor" | NegativeControl]: Comparison };
    const broken = {} as { [kind in NegativeControl]: Sample };
    await queue.add(async () => {
      controls.floor = await compare(first, second, setup, [0, 0]);
      await setup.algebra.forget(second.logSample);
    });
    for (const kind of ["shuffled", "detuned"] as const) {
      const control = await pass.negativeControl(kind);
      broken[kind] = sampleOf(control);
      await queue.add(async () => {
        controls[kind] = await compare(reference, control, setup, [0, 0]);
        await setup.algebra.forget(control.logSample);
      });
    }
    const comparisons: { [label: string]: Comparison } = {};
    const matched: { [label: string]: Values } = {};
    const generated: SampleStatistics[] = [];
    for (const [i, { label }] of pass.samples.generated.entries()) {
      const found = await pass.generated(i);
      generated.push(withoutShowers(found.whole));
      await queue.add(async () => {
        matched[label] = await compareBiased(first, found.matched, setup);
        comparisons[label] = await compare(reference, found.whole, setup, [i + 1, 1]);
        await setup.algebra.forget(found.whole.logSample);
      });
    }
    await queue.drain();
    const compared: ComparedSamples = {
      setup,
      reference: withoutShowers(reference),
      halves,
      broken,
      generated,
      showers: pass.pictures.map(({ shower }) => shower),
      energies: pass.pictures.map(({ energy }) => energy),
      threshold,
      spectrumEdges,
    };
    return { compared, ...controls, comparisons, matched };
  } finally {
    pass.close();
  }
}

/** Values of the classifier test, per generated sample, then for the floor, last for the broken showers. */
async function classifierValues(context: EvaluateContext<Metadata>): Promise<Values[]> {
  const levels = (["high", "low"] as const).filter((level) => context.tables.test?.[level] !== undefined);
  const count = context.metadata.generated.length + 2;
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

function worse(a: Values, b: Values, floor: Values): Values {
  return Object.fromEntries(
    Object.keys(a).map((key) => {
      const isFirst = distanceFrom(a[key]!, floor[key]) >= distanceFrom(b[key]!, floor[key]);
      return [key, isFirst ? a[key]! : b[key]!];
    }),
  );
}

/** First generated sample by plain keys, others with their label, null baseline and negative controls with theirs. */
function metricsOf({ generated, matched, floor, broken }: ComparisonResult): { [key: string]: Metric } {
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

function resultsOf(
  { threshold, setup }: ComparedSamples,
  comparisons: { readonly [label: string]: Comparison },
  floor: Comparison,
  result: ComparisonResult,
): JsonObject {
  const { metadata } = setup.context;
  const { generated, floor: floorValues, broken, shuffled, detuned } = result;
  const samplings = Object.fromEntries(
    Object.entries({ ...comparisons, floor }).map(([label, { fpd, kpd }]) => [label, {
      fpd: {
        sizes: fpd.sizes,
        means: fpd.means,
        slope: fpd.slope,
        draws: metadata.fpdDraws,
        isReduced: fpd.isReduced,
      },
      kpd: { batchRows: kpd.batchRows, batches: kpd.batches },
    }]),
  );
  const plain = (values: Values) =>
    Object.fromEntries(Object.entries(values).map(([key, { value, error }]) => [key, { value, error }]));
  return {
    samples: [metadata.reference, ...metadata.generated],
    layers: metadata.layers,
    voxels: metadata.voxels,
    cut: metadata.cut,
    threshold,
    neighborRows: metadata.neighborRows,
    samplings,
    anchors: { shuffled: plain(shuffled), detuned: plain(detuned) },
    positions: Object.fromEntries(
      Object.entries(generated).map(([label, values]) => [
        label,
        Object.fromEntries(
          Object.entries(values).map((
            [key, value],
          ) => [key, positionOf(key, value, floorValues[key], broken[key])]),
        ),
      ]),
    ),
  };
}
