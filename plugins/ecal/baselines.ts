/**
 * Classical reconstructions that the network is compared with: centroids, their S-curve correction, the energy scale.
 * The fit of the shower profile is in `profile_fit.ts`.
 *
 * @module
 */
import { median } from "beamline/metrics";
import { CELLS, WINDOW } from "./clusters.ts";
import { FRONT_CM, PITCH_CM, showerDepth } from "./shower.ts";

/** Cutoff of the logarithmic weights: cells below exp(-4.2) = 1.5 % of the sum have no weight. */
export const LOG_CUTOFF = 4.2;

/** Positions in window coordinates (cm) and energies (GeV); shape [cluster]. */
export interface Reconstruction {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly energy: Float64Array;
}

/** Columns of clusters that baselines read. */
export interface ClusterCells {
  /** GeV, shape [cluster, 25], row by row from the upper left. */
  readonly cells: Float32Array;
  /** Absolute position of the window, cm, shape [cluster, 2]. */
  readonly corner: Float32Array;
}

/** Known answers for clusters; shape [cluster]. */
export interface Truth {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly energy: ArrayLike<number>;
}

/**
 * Centre of gravity of the cells, weighted by energy or by max(0, w0 + ln(E_i / sum)); `energy` is the sum of the cells.
 */
export function centroids({ cells }: ClusterCells, weighting: "linear" | "log"): Reconstruction {
  const count = cells.length / CELLS;
  const x = new Float64Array(count);
  const y = new Float64Array(count);
  const energy = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    const window = cells.subarray(k * CELLS, (k + 1) * CELLS);
    const sum = window.reduce((total, value) => total + value, 0);
    let [weights, sumX, sumY] = [0, 0, 0];
    for (let c = 0; c < CELLS; c++) {
      const value = window[c]!;
      if (value <= 0) continue;
      const weight = weighting === "linear" ? value : Math.max(0, LOG_CUTOFF + Math.log(value / sum));
      weights += weight;
      sumX += weight * (c % WINDOW);
      sumY += weight * (WINDOW - 1 - Math.floor(c / WINDOW));
    }
    x[k] = PITCH_CM * sumX / weights;
    y[k] = PITCH_CM * sumY / weights;
    energy[k] = sum;
  }
  return { x, y, energy };
}

/** Position in the cell: distance from the nearest cell centre, in [-pitch/2, pitch/2). */
export function phaseOf(position: number): number {
  return position - PITCH_CM * Math.round(position / PITCH_CM);
}

/** Quantile bins of values and the middle (median) of each; duplicated edges are merged. */
function quantileEdges(values: Float64Array, bins: number): Float64Array {
  const sorted = values.slice().sort();
  const edges = Array.from(
    { length: bins - 1 },
    (_, i) => sorted[Math.floor((i + 1) * sorted.length / bins)]!,
  );
  return Float64Array.from(new Set(edges));
}

/** Index of the bin: how many edges are at most the value. */
function binOf(edges: Float64Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Piecewise linear curve through nodes with increasing x; constant beyond the ends. */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** The curve's value. */
export function interpolate({ x, y }: Curve, at: number): number {
  if (at <= x[0]!) return y[0]!;
  const last = x.length - 1;
  if (at >= x[last]!) return y[last]!;
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (x[middle]! <= at) low = middle;
    else high = middle;
  }
  return y[low]! + (y[high]! - y[low]!) * (at - x[low]!) / (x[high]! - x[low]!);
}

/** Medians of y in quantile bins of x. */
function medianCurve(x: Float64Array, y: Float64Array, bins: number): Curve {
  const edges = quantileEdges(x, bins);
  const groups = Array.from({ length: edges.length + 1 }, (): number[] => []);
  x.forEach((value, i) => groups[binOf(edges, value)]!.push(i));
  const nodes = groups.filter((group) => group.length > 0).map((group) => ({
    x: median(group.map((i) => x[i]!)),
    y: median(group.map((i) => y[i]!)),
  }));
  const distinct = nodes.filter((node, i) => i === 0 || node.x > nodes[i - 1]!.x);
  return { x: distinct.map((node) => node.x), y: distinct.map((node) => node.y) };
}

const PHASE_BINS = 40;
const ENERGY_BINS = 8;
const ROWS_PER_ENERGY_BIN = 2000; // 50 rows in each of 40 bins: medians to .012 cm

/** The correction of a centroid along one axis: a periodic function of the position in the cell, for bins of energy. */
export interface SCurve {
  /** Energies (cell sums, GeV) between bins. */
  readonly energyEdges: Float64Array;
  /** One per energy bin; x in [-pitch/2 - pitch, pitch/2 + pitch], cm, and what to add, cm. */
  readonly curves: readonly Curve[];
}

/**
 * Fits what has to be added to a centroid: medians of truth - centroid in 40 bins of the position in the cell that hold
 * equally many rows, joined by lines and continued periodically; anew in bins of energy, as the threshold cuts off more
 * of a shower at low energy.
 *
 * @param position Centroids along one axis, cm.
 * @param truth Positions along the same axis, cm.
 * @param energy Cell sums, GeV.
 */
