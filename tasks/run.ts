/**
 * `deno task run <plugin|path> [action] [file...] [--flag value]...`
 *
 * @module
 */
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { encodeMetrics } from "../core/not_finite.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { execute } from "../run/stages/execute.ts";
import type { RunOutcome } from "../run/stages/request.ts";
import { resolve } from "../files/paths.ts";
import { exists } from "../files/atomic.ts";
import { useEngine } from "./shared/engine.ts";
import { checkpointSecondsOf, openExperiment, seedOf, threadChoiceOf } from "./shared/experiment.ts";
import { terminalListener } from "./terminal/progress.ts";
import { openFile } from "./shared/open_file.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { showOutcome } from "./terminal/outcome.ts";
import { main } from "./terminal/main.ts";
import { print, printJson } from "./terminal/print.ts";

/** Runs an experiment or one of its actions; returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const [reference, ...rest] = args;
  if (reference === undefined || reference.startsWith("-")) return usage(reference);
  const { source, description, parsed } = await openExperiment("run", reference, rest);
  if (parsed.help !== undefined) {
    print(parsed.help.split("\n"));
    return EXIT.ok;
  }
  const isJson = "json" in parsed.task;
  const isQuiet = "quiet" in parsed.task;
  const [action, ...files] = parsed.positionals;
  const outcome = await execute({
    source,
    config: {
      preset: parsed.task.preset,
      file: parsed.task.config,
      flags: parsed.flags,
      issues: parsed.issues,
      workingDirectory: Deno.cwd(),
    },
    action,
    files: await existingFiles(files),
    seed: seedOf(parsed),
    engine: await useEngine(parsed.task.engine ?? "native"),
    threads: threadChoiceOf(parsed),
    init: parsed.task.init,
    checkpointSeconds: checkpointSecondsOf(parsed),
    out: parsed.task.out ?? "runs",
    cache: parsed.task.cache ?? "cache",
    command: ["run", ...args],
    listener: terminalListener(isQuiet),
    stop: stopOnSignals(isQuiet),
  });
  const { status } = outcome.run.record;
  if (isJson) {
    printJson({
      run: outcome.run.path,
      status,
      metrics: encodeMetrics(outcome.metrics),
      ...filesJson(outcome),
      ...outcome.results,
    });
  } else showOutcome(outcome, description.metrics, (performance.now() - started) / 1000, isQuiet);
  if ("open" in parsed.task) await openFile(outcome.run.file("report.html"));
  return EXIT.ok;
}

function filesJson({ files }: RunOutcome): { files?: readonly string[] } {
  return files.length > 0 ? { files } : {};
}

function usage(first: string | undefined): number {
  const text = `usage: deno task run <plugin|path> [action] [file...] [--flag value]...\n` +
    `plugins: ${Object.keys(BUILT_IN_PLUGINS).join(", ")}; "deno task run <plugin> --help" prints its flags`;
  if (first === "--help" || first === "-h") {
    print(text.split("\n"));
    return EXIT.ok;
  }
  throw new ConfigError(
    `Cannot run as the first argument must name a plugin: ${first ?? "nothing"} found; ${
      text.split("\n")[1]
    }`,
  );
}

/**
 * Absolute paths of files.
 *
 * @throws {NotFoundError} If one is not there.
 */
export async function existingFiles(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    if (!await exists(file)) {
      throw new NotFoundError(`Cannot read "${file}" as there is no such file`, "file", file);
    }
  }
  return files.map((file) => resolve(file));
}

if (import.meta.main) {
  await main(run);
  Deno.exit(); // signal listeners would keep the process alive
}
