/**
 * Numbers of merit: widths and biases of each reconstruction, with errors.
 *
 * @module
 */
import type { Estimate, HookContext, Metric, MetricDeclaration, Metrics, Random, TextTable } from "beamline";
import {
  bootstrap,
  type CoreFit,
  coreGaussian,
  halfWidth,
  type Profile,
  profile,
  quantile,
  type ResolutionFit,
  resolutionFit,
  rms,
  toMetric,
} from "beamline/metrics";
import type { Reconstruction, Truth } from "./baselines.ts";

/** A way to reconstruct photons, on the test rows. */
export interface Method {
  /** Prefix of its metrics; "" for the network. */
  readonly key: string;
  readonly label: string;
  readonly result: Reconstruction;
}

/** A quantity that is compared with the truth. */
export interface Quantity {
  readonly key: "x" | "y" | "e_relative" | "e";
  readonly label: string;
  readonly unit: string;
  /** Range of the source's histograms. */
  readonly range: readonly [number, number];
}

/** Residuals are prediction - truth; relative ones are divided by the truth. */
export const QUANTITIES: readonly Quantity[] = [
  { key: "x", label: "x", unit: "cm", range: [-1, 1] },
  { key: "y", label: "y", unit: "cm", range: [-1, 1] },
  { key: "e_relative", label: "relative E", unit: "1", range: [-0.25, 0.25] },
  { key: "e", label: "E", unit: "GeV", range: [-10, 10] },
];

/** Residuals of a quantity, shape [row]. */
export function residualsOf(result: Reconstruction, truth: Truth, key: Quantity["key"]): Float64Array {
  if (key === "x" || key === "y") return result[key].map((value, i) => value - truth[key][i]!);
  const difference = result.energy.map((value, i) => value - truth.energy[i]!);
  return key === "e" ? difference : difference.map((value, i) => value / truth.energy[i]!);
}

/** Named before they are measured. */
export const declaredMetrics: readonly MetricDeclaration[] = [
  { key: "half_width_68_x", label: "68 % half-width of x", unit: "cm", better: "lower" },
  { key: "half_width_68_y", label: "68 % half-width of y", unit: "cm", better: "lower" },
  { key: "half_width_68_e_relative", label: "68 % half-width of relative E", unit: "1", better: "lower" },
  { key: "core_sigma_x", label: "core width of x", unit: "cm", better: "lower" },
  { key: "core_sigma_y", label: "core width of y", unit: "cm", better: "lower" },
  { key: "core_sigma_e_relative", label: "core width of relative E", unit: "1", better: "lower" },
  { key: "ratio_profile_fit_x", label: "half-width of x, network / profile fit", unit: "1", better: "lower" },
];

/** What one quantity of one method gave. */
export interface Measured {
  readonly method: Method;
  readonly quantity: Quantity;
  readonly residuals: Float64Array;
  readonly core: CoreFit;
  readonly halfWidth: Estimate;
}

/** Metrics of all methods, and what figures and summary need of them. */
export interface Measurements {
  readonly metrics: Metrics;
  readonly measured: readonly Measured[];
  readonly table: TextTable;
}

/** Replicas of the bootstrap: errors to 7 %. */
const REPLICAS = 100;

/** Widths and biases of all methods; ratios of the network to the three best baselines. */
export function measure(methods: readonly Method[], truth: Truth, context: HookContext): Measurements {
  const metrics: { [key: string]: Metric } = {};
  const measured: Measured[] = [];
  const total = methods.length * QUANTITIES.length;
  for (const method of methods) {
    for (const quantity of QUANTITIES) {
      context.progress(measured.length, total, "bootstrap");
      const residuals = residualsOf(method.result, truth, quantity.key);
      const random = context.random(`bootstrap/${method.key}/${quantity.key}`);
      measured.push(measureOne(method, quantity, residuals, metrics, random));
    }
  }
  addRatios(measured, metrics, context);
  return { metrics, measured, table: tableOf(measured) };
}

