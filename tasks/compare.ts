/**
 * `deno task compare <run> <run>...`: runs side by side, as text, JSON and one HTML file.
 *
 * @module
 */
import { encodeMetric } from "../core/not_finite.ts";
import { ConfigError } from "../core/errors.ts";
import { nearestName } from "../core/names.ts";
import {
  type Comparison,
  comparisonOf,
  comparisonTables,
  readForComparison,
  type ReadRun,
  renderComparison,
} from "../report/comparison.ts";
import { writeAtomic } from "../files/atomic.ts";
import { dirname, join, resolve } from "../files/paths.ts";
import { isPlainRun } from "../run/origin/plain_run.ts";
import type { RunDirectory } from "../run/store/run_directory.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { findRunTo, listRunsTelling } from "./shared/broken_runs.ts";
import { labelsIn } from "./finding/label_flags.ts";
import { RUNS_FLAG, runsFolder } from "./finding/runs_folder.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson, tell } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

/** Rows of a table that are printed; the HTML file has all. */
const SHOWN_ROWS = 40;

const COMMAND: CommandSpec = {
  name: "compare",
  summary: "Shows runs side by side: what was set differently, what came out, their curves.",
  positionals: "<run> <run>...",
  taskFlags: [
    RUNS_FLAG,
    { name: "all", value: "plugin", help: "compare all finished runs of a plugin" },
    { name: "html", value: "file", help: "the HTML file to write", default: "<runs>/comparison.html" },
  ],
};

/** Compares runs; returns the exit code. */
export function compare(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const store = runsFolder(parsed.task);
    const comparison = comparisonOf(await chosen(parsed.positionals, parsed.task.all, store));
    const file = resolve(parsed.task.html ?? join(store, "comparison.html"));
    await writeHtml(file, await renderComparison(comparison));
    if ("json" in parsed.task) printJson(comparisonJson(comparison, file));
    else for (const line of comparisonLines(comparison, file)) print(line);
    return EXIT.ok;
  });
}

async function writeHtml(file: string, text: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(file), { recursive: true });
    await writeAtomic(file, text, { isTidied: true });
  } catch (cause) {
    throw new ConfigError(
      `Cannot write "${file}" as its folder must be one that can be written: ${(cause as Error).name}`,
    );
  }
}

async function chosen(
  references: readonly string[],
  plugin: string | undefined,
  store: string,
): Promise<readonly ReadRun[]> {
  if (plugin !== undefined) return await finishedRuns(plugin, store);
  if (references.length < 2) {
    throw new ConfigError(
      `Cannot compare as two runs or more must be named: ${references.length} found; deno task runs lists them`,
    );
  }
  const found = await Promise.all(
    references.map(async (reference) => (await findRunTo("compare", reference, store)).path),
  );
  const twice = found.find((path, i) => found.indexOf(path) < i);
  if (twice === undefined) return await Promise.all(found.map(readForComparison));
  throw new ConfigError(`Cannot compare as each run must be named once: "${twice}" is named twice`);
}

async function finishedRuns(plugin: string, store: string): Promise<readonly ReadRun[]> {
  const { runs } = await listRunsTelling(store);
  const finished = runs.filter(({ record }) => record.plugin.name === plugin && record.status === "finished");
  const read = await Promise.all(finished.map(readOrFault));
  const found = read.flatMap((run) => typeof run === "string" ? [] : [run]);
  for (const fault of read) if (typeof fault === "string") tell(`left out  ${fault}`);
  if (found.length >= 2) return found;
  const known = [...new Set(runs.map(({ record }) => record.plugin.name))];
  const nearest = nearestName(plugin, known.filter((name) => name !== plugin));
  throw new ConfigError(
    `Cannot compare the runs of "${plugin}" as two of them or more must be finished: ${found.length} found in "${store}"` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
  );
}

/** A run that can be compared, or why it is left out of all. */
async function readOrFault(run: RunDirectory): Promise<ReadRun | string> {
  if (!await isPlainRun(run)) return `${run.path}: a run folder may hold plain files and folders only`;
  return await readForComparison(run.path).catch((error: Error) => error.message);
}

/** What `--json` prints of a comparison. */
export function comparisonJson({ runs, differences, metricKeys }: Comparison, file: string): unknown {
  return {
    runs: runs.map(({ directory, record }) => ({
      run: directory,
      id: record.id,
      plugin: record.plugin.name,
      status: record.status,
      ...labelsIn(record),
    })),
    differences,
    metrics: Object.fromEntries(
      metricKeys.map((
        key,
      ) => [key, runs.map(({ metrics }) => metrics[key] ? encodeMetric(metrics[key]) : null)]),
    ),
    html: file,
  };
}

/** Tables of a comparison, cut to {@linkcode SHOWN_ROWS} rows, and where the whole of it is. */
export function comparisonLines(comparison: Comparison, file: string): string[] {
  const lines: string[] = [];
  for (const { title, columns, rows, note } of comparisonTables(comparison)) {
    if (rows.length === 0) continue;
    const texts = rows.slice(0, SHOWN_ROWS).map((row) =>
      row.map((cell) => cell === null ? "" : String(cell))
    );
    lines.push("", title, ...textTable(columns, texts));
    if (rows.length > SHOWN_ROWS) lines.push(`... ${rows.length - SHOWN_ROWS} more in the HTML file`);
    if (note) lines.push(note);
  }
  return [...lines, "", `comparison  ${shownPath(file)}`];
}

if (import.meta.main) await main(compare);
