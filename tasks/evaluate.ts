/**
 * `deno task evaluate <run> [action]`: evaluates the trained weights of a run with the plugin's code of now, as a run of its own.
 *
 * @module
 */
import { execute } from "../run/stages/execute.ts";
import { LABEL_FLAGS, labelsOf } from "./finding/label_flags.ts";
import { OUT_FLAG } from "./finding/runs_folder.ts";
import { userDirectory } from "./finding/user_paths.ts";
import { existingFiles, limitTime, REQUEUE_FLAG, stopOptions, TIME_FLAG } from "./shared/experiment.ts";
import { openFile } from "./shared/open_file.ts";
import { openReplay } from "./shared/replay.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { showOutcome } from "./terminal/outcome.ts";
import { outcomeJson } from "./terminal/outcome_json.ts";
import { print, printJson } from "./terminal/print.ts";
import { terminalListener } from "./terminal/progress.ts";

const EPILOG = `
Examples:
  deno task evaluate latest
  deno task evaluate baseline --bins 50
  deno task run hcal attention --from baseline   the same as: deno task evaluate baseline attention
`;

/**
 * Evaluates; returns the exit code.
 *
 * @param args The run, the action if there is one, its files, and flags.
 * @param command The command as typed, for the record. @default `evaluate` with the arguments
 */
export async function evaluate(
  args: readonly string[],
  command: readonly string[] = ["evaluate", ...args],
): Promise<number> {
  const started = performance.now();
  using stop = stopOnSignals(stopOptions(args));
  const opened = await openReplay({
    name: "evaluate",
    summary:
      "Evaluates the trained weights of a run, with the plugin as it is now and the values of the run; flags of the plugin change them.",
    further: "[action] [file...]",
    taskFlags: [
      OUT_FLAG,
      ...LABEL_FLAGS,
      { name: "open", help: "open the report when it is made" },
      TIME_FLAG,
      REQUEUE_FLAG,
    ],
    takes: () => true,
    epilog: EPILOG,
  }, args);
  if (typeof opened === "string") {
    print(opened.split("\n"));
    return EXIT.ok;
  }
  const { run, request, parsed, description } = opened;
  limitTime(stop, parsed);
  const [, action, ...files] = parsed.positionals;
  const isQuiet = "quiet" in parsed.task;
  const { plugin, id, configHash } = run.record;
  const outcome = await execute({
    ...request,
    config: { ...request.config, workingDirectory: userDirectory() },
    action,
    files: await existingFiles(files),
    init: run.path,
    from: { record: { plugin: plugin.name, id, configHash }, history: run },
    labels: labelsOf(parsed),
    command,
    listener: terminalListener(isQuiet),
    stop,
  });
  if ("json" in parsed.task) printJson(outcomeJson(outcome));
  else showOutcome(outcome, description, (performance.now() - started) / 1000, isQuiet);
  if ("open" in parsed.task) await openFile(outcome.run.file("report.html"));
  return EXIT.ok;
}

if (import.meta.main) {
  await main(evaluate);
  Deno.exit(); // signal listeners would keep the process alive
}
