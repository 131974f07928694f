/**
 * The study of the data before any training: statistics and figures of both runs.
 *
 * @module
 */
import type { Evaluation, HookContext, JsonObject } from "beamline";
import { type MapsOptions, openRuns } from "./data.ts";
import { exploreFigures } from "./figures.ts";
import { ACTIVE_CELLS } from "./geometry.ts";
import type { RunMaps } from "./map_files.ts";
import { nonZeroHistogram, randomSamples, type RunStudy, studyRun } from "./study.ts";

/** Bins of the histogram of values, as in the published notebook. */
const BINS = 50;
/** Images shown of each run. */
const SAMPLES = 3;

/** Reads both runs and returns their statistics and figures. */
export async function explore(options: MapsOptions, context: HookContext): Promise<Evaluation> {
  const { runs, skipped } = await openRuns(options, context);
  try {
    const total = runs.reduce((sum, { rows }) => sum + rows, 0);
    const studies: RunStudy[] = [];
    let before = 0;
    for (const run of runs) {
      studies.push(await studyRun(run, (done) => context.progress(before + done, total, "reading")));
      before += run.rows;
    }
    const simulated = options.data === undefined;
    const figures = exploreFigures({
      studies,
      simulated,
      samples: await samplesOf(runs, context),
      histograms: await histogramsOf(runs, studies),
    });
    return {
      figures,
      tables: [statisticsTable(studies), ...skipped],
      results: { simulated, statistics: statisticsOf(studies) },
      simulated,
      summary: summaryOf(studies, simulated),
    };
  } finally {
    for (const run of runs) run.close();
  }
}

async function samplesOf(runs: readonly RunMaps[], { random }: HookContext) {
  const count = Math.min(SAMPLES, ...runs.map(({ rows }) => rows));
  return await Promise.all(
    runs.map((run) => randomSamples(run, count, random(`explore/samples/${run.run}`))),
  );
}

async function histogramsOf(runs: readonly RunMaps[], studies: readonly RunStudy[]) {
  const low = Math.min(0, ...studies.map(({ statistics }) => statistics.min));
  const high = Math.max(...studies.map(({ statistics }) => statistics.max));
  const range = [low, high > low ? high : low + 1] as const;
  return await Promise.all(runs.map((run) => nonZeroHistogram(run, { range, bins: BINS })));
}

function statisticsOf(studies: readonly RunStudy[]): JsonObject {
  return Object.fromEntries(studies.map(({ run, statistics }) => [String(run), statistics]));
}

/** Rows of the table: key, what it is, unit. */
const NAMES: readonly (readonly [key: string, text: string, unit: string])[] = [
  ["images", "images", ""],
  ["min", "smallest value", "hits"],
  ["max", "largest value", "hits"],
  ["mean", "mean", "hits"],
  ["median", "median", "hits"],
  ["std", "standard deviation", "hits"],
  ["zeroPercent", "zeros", "%"],
  ["meanSparsityPercent", "zeros per image, mean", "%"],
  ["minSparsityPercent", "zeros per image, fewest", "%"],
  ["maxSparsityPercent", "zeros per image, most", "%"],
  ["activeCells", "cells hit in every image", ""],
  ["nonZeroMean", "mean of the values that are not zero", "hits"],
  ["nonZeroMin", "smallest value that is not zero", "hits"],
];

function statisticsTable(studies: readonly RunStudy[]) {
  return {
    name: "statistics",
    title: "Statistics of the runs",
    columns: ["statistic", ...studies.map(({ run }) => `run ${run}`), "unit"],
    rows: NAMES.map(([key, text, unit]) => [
      text,
      ...studies.map(({ statistics }) => Number(statistics[key]!.toPrecision(6))),
      unit,
    ]),
    note: "Exact over all images, in double precision; the standard deviation is that of the population.",
  };
}

function summaryOf(studies: readonly RunStudy[], simulated: boolean): string {
  const [first, second] = studies.map(({ statistics }) => statistics);
  const unlike = studies.find(({ statistics }) => statistics.activeCells !== ACTIVE_CELLS);
  const mask = unlike === undefined
    ? `Every image of both runs fills the same ${ACTIVE_CELLS} cells`
    : `Run ${unlike.run} fills ${unlike.statistics.activeCells} cells in every image, not the ${ACTIVE_CELLS} of the endcap`;
  return `${mask}; the mean occupancy is ${first!.mean.toFixed(2)} and ${second!.mean.toFixed(2)} hits${
    simulated ? " (simulated)" : ""
  }.`;
}
