/**
 * Where a generator fails, at a glance: every quantity between the floor and what is broken.
 *
 * @module
 */
import { type Figure, formatEstimate, type TextTable } from "beamline";
import { heatMapFigure } from "beamline/plot";
import type { ComparisonResult, Measured, Values } from "./comparison_result.ts";

/** Quantities of everything, with short names. */
const HEADLINES: { readonly [key: string]: string } = {
  fpd: "Fréchet distance (FPD)",
  kpd: "kernel distance (KPD)",
  classifier_auc: "AUC of the classifier",
  classifier_low_auc: "AUC of the classifier on voxels",
  classifier_jsd: "JSD of the classifier",
  classifier_low_jsd: "JSD of the classifier on voxels",
  precision: "precision",
  recall: "recall",
  density: "density",
  coverage: "coverage",
  frobenius_voxel_energy: "correlations of voxel energies",
  frobenius_voxel_hits: "correlations of voxel hits",
  frobenius_layer_sums: "correlations of layer energies",
  frobenius_layer_sparsity: "correlations of layer sparsities",
  frobenius_patches: "correlations of patches",
  separation_energy_ratio: "total / incident energy",
  separation_energy_total: "total energy",
  separation_voxel_energy: "voxel energies",
  separation_sparsity: "sparsity",
};

/** Families of keys with a number per layer or energy bin, of which the worst member is shown. */
const FAMILIES: readonly (readonly [prefix: string, text: string, member: (id: string) => string])[] = [
  ...([
    ["separation_energy_layer_", "layer energy"],
    ["separation_center_eta_", "center in eta"],
    ["separation_center_phi_", "center in phi"],
    ["separation_width_eta_", "width in eta"],
    ["separation_width_phi_", "width in phi"],
    ["separation_center_r_", "mean radius"],
    ["separation_width_r_", "width in radius"],
    ["separation_sparsity_", "sparsity"],
    ["frobenius_energy_layer_", "correlations of energies"],
    ["frobenius_hits_layer_", "correlations of hits"],
  ] as const).map(([prefix, text]) => [prefix, text, (id: string) => `layer ${id}`] as const),
  ["separation_energy_ratio_bin_", "total / incident energy", (id) => `2^${id} MeV`],
  ["separation_sparsity_bin_", "sparsity", (id) => `2^${id} MeV`],
];

/** Quantities that grow with the square of a deviation: their root is what is compared. */
const isSquare = (key: string): boolean => /^(fpd|kpd|separation_|chi2_)|_jsd$/.test(key);

/** How much worse than the floor a value is; larger is worse. */
export function distanceFrom(value: Measured, floor: Measured | undefined): number {
  if (value.better === "higher") return -value.value;
  if (value.better === "lower") return value.value;
  const target = value.better === "zero" ? 0 : floor?.value ?? 0;
  return Math.abs(value.value - target);
}

/**
 * Where a value lies between floor (0) and broken (1): of the way in the quantity itself, of its root for one that grows
 * with the square of a deviation. Of a share that should be high, broken is 0. null where the negative control is no worse
 * than the floor.
 */
export function positionOf(
  key: string,
  value: Measured,
  floor: Measured | undefined,
  broken: Measured | undefined,
): number | null {
  if (!floor || !broken) return null;
  const low = distanceFrom(floor, floor);
  const high = value.better === "higher" ? 0 : distanceFrom(broken, floor);
  if (!(high > low)) return null;
  const share = (distanceFrom(value, floor) - low) / (high - low);
  return isSquare(key) ? Math.sign(share) * Math.sqrt(Math.abs(share)) : share;
}

/** Words for a position between floor and broken. */
export function verdictOf(value: Measured, floor: Measured | undefined, position: number | null): string {
  if (!floor) return "";
  const spread = Math.hypot(value.error ?? 0, floor.error ?? 0);
  const excess = distanceFrom(value, floor) - distanceFrom(floor, floor);
  if (excess <= 2 * spread) return "at the floor";
  if (position === null) return "visible";
  if (position < 0.1) return "close";
  if (position < 0.5) return "visible";
  return position < 1 ? "FAILS" : "BROKEN";
}

/** A value with its error, short also where the error is lost in rounding. */
export function shown({ value, error, unit }: Measured): string {
  const isExact = error === null || error <= 1e-6 * Math.abs(value);
  return isExact ? String(Number(value.toPrecision(4))) : formatEstimate(value, error, unit);
}

/** The value of a sample that compares with the floor: that of equal numbers of showers where it matters. */
function fair({ generated, matched }: ComparisonResult, label: string, key: string): Measured | undefined {
  return matched[label]?.[key] ?? generated[label]?.[key];
}

/** One quantity of the overview. */
interface Line {
  readonly key: string;
  readonly name: string;
  /** By sample: the position, null where there is none. */
  readonly positions: readonly (number | null)[];
  readonly verdicts: readonly string[];
}

