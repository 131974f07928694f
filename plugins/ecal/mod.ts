/**
 * Position and energy of photons from their clusters in a shashlik calorimeter (COMPASS/AMBER ECAL): a dense network
 * against centroids and the fit of the shower profile, in three stages of difficulty.
 *
 * @example
 * ```sh
 * deno task run ecal --stage 2
 * deno task run ecal --stage 3 --dataset 2 --absolute-position
 * deno task run ecal --stage 1 --data stage1.npz
 * ```
 *
 * @module
 */
import {
  DataError,
  definePlugin,
  type EvaluateContext,
  type Evaluation,
  type Figure,
  formatEstimate,
  type HookContext,
  type Metrics,
  type NdArray,
  type NewData,
  type PrepareContext,
  type Prepared,
  type SimulateContext,
  type Table,
  type Tables,
} from "beamline";
import { Defects, rowCount, splitRows, takeRows, writeNpz } from "beamline/data";
import { quantiles } from "beamline/metrics";
import {
  applyCorrection,
  centroids,
  type ClusterCells,
  fitCorrection,
  type Reconstruction,
  type Truth,
  undoAngle,
} from "./baselines.ts";
import { calibrate } from "./calibration.ts";
import { type Clusters, selectClusters, toTable } from "./clusters.ts";
import { type Config, config, DEFAULT_EVENTS, formerPresets, presets } from "./config.ts";
import { type EventColumns, type Events, readEvents, type ReadEventsOptions, toEvents } from "./events.ts";
import {
  angleFigure,
  beyondSigmaFigure,
  biasFigure,
  clusterFigure,
  type FigureInput,
  residualFigure,
  resolutionFigure,
  truthFigure,
} from "./figures.ts";
import {
  declaredMetrics,
  measure,
  type Measurements,
  type Method,
  resolutionMetrics,
  resolutionOf,
} from "./metrics.ts";
import { network } from "./model.ts";
import { fitProfiles } from "./profile_fit.ts";
import { simulateEvents } from "./simulation.ts";

/** Fewer clusters than this cannot be split and judged. */
const MINIMUM_CLUSTERS = 100;
const STAGES = {
  "1": "140 GeV, parallel to the axis",
  "2": "2-200 GeV, parallel to the axis",
  "3": "2-200 GeV, from the target",
} as const;

export default definePlugin({
  name: "ecal",
  title: "Photon position and energy in a shashlik calorimeter",
  config,
  presets,
  formerPresets,
  metrics: declaredMetrics,
  models: { network },
  actions: {
    calibrate: {
      title: "compare centroids on a file with truth and on simulated events of the same stage",
      prepare: false,
      run: (config, context, files) =>
        calibrate(config, context, files, (events) => simulated({ ...config, events }, context)),
    },
  },
  prepare,
  evaluate,
  readForPrediction,
  simulate,
});

async function prepare(config: Config, context: PrepareContext): Promise<Prepared> {
  const { events, clusters, skipped } = await clustersOf(config, context);
  if (clusters.count < MINIMUM_CLUSTERS) {
    throw new DataError(
      `Cannot use "${events.place}" as training needs ${MINIMUM_CLUSTERS} clusters: found ${clusters.count} after the cuts`,
      config.data,
    );
  }
  if (config.data !== undefined) checkStage(config, clusters, context);
  return {
    tables: split(toTable(clusters), context),
    simulated: true, // a true position is known in simulations only, whoever made them
    source: describe(config, events, clusters),
    notes: [clusters.cutFlow, ...skipped],
  };
}

/** Events and their clusters, from the file or simulated, and the table of what was left out. */
async function clustersOf(config: Config, context: HookContext) {
  if (config.data === undefined) {
    const events = simulated(config, context);
    return { events, clusters: selectClusters(events, windowKey(context)), skipped: [] };
  }
  return await readClusters(config.data, { needsTruth: true, limit: config.events }, config, context);
}

/** Clusters of a file; all bad events are refused together, or left out with `--skip-bad`. */
async function readClusters(
  path: string,
  options: ReadEventsOptions,
  { skipBad }: Config,
  context: HookContext,
) {
  const defects = new Defects();
  const events = await readEvents(path, { ...options, defects });
  const clusters = selectClusters(events, windowKey(context), defects);
  return { events, clusters, skipped: defects.settle(skipBad, context) };
}

/** Warns when a file does not look like the stage it is taken for. */
function checkStage(config: Config, { truth }: Clusters, context: HookContext): void {
  const [low, high] = quantiles(truth!.energy, [0.05, 0.95]) as [number, number];
  const isMono = high - low < 0.01 * high;
  if (isMono === (config.stage === "1")) return;
  context.warn(
    "stage",
    `The file was taken as stage ${config.stage}, but 90 % of its photons have ${low.toFixed(1)} to ${
      high.toFixed(1)
    } GeV; stage 1 means one energy`,
  );
}

