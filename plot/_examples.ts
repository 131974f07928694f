/**
 * One example of every figure, from formulas: what the golden tests compare and what a reader can copy.
 *
 * @module
 */
import type { Figure, TrainingRecord } from "../core/types.ts";
import {
  barFigure,
  cellGridFigure,
  curveFigure,
  cylinderFigure,
  densityFigure,
  heatMapFigure,
  histogramFigure,
  learningCurveFigure,
  polarFigure,
  ratioFigure,
} from "./mod.ts";
import type { PolarPanel } from "./mod.ts";

/** Numbers 0 .. count - 1 through a function. */
function times(count: number, at: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => at(i));
}

const gauss = (x: number, mean: number, sigma: number): number => Math.exp(-0.5 * ((x - mean) / sigma) ** 2);

/** A stand-in for noise in [-1, 1): deterministic and uneven. */
const ripple = (i: number): number => ((i * 7919 + 13) % 101) / 50.5 - 1;

function resolution(): Promise<Figure> {
  const energies = [3, 6, 12, 25, 50, 100, 180];
  const sigma = (e: number, a: number, b: number): number => 100 * Math.hypot(a / Math.sqrt(e), b);
  const fine = times(60, (i) => 2.5 * 80 ** (i / 59));
  return curveFigure({
    name: "resolution_curve",
    title: "Energy resolution",
    caption: "Core width of the relative energy residual against energy, with the three-term fit.",
    simulated: true,
    x: { label: "energy", unit: "GeV", log: true },
    y: { label: "σ(E)/E", unit: "%" },
    series: [
      {
        label: "network",
        x: energies,
        y: energies.map((e, i) => sigma(e, 0.065, 0.011) * (1 + 0.03 * ripple(i))),
        error: energies.map((e) => 0.04 * sigma(e, 0.065, 0.011)),
      },
      { label: "fit 6.5 %/√E ⊕ 1.1 %", x: fine, y: fine.map((e) => sigma(e, 0.065, 0.011)), like: "network" },
      {
        label: "log-weighted centroid",
        x: energies,
        y: energies.map((e, i) => sigma(e, 0.075, 0.016) * (1 + 0.03 * ripple(i + 9))),
        error: energies.map((e) => 0.05 * sigma(e, 0.075, 0.016)),
        kind: "both",
      },
    ],
    reference: [{ label: "goal 2.5 %", value: 2.5 }],
  });
}

function roc(): Promise<Figure> {
  const share = times(81, (i) => i / 80);
  const curve = (power: number): number[] => share.map((x) => x ** power);
  return curveFigure({
    name: "roc_band",
    title: "Receiver operating characteristic",
    caption: "True against false positive rate with the 68 % band.",
    simulated: false,
    width: 420,
    height: 400,
    x: { label: "false positive rate", domain: [0, 1] },
    y: { label: "true positive rate", domain: [0, 1] },
    series: [
      { label: "network", x: share, y: curve(0.15), band: { low: curve(0.19), high: curve(0.12) } },
      { label: "cuts", x: share, y: curve(0.4) },
      { label: "chance", x: [0, 1], y: [0, 1] },
    ],
  });
}

function residuals(log: boolean): Promise<Figure> {
  const edges = times(101, (i) => -0.5 + i / 100);
  const center = (i: number): number => (edges[i]! + edges[i + 1]!) / 2;
  const counts = (height: number, mean: number, sigma: number, tail: number): number[] =>
    times(
      100,
      (i) =>
        Math.max(
          0,
          Math.round(
            height * gauss(center(i), mean, sigma) * (1 + 0.08 * ripple(i)) +
              tail * gauss(center(i), 0, 0.25),
          ),
        ),
    );
  const fine = times(80, (i) => -0.16 + i * 0.004);
  const network = {
    label: "network",
    edges,
    counts: counts(3000, 0.003, 0.054, 30),
    curve: {
      x: fine,
      y: fine.map((x) => 3000 * gauss(x, 0.003, 0.054)),
      label: "Gaussian core, σ = 0.054 cm",
    },
  };
  const centroid = {
    label: "raw centroid",
    edges,
    counts: times(100, (i) => counts(900, -0.23, 0.06, 10)[i]! + counts(900, 0.23, 0.06, 10)[i]!),
  };
  const corrected = { label: "corrected centroid", edges, counts: counts(2300, -0.004, 0.069, 40) };
  return histogramFigure({
    name: log ? "residual_log" : "residuals",
    title: "Residuals in x",
    caption: "Residuals of the three estimators on the same rows.",
    simulated: true,
    x: { label: "x residual", unit: "cm" },
    ...(log && { y: { label: "rows per 0.01 cm", log: true } }),
    series: log ? [network] : [network, centroid, corrected],
  });
}

