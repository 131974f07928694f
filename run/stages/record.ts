/**
 * What a run says of itself in its folder, from its first line to its last.
 *
 * @module
 */
import { CheckpointedError, ConfigError, InterruptedError } from "../../core/errors.ts";
import type { ConfigRecord, InitRecord, RepeatRecord, ResumeRecord, RunRecord } from "../../core/records.ts";
import { diskFailure } from "../../core/writing.ts";
import { relative, resolve } from "../../files/paths.ts";
import { frameworkVersion } from "../../registry/framework.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { mapPaths, type ResolvedConfig } from "../config/config.ts";
import { configHash } from "../config/identity.ts";
import { type InputFile, withoutPaths } from "../provenance/provenance.ts";
import { readRunJson } from "../replay/replay.ts";
import { changesOf, scheduleStarts } from "../replay/changes.ts";
import type { RunProgress } from "../replay/progress.ts";
import { checkSameInputs, stepsOf } from "../replay/resume.ts";
import { rememberRun } from "../origin/known_runs.ts";
import { namedBy } from "../origin/named.ts";
import { createRun, type RunDirectory } from "../store/run_directory.ts";
import type { Configured } from "./configure.ts";
import type { Phase, RunRequest, StopReason, StopSignal } from "./request.ts";

/** All files that a run reads. */
export function inputsOf({ inputs, files }: Configured): readonly InputFile[] {
  return [...inputs, ...files];
}

/** What `run.json` has as the action of an evaluation of trained weights. */
export const EVALUATION = "evaluate";

/** What a record is made from. */
export type RecordRequest = Omit<RunRequest, "listener" | "stop"> & Partial<Pick<RunRequest, "listener">> & {
  /** Of a group. */
  readonly members?: RepeatRecord["members"];
};

/** Makes the folder of a new run, locked, with its record and its configuration. */
export async function createRecord(
  request: RecordRequest,
  configured: Configured,
  description: Description,
  init?: InitRecord,
): Promise<RunDirectory> {
  return await createRun(request.out, {
    plugin: { name: request.source.name, title: request.source.title },
    action: actionOf(request),
    headline: description.metrics.map(({ key }) => key),
    simulated: null,
    seconds: {},
    engine: null,
    seed: request.seed,
    versions: { beamline: await frameworkVersion(), deno: Deno.version.deno, v8: Deno.version.v8 },
    command: request.command,
    configHash: hashOf(request, configured, request.engine, init),
    error: null,
    warnings: [],
    ...(init ? { init } : {}),
    ...request.labels,
    ...(request.from ? { from: request.from.record } : {}),
    ...(request.fold ? { fold: request.fold } : {}),
    ...(request.members ? { repeat: { members: request.members } } : {}),
  }, (path) => ({
    record: relativeFields(request, path),
    files: { "config.json": configRecord(configured.config, path) },
    beforeRecord: (run) => rememberOwn(run, request, configured, "made"),
  }));
}

/** Begins to resume a run: its inputs must be the same; what may have changed is recorded. */
export async function resumeRecord(
  run: RunDirectory,
  request: RunRequest,
  configured: Configured,
): Promise<RunDirectory> {
  await checkSameInputs(run, inputsOf(configured));
  const { resumed = [] } = run.record;
  await run.update({
    status: "running",
    error: null,
    finished: null,
    resumed: [...resumed, { at: new Date().toISOString(), steps: {} }],
  });
  await rememberOwn(run, request, configured, "accepted"); // its inputs can lie elsewhere now
  // values that are changed are recorded with the steps that are done, which are not known yet
  const before = await readRunJson<ConfigRecord>(run, "config.json");
  const changes = changesOf(
    request.config.flags,
    before.values,
    configured.config.values,
    configured.config.flags,
  );
  const now = configRecord(configured.config, run.path);
  if (Object.keys(changes).length === 0) await run.write("config.json", now);
  return run;
}

/** Records from which steps on a run is resumed, and what is otherwise from there on. */
export async function recordResumption(
  run: RunDirectory,
  request: RunRequest,
  configured: Configured,
  progress: RunProgress,
): Promise<void> {
  const { config } = configured;
  const { resumed = [] } = run.record;
  const last = resumed.at(-1);
  if (!last) return;
  const { values } = await readRunJson<ConfigRecord>(run, "config.json");
  const changed = changesOf(request.config.flags, values, config.values, config.flags);
  const { isPatienceAnew, isScheduleAnew } = request.resumeOptions ?? {};
  const entry: ResumeRecord = {
    ...last,
    steps: stepsOf(progress),
    ...(Object.keys(changed).length > 0 ? { changed } : {}),
    ...(isPatienceAnew ? { patience: "anew" } : {}),
    ...(isScheduleAnew ? { schedule: scheduleStarts(progress) } : {}),
  };
  const { engine, init } = run.record;
  await run.update({
    resumed: [...resumed.slice(0, -1), entry],
    ...(entry.changed
      ? { configHash: hashOf(request, configured, engine?.name ?? request.engine, init) }
      : {}),
  });
  await run.write("config.json", configRecord(config, run.path));
}

