/**
 * `deno task resume <run>`: resumes an interrupted, killed or failed run from its last good checkpoint, or trains a finished
 * one on; patience, learning rate, schedule and epochs can be changed.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { flagsOf } from "../core/flags.ts";
import type { Json } from "../core/types.ts";
import type { ResumeOptions } from "../run/replay/changes.ts";
import type { Description } from "../sandbox/protocol/description.ts";
import { execute } from "../run/stages/execute.ts";
import { completeRun } from "../run/stages/report.ts";
import { exists } from "../files/atomic.ts";
import type { RunDirectory } from "../run/store/run_directory.ts";
import {
  CHECKPOINT_FLAG,
  checkpointSecondsOf,
  limitTime,
  REQUEUE_FLAG,
  stopOptions,
  TIME_FLAG,
} from "./shared/experiment.ts";
import { PARALLEL_FLAG } from "./members/flags.ts";
import { integerFlag, type ParsedCommand } from "./shared/command.ts";
import { terminalListener } from "./terminal/progress.ts";
import { CHANGE_FLAGS, openReplay } from "./shared/replay.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { showOutcome } from "./terminal/outcome.ts";
import { resumeGroup } from "./members/resume_group.ts";
import { outcomeJson } from "./terminal/outcome_json.ts";
import { shownPath } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

const EPILOG = `
What is changed is recorded in run.json with the step at which it was made; verify does all parts again. Names of
flags are those of the plugin: one with a plan for each of its models has more, such as --decoder.patience.

Examples:
  deno task resume latest
  deno task resume latest --patience 5 --learning-rate 1e-4
  deno task resume latest --extend 40                  train a finished run on, to 40 epochs in all
  deno task resume latest --extend 40 --warm-restart   the same; the schedule begins anew for the added epochs
`;

/** Resumes; returns the exit code. */
export async function resume(args: readonly string[]): Promise<number> {
  const started = performance.now();
  using stop = stopOnSignals(stopOptions(args));
  const opened = await openReplay({
    name: "resume",
    summary:
      "Goes on with a run that was interrupted, killed or failed, from its last good checkpoint, or trains a finished one on.",
    taskFlags: [
      { name: "extend", value: "epochs", help: "train a finished run to this many epochs in all" },
      {
        name: "warm-restart",
        help:
          "begin the schedule of the rate anew, for the epochs that are left; --learning-rate sets its peak",
      },
      CHECKPOINT_FLAG,
      PARALLEL_FLAG,
      TIME_FLAG,
      REQUEUE_FLAG,
    ],
    takes: ({ isTraining }) => isTraining,
    help: CHANGE_FLAGS,
    epilog: EPILOG,
  }, args);
  if (typeof opened === "string") {
    print(opened.split("\n"));
    return EXIT.ok;
  }
  const { run, request, parsed, description } = opened;
  limitTime(stop, parsed);
  if (run.record.repeat) return await resumeGroup(opened, stop);
  const asked = await changesAsked(run, parsed, description);
  if (run.record.status === "finished" && !asked.options.mustTrain) return await complete(run, parsed);
  const isQuiet = "quiet" in parsed.task;
  const outcome = await execute({
    ...request,
    config: { ...request.config, flags: { ...request.config.flags, ...asked.flags } },
    resumeOptions: asked.options,
    checkpointSeconds: checkpointSecondsOf(parsed),
    listener: terminalListener(isQuiet),
    stop,
    resume: run,
  });
  if ("json" in parsed.task) printJson(outcomeJson(outcome));
  else showOutcome(outcome, description, (performance.now() - started) / 1000, isQuiet);
  return EXIT.ok;
}

/** What is to be changed of a training. */
export interface ChangesAsked {
  /** Values beside those of the plugin's flags, by dotted path. */
  readonly flags: { readonly [path: string]: Json };
  readonly options: ResumeOptions;
}

/**
 * What is to be changed of a training. In one that came to its end, patience begins anew: early stopping would end it again
 * at once.
 *
 * @throws {ConfigError} If a run that has not come to its end is to be extended, or the plugin has no field for it.
 */
export async function changesAsked(
  run: RunDirectory,
  parsed: ParsedCommand,
  { schema }: Pick<Description, "schema">,
): Promise<ChangesAsked> {
  const { id, status } = run.record;
  const flags = flagsOf(schema);
  const epochs = integerFlag(parsed, "extend", { min: 1, max: 1e6 });
  const refuse = (rule: string): ConfigError => new ConfigError(`Cannot extend run "${id}" as ${rule}`);
  if (epochs !== undefined && status !== "finished") {
    throw refuse(`it must be finished: it is ${await run.state()}; resume it without --extend first`);
  }
  if (epochs !== undefined && !flags.some(({ path }) => path === "epochs")) {
    const own = flags.filter(({ path, isTraining }) => isTraining && /epochs$/i.test(path));
    throw refuse(
      `its plugin must have a field "epochs": found ${
        own.map(({ name }) => `--${name}`).join(", ") || "none"
      }`,
    );
  }
  if (epochs !== undefined && Object.hasOwn(parsed.flags, "epochs")) {
    throw refuse("--extend and --epochs name the same number: found both");
  }
  const inputs = new Set(flags.filter(({ inputPath }) => inputPath !== undefined).map(({ path }) => path));
  const isScheduleAnew = "warm-restart" in parsed.task;
  const isOtherwise = Object.keys(parsed.flags).some((path) => !inputs.has(path));
  const goesOn = status === "finished" && (epochs !== undefined || isScheduleAnew || isOtherwise);
  return {
    flags: epochs === undefined ? {} : { epochs },
    options: { isScheduleAnew, isPatienceAnew: goesOn, mustTrain: goesOn },
  };
}

/** A run that was killed while its report was written is complete but for the report. */
async function complete(run: RunDirectory, parsed: ParsedCommand): Promise<number> {
  if (await exists(run.file("ro-crate-metadata.json"))) {
    throw new ConfigError(
      `Cannot resume run "${run.record.id}" as it must not be finished: it is; --extend EPOCHS trains on`,
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
