/**
 * `deno task resume <run>`: resumes an interrupted, killed or failed run from its last good checkpoint.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { execute } from "../run/stages/execute.ts";
import { completeRun } from "../run/stages/report.ts";
import { exists } from "../files/atomic.ts";
import type { RunDirectory } from "../run/store/run_directory.ts";
import { CHECKPOINT_FLAG, checkpointSecondsOf } from "./shared/experiment.ts";
import { integerFlag, type ParsedCommand } from "./shared/command.ts";
import { terminalListener } from "./terminal/progress.ts";
import { openReplay } from "./shared/replay.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { showOutcome } from "./terminal/outcome.ts";
import { outcomeJson } from "./terminal/outcome_json.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

/** Resumes; returns the exit code. */
export async function resume(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const opened = await openReplay({
    name: "resume",
    summary: "Goes on with a run that was interrupted, killed or failed, from its last good checkpoint.",
    taskFlags: [
      { name: "extend", value: "epochs", help: "train a finished run to this many epochs in all" },
      CHECKPOINT_FLAG,
    ],
  }, args);
  if (typeof opened === "string") {
    print(opened.split("\n"));
    return EXIT.ok;
  }
  const { run, request, parsed, description } = opened;
  const epochs = await extensionOf(run, parsed);
  if (run.record.status === "finished" && epochs === undefined) return await complete(run, parsed);
  const isQuiet = "quiet" in parsed.task;
  const outcome = await execute({
    ...request,
    config: { ...request.config, flags: { ...request.config.flags, ...(epochs ? { epochs } : {}) } },
    checkpointSeconds: checkpointSecondsOf(parsed),
    listener: terminalListener(isQuiet),
    stop: stopOnSignals(isQuiet),
    resume: run,
  });
  if ("json" in parsed.task) printJson(outcomeJson(outcome));
  else showOutcome(outcome, description.metrics, (performance.now() - started) / 1000, isQuiet);
  return EXIT.ok;
}

/** The epochs of `--extend`; only what has come to its end can be extended, so that `verify` can do it again. */
export async function extensionOf(run: RunDirectory, parsed: ParsedCommand): Promise<number | undefined> {
  const epochs = integerFlag(parsed, "extend", { min: 1, max: 1e6 });
  if (epochs === undefined) return undefined;
  if (run.record.status === "finished") {
    const planned = Math.max(
      0,
      ...Object.values(run.record.training ?? {}).map((model) => Number(model.plannedEpochs)),
    );
    if (epochs > planned) return epochs;
    throw new ConfigError(
      `Cannot extend run "${run.record.id}" as --extend must be more than its ${planned} epochs: found ${epochs}`,
    );
  }
  throw new ConfigError(
    `Cannot extend run "${run.record.id}" as it must be finished: it is ${await run
      .state()}; resume it without --extend first`,
  );
}

/** A run that was killed while its report was written is complete but for the report. */
async function complete(run: RunDirectory, parsed: ParsedCommand): Promise<number> {
  if (await exists(run.file("ro-crate-metadata.json"))) {
    throw new ConfigError(
      `Cannot resume run "${run.record.id}" as it must not be finished: it is; --extend EPOCHS trains longer`,
    );
  }
  await completeRun(run);
  if ("json" in parsed.task) printJson({ run: run.path, status: run.record.status });
  else print(`report  ${shownPath(run.file("report.html"))}`);
  return EXIT.ok;
}

if (import.meta.main) {
  await main(resume);
  Deno.exit(); // signal listeners would keep the process alive
}
