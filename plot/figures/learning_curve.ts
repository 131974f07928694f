/**
 * How a training went.
 *
 * @module
 */
import type { Figure, TrainingRecord } from "../../core/types.ts";
import { curveFigure } from "./curve.ts";
import type { CurveSeries, ReferenceLine } from "./curve.ts";

/** Options of {@linkcode learningCurveFigure}. */
export interface LearningCurveOptions {
  /** The lines of `metrics.jsonl`. */
  readonly history: readonly TrainingRecord[];
  readonly simulated: boolean;
  /** @default "learning_curve" */
  readonly name?: string;
  /** @default says what is drawn and which epoch was best */
  readonly caption?: string;
  /** The value drawn. @default "loss" */
  readonly value?: string;
  /** Unit of the value. @default a pure number */
  readonly unit?: string;
  readonly width?: number;
  readonly height?: number;
}

/** The points of one split of one model. */
interface Track {
  readonly label: string;
  readonly split: string;
  readonly x: number[];
  readonly y: number[];
}

/**
 * Loss of training and validation against the epoch (or the step, when an epoch has several records), logarithmic when it
 * spans more than a factor of three; a vertical line marks the best validation epoch. A record's text field `model`
 * separates models. Values that are not finite, as of a training that diverged, are left out and counted in the caption.
 *
 * @throws {RangeError} If the history holds no finite value.
 */
export async function learningCurveFigure(options: LearningCurveOptions): Promise<Figure> {
  const { history, simulated, name = "learning_curve", value = "loss" } = options;
  const { tracks, isByStep, skipped } = tracksOf(history, value);
  if (tracks.length === 0) {
    throw new RangeError(
      `Cannot draw figure "${name}" as the history must hold a finite "${value}": found none in ${history.length} records`,
    );
  }
  const all = tracks.flatMap(({ y }) => y);
  const low = all.reduce((a, b) => Math.min(a, b));
  const high = all.reduce((a, b) => Math.max(a, b));
  const best = bestOf(tracks);
  const counter = isByStep ? "step" : "epoch";
  const caption = options.caption ??
    `${capital(value)} against the ${counter}.${
        best.map(({ sentence }) => ` ${sentence(counter)}`).join("")
      }` +
      (skipped > 0 ? ` ${skipped} values that are not finite are not drawn.` : "");
  const series = tracks.map(({ label, x, y }): CurveSeries => ({
    label,
    x,
    y,
    kind: x.length <= 40 ? "both" : "line",
  }));
  return await curveFigure({
    name,
    title: "Learning curve",
    caption,
    simulated,
    x: { label: counter, whole: true },
    y: {
      label: value,
      log: low > 0 && high / low > 3,
      ...(options.unit !== undefined && { unit: options.unit }),
    },
    series,
    reference: best.map(({ line }) => line(counter)),
    ...(options.width !== undefined && { width: options.width }),
    ...(options.height !== undefined && { height: options.height }),
  });
}

function tracksOf(history: readonly TrainingRecord[], value: string) {
  const models = new Set(
    history.map((record) => record["model"]).filter((model) => typeof model === "string"),
  );
  const groups = new Map<string, TrainingRecord[]>();
  let skipped = 0;
  for (const record of history) {
    if (!(value in record)) continue;
    if (!Number.isFinite(record[value])) {
      skipped++;
      continue;
    }
    const split = record.split === "train" ? "training" : record.split;
    const label = models.size > 1 ? `${record["model"]}, ${split}` : split;
    const group = groups.get(label);
    if (group === undefined) groups.set(label, [record]);
    else group.push(record);
  }
  const isByStep = [...groups.values()].some((group) =>
    new Set(group.map(({ epoch }) => epoch)).size < group.length
  );
  const tracks = [...groups].map(([label, group]): Track => ({
    label,
    split: group[0]!.split,
    x: group.map(({ step, epoch }) => isByStep ? step : epoch),
    y: group.map((record) => record[value] as number),
  }));
  return { tracks, isByStep, skipped };
}

/** The lowest validation value, when there is one model and more than one point. */
function bestOf(tracks: readonly Track[]) {
  const validation = tracks.filter(({ split, y }) => split === "validation" && y.length > 1);
  if (validation.length !== 1) return [];
  const { x, y } = validation[0]!;
  const at = y.reduce((best, value, i) => value < y[best]! ? i : best, 0);
  return [{
    line: (counter: string): ReferenceLine => ({
      label: `best ${counter}: ${x[at]}`,
      value: x[at]!,
      axis: "x",
    }),
    sentence: (counter: string) => `The validation value is lowest at ${counter} ${x[at]}.`,
  }];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