function measureOne(
  method: Method,
  quantity: Quantity,
  residuals: Float64Array,
  metrics: { [key: string]: Metric },
  random: Random,
): Measured {
  const prefix = method.key === "" ? "" : `${method.key}.`;
  const core = coreGaussian(residuals, { range: quantity.range });
  const spread = new Spread(residuals);
  const width = (share: number) =>
    bootstrap(residuals.length, (rows) => spread.halfWidth(rows, share), { random, replicas: REPLICAS });
  const [half, wide] = [width(0.68), width(0.95)];
  const facts = { unit: quantity.unit, rows: residuals.length, split: "test" };
  const of = `${quantity.label}${method.key === "" ? "" : `, ${method.label}`}`;
  const doubt = core.isReliable ? "" : ` (doubtful: ${core.note})`;
  const add = (key: string, estimate: Estimate, better: Metric["better"], label: string) => {
    metrics[`${prefix}${key}_${quantity.key}`] = toMetric(estimate, { ...facts, better, label });
  };
  add("half_width_68", half, "lower", `68 % half-width of ${of}`);
  add("half_width_95", wide, "lower", `95 % half-width of ${of}`);
  add("core_sigma", core.sigma, "lower", `core width of ${of}${doubt}`);
  add("core_mean", core.mean, "zero", `core mean of ${of}${doubt}`);
  add("rms", rmsWithError(residuals), "lower", `RMS of ${of}`);
  return { method, quantity, residuals, core, halfWidth: half };
}

/** RMS with the error from the fourth moment: var(r^2) / (4 n rms^2), without resampling. */
function rmsWithError(residuals: Float64Array): Estimate {
  const value = rms(residuals);
  if (value === 0) return { value, error: 0, errorKind: "analytic" };
  const n = residuals.length;
  const variance = residuals.reduce((sum, r) => sum + (r * r - value * value) ** 2, 0) / n;
  return { value, error: Math.sqrt(variance / n) / (2 * value), errorKind: "analytic" };
}

/** Quantiles of resampled rows by counting ranks: one sort in all, then O(n) a replica. */
class Spread {
  readonly #sorted: Float64Array;
  readonly #rank: Uint32Array;
  readonly #counts: Uint16Array;

