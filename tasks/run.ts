/**
 * `deno task run <plugin|path> [action] [file...] [--flag value]...`
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { createGroup } from "../run/members/group.ts";
import { execute } from "../run/stages/execute.ts";
import { evaluate } from "./evaluate.ts";
import { foldOf, membersOf } from "./members/flags.ts";
import { runAndShowGroup } from "./members/show.ts";
import { useEngine } from "./shared/engine.ts";
import { isHelpAsked, type ParsedCommand } from "./shared/command.ts";
import {
  checkpointSecondsOf,
  existingFiles,
  limitTime,
  openExperiment,
  printHelpWithoutPlugin,
  seedOf,
  stopOptions,
  threadChoiceOf,
  threadsOf,
} from "./shared/experiment.ts";
import { terminalListener } from "./terminal/progress.ts";
import { openFile } from "./shared/open_file.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { labelsOf } from "./finding/label_flags.ts";
import { runsFolder } from "./finding/runs_folder.ts";
import { userDirectory } from "./finding/user_paths.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { showOutcome } from "./terminal/outcome.ts";
import { outcomeJson } from "./terminal/outcome_json.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

/** Runs an experiment or one of its actions; returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const [reference, ...rest] = args;
  if (reference === undefined || reference.startsWith("-")) return withoutPlugin(args);
  using stop = stopOnSignals(stopOptions(rest));
  const { source, description, parsed } = await openExperiment("run", reference, rest);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  if (parsed.task.from !== undefined) return await runFrom(parsed, reference, args);
  limitTime(stop, parsed);
  const isJson = "json" in parsed.task;
  const isQuiet = "quiet" in parsed.task;
  const [action, ...files] = parsed.positionals;
  const request = {
    source,
    config: {
      preset: parsed.task.preset,
      file: parsed.task.config,
      flags: parsed.flags,
      issues: parsed.issues,
      workingDirectory: userDirectory(),
    },
    action,
    files: await existingFiles(files),
    seed: seedOf(parsed),
    fold: foldOf(parsed),
    engine: await useEngine(parsed.task.engine ?? "native"),
    threads: threadChoiceOf(parsed),
    init: parsed.task.init,
    checkpointSeconds: checkpointSecondsOf(parsed),
    labels: labelsOf(parsed),
    out: runsFolder(parsed.task),
    cache: parsed.task.cache ?? "cache",
    command: ["run", ...args],
  };
  const members = membersOf(parsed, request.seed);
  if (members) {
    const group = await createGroup({ ...request, threads: threadsOf(parsed) }, members);
    await runAndShowGroup(group, { parsed, description, stop });
    return EXIT.ok;
  }
  const outcome = await execute({ ...request, listener: terminalListener(isQuiet), stop });
  if (isJson) printJson(outcomeJson(outcome));
  else showOutcome(outcome, description, (performance.now() - started) / 1000, isQuiet);
  if ("open" in parsed.task) await openFile(outcome.run.file("report.html"));
  return EXIT.ok;
}

/** Flags of `run` that say how a run is made anew. */
const OF_NEW_RUNS = [
  "preset",
  "config",
  "seed",
  "init",
  "repeat",
  "folds",
  "fold",
  "parallel",
  "checkpoint-seconds",
];

/** An action, or the evaluation, on the trained weights of an earlier run: with its values and its seed. */
async function runFrom(
  { task }: ParsedCommand,
  plugin: string,
  args: readonly string[],
): Promise<number> {
  const wrong = OF_NEW_RUNS.find((name) => name in task);
  if (wrong !== undefined) {
    throw new ConfigError(
      `Cannot use --${wrong} with --from as the values of that run are taken: flags of the plugin change them`,
    );
  }
  const rest = args.slice(1);
  const at = rest.findIndex((arg) => arg === "--from" || arg.startsWith("--from="));
  const others = rest.toSpliced(at, rest[at] === "--from" ? 2 : 1);
  const isPath = /[\\/]|^\.{1,2}$/.test(plugin);
  const named = isPath ? ["--plugin", plugin] : [];
  return await evaluate([task.from!, ...others, ...named], ["run", ...args]);
}

/** The help text, or what is missing. */
function withoutPlugin(args: readonly string[]): number {
  if (isHelpAsked(args)) {
    return printHelpWithoutPlugin("run", "Runs an experiment, or one of its actions.", "[action] [file...]");
  }
  throw new ConfigError(
    `Cannot run as the first argument must name a plugin: ${args[0] ?? "nothing"} found; plugins: ${
      Object.keys(BUILT_IN_PLUGINS).join(", ")
    }; "deno task run <plugin> --help" prints its flags`,
  );
}

if (import.meta.main) {
  await main(run);
  Deno.exit(); // signal listeners would keep the process alive
}