function simulated(config: Config, context: HookContext): Events {
  return toEvents("simulation", columnsOf(config, context), { needsTruth: true });
}

/** Simulated events in the columns of the experiment's files. */
function columnsOf(config: Config, context: HookContext): EventColumns {
  const { stage, dataset, events = DEFAULT_EVENTS } = config;
  const made = simulateEvents({
    stage,
    dataset,
    events,
    random: (purpose) => context.random(purpose),
    progress: (done, total) => context.progress(done, total, "simulate"),
  });
  const dtypes: { readonly [name: string]: NdArray["dtype"] } = { offsets: "int64", celltype: "int8" };
  return Object.fromEntries(
    Object.entries(made).map(([name, data]) => [
      name,
      { dtype: dtypes[name] ?? "float32", shape: [data.length], data } as NdArray,
    ]),
  );
}

/** The random number that decides, with a cluster's cells, where its window lies. */
function windowKey(context: HookContext): number {
  return context.random("window").word();
}

/** 80 % training, 10 % validation, 10 % test, or a fold, at random; rows keep the order of the file. */
function split(table: Table, context: PrepareContext): Tables {
  const order = context.random("split").permutation(rowCount(table));
  const { train, validation, test } = splitRows(order, { train: 0.8, validation: 0.1 }, context.fold);
  const part = (rows: Uint32Array) => takeRows(table, rows.toSorted());
  return { train: part(train), validation: part(validation), test: part(test) };
}

function describe(config: Config, events: Events, clusters: Clusters): string {
  const { count } = clusters;
  const total = clusters.events;
  if (config.data !== undefined) {
    return `${count} clusters from ${total} events of ${events.place}, with Monte Carlo truth, taken as stage ${config.stage}`;
  }
  const dataset = config.stage === "3" ? ` (dataset ${config.dataset})` : "";
  return `${count} clusters from ${total} simulated photons, stage ${config.stage}${dataset}: ${
    STAGES[config.stage]
  }; parametrised showers, not the experiment's Monte Carlo`;
}

/** Clusters of a file whose truth is not needed: the same cuts and windows as in the run. */
async function readForPrediction(config: Config, path: string, context: HookContext): Promise<NewData> {
  const { events, clusters, skipped } = await readClusters(path, { needsTruth: false }, config, context);
  if (clusters.count === 0) {
    throw new DataError(
      `Cannot use "${events.place}" as at least one cluster must pass the cuts: found none`,
      path,
    );
  }
  const { cells, corner, event } = toTable(clusters);
  return {
    table: { cells: cells!, corner: corner!, event: event! },
    simulated: events.truth !== undefined,
    source: `${clusters.count} clusters from ${clusters.events} events of ${events.place}${
      skipped.map(({ note }) => `; ${note}`).join("")
    }`,
    notes: [clusters.cutFlow, ...skipped],
  };
}

async function simulate(config: Config, context: SimulateContext): Promise<string[]> {
  const name = config.stage === "3" ? `stage3_dataset${config.dataset}.npz` : `stage${config.stage}.npz`;
  await writeNpz(`${context.directory}/${name}`, columnsOf(config, context), { compress: true });
  return [name];
}

async function evaluate(config: Config, context: EvaluateContext): Promise<Evaluation> {
  const { train, test } = context.tables as {
    readonly train: Table;
    readonly test: Table;
  };
  const predicted = await context.predict("network", "test");
  const methods = reconstructAll(config, train, test, resultOf(predicted));
  const truth = truthOf(test);
  const measurements = measure(methods, truth, context);
  const input: FigureInput = {
    measured: measurements.measured,
    truth,
    rows: cellsOf(test),
    simulated: context.simulated,
    conditions: `${rowCount(test)} test clusters of stage ${config.stage}`,
    context,
  };
  const resolution = resolutions(config, input);
  const { cells: _cells, corner: _corner, ...labels } = test; // event number and truth, beside the predictions
  const isMono = config.stage === "1";
  const figures = [
    residualFigure(input, "x"),
    residualFigure(input, "y"),
    residualFigure(input, "e_relative"),
    ...resolution.figures,
    biasFigure(input, "s_curve", ["centroid", "log_centroid", ""]),
    biasFigure(input, "bias_in_cell", ["", "profile_fit", "centroid_corrected", "log_centroid_corrected"]),
    config.stage === "3" ? angleFigure(input) : undefined,
    truthFigure(input, "x"),
    isMono ? undefined : truthFigure(input, "e"),
    isMono ? undefined : beyondSigmaFigure(input),
    clusterFigure(input),
  ];
  return {
    metrics: { ...measurements.metrics, ...resolution.metrics },
    figures: (await Promise.all(figures)).filter((figure) => figure !== undefined),
    tables: [measurements.table],
    predictions: { ...predicted, ...labels },
    summary: summarize(config, measurements),
  };
}