  constructor(values: Float64Array) {
    const order = Uint32Array.from(values, (_, i) => i).sort((a, b) => values[a]! - values[b]!);
    this.#sorted = Float64Array.from(order, (i) => values[i]!);
    this.#rank = new Uint32Array(values.length);
    order.forEach((i, rank) => this.#rank[i] = rank);
    this.#counts = new Uint16Array(values.length);
  }

  /** The same as `halfWidth` of the values of these rows. */
  halfWidth(rows: Uint32Array, share: number): number {
    this.#counts.fill(0);
    for (let i = 0; i < rows.length; i++) {
      this.#counts[this.#rank[rows[i]!]!]!++;
    }
    const at = [(1 - share) / 2, (1 + share) / 2].map((p) => p * (rows.length - 1));
    const ranks = at.flatMap((place) => [Math.floor(place), Math.ceil(place)]);
    const found: number[] = [];
    for (let rank = 0, below = 0; found.length < 4; rank++) {
      below += this.#counts[rank]!;
      while (found.length < 4 && ranks[found.length]! < below) {
        found.push(this.#sorted[rank]!);
      }
    }
    const [a, b, c, d] = found as [number, number, number, number];
    const low = a + (b - a) * (at[0]! - ranks[0]!);
    const high = c + (d - c) * (at[1]! - ranks[2]!);
    return (high - low) / 2;
  }
}

/** Baselines that the network's half-widths are divided by. */
const RIVALS = ["profile_fit", "centroid_corrected", "log_centroid_corrected"] as const;

/** Ratios of half-widths on the same rows: the bootstrap draws rows once for both, which keeps what they share. */
function addRatios(
  measured: readonly Measured[],
  metrics: { [key: string]: Metric },
  context: HookContext,
): void {
  for (const quantity of ["x", "y", "e_relative"] as const) {
    const of = (key: string) => measured.find((m) => m.method.key === key && m.quantity.key === quantity);
    const own = of("");
    if (!own) continue;
    for (const rival of RIVALS) {
      const other = of(rival);
      if (!other || other.halfWidth.value === 0) continue;
      const [a, b] = [new Spread(own.residuals), new Spread(other.residuals)];
      const random = context.random(`bootstrap/ratio/${rival}/${quantity}`);
      const ratio = bootstrap(
        own.residuals.length,
        (rows) => a.halfWidth(rows, 0.68) / b.halfWidth(rows, 0.68),
        { random, replicas: REPLICAS },
      );
      metrics[`ratio_${rival}_${quantity}`] = toMetric(ratio, {
        unit: "1",
        better: "lower",
        rows: own.residuals.length,
        split: "test",
        label: `half-width of ${own.quantity.label}, network / ${other.method.label}`,
      });
    }
  }
}

function tableOf(measured: readonly Measured[]): TextTable {
  const digits = { cm: 4, GeV: 3, "1": 4 } as {
    readonly [unit: string]: number;
  };
  const rows = measured.map(
    ({ method, quantity, core, halfWidth: half, residuals }) => {
      const print = (value: number) => value.toFixed(digits[quantity.unit]!);
      return [
        method.label,
        quantity.label,
        quantity.unit,
        `${print(half.value)} +- ${print(half.error!)}`,
        print(core.sigma.value),
        print(core.mean.value),
        print(rms(residuals)),
        core.note ?? "",
      ];
    },
  );
  return {
    name: "reconstructions",
    title: "Residuals of the network and of classical reconstructions on the test rows",
    columns: ["method", "quantity", "unit", "68 % half-width", "core width", "core mean", "RMS", "core fit"],
    rows,
    note:
      "Core: Gaussian fitted to the bins above 30 % of the highest of 300. Compare half-widths where it is doubtful.",
  };
}

/** Bins of the true energy, GeV: narrow where the resolution changes. */
const ENERGY_EDGES = [
  2,
  4,
  7,
  10,
  15,
  20,
  30,
  40,
  60,
  80,
  100,
  120,
  140,
  160,
  180,
  200,
];

/** Half-widths against the true energy with the fit a/sqrt(E) (+) b (+) c/E; no fit with fewer than five bins. */
export interface Resolution {
  readonly profile: Profile;
  readonly fit?: ResolutionFit;
}

/** The 68 % half-width of a quantity in bins of the true energy. */
export function resolutionOf(
  { method, quantity, residuals }: Measured,
  truth: Truth,
  context: HookContext,
): Resolution {
  const bins = profile(Float64Array.from(truth.energy), residuals, {
    edges: ENERGY_EDGES,
    statistic: halfWidth,
    random: context.random(`resolution/${method.key}/${quantity.key}`),
    replicas: REPLICAS,
    minimumRows: 30,
  });
  const usable = bins.values.every(({ value, error }) => value > 0 && error! > 0);
  if (bins.centers.length < 5 || !usable) return { profile: bins };
  const fit = resolutionFit(bins.centers, bins.values.map((v) => v.value), bins.values.map((v) => v.error!));
  return { profile: bins, fit };
}

/** Metrics of a resolution fit, such as `e_stochastic`. */
export function resolutionMetrics(prefix: string, unit: string, fit: ResolutionFit, rows: number): Metrics {
  const units = unit === "1" ? ["GeV^0.5", "1", "GeV"] : [`${unit} GeV^0.5`, unit, `${unit} GeV`];
  return Object.fromEntries(
    (["stochastic", "constant", "noise"] as const).map((term, i) => [
      `resolution_${prefix}_${term}`,
      toMetric(fit[term], {
        unit: units[i]!,
        better: "lower",
        rows,
        split: "test",
        label: `${term} term of the ${prefix} resolution`,
      }),
    ]),
  );
}

/** The range that holds the middle `share` of the values. */
export function central(values: Float64Array, share: number): [number, number] {
  return [quantile(values, (1 - share) / 2), quantile(values, (1 + share) / 2)];
}