function truth(): Promise<Figure> {
  const edges = times(61, (i) => -1.9 + i * 0.32);
  const counts = times(
    60 * 60,
    (i) => Math.round(400 * gauss((i % 60) - Math.floor(i / 60), 0.4, 1.3) * (1 + 0.3 * ripple(i))),
  );
  return densityFigure({
    name: "truth_prediction",
    title: "Prediction against truth",
    caption: "Predicted against true x.",
    simulated: true,
    width: 520,
    height: 420,
    x: { label: "true x", unit: "cm" },
    y: { label: "predicted x", unit: "cm" },
    edgesX: edges,
    edgesY: edges,
    counts,
    diagonal: true,
    logColor: true,
  });
}

function detector(): Promise<Figure> {
  const values = times(
    32 * 36,
    (i) =>
      0.02 + 40 * gauss(i % 36, 15, 1.2) * gauss(Math.floor(i / 36), 20, 1.5) +
      6 * gauss(i % 36, 27, 2.5) * gauss(Math.floor(i / 36), 8, 2),
  );
  return heatMapFigure({
    name: "detector_map",
    title: "Energy in the barrel",
    caption: "Energy per tower of one event.",
    simulated: true,
    x: { label: "iφ", domain: [0.5, 72.5] },
    y: { label: "iη", domain: [-32, 32] },
    values,
    rows: 32,
    columns: 36,
    colorLabel: "energy",
    colorUnit: "GeV",
    logColor: true,
  });
}

function correlations(): Promise<Figure> {
  const names = ["E", "x", "y", "width"];
  const values = times(
    16,
    (i) => i % 5 === 0 ? 1 : Math.round(100 * ripple(Math.min(i, (i % 4) * 4 + Math.floor(i / 4)) + 3)) / 100,
  );
  return heatMapFigure({
    name: "correlation_matrix",
    title: "Correlations",
    caption: "Linear correlation of the targets.",
    simulated: false,
    width: 440,
    height: 360,
    x: { label: "predicted" },
    y: { label: "true" },
    values,
    rows: 4,
    columns: 4,
    rowOrder: "down",
    colorLabel: "correlation",
    diverging: true,
    showValues: true,
    rowNames: names,
    columnNames: names,
  });
}

function clusters(): Promise<Figure> {
  const panel = (i: number) => {
    const [x, y] = [1.7 + 0.5 * ripple(i), 2.1 + 0.6 * ripple(i + 5)];
    const values = times(
      25,
      (cell) => (20 + 30 * i) * gauss(Math.hypot(cell % 5 - x, 4 - Math.floor(cell / 5) - y), 0, 0.65),
    );
    return {
      title: `row ${117 * (i + 1)}, ${20 + 30 * i} GeV`,
      rows: 5,
      columns: 5,
      values: values.map((value) => value < 0.05 ? 0 : value),
      markers: [
        { x, y, label: "truth" },
        { x: x + 0.1, y: y - 0.05, label: "network" },
        { x: x - 0.4, y: y + 0.3, label: "centroid" },
      ],
    };
  };
  return cellGridFigure({
    name: "cluster_displays",
    title: "Clusters",
    caption: "Energies in the 5x5 windows of six rows.",
    simulated: true,
    panels: times(6, (i) => i).map(panel),
    colorLabel: "energy",
    colorUnit: "GeV",
    logColor: true,
  });
}

function bars(isLong: boolean): Promise<Figure> {
  const labels = isLong
    ? [
      "network",
      "linear centroid, raw",
      "linear centroid, corrected",
      "log-weighted centroid, corrected",
      "shower profile fit",
    ]
    : ["train", "validation", "test"];
  return barFigure({
    name: isLong ? "methods" : "splits",
    title: "Half-widths",
    caption: "68 % half-width of the x residual.",
    simulated: true,
    x: { label: isLong ? "method" : "split" },
    y: { label: "68 % half-width of x", unit: "cm" },
    groups: labels.map((label, i) => ({
      label,
      value: [0.054, 0.231, 0.069, 0.067, 0.051][i]!,
      error: 0.002 + 0.002 * i,
    })),
  });
}

