/**
 * Figures of the report.
 *
 * @module
 */
import type { Figure, HookContext } from "beamline";
import { gaussian, histogram, histogram2d, median, profile, wilsonInterval } from "beamline/metrics";
import { cellGridFigure, curveFigure, type CurveSeries, densityFigure, histogramFigure } from "beamline/plot";
import { type ClusterCells, phaseOf, type Truth } from "./baselines.ts";
import { CELLS, WINDOW } from "./clusters.ts";
import { central, type Measured, type Quantity, type Resolution } from "./metrics.ts";
import { PITCH_CM } from "./shower.ts";

/** What all figures need. */
export interface FigureInput {
  readonly measured: readonly Measured[];
  readonly truth: Truth;
  readonly rows: ClusterCells;
  readonly simulated: boolean;
  /** "9 700 test clusters of stage 2", for captions. */
  readonly conditions: string;
  readonly context: HookContext;
}

/** Methods that are drawn together; raw centroids have figures of their own. */
const OVERLAY = ["", "profile_fit", "centroid_corrected", "log_centroid_corrected"] as const;

function pick({ measured }: FigureInput, key: string, quantity: Quantity["key"]): Measured | undefined {
  return measured.find((m) => m.method.key === key && m.quantity.key === quantity);
}

function overlay(input: FigureInput, quantity: Quantity["key"]): Measured[] {
  return OVERLAY.flatMap((key) => pick(input, key, quantity) ?? []);
}

/** Residuals of the network and the baselines with the fitted cores. */
export function residualFigure(input: FigureInput, quantity: Quantity["key"]): Promise<Figure> {
  const methods = overlay(input, quantity);
  const { label, unit } = methods[0]!.quantity;
  const reach = 4 * Math.max(...methods.map((m) => m.halfWidth.value), 1e-6);
  const bins = 80;
  const series = methods.map(({ method, residuals, core }) => {
    const counted = histogram(residuals, { range: [-reach, reach], bins });
    const perBin = (2 * reach / bins) /
      (core.histogram.edges[1]! - core.histogram.edges[0]!);
    const [low, high] = core.window;
    const x = Array.from({ length: 60 }, (_, i) => low + (high - low) * i / 59);
    const y = x.map((at) => perBin * gaussian(at, core.amplitude, core.mean.value, core.sigma.value));
    const isFitted = ["", "profile_fit"].includes(method.key) && core.isReliable && low > -reach &&
      high < reach;
    return {
      label: method.label,
      edges: counted.edges,
      counts: counted.counts,
      ...(isFitted && { curve: { x, y, label: `core of ${method.label}` } }),
    };
  });
  return histogramFigure({
    name: `residual_${quantity}`,
    title: `Residual of ${label}`,
    caption: `Reconstruction minus truth${unit === "1" ? " over truth" : ""}; ${input.conditions}. ` +
      "Thick curves: Gaussians fitted to the bins above 30 % of the highest of 300, drawn over the fitted range.",
    simulated: input.simulated,
    x: { label: `${label} residual`, ...(unit !== "1" && { unit }) },
    series,
  });
}

/** Resolution of the methods against the energy with the fit of three terms. */
export function resolutionFigure(
  input: FigureInput,
  name: string,
  axis: { readonly label: string; readonly unit?: string },
  resolutions: readonly {
    readonly label: string;
    readonly resolution: Resolution;
  }[],
): Promise<Figure> | undefined {
  const fitted = resolutions[0]!.resolution;
  if (fitted.profile.centers.length === 0) return undefined;
  const { centers } = fitted.profile;
  const [first, last] = [centers[0]!, centers[centers.length - 1]!];
  const line = Array.from({ length: 80 }, (_, i) => first * (last / first) ** (i / 79));
  const fit = fitted.fit;
  return curveFigure({
    name,
    title: `${axis.label} against the photon energy`,
    caption:
      `68 % half-widths of residuals in bins of the true energy, bootstrap errors; ${input.conditions}.` +
      (fit ? ` Line: a/sqrt(E) (+) b (+) c/E fitted to the network, ${termsOf(fit)}.` : ""),
    simulated: input.simulated,
    x: { label: "photon energy", unit: "GeV", log: true },
    y: { ...axis, log: true },
    series: [
      ...resolutions.map(({ label, resolution: { profile: bins } }) => ({
        label,
        x: bins.centers,
        y: bins.values.map(({ value }) => value),
        error: bins.values.map(({ error }) => error ?? 0),
        kind: "points" as const,
      })),
      ...(fit
        ? [{
          label: "fit to the network",
          x: line,
          y: line.map((energy) => fit.curve(energy)),
          kind: "line" as const,
          like: resolutions[0]!.label,
        }]
        : []),
    ],
  });
}

