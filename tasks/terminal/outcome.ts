/**
 * The outcome of a run as text.
 *
 * @module
 */
import { formatSeconds } from "../../core/format.ts";
import { plainLines } from "../../core/plain_text.ts";
import { join } from "../../files/paths.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import type { RunOutcome } from "../../run/stages/request.ts";
import { nextCommand } from "../finding/next_command.ts";
import { shownPath } from "../finding/user_paths.ts";
import { metricsTable } from "./metrics_table.ts";
import { print, tell } from "./print.ts";
import { textTable } from "./text_table.ts";

/** Prints metrics, summary, run directory and the next command. */
export function showOutcome(
  { run, metrics, tables, files }: RunOutcome,
  { metrics: declared, hooks }: Pick<Description, "metrics" | "hooks">,
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
  for (const file of files) print(`wrote   ${shownPath(file)}`);
  print(["", `run     ${shownPath(path)}  (${formatSeconds(seconds)})`]);
  print(`report  ${shownPath(join(path, "report.html"))}`);
  if (!isQuiet) {
    tell(`next:   ${nextCommand("report", path)}`);
    const predicts = record.training !== undefined && hooks.includes("readForPrediction");
    if (predicts) tell(`next:   ${nextCommand("predict", path, ["--data", "PATH"])}`);
  }
}
