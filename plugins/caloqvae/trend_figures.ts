/**
 * Metrics over generated samples, such as the epochs of a training.
 *
 * @module
 */
import type { Figure } from "beamline";
import { curveFigure, panelsFigure } from "beamline/plot";
import type { ComparedSamples, ComparisonResult } from "./comparison_result.ts";

/** Panels: their title, their metrics with short names, and whether the axis is logarithmic. */
const PANELS: readonly {
  readonly title: string;
  readonly keys: { readonly [key: string]: string };
  readonly isLog?: boolean;
}[] = [
  { title: "Fréchet physics distance", keys: { fpd: "FPD" }, isLog: true },
  { title: "Kernel physics distance", keys: { kpd: "KPD" } },
  { title: "Classifier", keys: { classifier_auc: "AUC", classifier_low_auc: "AUC, voxels" } },
  { title: "Correlations of voxel energies", keys: { frobenius_voxel_energy: "Frobenius distance" } },
  { title: "Correlations of voxel hits", keys: { frobenius_voxel_hits: "Frobenius distance" } },
  { title: "Neighborhoods", keys: { precision: "precision", recall: "recall", coverage: "coverage" } },
];

/** One panel per question, with the floor; nothing for a single sample. */
export function trends(
  { setup }: ComparedSamples,
  { generated, floor }: ComparisonResult,
): Promise<Figure>[] {
  const labels = Object.keys(generated);
  if (labels.length < 2) return [];
  const places = labels.map((label, i) => Number(/(\d+)(?!.*\d)/.exec(label)?.[1] ?? i));
  const isUnique = new Set(places).size === places.length;
  const axis = !isUnique
    ? "sample"
    : labels.every((label) => /epoch/i.test(label))
    ? "epoch"
    : "number in the name";
  const place = (i: number): number => isUnique ? places[i]! : i;
  const order = labels.map((_, i) => i).sort((a, b) => place(a) - place(b));
  const panels = PANELS.flatMap(({ title, keys, isLog = false }, at) => {
    const known = Object.entries(keys).filter(([key]) => labels.every((label) => generated[label]![key]));
    if (known.length === 0) return [];
    const values = known.flatMap(([key]) => labels.map((label) => generated[label]![key]!.value));
    return [curveFigure({
      name: `trend_${at + 1}`,
      title,
      caption: title,
      simulated: false,
      width: 400,
      height: 280,
      x: { label: axis },
      y: {
        label: known.length === 1 ? known[0]![1] : "value",
        log: isLog && values.every((value) => value > 0),
      },
      series: known.map(([key, name]) => ({
        label: name,
        x: order.map(place),
        y: order.map((i) => generated[labels[i]!]![key]!.value),
        error: order.map((i) => generated[labels[i]!]![key]!.error ?? 0),
        kind: "both" as const,
      })),
      ...(known.length === 1 && floor[known[0]![0]] && (!isLog || floor[known[0]![0]]!.value > 0) && {
        reference: [{ label: "floor", value: floor[known[0]![0]]!.value }],
      }),
    })];
  });
  return [panelsFigure({
    name: "trends",
    title: "Metrics over the generated samples",
    caption: `${order.map((i) => labels[i]).join(", ")}; the dashed lines are the floor.`,
    simulated: setup.context.simulated,
    columns: 3,
    panels,
  })];
}