function termsOf(fit: NonNullable<Resolution["fit"]>): string {
  const print = (value: number) => value.toPrecision(3);
  const { stochastic, constant, noise, chi2, ndf } = fit;
  return `a = ${print(stochastic.value)}, b = ${print(constant.value)}, c = ${print(noise.value)}, ` +
    `chi2/ndf = ${chi2.toFixed(1)}/${ndf}`;
}

/** Medians of residuals of x in bins; methods without enough rows in any bin are left out. */
function medianSeries(
  input: FigureInput,
  methods: readonly string[],
  against: Float64Array,
  edges: readonly number[],
): CurveSeries[] {
  return methods.flatMap((key) => pick(input, key, "x") ?? []).map(({ method, residuals }) => {
    const bins = profile(against, residuals, {
      edges,
      statistic: median,
      random: input.context.random(`median/${method.key}`),
      replicas: 50,
    });
    return {
      label: method.label,
      x: bins.centers,
      y: bins.values.map(({ value }) => value),
      error: bins.values.map(({ error }) => error ?? 0),
      kind: "both" as const,
    };
  }).filter(({ x }) => x.length > 0);
}

/** Median residual of x against the true position in the cell: the S-curve. */
export function biasFigure(
  input: FigureInput,
  name: string,
  methods: readonly string[],
): Promise<Figure> | undefined {
  const phase = Float64Array.from(input.truth.x, phaseOf);
  const edges = Array.from({ length: 17 }, (_, i) => PITCH_CM * (i / 16 - 0.5));
  const series = medianSeries(input, methods, phase, edges);
  if (series.length === 0) return undefined;
  return curveFigure({
    name,
    title: "Bias of x against the position in the cell",
    caption: `Median residual in 16 bins of the true position, from the cell's centre; ${input.conditions}.`,
    simulated: input.simulated,
    x: { label: "true x from the cell centre", unit: "cm" },
    y: { label: "median x residual", unit: "cm" },
    series,
    reference: [{ label: "no bias", value: 0 }],
  });
}

/** Predicted against true energy or position of the network. */
export function truthFigure(input: FigureInput, quantity: "x" | "e"): Promise<Figure> | undefined {
  const network = pick(input, "", quantity)!;
  const isEnergy = quantity === "e";
  const truth = Float64Array.from(isEnergy ? input.truth.energy : input.truth.x);
  const predicted = isEnergy ? network.method.result.energy : network.method.result.x;
  const [low, high] = central(truth, 1);
  const margin = 0.03 * (high - low) + 1;
  const axis = { range: [low - margin, high + margin] as const, bins: 60 };
  const counts = histogram2d(truth, predicted, { x: axis, y: axis });
  if (counts.outside === truth.length) return undefined;
  const label = isEnergy ? "energy" : "x in the window";
  const unit = isEnergy ? "GeV" : "cm";
  return densityFigure({
    name: `truth_${isEnergy ? "energy" : "x"}`,
    title: `Network against truth: ${label}`,
    caption: `${input.conditions}; ${counts.outside} outside the frame.`,
    simulated: input.simulated,
    x: { label: `true ${label}`, unit },
    y: { label: `predicted ${label}`, unit },
    edgesX: counts.edgesX,
    edgesY: counts.edgesY,
    counts: counts.counts,
    diagonal: true,
    logColor: true,
  });
}

