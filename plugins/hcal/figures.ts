/**
 * Figures of the study and of the classifiers. Maps are drawn as the detector is numbered: ieta upwards, iphi to the
 * right, counted from 0.
 *
 * @module
 */
import type { Estimate, Figure } from "beamline";
import { confusionMatrix, reliabilityCurve, rocCurve } from "beamline/metrics";
import {
  type Axis,
  curveFigure,
  heatMapFigure,
  histogramFigure,
  overlayMapFigure,
  panelsFigure,
  rocFigure,
} from "beamline/plot";
import { CELLS, COLUMNS, ietaNames, ROWS, RUNS } from "./geometry.ts";
import type { BlockAccuracy, Measured } from "./metrics.ts";
import { patchGrid } from "./model.ts";
import type { RunStudy } from "./study.ts";

const IPHI: Axis = { label: "iphi (from 0, 5° each)" };
const IETA: Axis = { label: "ieta" };
const OCCUPANCY = { colorLabel: "occupancy", colorUnit: "hits" } as const;
/** Size of a map in a panel, in pixels. */
const PANEL = { width: 430, height: 380 } as const;

/** What every figure says. */
interface Text {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly simulated: boolean;
}

type Range = readonly [number, number];
type MapColors = Pick<
  Parameters<typeof heatMapFigure>[0],
  "colorLabel" | "colorUnit" | "logColor" | "diverging" | "colorDomain"
>;

function detectorMap(text: Text, values: Float64Array | Float32Array, colors: MapColors): Promise<Figure> {
  const grid = { rows: ROWS, columns: COLUMNS, rowNames: ietaNames() };
  return heatMapFigure({
    ...PANEL,
    ...text,
    ...grid,
    x: IPHI,
    y: IETA,
    values,
    ...colors,
  });
}

/** A part of a panel figure: no caption of its own, no mark of simulated data. */
function panel(name: string, title: string): Text {
  return { name, title, caption: "", simulated: false };
}

/** Smallest positive and largest value of several maps: one logarithmic color scale for all. */
function sharedLogRange(maps: readonly (Float64Array | Float32Array)[]): Range {
  let [low, high] = [Infinity, 0];
  for (const map of maps) {
    for (const value of map) {
      if (value > 0 && value < low) low = value;
      if (value > high) high = value;
    }
  }
  return high > low ? [low, high] : high > 0 ? [high / 2, high] : [0.5, 1];
}

/** What the study draws. */
export interface ExploreInput {
  readonly studies: readonly RunStudy[];
  readonly samples: readonly (readonly { section: number; map: Float64Array }[])[];
  readonly histograms: readonly { edges: Float64Array; counts: Float64Array }[];
  readonly simulated: boolean;
}

/** Mean maps, their difference, samples, non-zero frequencies, and the histogram of values. */
export function exploreFigures(input: ExploreInput): Promise<Figure>[] {
  return [
    meanMaps(input),
    differenceMap(input),
    sampleMaps(input),
    frequencyMaps(input),
    valueHistogram(input),
  ];
}

const images = ({ run, statistics }: RunStudy) => `${statistics.images} images of run ${run}`;

function meanMaps({ studies, simulated }: ExploreInput): Promise<Figure> {
  const colorDomain = sharedLogRange(studies.map(({ meanMap }) => meanMap));
  return panelsFigure({
    name: "mean_maps",
    title: "Mean occupancy of each cell",
    caption: `Mean over ${
      studies.map(images).join(" and ")
    }, on one logarithmic color scale; white cells are never hit.`,
    simulated,
    panels: studies.map(({ run, meanMap }) =>
      detectorMap(panel(`mean_map_${run}`, `Run ${run}`), meanMap, {
        ...OCCUPANCY,
        colorLabel: "mean occupancy",
        logColor: true,
        colorDomain,
      })
    ),
  });
}

function differenceMap({ studies, simulated }: ExploreInput): Promise<Figure> {
  const [first, second] = studies as [RunStudy, RunStudy];
  const values = second.meanMap.map((mean, cell) => mean - first.meanMap[cell]!);
  const text = {
    name: "difference_map",
    title: "Difference of the mean occupancies",
    caption:
      `Mean of run ${second.run} minus mean of run ${first.run}: red cells have more hits in run ${second.run}.`,
    simulated,
  };
  return detectorMap({ ...text, width: 560, height: 440 } as Text, values, {
    colorLabel: "difference of mean occupancies",
    colorUnit: "hits",
    diverging: true,
  });
}

