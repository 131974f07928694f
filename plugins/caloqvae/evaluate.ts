/**
 * Judging: every metric for every generated sample, between the floor and what is broken.
 *
 * @module
 */
import type { EvaluateContext, Evaluation, JsonObject, Metric } from "beamline";
import { toMetric } from "beamline/metrics";
import { BoundedQueue } from "./bounded_queue.ts";
import { classifierResults, type Level } from "./classifier.ts";
import { compare, compareBiased, type Comparison, type Measured } from "./comparison.ts";
import type { Config } from "./config.ts";
import { energyBinTable } from "./energy_bins.ts";
import type { Metadata } from "./metadata.ts";
import { figures } from "./figures.ts";
import { type Anchor, type Gathered, Gathering } from "./gather.ts";
import { distanceFrom, overviewTable, positionOf, summaryOf } from "./overview.ts";
import { type Sample, sampleOf, type Side, withoutShowers } from "./sides.ts";

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

/** What was measured, and what pictures need of it. */
interface Compared {
  readonly gathered: Gathered;
  readonly floor: Comparison;
  readonly shuffled: Comparison;
  readonly detuned: Comparison;
  readonly comparisons: { readonly [label: string]: Comparison };
  readonly matched: { readonly [label: string]: Values };
}

/** Judges. */
export async function evaluate(config: Config, context: EvaluateContext<Metadata>): Promise<Evaluation> {
  const { gathered, floor, shuffled, detuned, comparisons, matched } = await compareAll(config, context);
  const classified = await classifierValues(context);
  const judgement: Judgement = {
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
    metrics: metricsOf(judgement),
    figures: figures(gathered, judgement),
    tables: [overviewTable(judgement), ...energyBinTable(gathered, judgement)],
    results: resultsOf(gathered, comparisons, floor, judgement),
    summary: summaryOf(judgement, gathered.reference.features.rows),
  };
}

/** Gathers each sample, compares it while the next one is gathered, and lets go of it. */
async function compareAll(config: Config, context: EvaluateContext<Metadata>): Promise<Compared> {
  const gathering = await Gathering.open(config, context);
  try {
    const { judge, threshold, spectrumEdges } = gathering;
    const { reference, halves: [first, second] } = await gathering.reference();
    const queue = new BoundedQueue();
    const halves = [sampleOf(first), sampleOf(second)] as const;
    const anchors = {} as { [name in "floor" | Anchor]: Comparison };
    const broken = {} as { [kind in Anchor]: Sample };
    await queue.add(async () => {
      anchors.floor = await compare(first, second, judge, [0, 0]);
      await judge.algebra.forget(second.logSample);
    });
    for (const kind of ["shuffled", "detuned"] as const) {
      const side = await gathering.anchor(kind);
      broken[kind] = sampleOf(side);
      await queue.add(async () => {
        anchors[kind] = await compare(reference, side, judge, [0, 0]);
        await judge.algebra.forget(side.logSample);
      });
    }
    const comparisons: { [label: string]: Comparison } = {};
    const matched: { [label: string]: Values } = {};
    const generated: Side[] = [];
    for (const [i, { label }] of gathering.samples.generated.entries()) {
      const found = await gathering.generated(i);
      generated.push(withoutShowers(found.side));
      await queue.add(async () => {
        matched[label] = await compareBiased(first, found.matched, judge);
        comparisons[label] = await compare(reference, found.side, judge, [i + 1, 1]);
        await judge.algebra.forget(found.side.logSample);
      });
    }
    await queue.drain();
    const gathered: Gathered = {
      judge,
      reference: withoutShowers(reference),
      halves,
      broken,
      generated,
      showers: gathering.pictures.map(({ shower }) => shower),
      energies: gathering.pictures.map(({ energy }) => energy),
      threshold,
      spectrumEdges,
    };
    return { gathered, ...anchors, comparisons, matched };
  } finally {
    gathering.close();
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

function resultsOf(
  { threshold, judge }: Gathered,
  comparisons: { readonly [label: string]: Comparison },
  floor: Comparison,
  judgement: Judgement,
): JsonObject {
  const { metadata } = judge.context;
  const { generated, floor: floorValues, broken, shuffled, detuned } = judgement;
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
