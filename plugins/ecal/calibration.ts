/**
 * Whether the simulation resembles a file: half-widths of centroids, which do not know the network, on both.
 *
 * @module
 */
import { DataError } from "beamline";
import type { EvaluateContext, Evaluation, HookContext, Metric, TextTable } from "beamline";
import { Defects } from "beamline/data";
import { bootstrapOf, halfWidth, toMetric } from "beamline/metrics";
import { applyCorrection, centroids, fitCorrection, type Reconstruction, type Truth } from "./baselines.ts";
import { CELLS, type Clusters, selectClusters } from "./clusters.ts";
import type { Config } from "./config.ts";
import { type Events, readEvents } from "./events.ts";

/** Every fifth row is judged, the others teach the corrections. */
const FOLD = 5;

/** 68 % half-widths of centroids, with bootstrap errors; keys such as `centroid_corrected.half_width_68_x`. */
export type CentroidWidths = { readonly [key: string]: Metric };

/** Half-widths of raw and corrected centroids; the corrections are fitted on other rows. */
export function centroidWidths(clusters: Clusters, split: string, context: HookContext): CentroidWidths {
  const known = part(clusters, (row) => row % FOLD !== 0);
  const judged = part(clusters, (row) => row % FOLD === 0);
  const widths: { [key: string]: Metric } = {};
  const add = (name: string, result: Reconstruction, truth: Truth) => {
    for (const axis of ["x", "y"] as const) {
      const residuals = result[axis].map((value, i) => value - truth[axis][i]!);
      const key = `${name}.half_width_68_${axis}`;
      const width = bootstrapOf(residuals, halfWidth, { random: context.random(key), replicas: 100 });
      widths[key] = toMetric(width, { unit: "cm", better: "none", rows: residuals.length, split });
    }
  };
  for (const [name, weighting] of [["centroid", "linear"], ["log_centroid", "log"]] as const) {
    const correction = fitCorrection(centroids(known, weighting), known, known, false);
    const raw = centroids(judged, weighting);
    add(name, raw, judged);
    add(`${name}_corrected`, applyCorrection(correction, raw, judged), judged);
  }
  return widths;
}

/** Cells, windows and truth of the rows that are wanted. */
function part({ cells, corner, truth, count }: Clusters, isWanted: (row: number) => boolean) {
  const rows = Array.from({ length: count }, (_, row) => row).filter(isWanted);
  const take = (data: Float32Array, width: number) =>
    Float32Array.from({ length: rows.length * width }, (_, i) => {
      return data[rows[Math.floor(i / width)]! * width + i % width]!;
    });
  return {
    cells: take(cells, CELLS),
    corner: take(corner, 2),
    x: take(truth!.x, 1),
    y: take(truth!.y, 1),
    energy: take(truth!.energy, 1),
  };
}

/**
 * The action `calibrate`: the same half-widths on a file and on as many simulated events of the configured stage.
 *
 * @throws {DataError} If there is not exactly one file, or it is unfit.
 */
export async function calibrate(
  config: Config,
  context: EvaluateContext,
  files: readonly string[],
  simulate: (events: number) => Events,
): Promise<Evaluation> {
  if (files.length !== 1) {
    throw new DataError(
      `Cannot calibrate stage ${config.stage} as it needs one file with truth: found ${files.length} files`,
    );
  }
  const key = context.random("window").word();
  const defects = new Defects();
  const real = await readEvents(files[0]!, { needsTruth: true, limit: config.events, defects });
  const clusters = selectClusters(real, key, defects);
  const skipped = defects.settle(config.skipBad, context);
  const file = centroidWidths(clusters, "file", context);
  const simulation = centroidWidths(selectClusters(simulate(clusters.events), key), "simulation", context);
  const worst = Math.max(...Object.keys(file).map((name) => Math.abs(ratioOf(file, simulation, name) - 1)));
  return {
    metrics: {
      ...file,
      ...Object.fromEntries(
        Object.entries(simulation).map(([name, metric]) => [`simulation.${name}`, metric]),
      ),
    },
    tables: [tableOf(file, simulation), ...skipped],
    summary:
      `Half-widths of centroids in the simulation of stage ${config.stage} differ from ${real.place} by at most ${
        (100 * worst).toFixed(1)
      } %.`,
  };
}

function ratioOf(file: CentroidWidths, simulation: CentroidWidths, name: string): number {
  return simulation[name]!.value / file[name]!.value;
}

function tableOf(file: CentroidWidths, simulation: CentroidWidths): TextTable {
  const print = ({ value, error }: Metric) => `${value.toFixed(4)} +- ${error!.toFixed(4)}`;
  return {
    name: "calibration",
    title: "68 % half-widths of centroids (cm)",
    columns: ["quantity", "file", "simulation", "simulation / file"],
    rows: Object.keys(file).map((
      name,
    ) => [name, print(file[name]!), print(simulation[name]!), ratioOf(file, simulation, name).toFixed(3)]),
  };
}