function learning(): Promise<Figure> {
  const history: TrainingRecord[] = [];
  for (let epoch = 1; epoch <= 30; epoch++) {
    const train = 0.02 + 1.5 * Math.exp(-epoch / 3);
    history.push({ step: epoch * 100, epoch, split: "train", loss: train });
    history.push({
      step: epoch * 100,
      epoch,
      split: "validation",
      loss: train * 1.05 + 0.0004 * Math.max(0, epoch - 18) + 0.002 * ripple(epoch),
    });
  }
  return learningCurveFigure({ history, simulated: true });
}

/** Layers of a shower: rings that grow with radius, more of them where it is dense; one layer with few cells. */
function layers(): PolarPanel[] {
  return [[6, 8], [8, 10], [4, 4]].map(([rings, sectors], at) => ({
    title: `layer ${at}`,
    rEdges: times(rings! + 1, (i) => 200 * (Math.exp(2 * i / rings!) - 1) / (Math.exp(2) - 1) + 20 * at * i),
    alphaEdges: times(sectors! + 1, (i) => -Math.PI + 2 * Math.PI * i / sectors!),
    values: times(rings! * sectors!, (i) => {
      const [ring, sector] = [i % rings!, Math.floor(i / rings!)];
      const value = 4000 * Math.exp(-1.6 * ring) * (1 + 0.5 * Math.cos(2 * Math.PI * sector / sectors!));
      return ring === rings! - 1 && sector % 3 === 1 ? 0 : value * [0.2, 1, 0.05][at]!;
    }),
  }));
}

function slices(radius: "equal" | "true"): Promise<Figure> {
  return polarFigure({
    name: `slices_${radius}`,
    title: "A shower by layer",
    caption: "Energy per cell; empty cells are blank.",
    simulated: radius === "equal",
    panels: layers(),
    colorLabel: "energy",
    colorUnit: "MeV",
    logColor: true,
    radius,
  });
}

function cylinder(): Promise<Figure> {
  return cylinderFigure({
    name: "cylinder",
    title: "A shower",
    caption: "Energy per cell; the shower enters at the bottom.",
    simulated: true,
    panels: layers(),
    colorLabel: "energy",
    colorUnit: "MeV",
    logColor: true,
    colorDomain: [0.1, 6000],
  });
}

function spectra(isLog: boolean): Promise<Figure> {
  const edges = isLog ? times(31, (i) => 10 ** (i / 10)) : times(41, (i) => 0.5 + i / 40);
  const counts = (height: number, mean: number, width: number): number[] =>
    times(edges.length - 1, (i) => {
      const middle = isLog ? Math.log10(edges[i]!) : edges[i]!;
      return Math.round(height * gauss(middle, mean, width) * (1 + 0.04 * ripple(i)));
    });
  return ratioFigure({
    name: isLog ? "spectrum_ratio_log" : "spectrum_ratio",
    title: "Energy of showers",
    caption: "Share of the showers per bin, and the ratio to the first with Poisson errors.",
    simulated: true,
    x: isLog ? { label: "energy", unit: "MeV", log: true } : { label: "total energy / incident energy" },
    y: { label: "share per bin", log: isLog },
    edges,
    series: isLog
      ? [
        { label: "reference", counts: counts(4000, 1.4, 0.45) },
        { label: "model", counts: counts(3000, 1.5, 0.4) },
      ]
      : [
        { label: "reference", counts: counts(900, 0.96, 0.06) },
        { label: "epoch 50", counts: counts(500, 0.91, 0.09) },
        { label: "epoch 100", counts: counts(700, 0.95, 0.07) },
      ],
  });
}

/** All examples. */
export function exampleFigures(): Promise<Figure[]> {
  return Promise.all([
    resolution(),
    roc(),
    residuals(false),
    residuals(true),
    truth(),
    detector(),
    correlations(),
    clusters(),
    bars(false),
    bars(true),
    learning(),
    slices("equal"),
    slices("true"),
    cylinder(),
    spectra(false),
    spectra(true),
  ]);
}