export function fitSCurve(position: Float64Array, truth: ArrayLike<number>, energy: Float64Array): SCurve {
  const bins = Math.max(1, Math.min(ENERGY_BINS, Math.floor(position.length / ROWS_PER_ENERGY_BIN)));
  const energyEdges = quantileEdges(energy, bins);
  const groups = Array.from({ length: energyEdges.length + 1 }, (): number[] => []);
  energy.forEach((value, i) => groups[binOf(energyEdges, value)]!.push(i));
  const curves = groups.map((rows) => {
    const phase = Float64Array.from(rows, (i) => phaseOf(position[i]!));
    const shift = Float64Array.from(rows, (i) => truth[i]! - position[i]!);
    return continued(medianCurve(phase, shift, Math.min(PHASE_BINS, Math.ceil(rows.length / 10))));
  });
  return { energyEdges, curves };
}

/** One node more on each side, a pitch away from the last of the other side. */
function continued({ x, y }: Curve): Curve {
  const last = x.length - 1;
  return { x: [x[last]! - PITCH_CM, ...x, x[0]! + PITCH_CM], y: [y[last]!, ...y, y[0]!] };
}

/** Centroids plus their S-curve. */
export function applySCurve(curve: SCurve, position: Float64Array, energy: Float64Array): Float64Array {
  return position.map((value, i) =>
    value +
    interpolate(curve.curves[binOf(curve.energyEdges, energy[i]!)]!, phaseOf(value))
  );
}

/** Response of the calorimeter: cell sum over photon energy, against the logarithm of the photon energy. */
export type EnergyScale = Curve;

/** Medians of sum / energy in 20 bins of the true energy: where all photons have one energy, it is one number. */
export function fitEnergyScale(sum: Float64Array, energy: ArrayLike<number>): EnergyScale {
  const logEnergy = Float64Array.from(energy, Math.log);
  const response = sum.map((value, i) => value / energy[i]!);
  return medianCurve(logEnergy, response, Math.max(1, Math.min(20, Math.floor(sum.length / 100))));
}

/** Solves sum = E response(E) for E by iteration; the response changes slowly, so that six steps give 1e-6. */
export function applyEnergyScale(scale: EnergyScale, sum: Float64Array): Float64Array {
  return sum.map((value) => {
    let energy = value;
    for (let step = 0; step < 6; step++) {
      energy = value / interpolate(scale, Math.log(energy));
    }
    return energy;
  });
}

/**
 * How far a shower of a photon from the target appears from its impact, per cm of the impact's distance from the axis:
 * it is seen at its depth, x_seen = x (1 + depth / distance of the target).
 */
export function angleShift(energyGev: number): number {
  return showerDepth(energyGev) / FRONT_CM;
}

/** What was learned from training rows about centroids. */
export interface CentroidCorrection {
  readonly x: SCurve;
  readonly y: SCurve;
  readonly scale: EnergyScale;
  /** Whether photons come from the target and the window's position is used to undo the shift by the angle. */
  readonly usesAngle: boolean;
}

/** Learns the correction of centroids from rows with known truth. */
export function fitCorrection(
  raw: Reconstruction,
  rows: ClusterCells,
  truth: Truth,
  usesAngle: boolean,
): CentroidCorrection {
  const scale = fitEnergyScale(raw.energy, truth.energy);
  const seen = (position: ArrayLike<number>, axis: 0 | 1) =>
    Float64Array.from(position, (value, i) => {
      const shift = usesAngle ? angleShift(truth.energy[i]!) : 0;
      return value + shift * (value + rows.corner[2 * i + axis]!);
    });
  return {
    x: fitSCurve(raw.x, seen(truth.x, 0), raw.energy),
    y: fitSCurve(raw.y, seen(truth.y, 1), raw.energy),
    scale,
    usesAngle,
  };
}

/** Corrects centroids. */
export function applyCorrection(
  correction: CentroidCorrection,
  raw: Reconstruction,
  rows: ClusterCells,
): Reconstruction {
  const seen = {
    x: applySCurve(correction.x, raw.x, raw.energy),
    y: applySCurve(correction.y, raw.y, raw.energy),
    energy: applyEnergyScale(correction.scale, raw.energy),
  };
  return correction.usesAngle ? undoAngle(seen, rows) : seen;
}

/** Moves positions from where a shower is seen to where the photon entered, for photons from the target. */
export function undoAngle(seen: Reconstruction, { corner }: ClusterCells): Reconstruction {
  const entered = (position: Float64Array, axis: 0 | 1) =>
    position.map((value, i) => {
      const origin = corner[2 * i + axis]!;
      return (value + origin) / (1 + angleShift(seen.energy[i]!)) - origin;
    });
  return { x: entered(seen.x, 0), y: entered(seen.y, 1), energy: seen.energy };
}