function cellsOf(table: Table): ClusterCells {
  return { cells: table.cells!.data as Float32Array, corner: table.corner!.data as Float32Array };
}

function truthOf(table: Table): Truth {
  const of = (name: string) => table[name]!.data as Float32Array;
  return { x: of("x_truth"), y: of("y_truth"), energy: of("energy_truth") };
}

function resultOf(table: Table): Reconstruction {
  const of = (name: string) => Float64Array.from(table[name]!.data as Float32Array);
  return { x: of("x"), y: of("y"), energy: of("energy") };
}

/** The network and the baselines; what baselines learn, they learn on training rows. */
function reconstructAll(config: Config, train: Table, test: Table, network: Reconstruction): Method[] {
  // The angle is known from the absolute position, which the baselines use when the network may.
  const usesAngle = config.stage === "3" && config.absolutePosition;
  const [known, rows] = [cellsOf(train), cellsOf(test)];
  const corrected = (weighting: "linear" | "log") => {
    const correction = fitCorrection(centroids(known, weighting), known, truthOf(train), usesAngle);
    return applyCorrection(correction, centroids(rows, weighting), rows);
  };
  const log = corrected("log");
  const seen = fitProfiles(rows, log);
  return [
    { key: "", label: "network", result: network },
    { key: "centroid", label: "linear centroid", result: centroids(rows, "linear") },
    { key: "centroid_corrected", label: "corrected linear centroid", result: corrected("linear") },
    { key: "log_centroid", label: "log centroid", result: centroids(rows, "log") },
    { key: "log_centroid_corrected", label: "corrected log centroid", result: log },
    { key: "profile_fit", label: "profile fit", result: usesAngle ? undoAngle(seen, rows) : seen },
  ];
}

/** Resolutions against the energy; a single energy has none. */
function resolutions(
  config: Config,
  input: FigureInput,
): { readonly metrics: Metrics; readonly figures: readonly (Promise<Figure> | undefined)[] } {
  if (config.stage === "1") return { metrics: {}, figures: [] };
  const of = (key: "x" | "e_relative") =>
    input.measured
      .filter(({ method, quantity }) =>
        quantity.key === key &&
        ["", "profile_fit", "log_centroid_corrected"].includes(method.key)
      )
      .map((measured) => ({
        label: measured.method.label,
        resolution: resolutionOf(measured, input.truth, input.context),
      }));
  const [energy, position] = [of("e_relative"), of("x")];
  const rows = input.truth.x.length;
  const [energyFit, positionFit] = [energy[0]!.resolution.fit, position[0]!.resolution.fit];
  return {
    metrics: {
      ...(energyFit && resolutionMetrics("energy", "1", energyFit, rows)),
      ...(positionFit &&
        resolutionMetrics("position", "cm", positionFit, rows)),
    },
    figures: [
      resolutionFigure(input, "energy_resolution", { label: "σ(E)/E" }, energy),
      resolutionFigure(input, "position_resolution", { label: "σ(x)", unit: "cm" }, position),
    ],
  };
}

function summarize(config: Config, { metrics, measured }: Measurements): string {
  const print = (key: string) => {
    const { value, error, unit } = metrics[key]!;
    return `${formatEstimate(value, error)}${unit === "1" ? "" : ` ${unit}`}`;
  };
  const widths = `68 % half-widths of the network: ${print("half_width_68_x")} in x, ${
    print("half_width_68_y")
  } in y, ${print("half_width_68_e_relative")} in relative energy.`;
  const caveat =
    "All photons have one energy, which the network may learn, so its energy resolution says nothing.";
  return config.stage === "1"
    ? `${widths} ${caveat} ${compare(["x", "y"], measured, metrics)}`
    : `${widths} ${compare(["x", "y", "e_relative"], measured, metrics)}`;
}

/** Where the best baseline is better, worse, or as good within two standard deviations of the ratio on the same rows. */
function compare(
  quantities: readonly ("x" | "y" | "e_relative")[],
  measured: Measurements["measured"],
  metrics: Metrics,
): string {
  const sentences = quantities.flatMap((quantity) => {
    const rivals = measured.filter((m) =>
      m.quantity.key === quantity && metrics[`ratio_${m.method.key}_${quantity}`] !== undefined
    );
    const best = rivals.reduce<typeof rivals[number] | undefined>(
      (a, b) => (a && a.halfWidth.value <= b.halfWidth.value ? a : b),
      undefined,
    );
    if (!best) return [];
    const ratio = metrics[`ratio_${best.method.key}_${quantity}`]!;
    const pull = (ratio.value - 1) / (ratio.error || Infinity);
    const verdict = Math.abs(pull) < 2 ? "as good as" : pull > 0 ? "worse than" : "better than";
    return [
      `In ${best.quantity.label} it is ${verdict} the best baseline, the ${best.method.label} (ratio ${
        formatEstimate(ratio.value, ratio.error)
      }).`,
    ];
  });
  return sentences.join(" ");
}