/** Which energies the badly reconstructed clusters have: share of rows farther than one core width from the truth. */
export function beyondSigmaFigure(input: FigureInput): Promise<Figure> | undefined {
  const edges = [2, 5, 10, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200];
  const energy = Float64Array.from(input.truth.energy);
  const series = (["x", "e_relative"] as const).map((key) => {
    const { quantity, residuals, core } = pick(input, "", key)!;
    const beyond = residuals.map((r) => Math.abs(r - core.mean.value) > core.sigma.value ? 1 : 0);
    const bins = profile(energy, beyond, { edges, statistic: (flags) => flags.reduce((a, b) => a + b, 0) });
    const shares = bins.values.map(({ value }, i) => wilsonInterval(value, bins.counts[i]!));
    return {
      label: quantity.label,
      x: bins.centers,
      y: shares.map(({ value }) => value),
      error: shares.map(({ error }) => error ?? 0),
      kind: "both" as const,
    };
  });
  if (series[0]!.x.length === 0) return undefined;
  return curveFigure({
    name: "beyond_sigma",
    title: "Share of clusters farther than one core width from the truth",
    caption:
      `Network; the core width is that of all energies together; Wilson intervals; ${input.conditions}.`,
    simulated: input.simulated,
    x: { label: "photon energy", unit: "GeV" },
    y: { label: "share beyond one core width", domain: [0, 1] },
    series,
    reference: [{ label: "Gaussian of this width: 0.317", value: 0.317 }],
  });
}

/** Bias of x against the absolute position, which stands for the angle in stage 3. */
export function angleFigure(input: FigureInput): Promise<Figure> | undefined {
  const absolute = Float64Array.from(input.truth.x, (x, i) => x + input.rows.corner[2 * i]!);
  const [low, high] = central(absolute, 0.998);
  const edges = Array.from({ length: 15 }, (_, i) => low + (high - low) * i / 14);
  const series = medianSeries(input, ["", "profile_fit", "log_centroid_corrected"], absolute, edges);
  if (series.length === 0) return undefined;
  return curveFigure({
    name: "bias_angle",
    title: "Bias of x against the place in the calorimeter",
    caption:
      `Median residual; photons come from the target, 33 m away, so the angle is x / 33 m. ${input.conditions}.`,
    simulated: input.simulated,
    x: { label: "true absolute x", unit: "cm" },
    y: { label: "median x residual", unit: "cm" },
    series,
    reference: [{ label: "no bias", value: 0 }],
  });
}

/** A few clusters: low, middle and high energy, and the worst reconstructed of the energetic ones. */
export function clusterFigure(input: FigureInput): Promise<Figure> {
  const { truth, rows } = input;
  const network = pick(input, "", "x")!;
  const count = truth.x.length;
  const at = (energy: number) => {
    let best = 0;
    for (let i = 1; i < count; i++) {
      if (
        Math.abs(truth.energy[i]! - energy) <
          Math.abs(truth.energy[best]! - energy)
      ) best = i;
    }
    return best;
  };
  let worst = 0;
  for (let i = 1; i < count; i++) {
    if (
      truth.energy[i]! > 50 &&
      Math.abs(network.residuals[i]!) > Math.abs(network.residuals[worst]!)
    ) worst = i;
  }
  const chosen = [...new Set([at(5), at(20), at(60), at(120), at(190), worst])];
  const marked = ["centroid", "profile_fit", ""].flatMap((key) => pick(input, key, "x") ?? []);
  return cellGridFigure({
    name: "clusters",
    title: "Clusters with truth and reconstructions",
    caption:
      `Test clusters close to 5, 20, 60, 120 and 190 GeV, and the one above 50 GeV that the network misses ` +
      `farthest in x. ${input.conditions}.`,
    simulated: input.simulated,
    width: 760,
    colorLabel: "cell energy",
    colorUnit: "GeV",
    logColor: true,
    panels: chosen.map((i) => ({
      title: `${truth.energy[i]!.toFixed(0)} GeV${i === worst ? ", worst" : ""}`,
      rows: WINDOW,
      columns: WINDOW,
      values: rows.cells.slice(i * CELLS, (i + 1) * CELLS),
      markers: [
        ...marked.map(({ method }) => ({
          x: method.result.x[i]! / PITCH_CM,
          y: method.result.y[i]! / PITCH_CM,
          label: method.label,
        })),
        { x: truth.x[i]! / PITCH_CM, y: truth.y[i]! / PITCH_CM, label: "truth", symbol: "circle" as const },
      ],
    })),
  });
}
