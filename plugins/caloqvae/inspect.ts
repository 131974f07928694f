/**
 * What is in files of showers, and what is wrong with them.
 *
 * @module
 */
import { DataError, type EvaluateContext, type Evaluation, type TextTable } from "beamline";
import type { Config } from "./config.ts";
import type { Metadata } from "./metadata.ts";
import { inspectFigures } from "./inspect_figures.ts";
import { inspectFile, type Inspection } from "./inspection.ts";
import { filesOf } from "./paths.ts";
import { probabilityTable } from "./probabilities.ts";

/** The action: reports on every file; a folder stands for every HDF5 file below it. */
export async function inspect(
  config: Config,
  context: Pick<EvaluateContext<Metadata>, "progress">,
  paths: readonly string[],
): Promise<Evaluation> {
  const files = await filesOf(paths);
  if (files.length === 0) {
    throw new DataError("Cannot inspect as at least one file must be named: none given");
  }
  const inspections: Inspection[] = [];
  for (const [i, file] of files.entries()) {
    inspections.push(await inspectFile(file, config));
    context.progress(i + 1, files.length, file.split("/").at(-1)!);
  }
  const reports = inspections.map(({ report }) => report);
  const problems = reports.flatMap((report) => report.problems);
  return {
    results: reports.length === 1 ? reports[0]! : {
      files: reports,
      problems: reports.flatMap(({ file, problems }) => problems.map((p) => ({ ...p, file }))),
    },
    figures: inspectFigures(inspections),
    tables: inspections.flatMap(tablesOf),
    simulated: inspections.some(({ simulated }) => simulated),
    summary: problems.length === 0
      ? "No problem was found."
      : `${problems.length} problem${problems.length === 1 ? "" : "s"}: ${
        [...new Set(problems.map(({ code }) => code))].join(", ")
      }.`,
  };
}

function tablesOf({ report, splitting }: Inspection, at: number): TextTable[] {
  const name = report.file.split("/").at(-1)!;
  const layers: TextTable = {
    name: `layers_${at + 1}`,
    title: `Layers of ${name}`,
    columns: [
      "layer",
      "voxels",
      "r x alpha",
      "active",
      "events with energy",
      "negative voxels",
      "mean share",
      "sparsity",
      "informative voxels",
    ],
    rows: report.layers.map((layer) => [
      layer.layer,
      layer.voxels,
      `${layer.rings} x ${layer.sectors}`,
      layer.active ? "yes" : "",
      layer.nonZeroEvents,
      layer.negativeVoxels,
      Number(layer.meanShare.toPrecision(4)),
      Number(layer.sparsity.toPrecision(4)),
      layer.informativeVoxels,
    ]),
    note: `${report.events} events; ${report.badEvents} with a voxel at or above the incident energy, ` +
      `${report.eventsWithNegative} with negative voxels, ${report.notFiniteEvents} with NaN or infinity; ` +
      `means and counts of layers are of ${report.usedEvents} events`,
  };
  const problems: TextTable = {
    name: `problems_${at + 1}`,
    title: `Problems of ${name}`,
    columns: ["problem", "layer", "events", "what"],
    rows: report.problems.map((
      { code, layer, events, message },
    ) => [code, layer ?? null, events ?? null, message]),
  };
  const probabilities = splitting.size > 0
    ? [probabilityTable(splitting, `probabilities_${at + 1}`, `Splitting probabilities of ${name}`)]
    : [];
  return [...report.problems.length > 0 ? [problems] : [], layers, ...probabilities];
}
