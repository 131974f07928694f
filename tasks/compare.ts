/**
 * `deno task compare <run> <run>...`: runs side by side, as text, JSON and one HTML file.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import {
  compareDirectories,
  type Comparison,
  comparisonTables,
  renderComparison,
} from "../report/comparison.ts";
import { writeAtomic } from "../run/files.ts";
import { join, relative, resolve } from "../run/paths.ts";
import { findRun, listRuns } from "../run/store.ts";
import { type CommandSpec, withCommand } from "./command.ts";
import { EXIT, main, print, printJson, textTable } from "./terminal.ts";

/** Columns that fit a terminal; the HTML file has all runs. */
const SHOWN_RUNS = 6;

const COMMAND: CommandSpec = {
  name: "compare",
  summary: "Shows runs side by side: what was set differently, what came out, their curves.",
  positionals: "<run> <run>...",
  taskFlags: [
    { name: "runs", value: "dir", help: "the folder of runs", default: "runs" },
    { name: "all", value: "plugin", help: "compare all finished runs of a plugin" },
    { name: "html", value: "file", help: "the HTML file to write", default: "<runs>/comparison.html" },
  ],
};

/** Compares runs; returns the exit code. */
export function compare(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const store = parsed.task.runs ?? "runs";
    const directories = await chosen(parsed.positionals, parsed.task.all, store);
    const comparison = await compareDirectories(directories);
    const file = resolve(parsed.task.html ?? join(store, "comparison.html"));
    await writeAtomic(file, await renderComparison(comparison));
    if ("json" in parsed.task) printJson(toJson(comparison, file));
    else show(comparison, file);
    return EXIT.ok;
  });
}

async function chosen(
  references: readonly string[],
  plugin: string | undefined,
  store: string,
): Promise<string[]> {
  if (plugin !== undefined) {
    const runs = await listRuns(store);
    return runs.filter(({ record }) => record.plugin.name === plugin && record.status === "finished").map((
      { path },
    ) => path);
  }
  if (references.length < 2) {
    throw new ConfigError(
      `Cannot compare as two runs or more must be named: ${references.length} found; deno task runs lists them`,
    );
  }
  return await Promise.all(references.map(async (reference) => (await findRun(reference, store)).path));
}

function toJson({ runs, differences, metricKeys }: Comparison, file: string): unknown {
  return {
    runs: runs.map(({ directory, record }) => ({
      run: directory,
      id: record.id,
      plugin: record.plugin.name,
      status: record.status,
    })),
    differences,
    metrics: Object.fromEntries(
      metricKeys.map((key) => [key, runs.map(({ metrics }) => metrics[key] ?? null)]),
    ),
    html: file,
  };
}

function show(comparison: Comparison, file: string): void {
  for (const { title, columns, rows } of comparisonTables({ ...comparison, runs: comparison.runs })) {
    if (rows.length === 0) continue;
    const keep = (cells: readonly unknown[]): string[] =>
      cells.slice(0, SHOWN_RUNS + 1).map((cell) => cell === null ? "" : String(cell));
    print(`\n${title}\n${textTable(keep(columns), rows.map(keep))}`);
  }
  if (comparison.runs.length > SHOWN_RUNS) {
    print(`... ${comparison.runs.length - SHOWN_RUNS} more runs in the HTML file`);
  }
  print(`\ncomparison  ${relative(Deno.cwd(), file)}`);
}

if (import.meta.main) await main(compare);