function sampleMaps({ studies, samples, simulated }: ExploreInput): Promise<Figure> {
  const colorDomain = sharedLogRange(samples.flatMap((maps) => maps.map(({ map }) => map)));
  const panels = samples[0]!.flatMap((_, i) =>
    samples.map((maps, label) => {
      const { section, map } = maps[i]!;
      const { run } = studies[label]!;
      return detectorMap(
        panel(`sample_${i}_${run}`, `Run ${run}, section ${section}`),
        map,
        {
          ...OCCUPANCY,
          logColor: true,
          colorDomain,
        },
      );
    })
  );
  return panelsFigure({
    name: "samples",
    title: "Images drawn at random",
    caption: "Occupancy in single luminosity sections, one run per column, on one logarithmic color scale.",
    simulated,
    columns: samples.length,
    panels,
  });
}

function frequencyMaps({ studies, simulated }: ExploreInput): Promise<Figure> {
  const [first, second] = studies as [RunStudy, RunStudy];
  const difference = second.frequencyMap.map((share, cell) => share - first.frequencyMap[cell]!);
  const largest = difference.reduce((far, value) => Math.max(far, Math.abs(value)), 0);
  const maps = studies.map(({ run, frequencyMap }) =>
    detectorMap(panel(`frequency_map_${run}`, `Run ${run}`), frequencyMap, {
      colorLabel: "share of images with hits",
      colorDomain: [0, 1],
    })
  );
  const far = largest > 0 ? largest : 0.01;
  return panelsFigure({
    name: "frequency_maps",
    title: "How often a cell is not zero",
    caption: `Share of images in which a cell is not zero, and run ${second.run} minus run ${first.run}${
      largest === 0 ? "; the two are equal in every cell" : ""
    }.`,
    simulated,
    panels: [
      ...maps,
      detectorMap(panel("frequency_difference", "Difference"), difference, {
        colorLabel: "difference of shares",
        diverging: true,
        colorDomain: [-far, far],
      }),
    ],
  });
}

function valueHistogram({ studies, histograms, simulated }: ExploreInput): Promise<Figure> {
  return histogramFigure({
    name: "values",
    title: "Occupancies that are not zero",
    caption: `All values that are not zero, of ${studies.map(images).join(" and ")}.`,
    simulated,
    x: { label: "occupancy", unit: "hits" },
    y: { label: "share of values", log: true },
    normalize: true,
    series: histograms.map((histogram, label) => ({
      label: `run ${studies[label]!.run}`,
      ...histogram,
    })),
  });
}

/** ROC curves of several classifiers on the same rows. */
export function rocOf(
  measured: readonly Measured[],
  aucs: readonly Estimate[],
  simulated: boolean,
): Promise<Figure> {
  return rocFigure({
    name: "roc",
    title: "ROC curves",
    caption: `Share of each run taken for run ${RUNS[1]}, on ${measured[0]!.truth.length} test images.`,
    simulated,
    negative: `share of run ${RUNS[0]} taken for run ${RUNS[1]}`,
    positive: `share of run ${RUNS[1]} found`,
    curves: measured.map(({ label, scores, truth }, i) => ({
      label: `${label}: AUC ${aucs[i]!.value.toFixed(4)}`,
      ...rocCurve(scores.scores, truth),
    })),
  });
}

/** Test rows by true and found run, for one classifier. */
export function confusionOf({ label, scores, truth }: Measured, simulated: boolean): Promise<Figure> {
  const { counts } = confusionMatrix(scores.predicted, truth, 2);
  const runs = RUNS.map(String);
  return heatMapFigure({
    name: "confusion",
    title: "Confusion matrix",
    caption: `Test images by true run and by the run that the network (${label}) finds.`,
    simulated,
    width: 420,
    height: 320,
    x: { label: "run found" },
    y: { label: "true run" },
    values: counts,
    rows: 2,
    columns: 2,
    rowOrder: "down",
    rowNames: runs,
    columnNames: runs,
    colorLabel: "images",
    showValues: true,
  });
}

/** Observed share against the probability given, for classifiers that give one. */
export function reliabilityOf(measured: readonly Measured[], simulated: boolean): Promise<Figure> {
  const series = measured.filter(({ scores }) => scores.probabilities !== undefined).map(
    ({ label, scores, truth }) => {
      const curve = reliabilityCurve(scores.probabilities!, truth);
      return {
        label,
        x: curve.probabilities,
        y: curve.shares.map(({ value }) => value),
        error: curve.shares.map(({ error }) => error!),
      };
    },
  );
  return curveFigure({
    name: "reliability",
    title: "Reliability",
    caption: `Observed share of run ${
      RUNS[1]
    } in ten bins of the probability given to it, with Wilson errors; on the line the probabilities are right. Bins without test images are left out.`,
    simulated,
    width: 460,
    height: 420,
    x: { label: `probability of run ${RUNS[1]}`, domain: [-0.02, 1.02] },
    y: { label: `share of run ${RUNS[1]}`, domain: [-0.02, 1.02] },
    series: [...series, { label: "calibrated", x: [0, 1], y: [0, 1], dash: true }],
  });
}

