/**
 * The outcome of a run as text.
 *
 * @module
 */
import { formatSeconds } from "../../core/format.ts";
import { plainLines } from "../../core/plain_text.ts";
import { join, relative } from "../../files/paths.ts";
import type { RunOutcome } from "../../run/stages/request.ts";
import { metricsTable } from "./metrics_table.ts";
import { print, tell } from "./print.ts";
import { textTable } from "./text_table.ts";

/** Prints metrics, summary, run directory and the next command. */
export function showOutcome(
  { run, metrics, tables, files }: RunOutcome,
  declared: Parameters<typeof metricsTable>[1],
  seconds: number,
  isQuiet: boolean,
): void {
  const { record, path } = run;
  if (record.simulated) print("simulated data");
  if (Object.keys(metrics).length > 0) print(metricsTable(metrics, declared));
  for (const table of Object.keys(metrics).length > 0 ? [] : tables) {
    const texts = table.rows.map((row) => row.map((cell) => String(cell ?? "")));
    print(["", table.title, ...textTable(table.columns, texts)]);
  }
  if (record.summary) print(["", ...plainLines(record.summary)]);
  for (const file of files) print(`wrote   ${relative(Deno.cwd(), file)}`);
  print(["", `run     ${relative(Deno.cwd(), path)}  (${formatSeconds(seconds)})`]);
  print(`report  ${relative(Deno.cwd(), join(path, "report.html"))}`);
  if (!isQuiet) {
    tell(`next:   deno task report ${record.id}   or   deno task predict ${record.id} --data PATH`);
  }
}