/** Remembers what a run of this user names, so that no later command asks for it; `origin` of one that is not known. */
async function rememberOwn(
  run: RunDirectory,
  { source, listener }: RecordRequest,
  { config }: Configured,
  origin: "made" | "accepted",
): Promise<void> {
  const { directory } = source;
  const plugin = source.origin === "path" && directory !== undefined ? { directory, reads: [] } : undefined;
  const { values } = configRecord(config, run.path);
  const named = await namedBy(run, { plugin, values, hasAbsent: true });
  if (await rememberRun(run, named, origin) || named.length === 0) return;
  const message = "this run could not be remembered as one that was made here; see BEAMLINE_STATE";
  listener?.onEvent?.({ event: "warn", code: "run-not-remembered", message });
}

function actionOf({ action, from }: RecordRequest): string {
  return action ?? (from ? EVALUATION : "run");
}

function hashOf(
  request: RecordRequest,
  configured: Configured,
  engine: string,
  init?: InitRecord,
): string {
  const { source, seed, fold, members } = request;
  const { values, flags } = configured.config;
  const inputs = inputsOf(configured);
  return configHash({
    plugin: source.name,
    action: actionOf(request),
    values,
    flags,
    inputs,
    seed,
    engine,
    init,
    fold,
    members,
  });
}

/** `config.json` of a run; input paths are relative to its directory. */
function configRecord({ record, values, flags }: ResolvedConfig, path: string): ConfigRecord {
  return { ...record, values: mapPaths(values, flags, (input) => relative(path, input)) };
}

/** Fields of `run.json` that hold paths relative to it. */
function relativeFields({ source, files = [] }: RecordRequest, path: string): Partial<RunRecord> {
  const { name, title, origin, directory } = source;
  return {
    ...(origin === "path" && directory !== undefined
      ? { plugin: { name, title, path: relative(path, directory) } }
      : {}),
    ...(files.length > 0 ? { files: files.map((file) => relative(path, file)) } : {}),
  };
}

/** Folders that a run's texts may name, and its input files. */
export interface PlainSurroundings {
  readonly request: Pick<RunRequest, "source" | "out" | "cache">;
  readonly inputs: readonly InputFile[];
  readonly run?: string | undefined;
  readonly sharedDirectory?: string | undefined;
}

/** The same value without paths of this machine in its texts. */
export function plainTexts<T>(value: T, { request, inputs, run, sharedDirectory }: PlainSurroundings): T {
  return withoutPaths(value, {
    pluginDirectory: request.source.directory,
    inputs,
    folders: {
      ...(run === undefined ? {} : { "<run>": run }),
      ...(sharedDirectory === undefined ? {} : { "<shared>": sharedDirectory }),
      "<runs>": resolve(request.out),
      "<cache>": resolve(request.cache),
      "<here>": Deno.cwd(),
    },
  });
}

/** Codes of the operating system that a place gives which cannot be written; reading can give them, too. */
const REFUSED: { readonly [code: string]: string } = {
  EACCES: "permission is denied",
  EIO: "the device failed",
};

/**
 * The error of a run that was stopped from outside.
 *
 * @param found What became of its work.
 */
export function stoppedError(
  reason: StopReason | undefined,
  found: string,
  options?: ErrorOptions,
): InterruptedError {
  const message = `Cannot finish the run as ${reason?.text ?? "it was interrupted"}: ${found}`;
  return reason?.isRequeued
    ? new CheckpointedError(message, reason.by, options)
    : new InterruptedError(message, reason?.by, options);
}

/** What becomes of the work of a run that is stopped in a phase, or before its folder is there. */
export const WORK_KEPT: { readonly [phase in Phase]: string } = {
  configure: "it had not begun",
  prepare: "preparing the data begins anew when it is resumed",
  trace: "the prepared data and earlier checkpoints are kept",
  train: "the prepared data and earlier checkpoints are kept",
  evaluate: "the trained weights are kept, and evaluating begins anew when it is resumed",
  report: "all but the report is kept",
};

/**
 * What a run failed of. A failure to write is the machine's, and the user's to mend. Training ends by itself when the run
 * is stopped; of every other phase the sandbox is closed, so that whatever it then fails of is the stop.
 */
export function failureOf(error: Error, stop: StopSignal, phase: Phase): Error {
  const failure = writeFailureOf(error);
  if (failure !== error || !stop.isStopped || phase === "train") return failure;
  const isTold = error instanceof InterruptedError && error.by !== undefined;
  return isTold ? error : stoppedError(stop.reason, WORK_KEPT[phase], { cause: error });
}

function writeFailureOf(error: Error): Error {
  const reason = diskFailure(error) ?? REFUSED[(error as { code?: string }).code ?? ""];
  if (reason === undefined) return error;
  return new ConfigError(
    `Cannot write the run or its data as the disk must take them: ${reason}; earlier checkpoints are intact`,
  );
}
