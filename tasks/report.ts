/**
 * `deno task report <run>`: makes the report of a run again, and opens it on a desktop.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { renderReport } from "../report/mod.ts";
import { writeAtomic } from "../files/atomic.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { openFile } from "./shared/open_file.ts";
import { findRunTo } from "./shared/broken_runs.ts";
import { OUT_FLAG, RUNS_FLAG, runsFolder } from "./finding/runs_folder.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

const COMMAND: CommandSpec = {
  name: "report",
  summary: "Makes the report of a run again; --open shows it.",
  positionals: "<run>",
  taskFlags: [
    RUNS_FLAG,
    OUT_FLAG,
    { name: "open", help: "open the report in the browser" },
  ],
};

/** Renders a report; returns the exit code. */
export function report(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [reference] = parsed.positionals;
    if (reference === undefined) {
      throw new ConfigError(
        "Cannot make a report as the first argument must name a run: none found; deno task runs lists them",
      );
    }
    const run = await findRunTo("report", reference, runsFolder(parsed.task));
    const path = run.file("report.html");
    await writeAtomic(path, await renderReport(run.path, { status: await run.state() }), { isTidied: true });
    if ("json" in parsed.task) printJson({ run: run.path, report: path });
    else print(`report  ${shownPath(path)}`);
    if ("open" in parsed.task) await openFile(path);
    return EXIT.ok;
  });
}

if (import.meta.main) await main(report);
