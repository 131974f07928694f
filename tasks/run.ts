/**
 * `deno task run <plugin|path> [action] [file...] [--flag value]...`
 *
 * @module
 */
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { formatSeconds } from "../core/format.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { endAllSandboxes } from "../sandbox/host/host.ts";
import { execute } from "../run/stages/execute.ts";
import type { RunOutcome, StopSignal } from "../run/stages/request.ts";
import { join, relative, resolve } from "../files/paths.ts";
import { exists } from "../files/atomic.ts";
import { useEngine } from "./engine.ts";
import { checkpointSecondsOf, openExperiment, seedOf, threadChoiceOf } from "./experiment.ts";
import { metricsTable } from "./metrics_table.ts";
import { terminalListener } from "./progress.ts";
import { openFile } from "./report.ts";
import { EXIT, main, print, printJson, tell } from "./terminal.ts";

/** Runs an experiment or one of its actions; returns the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const [reference, ...rest] = args;
  if (reference === undefined || reference.startsWith("-")) return usage(reference);
  const { source, description, parsed } = await openExperiment("run", reference, rest);
  if (parsed.help !== undefined) {
    print(parsed.help);
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
      metrics: outcome.metrics,
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
    print(text);
    return EXIT.ok;
  }
  throw new ConfigError(
    `Cannot run as the first argument must name a plugin: ${first ?? "nothing"} found; ${
      text.split("\n")[1]
    }`,
  );
}

async function existingFiles(files: readonly string[]): Promise<string[]> {
  for (const file of files) {
    if (!await exists(file)) {
      throw new NotFoundError(`Cannot read "${file}" as there is no such file`, "file", file);
    }
  }
  return files.map((file) => resolve(file));
}

/** Ctrl-C once: save and stop. Twice: stop now. */
export function stopOnSignals(isQuiet: boolean): StopSignal {
  const callbacks: (() => void)[] = [];
  const signal = { isStopped: false, onStop: (callback: () => void) => void callbacks.push(callback) };
  const stop = (): void => {
    if (signal.isStopped) {
      endAllSandboxes();
      Deno.exit(EXIT.interrupted);
    }
    signal.isStopped = true;
    if (!isQuiet) tell("\n stopping: saving a checkpoint; press Ctrl-C again to stop now");
    for (const callback of callbacks) callback();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, stop);
  return signal;
}

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
    print(`\n${table.title}\n${[table.columns, ...table.rows].map((row) => row.join("\t")).join("\n")}`);
  }
  if (record.summary) print(`\n${record.summary}`);
  for (const file of files) print(`wrote   ${relative(Deno.cwd(), file)}`);
  print(`\nrun     ${relative(Deno.cwd(), path)}  (${formatSeconds(seconds)})`);
  print(`report  ${relative(Deno.cwd(), join(path, "report.html"))}`);
  if (!isQuiet) {
    tell(`next:   deno task report ${record.id}   or   deno task predict ${record.id} --data PATH`);
  }
}

if (import.meta.main) {
  await main(run);
  Deno.exit(); // signal listeners would keep the process alive
}