/** Accuracy along the runs. */
export function blockFigure(blocks: readonly BlockAccuracy[], simulated: boolean): Promise<Figure> {
  const series = RUNS.map((run, label) => ({ run, found: blocks.filter((block) => block.label === label) }))
    .filter(({ found }) => found.length > 0)
    .map(({ run, found }) => ({
      label: `run ${run}`,
      x: found.map(({ section }) => section),
      y: found.map(({ accuracy }) => accuracy.value),
      band: {
        low: found.map(({ accuracy }) => accuracy.low),
        high: found.map(({ accuracy }) => accuracy.high),
      },
      kind: "points" as const,
    }));
  return curveFigure({
    name: "accuracy_by_block",
    title: "Accuracy along the runs",
    caption:
      "Accuracy in each block of luminosity sections of the test part; the bands are Wilson intervals (95 %).",
    simulated,
    x: { label: "luminosity section" },
    y: { label: "accuracy" },
    series,
  });
}

/** A map with the attention paid to its patches. */
export interface AttentionSample {
  readonly label: number;
  readonly section: number;
  readonly map: Float32Array;
  /** Attention of the class token per patch, iphi first. */
  readonly attention: Float32Array;
}

/** Per run: the image, the attention of the class token in the last block, and one over the other. */
export function attentionFigure(
  samples: readonly AttentionSample[],
  patch: number,
  simulated: boolean,
): Promise<Figure> {
  const maps = samples.map(({ attention }) => cellAttention(attention, patch));
  const logDomain = sharedLogRange(samples.map(({ map }) => map));
  const most = maps.flatMap((map) => [...map]).reduce((a, b) => Math.max(a, b), 0);
  const colors = { colorLabel: "attention / uniform", colorDomain: [0, most] as const };
  const panels = samples.flatMap(({ label, section, map }, i) => {
    const run = RUNS[label]!;
    return [
      detectorMap(
        panel(`image_${run}`, `Run ${run}, section ${section}`),
        map,
        {
          ...OCCUPANCY,
          logColor: true,
          colorDomain: logDomain,
        },
      ),
      detectorMap(panel(`attention_${run}`, "Attention of the class token"), maps[i]!, colors),
      overlayMapFigure({
        ...PANEL,
        ...panel(`overlay_${run}`, "Attention over the image"),
        x: IPHI,
        y: IETA,
        rows: ROWS,
        columns: COLUMNS,
        rowNames: ietaNames(),
        base: map,
        logBase: true,
        overlay: maps[i]!,
        ...colors,
      }),
    ];
  });
  return panelsFigure({
    name: "attention",
    title: "Where the transformer looks",
    caption:
      `A test image of each run, the attention of the class token to the ${patch} x ${patch} patches in the last ` +
      "block (mean over heads, 1 = equal attention to all patches), and the attention over the image. " +
      "Attention says where values are taken from, not which of them decide.",
    simulated,
    columns: 3,
    panels,
  });
}

/** Attention per patch as a map of cells, relative to equal attention; cells left out of all patches have none. */
export function cellAttention(attention: Float32Array, patch: number): Float64Array {
  const { down, across } = patchGrid(patch);
  const map = new Float64Array(CELLS);
  for (let cell = 0; cell < CELLS; cell++) {
    const [row, column] = [
      Math.floor(Math.floor(cell / COLUMNS) / patch),
      Math.floor(cell % COLUMNS / patch),
    ];
    if (row < down && column < across) {
      map[cell] = attention[row * across + column]! * down * across;
    }
  }
  return map;
}

/** Accuracy and AUC of classifiers against one quantity. */
export interface StudyCurves {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly x: Axis;
  readonly values: readonly number[];
  readonly classifiers: readonly {
    readonly label: string;
    readonly accuracy: readonly Estimate[];
    readonly auc: readonly Estimate[];
  }[];
}

/** Accuracy and AUC side by side. */
export function studyFigure(study: StudyCurves, simulated: boolean): Promise<Figure> {
  const { name, title, caption, x, values, classifiers } = study;
  const side = (key: "accuracy" | "auc", label: string) =>
    curveFigure({
      ...panel(`${name}_${key}`, label),
      width: 440,
      height: 360,
      x,
      y: { label, domain: [0.4, 1.02] },
      series: classifiers.map((classifier) => ({
        label: classifier.label,
        x: values,
        y: classifier[key].map(({ value }) => value),
        error: classifier[key].map(({ error }) => error ?? 0),
        kind: "both" as const,
      })),
      reference: [{ label: "guess", value: 0.5 }],
    });
  return panelsFigure({
    name,
    title,
    caption,
    simulated,
    panels: [side("accuracy", "accuracy"), side("auc", "AUC")],
  });
}
