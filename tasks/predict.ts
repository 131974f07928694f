/**
 * `deno task predict <run> --data PATH`: the trained model of a run on new data.
 *
 * @module
 */
import { ConfigError, DataError } from "../core/errors.ts";
import { type Column, sizeOf } from "../core/types.ts";
import { exists } from "../files/atomic.ts";
import { basename, join, resolve } from "../files/paths.ts";
import { predictNew, type PredictOutcome } from "../run/replay/predict.ts";
import { describePlugin, sandboxedSource } from "../run/hooks/plugin_source.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { ACCEPT_FLAG } from "./shared/consent.ts";
import { useEngine } from "./shared/engine.ts";
import { threadsOf } from "./shared/experiment.ts";
import { pluginOf } from "./shared/replay.ts";
import { findRunTo } from "./shared/broken_runs.ts";
import { RUNS_FLAG, runsFolder } from "./finding/runs_folder.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";
import { terminalListener } from "./terminal/progress.ts";
import { textTable } from "./terminal/text_table.ts";

/** Rows of the printed table. */
const SHOWN_ROWS = 10;

const COMMAND: CommandSpec = {
  name: "predict",
  summary: "Applies the trained model of a run to new data; no labels are needed.",
  positionals: "<run>",
  taskFlags: [
    { name: "data", value: "path", help: "the new data, in the format the plugin reads" },
    {
      name: "skip-bad",
      help: "leave out rows of the new data that have defects, where the plugin can (its --skip-bad)",
    },
    { name: "plugin", value: "name|path", help: "the plugin's folder, where it is not a built-in one" },
    RUNS_FLAG,
    {
      name: "out",
      value: "dir",
      help: "write DIR/predictions/ (default: <run>/predictions/<name of the data>/)",
    },
    { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
    { name: "engine", value: "name", help: "what runs the model (default: as in the run)" },
    { name: "threads", value: "number", help: "threads to compute with (default: as in the run)" },
    { name: "frozen", help: "refuse a plugin that is not in beamline.lock as it is" },
    ACCEPT_FLAG,
  ],
};

/** Predicts; returns the exit code. */
export function predict(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [reference] = parsed.positionals;
    if (reference === undefined) {
      throw new ConfigError("Cannot predict as the first argument must name a run: none found");
    }
    const data = parsed.task.data;
    if (data === undefined) {
      throw new ConfigError("Cannot predict as --data must name the new data: none given");
    }
    if (!await exists(data)) {
      throw new DataError(
        `Cannot read "${data}" as --data must name something to read: no such file or folder`,
        data,
      );
    }
    const run = await findRunTo("predict", reference, runsFolder(parsed.task));
    const cache = parsed.task.cache ?? "cache";
    const source = sandboxedSource(await pluginOf(run, parsed, "predict"));
    const outcome = await predictNew({
      run,
      source,
      description: await describePlugin(source, cache),
      data: resolve(data),
      directory: parsed.task.out === undefined
        ? run.file("predictions", stemOf(data))
        : join(resolve(parsed.task.out), "predictions"),
      cache,
      skipBad: "skip-bad" in parsed.task,
      engine: await useEngine(parsed.task.engine ?? run.record.engine?.name ?? "native"),
      threads: threadsOf(parsed),
      onEvent: terminalListener("json" in parsed.task, false).onEvent,
    });
    if ("json" in parsed.task) printJson(toJson(run.path, outcome));
    else for (const line of predictionLines(outcome)) print(line);
    return EXIT.ok;
  });
}

/** The name of a file or folder without its ending; the run's own predictions lie beside, not below. */
export function stemOf(path: string): string {
  return basename(resolve(path)).replace(/\.[^.]+$/, "") || "new";
}

function toJson(run: string, outcome: PredictOutcome): unknown {
  const predictions = Object.fromEntries(
    Object.entries(outcome.predictions).map((
      [name, { path, unit, shape }],
    ) => [name, { path: resolve(path), unit, shape }]),
  );
  const { rows, simulated, source, notes, warnings } = outcome;
  return { run, rows, simulated, source, notes, warnings, predictions };
}

/** Numbers of a row that are shown of a column that has more. */
const SHOWN_NUMBERS = 3;

/** The first rows of what was predicted, and the files that hold all. */
export function predictionLines(outcome: PredictOutcome): string[] {
  const columns = Object.entries(outcome.predictions);
  const header = ["row", ...columns.map(([name, column]) => columnTitle(name, column))];
  const rows = Array.from({ length: Math.min(SHOWN_ROWS, outcome.rows) }, (_, i) => [
    String(i),
    ...columns.map(([, column]) => rowText(column, i)),
  ]);
  return [
    `${outcome.rows} rows${outcome.simulated ? " (simulated data)" : ""}: ${outcome.source}`,
    ...textTable(header, rows),
    ...(outcome.rows > SHOWN_ROWS ? [`... ${outcome.rows - SHOWN_ROWS} more rows`] : []),
    ...Object.values(outcome.predictions).map(({ path }) => `wrote  ${shownPath(path)}`),
  ];
}

/** Name, shape of a row where it is not one number, and unit: "map [4 x 25] (GeV)". */
function columnTitle(name: string, { unit, shape }: Pick<Column, "unit" | "shape">): string {
  const inner = shape.slice(1);
  return `${name}${inner.length > 0 ? ` [${inner.join(" x ")}]` : ""}${unit === "1" ? "" : ` (${unit})`}`;
}

/** The first numbers of a row. */
function rowText({ data, shape }: Pick<Column, "data" | "shape">, row: number): string {
  const size = sizeOf(shape.slice(1));
  const shown = Array.from(
    { length: Math.min(size, SHOWN_NUMBERS) },
    (_, i) => Number(data[row * size + i]).toPrecision(5),
  );
  return shown.join(" ") + (size > SHOWN_NUMBERS ? " ..." : "");
}

if (import.meta.main) await main(predict);
