/**
 * `deno task runs [plugin]`: the runs of a store, oldest first.
 *
 * @module
 */
import { formatSeconds } from "../core/format.ts";
import { type CommandSpec, withCommand } from "./shared/command.ts";
import { listRunsTelling } from "./shared/broken_runs.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson, tell } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

const COMMAND: CommandSpec = {
  name: "runs",
  summary: "Lists runs, oldest first.",
  positionals: "[plugin]",
  taskFlags: [{ name: "out", value: "dir", help: "the folder of runs", default: "runs" }],
};

/** Lists runs; returns the exit code. */
export function runs(args: readonly string[]): Promise<number> {
  return withCommand(COMMAND, args, async (parsed) => {
    const [plugin] = parsed.positionals;
    const { runs: all, broken } = await listRunsTelling(parsed.task.out ?? "runs");
    const found = all.filter(({ record }) => plugin === undefined || record.plugin.name === plugin);
    if ("json" in parsed.task) {
      const listed = found.map(async (run) => ({ ...run.record, run: run.path, status: await run.state() }));
      printJson({ runs: await Promise.all(listed), ...(broken.length > 0 ? { broken } : {}) });
    } else if (found.length > 0) {
      const rows = await Promise.all(found.map(async (run) => [
        run.record.plugin.name,
        run.record.id,
        await run.state(),
        run.record.action,
        formatSeconds(Object.values(run.record.seconds).reduce((a, b) => a + b, 0)),
        String(run.record.seed),
      ]));
      print(textTable(["plugin", "id", "status", "action", "time", "seed"], rows));
    } else tell(`no runs in "${parsed.task.out ?? "runs"}"${plugin ? ` of plugin "${plugin}"` : ""}`);
    return found.length > 0 ? EXIT.ok : EXIT.nothingMatched;
  });
}

if (import.meta.main) await main(runs);
