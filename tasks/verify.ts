/**
 * `deno task verify <run>`: does a run again from its record and compares, level by level.
 *
 * @module
 */
import { ConfigError, InterruptedError } from "../core/errors.ts";
import { execute } from "../run/stages/execute.ts";
import type { RunRequest } from "../run/stages/request.ts";
import { flagsOf } from "../core/flags.ts";
import { join } from "../files/paths.ts";
import { ScratchFolder } from "../files/scratch.ts";
import { openRun, type RunDirectory } from "../run/store/run_directory.ts";
import { TOLERANCE_ERRORS, TOLERANCE_SHARE } from "../run/verify/results.ts";
import type { Verification } from "../run/verify/types.ts";
import { compareRuns } from "../run/verify/verify.ts";
import { integerFlag } from "./shared/command.ts";
import { terminalListener } from "./terminal/progress.ts";
import { openReplay } from "./shared/replay.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { paint, print, printJson } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

/** Verifies; exit code 0 when the run repeats itself as promised, 1 when not. */
export async function verify(args: readonly string[]): Promise<number> {
  const opened = await openReplay({
    name: "verify",
    summary:
      "Does a run again from its record in a fresh folder and compares inputs, data, programs, steps, metrics, weights.",
    taskFlags: [
      { name: "steps", value: "number", help: "compare only the first steps of the training" },
      { name: "keep", help: "keep the folder of the repetition" },
    ],
  }, args);
  if (typeof opened === "string") {
    print(opened.split("\n"));
    return EXIT.ok;
  }
  const { run, request, parsed, description } = opened;
  const steps = integerFlag(parsed, "steps", { min: 1, max: 1e9 });
  if (run.record.status !== "finished" && steps === undefined) {
    throw new ConfigError(
      `Cannot verify run "${run.record.id}" as it must be finished: it is ${await run
        .state()}; resume it first, or compare its first steps with --steps`,
    );
  }
  const isQuiet = "quiet" in parsed.task;
  const scratch = await ScratchFolder.create(join(request.cache, "verify"));
  const stop = stopOnSignals(isQuiet);
  try {
    const repetition = await repeat(run, {
      ...request,
      out: scratch.path,
      cache: join(scratch.path, "cache"), // data are prepared again, too
      listener: terminalListener(isQuiet),
      stop,
      stopAfterSteps: steps,
    });
    if (stop.isStopped) throw new InterruptedError("Cannot verify the run as the repetition was interrupted");
    const verification = await compareRuns(run, repetition.run, {
      flags: flagsOf(description.schema),
      steps,
      failure: repetition.failure,
    });
    const kept = "keep" in parsed.task ? repetition.run.path : undefined;
    if ("json" in parsed.task) printJson({ run: run.path, ...verification, ...(kept ? { kept } : {}) });
    else show(`${run.record.plugin.name}/${run.record.id}`, verification, steps, kept);
    return verification.holds ? EXIT.ok : EXIT.checkFailed;
  } finally {
    if ("keep" in parsed.task) await scratch.lock?.release();
    else await scratch.remove();
  }
}

interface Repetition {
  readonly run: RunDirectory;
  readonly failure?: Error;
}

/** Does a run again, with its extensions; one that was stopped after its steps is as good as a finished one. */
async function repeat(run: RunDirectory, request: RunRequest): Promise<Repetition> {
  const { extendedFrom = [] } = run.record;
  let done: RunDirectory | undefined;
  try {
    for (const epochs of [...extendedFrom, undefined]) {
      const flags = { ...request.config.flags, ...(epochs === undefined ? {} : { epochs }) };
      done = (await execute({ ...request, config: { ...request.config, flags }, resume: done })).run;
    }
    return { run: done! };
  } catch (error) {
    const path = (error as { run?: string }).run;
    if (path === undefined) throw error; // it did not even begin
    const isPrefix = error instanceof InterruptedError && request.stopAfterSteps !== undefined;
    return { run: await openRun(path), ...(isPrefix ? {} : { failure: error as Error }) };
  }
}

const PROMISES: { readonly [promise in Verification["promise"]]: string } = {
  bits: "equal bits: same engine, threads and processor",
  tolerance: `agreement within ${TOLERANCE_ERRORS} combined standard errors or ${
    100 * TOLERANCE_SHARE
  } %: other engine, threads or processor`,
};

function show(
  name: string,
  verification: Verification,
  steps: number | undefined,
  kept: string | undefined,
): void {
  for (const line of verificationLines(verification, kept)) print(line);
  print(paint(verdictLine(name, verification, steps), verification.holds ? "green" : "red"));
}

/** What was compared, level by level, and what the two runs have not in common. */
export function verificationLines(
  { promise, levels, circumstances, reason }: Verification,
  kept?: string,
): string[] {
  const rows = levels.map(({ level, state, detail }) => [level, state, detail]);
  return [
    ...textTable(["level", "result", "what was compared"], rows),
    "",
    ...circumstances.map(({ what, before, now }) => `changed  ${what}: ${before} then, ${now} now`),
    `promise  ${PROMISES[promise]}`,
    ...(reason ? [`reason   ${reason}`] : []),
    ...(kept ? [`kept     ${kept}`] : []),
  ];
}

/** One sentence: whether the run, or its first steps, repeated itself. */
export function verdictLine(
  name: string,
  { holds, equal }: Pick<Verification, "holds" | "equal">,
  steps?: number,
): string {
  const verdict = !holds
    ? "does not repeat itself"
    : equal
    ? "repeats itself, bit by bit"
    : "repeats itself within the tolerance";
  return `${steps === undefined ? name : `the first ${steps} steps of ${name}: it`} ${verdict}`;
}

if (import.meta.main) {
  await main(verify);
  Deno.exit(); // signal listeners would keep the process alive
}