/** Lines in the order of the position of the first sample, the worst first. */
function linesOf(result: ComparisonResult): Line[] {
  const { generated, floor, broken } = result;
  const labels = Object.keys(generated);
  const line = (key: string, name: string): Line => {
    const compared = labels.map((label) => fair(result, label, key));
    const positions = compared.map((value) => value ? positionOf(key, value, floor[key], broken[key]) : null);
    const verdicts = compared.map((value, i) => value ? verdictOf(value, floor[key], positions[i]!) : "");
    return { key, name, positions, verdicts };
  };
  const lines = Object.entries(HEADLINES).filter(([key]) => floor[key]).map(([key, name]) => line(key, name));
  for (const [prefix, text, member] of FAMILIES) {
    const keys = Object.keys(floor).filter((key) =>
      key.startsWith(prefix) && /^\d+$/.test(key.slice(prefix.length))
    );
    const worst = keys.map((key) => line(key, `${text}, worst: ${member(key.slice(prefix.length))}`))
      .sort((a, b) => severity(b) - severity(a))[0];
    if (worst) lines.push(worst);
  }
  return lines.sort((a, b) => severity(b) - severity(a));
}

/** Words from good to bad. */
const VERDICTS: readonly string[] = ["", "at the floor", "close", "visible", "FAILS", "BROKEN"];

/** The verdict counts first: a large distance within its error is none. */
function severity({ positions, verdicts }: Line): number {
  return 10 * VERDICTS.indexOf(verdicts[0] ?? "") + Math.min(9, Math.max(0, positions[0] ?? 0));
}

/** One line per question, the worst first; value and verdict of every sample. */
export function overviewTable(result: ComparisonResult): TextTable {
  const { generated, floor, broken } = result;
  const labels = Object.keys(generated);
  const show = (value: Measured | undefined): string => value === undefined ? "" : shown(value);
  const rows = linesOf(result).map(({ key, name, positions, verdicts }) => [
    name,
    ...labels.flatMap((label, i) => {
      const position = positions[i] ?? null;
      const percent = position === null || verdicts[i] === "at the floor"
        ? ""
        : ` (${percentOf(position)} %)`;
      return [show(generated[label]![key]), `${verdicts[i]!}${percent}`];
    }),
    show(floor[key]),
    show(broken[key]),
  ]);
  return {
    name: "overview",
    title: "Where the generator fails, the worst first",
    columns: ["quantity", ...labels.flatMap((label) => [label, "verdict"]), "floor", "broken"],
    rows,
    note:
      "floor: one half of the reference against the other; broken: the worse of the reference with voxels shuffled across showers and the reference detuned. " +
      "Verdict: at the floor within two standard deviations; else by the way from floor to broken: close below 10 %, visible below 50 %, FAILS below 100 %, BROKEN beyond. " +
      "Quantities that grow with the square of a deviation (Fréchet and kernel distance, separations, JSD) are compared by their roots; of precision, recall and coverage broken is 0. " +
      "Fréchet and Frobenius distances are judged by the values of as many showers as the floor has (matched).",
  };
}

const percentOf = (position: number): number => Math.round(100 * Math.max(0, position));

/** The overview as a map: sample by quantity, the worst first. */
export function overviewFigures(result: ComparisonResult, simulated: boolean): Promise<Figure>[] {
  const labels = Object.keys(result.generated);
  const lines = linesOf(result).filter(({ positions, verdicts }) =>
    positions.some((position, i) => position !== null || verdicts[i] === "at the floor")
  );
  if (labels.length === 0 || lines.length === 0) return [];
  return [heatMapFigure({
    name: "overview",
    title: "Where the generator fails",
    caption:
      "How far each quantity is from the floor (0: as good as another half of the reference) to broken (100: as bad as shuffled or detuned showers), in percent, for every generated sample; the worst of the first sample on top. Values within two standard deviations of the floor count as 0.",
    simulated,
    x: { label: "generated sample" },
    y: { label: "quantity" },
    values: lines.flatMap(({ positions, verdicts }) =>
      positions.map((position, i) =>
        verdicts[i] === "at the floor" || position === null ? 0 : Math.min(999, percentOf(position))
      )
    ),
    rows: lines.length,
    columns: labels.length,
    rowOrder: "down",
    rowNames: lines.map(({ name }) => name),
    columnNames: labels,
    colorLabel: "from floor to broken",
    colorUnit: "%",
    colorDomain: [0, 100],
    showValues: true,
    width: 860,
    height: 96 + 22 * lines.length,
  })];
}

/** The first sample in a sentence or two. */
export function summaryOf(result: ComparisonResult, referenceRows: number): string {
  const [label, values] = Object.entries(result.generated)[0] ?? [];
  if (label === undefined || values === undefined) {
    return `The reference alone: ${referenceRows} showers, floor and broken anchors.`;
  }
  const estimate = (of: Values, key: string): string => shown(of[key]!);
  const head = `${label}: FPD ${estimate(values, "fpd")} (floor ${estimate(result.floor, "fpd")})${
    values.classifier_auc
      ? `, AUC ${estimate(values, "classifier_auc")} (floor ${estimate(result.floor, "classifier_auc")})`
      : ""
  }.`;
  const lines = linesOf(result);
  const failing = lines.filter(({ verdicts }) => ["FAILS", "BROKEN"].includes(verdicts[0]!));
  const visible = lines.filter(({ verdicts }) => verdicts[0] === "visible");
  if (failing.length === 0 && visible.length === 0) return `${head} Nothing is far from the floor.`;
  const names = (failing.length > 0 ? failing : visible).slice(0, 3).map(({ name }) => name);
  return `${head} ${failing.length} of ${lines.length} quantities fail, ${visible.length} are visibly off; worst: ${
    names.join("; ")
  }.`;
}
