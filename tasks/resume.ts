/**
 * `deno task resume <run>`: goes on with an interrupted, killed or failed run from its last good checkpoint.
 *
 * @module
 */
import { ConfigError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { execute } from "../run/execute.ts";
import { findPlugin } from "../run/registry.ts";
import { recordedLayers } from "../run/replay.ts";
import { boxedSource, describePlugin } from "../run/source.ts";
import { findRun } from "../run/store.ts";
import { integerFlag, parseCommand, refuseUnknown, type TaskFlag } from "./command.ts";
import { terminalListener } from "./progress.ts";
import { showOutcome, stopOnSignals } from "./run.ts";
import { EXIT, main, print, printJson } from "./terminal.ts";

/** Flags of tasks that repeat or continue a run. */
export const REPLAY_FLAGS: readonly TaskFlag[] = [
  { name: "plugin", value: "path", help: "the plugin's folder, where it is not a built-in one" },
  { name: "data", value: "path", help: "where the input data are now (default: where they were)" },
  { name: "runs", value: "dir", help: "the folder of runs", default: "runs" },
  { name: "cache", value: "dir", help: "the folder of prepared data", default: "cache" },
  { name: "engine", value: "name", help: "what runs the models (default: as in the run)" },
  { name: "threads", value: "number", help: "threads of one operation (default: as in the run)" },
];

/** Resumes; returns the exit code. */
export async function resume(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const parsed = parseCommand({
    name: "resume",
    summary: "Goes on with a run that was interrupted, killed or failed, from its last good checkpoint.",
    positionals: "<run>",
    taskFlags: [...REPLAY_FLAGS, {
      name: "extend",
      value: "epochs",
      help: "train to this many epochs in all",
    }],
  }, args);
  if (parsed.help !== undefined) {
    print(parsed.help);
    return EXIT.ok;
  }
  refuseUnknown(parsed.issues);
  const [reference] = parsed.positionals;
  if (reference === undefined) {
    throw new ConfigError("Cannot resume as the first argument must name a run: none found");
  }
  const run = await findRun(reference, parsed.task.runs ?? "runs");
  const extend = integerFlag(parsed, "extend", { min: 1, max: 1e6 });
  if (run.record.status === "finished" && extend === undefined) {
    throw new ConfigError(
      `Cannot resume run "${run.record.id}" as it must not be finished: it is; --extend EPOCHS trains longer`,
    );
  }
  const cache = parsed.task.cache ?? "cache";
  const location = await findPlugin(
    parsed.task.plugin ?? run.record.plugin.name,
    BUILT_IN_PLUGINS,
    Deno.cwd(),
  );
  const source = boxedSource(location);
  const description = await describePlugin(source, cache);
  const isQuiet = "quiet" in parsed.task;
  const outcome = await execute({
    source,
    config: {
      layers: await recordedLayers(run, description),
      flags: {
        ...(extend === undefined ? {} : { epochs: extend }),
        ...(parsed.task.data === undefined ? {} : { data: parsed.task.data }),
      },
      workingDirectory: Deno.cwd(),
    },
    action: run.record.action === "run" ? undefined : run.record.action,
    seed: run.record.seed,
    engine: parsed.task.engine ?? run.record.engine?.name ?? "native",
    threads: integerFlag(parsed, "threads", { min: 1, max: 1024 }) ?? run.record.engine?.threads,
    out: parsed.task.runs ?? "runs",
    cache,
    command: run.record.command,
    listener: terminalListener(isQuiet),
    stop: stopOnSignals(isQuiet),
    resume: run,
  });
  if ("json" in parsed.task) {
    printJson({ run: run.path, status: run.record.status, metrics: outcome.metrics, ...outcome.results });
  } else showOutcome(outcome, description.metrics, (performance.now() - started) / 1000, isQuiet);
  return EXIT.ok;
}

if (import.meta.main) {
  await main(resume);
  Deno.exit(); // signal listeners would keep the process alive
}
