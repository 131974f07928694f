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
import { getPath } from "../core/flags.ts";
import type { Json } from "../core/types.ts";
import { type Part, partsOf } from "../run/replay/changes.ts";
import { openRun, type RunDirectory } from "../run/store/run_directory.ts";
import { TOLERANCE_ERRORS, TOLERANCE_SHARE } from "../run/verify/results.ts";
import type { Verification } from "../run/verify/types.ts";
import { compareRuns } from "../run/verify/verify.ts";
import { verifyGroup } from "./members/verify_group.ts";
import { type CommandSpec, integerFlag } from "./shared/command.ts";
import { terminalListener } from "./terminal/progress.ts";
import { type OpenedReplay, openReplay } from "./shared/replay.ts";
import { stopOnSignals } from "./shared/signals.ts";
import { EXIT } from "./terminal/exit_codes.ts";
import { main } from "./terminal/main.ts";
import { paint, print, printJson } from "./terminal/print.ts";
import { textTable } from "./terminal/text_table.ts";

const SPEC: CommandSpec = {
  name: "verify",
  summary:
    "Does a run again from its record in a fresh folder and compares inputs, data, programs, steps, metrics, weights.",
  taskFlags: [
    { name: "steps", value: "number", help: "compare only the first steps of the training" },
    { name: "keep", help: "keep the folder of the repetition" },
  ],
};

/** Verifies; exit code 0 when the run repeats itself as promised, 1 when not. */
export async function verify(args: readonly string[]): Promise<number> {
  const opened = await openReplay(SPEC, args);
  if (typeof opened === "string") {
    print(opened.split("\n"));
    return EXIT.ok;
  }
  const { run, parsed } = opened;
  using stop = stopOnSignals({ isQuiet: "quiet" in parsed.task, isRequeued: false });
  if (run.record.repeat) {
    const at = args.indexOf(parsed.positionals[0]!);
    const open = async (path: string) => await openReplay(SPEC, args.with(at, path)) as OpenedReplay;
    return await verifyGroup(run, { open, verify: (member) => verifyRun(member, stop), parsed });
  }
  const { steps, verification, kept } = await verifyRun(opened, stop);
  if ("json" in parsed.task) printJson({ run: run.path, ...verification, ...(kept ? { kept } : {}) });
  else show(nameOf(run), verification, steps, kept);
  return verification.holds ? EXIT.ok : EXIT.checkFailed;
}

const nameOf = ({ record }: RunDirectory): string => `${record.plugin.name}/${record.id}`;

/** What came of doing a run again. */
export interface Verified {
  readonly verification: Verification;
  /** Only so many steps were done again. */
  readonly steps: number | undefined;
  /** The folder of the repetition, where it is kept. */
  readonly kept: string | undefined;
}

/** Does a run again, and compares. */
async function verifyRun(
  { run, request, parsed, description }: OpenedReplay,
  stop: RunRequest["stop"],
): Promise<Verified> {
  const steps = integerFlag(parsed, "steps", { min: 1, max: 1e9 });
  if (run.record.status !== "finished" && steps === undefined) {
    throw new ConfigError(
      `Cannot verify run "${run.record.id}" as it must be finished: it is ${await run
        .state()}; resume it first, or compare its first steps with --steps`,
    );
  }
  const scratch = await ScratchFolder.create(join(request.cache, "verify"));
  try {
    const repetition = await repeat(run, {
      ...request,
      out: scratch.path,
      cache: join(scratch.path, "cache"), // data are prepared again, too
      listener: terminalListener("quiet" in parsed.task),
      stop,
      stopAfterSteps: steps,
    });
    if (stop.isStopped) throw new InterruptedError("Cannot verify the run as the repetition was interrupted");
    const flags = flagsOf(description.schema);
    const verification = await compareRuns(run, repetition.run, {
      flags,
      steps,
      failure: repetition.failure,
    });
    return { verification, steps, kept: "keep" in parsed.task ? repetition.run.path : undefined };
  } finally {
    if ("keep" in parsed.task) await scratch.lock?.release();
    else await scratch.remove();
  }
}

interface Repetition {
  readonly run: RunDirectory;
  readonly failure?: Error;
}

/**
 * Does a run again: one part up to the steps at which it was changed, then the next. One that was stopped after its steps is
 * as good as a finished one.
 */
async function repeat(run: RunDirectory, request: RunRequest): Promise<Repetition> {
  let done: RunDirectory | undefined;
  for (const part of partsOf(run.record)) {
    const { stopAt, options: resumeOptions } = part;
    try {
      done = (await execute({ ...requestOf(request, part), stopAt, resume: done, resumeOptions })).run;
    } catch (error) {
      const path = (error as { run?: string }).run;
      if (path === undefined) throw error; // it did not even begin
      const isStopped = error instanceof InterruptedError && !request.stop.isStopped;
      if (!isStopped) return { run: await openRun(path), failure: error as Error };
      done = await openRun(path);
      if (isPrefix(request, part)) break;
    }
  }
  return { run: done! };
}

/** The request for one part of a run. */
function requestOf(request: RunRequest, { values }: Part): RunRequest {
  const given = Object.entries(values).filter(([, value]) => value !== undefined) as [string, Json][];
  const unset = Object.keys(values).filter((path) => values[path] === undefined);
  const layers = request.config.layers?.filter((layer) =>
    unset.every((path) => getPath(layer.values, path) === undefined)
  );
  const flags = { ...request.config.flags, ...Object.fromEntries(given) };
  return { ...request, config: { ...request.config, ...(layers ? { layers } : {}), flags } };
}

/** Whether the steps that are asked for end in this part. */
function isPrefix({ stopAfterSteps }: RunRequest, { stopAt = {} }: Part): boolean {
  const [first = Infinity] = Object.values(stopAt);
  return stopAfterSteps !== undefined && stopAfterSteps <= first;
}

const PROMISES: { readonly [promise in Verification["promise"]]: string } = {
  bits: "equal bits: same engine, threads and processor",
  tolerance: `agreement within ${TOLERANCE_ERRORS} combined standard errors or ${
    100 * TOLERANCE_SHARE
  } %: other engine, threads or processor`,
};

/** Prints what was compared, and the verdict. */
export function show(
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
