/**
 * `deno task verify <run>`: does a run again from its record and compares, level by level.
 *
 * @module
 */
import { ConfigError, InterruptedError } from "../core/errors.ts";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { execute, type RunRequest } from "../run/execute.ts";
import { removeFolder } from "../run/files.ts";
import { dirname, join, resolve } from "../run/paths.ts";
import { findPlugin } from "../run/registry.ts";
import { recordedLayers } from "../run/replay.ts";
import { boxedSource, describePlugin } from "../run/source.ts";
import { findRun, openRun, type RunDirectory } from "../run/store.ts";
import { compareRuns, type Verification } from "../run/verify.ts";
import { integerFlag, parseCommand, refuseUnknown } from "./command.ts";
import { terminalListener } from "./progress.ts";
import { REPLAY_FLAGS } from "./resume.ts";
import { stopOnSignals } from "./run.ts";
import { EXIT, main, paint, print, printJson, textTable } from "./terminal.ts";

/** Verifies; exit code 0 when everything is equal, 1 when not. */
export async function verify(args: readonly string[]): Promise<number> {
  const parsed = parseCommand({
    name: "verify",
    summary:
      "Does a run again from its record in a fresh folder and compares inputs, data, programs, steps, metrics, weights.",
    positionals: "<run>",
    taskFlags: [
      ...REPLAY_FLAGS,
      { name: "steps", value: "number", help: "compare only the first steps of the training" },
      { name: "keep", help: "keep the folder of the repetition" },
    ],
  }, args);
  if (parsed.help !== undefined) {
    print(parsed.help);
    return EXIT.ok;
  }
  refuseUnknown(parsed.issues);
  const [reference] = parsed.positionals;
  if (reference === undefined) {
    throw new ConfigError("Cannot verify as the first argument must name a run: none found");
  }
  const run = await findRun(reference, parsed.task.runs ?? "runs");
  const cache = parsed.task.cache ?? "cache";
  const location = await findPlugin(
    parsed.task.plugin ?? run.record.plugin.name,
    BUILT_IN_PLUGINS,
    Deno.cwd(),
  );
  const source = boxedSource(location);
  const description = await describePlugin(source, cache);
  const isQuiet = "quiet" in parsed.task;
  const steps = integerFlag(parsed, "steps", { min: 1, max: 1e9 });
  const out = resolve(join(cache, "verify", crypto.randomUUID()));
  const stop = stopOnSignals(isQuiet);
  try {
    const repetition = await repeat({
      source,
      config: {
        layers: await recordedLayers(run, description),
        flags: parsed.task.data === undefined ? {} : { data: parsed.task.data },
        workingDirectory: Deno.cwd(),
      },
      action: run.record.action === "run" ? undefined : run.record.action,
      seed: run.record.seed,
      engine: parsed.task.engine ?? run.record.engine?.name ?? "native",
      threads: integerFlag(parsed, "threads", { min: 1, max: 1024 }) ?? run.record.engine?.threads,
      out,
      cache: join(out, "cache"), // data are prepared again, too
      command: run.record.command,
      listener: terminalListener(isQuiet),
      stop,
      stopAfterSteps: steps,
    });
    if (stop.isStopped) throw new InterruptedError("Cannot verify the run as the repetition was interrupted");
    const verification = await compareRuns(run, repetition, steps);
    if ("json" in parsed.task) printJson({ run: run.path, ...verification });
    else show(run, verification);
    return verification.equal ? EXIT.ok : EXIT.checkFailed;
  } finally {
    if (!("keep" in parsed.task)) await removeFolder(out);
  }
}

/** The run directory of the repetition; one that was stopped after its steps is as good as a finished one. */
async function repeat(request: RunRequest): Promise<RunDirectory> {
  try {
    return (await execute(request)).run;
  } catch (error) {
    const path = (error as { run?: string }).run;
    if (error instanceof InterruptedError && request.stopAfterSteps !== undefined && path !== undefined) {
      return await openRun(path);
    }
    throw error;
  }
}

function show(run: RunDirectory, { equal, promise, levels, circumstances, reason }: Verification): void {
  print(
    textTable(["level", "", "compared"], levels.map(({ level, state, detail }) => [level, state, detail])),
  );
  for (const { what, before, now } of circumstances) print(`changed  ${what}: ${before} -> ${now}`);
  const promised = promise === "bits"
    ? "equal bits (same code, configuration, seed, engine, threads and processor)"
    : "agreement within a tolerance only, as engine, threads or processor differ";
  print(`promise  ${promised}`);
  if (reason) print(`reason   ${reason}`);
  const name = join(dirname(run.path).split("/").at(-1) ?? "", run.record.id);
  print(
    equal
      ? paint(`${name} repeats itself, bit by bit`, "green")
      : paint(`${name} does not repeat itself`, "red"),
  );
}

if (import.meta.main) {
  await main(verify);
  Deno.exit(); // signal listeners would keep the process alive
}
