/**
 * One run from request to report: the conductor of the stages. Each stage is a function of its own in this folder; see
 * `ARCHITECTURE.md`.
 *
 * @module
 */
import { InterruptedError } from "../../core/errors.ts";
import type { RunRecord } from "../../core/records.ts";
import type { JsonObject, Warning } from "../../core/types.ts";
import { checkEngineName } from "../../engine/mod.ts";
import { plainText } from "../../sandbox/protocol/messages.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { describePlugin } from "../hooks/plugin_source.ts";
import { Workspace } from "../hooks/workspace.ts";
import { initialize } from "../initial/initialize.ts";
import { type InitialWeights, keepInitial, openInitial } from "../initial/source.ts";
import { writePermissions } from "../provenance/provenance.ts";
import {
  checkChanges,
  type CheckedChanges,
  requireSamePrograms,
  scheduleStartOf,
  withPatience,
} from "../replay/changes.ts";
import { NO_PROGRESS, readProgress, type RunProgress } from "../replay/progress.ts";
import { rateChange } from "../replay/rates.ts";
import { LASTING, recordProvenance } from "../replay/resume.ts";
import { requirePlainRun } from "../origin/plain_run.ts";
import { Cache } from "../store/cache.ts";
import { keptGraphs } from "../store/graphs.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { type Course, courseOf } from "./action.ts";
import { configure, type Configured, parseAnswer } from "./configure.ts";
import { evaluate } from "./evaluate.ts";
import { Journal } from "./journal.ts";
import { prepare, type PreparedData, rowsOf } from "./prepare.ts";
import {
  createRecord,
  failureOf,
  inputsOf,
  plainTexts,
  recordResumption,
  resumeRecord,
  stoppedError,
  WORK_KEPT,
} from "./record.ts";
import { completeRun } from "./report.ts";
import type { Phase, RunOutcome, RunRequest } from "./request.ts";
import { takeHistory } from "../replay/history.ts";
import { disposeAll, trace, type TracedModels } from "./trace.ts";
import { canTrain, trainModels } from "./train.ts";

/** Runs an experiment or one of its actions. */
export async function execute(request: RunRequest): Promise<RunOutcome> {
  return await new Conductor(request).conduct();
}

/** A run whose folder is there, and what is to be done for it. */
interface Begun {
  readonly run: RunDirectory;
  readonly configured: Configured;
  readonly description: Description;
  readonly course: Course;
  readonly initial: InitialWeights | undefined;
}

class Conductor {
  readonly #journal: Journal;
  readonly #workspace: Workspace;
  #run: RunDirectory | undefined;
  #configured: Configured | undefined;
  /** What a run is resumed with. */
  #changes: CheckedChanges | undefined;
  #models: TracedModels["models"] = new Map();
  /** Seconds of training before the run was resumed. */
  #trainedBefore = 0;
  /** The phase that began last, or that was about to. */
  #phase: Phase = "configure";

  constructor(readonly request: RunRequest) {
    const { source, cache, listener } = request;
    this.#journal = new Journal(listener);
    this.#workspace = new Workspace(source, new Cache(cache), {
      onEvent: (event) => listener.onEvent?.(event),
      onWarning: (warning) => this.#journal.warn(warning),
    });
  }

  async conduct(): Promise<RunOutcome> {
    const { stop } = this.request;
    // training ends by itself, and saves
    stop.onStop(() => this.#journal.phase === "train" || void this.#workspace.stop());
    try {
      const begun = await this.#begin().catch((error) => {
        throw failureOf(error as Error, stop, "configure");
      });
      return await this.#finished(begun.run, () => this.#work(begun));
    } finally {
      await this.#close();
      await this.#run?.unlock();
    }
  }

  /** What comes before the first hook: when it ends, the folder of the run is there and can be resumed. */
  async #begin(): Promise<Begun> {
    const { request } = this;
    const description = await describePlugin(request.source, this.#workspace.cache.directory);
    const whole = courseOf(request.action, description);
    const course = request.from ? { ...whole, hasModels: true, isTrained: false } : whole;
    checkEngineName(request.engine);
    if (request.resume) await this.#takeOver(request.resume);
    const initial = await openInitial(request);
    const configured = this.#configured = await this.#configure(description);
    if (request.resume) this.#changes = await this.#checkChanges(request.resume, configured);
    this.#requireGoing("configure");
    const run = request.resume
      ? await resumeRecord(request.resume, request, configured)
      : await createRecord(request, configured, description, initial?.record);
    this.#run = run;
    request.listener.onRun?.(run);
    return { run, configured, description, course, initial };
  }

  /** @throws {InterruptedError} If the run was stopped; no phase begins then. */
  #requireGoing(phase: Phase): void {
    this.#phase = phase;
    const { stop } = this.request;
    if (stop.isStopped) throw stoppedError(stop.reason, WORK_KEPT[phase]);
  }

  #during<T>(phase: Phase, work: () => Promise<T>, secondsBefore?: number): Promise<T> {
    this.#requireGoing(phase);
    return this.#journal.during(phase, work, secondsBefore);
  }

  /** The stages after the folder of the run is there. */
  async #work({ run, configured, description, course, initial }: Begun): Promise<RunOutcome> {
    this.#phase = "prepare";
    const { config } = configured;
    if (initial && !this.request.resume) await keepInitial(run, initial);
    await this.#recordProvenance(run);
    const data = course.isPrepared ? await this.#prepare(run, configured) : undefined;
    this.#requireGoing("trace");
    const reads = [...Object.values(config.inputPaths), ...this.request.files ?? []];
    await this.#workspace.open("evaluate", [...reads, ...(data ? [data.directory] : [])]);
    await this.#recordPermissions(run);
    const hasModels = course.hasModels && Object.keys(config.models).length > 0;
    if (hasModels) await this.#trace(run, configured, course, data);
    if (initial) {
      await initialize({ run, models: this.#models, initial, isWhole: this.request.from !== undefined });
      this.request.listener.onInit?.(run.record.init!);
    }
    const history = await this.#history(run, course, data);
    const { record, ...outcome } = await this.#during("evaluate", () =>
      evaluate({
        ...this.#common,
        run,
        config: config.values,
        action: course.action,
        files: this.request.files ?? [],
        data,
        models: this.#models,
        history,
        warn: this.#warn,
      }));
    await run.update(record);
    return { run, description, ...outcome };
  }

  /** What training recorded, or has recorded in the run whose weights are evaluated. */
  async #history(run: RunDirectory, course: Course, data?: PreparedData): ReturnType<typeof trainModels> {
    const { from } = this.request;
    if (from) return await takeHistory(from.history, run);
    return course.isTrained && canTrain(this.#models) ? await this.#train(run, data) : [];
  }

  async #configure(description: Description): Promise<Configured> {
    return await configure({
      description,
      config: this.request.config,
      files: this.request.files ?? [],
      open: async (read) => {
        await this.#workspace.open("prepare", read);
        return this.#workspace;
      },
    });
  }

  /** Checks what a run is to be resumed with, before anything of it is touched. */
  async #checkChanges(run: RunDirectory, { config }: Configured): Promise<CheckedChanges | undefined> {
    const plansOf = async (values: JsonObject) => {
      const answer = await this.#workspace.call("parse", { values }, parseAnswer);
      return answer.ok ? answer.models : undefined;
    };
    const { config: { flags: asked }, resumeOptions: options = {} } = this.request;
    return await checkChanges({ run, asked, options, config, plansOf });
  }

  async #prepare(run: RunDirectory, { config, inputs }: Configured): Promise<PreparedData> {
    this.#requireGoing("prepare");
    const { cache } = this.#workspace;
    const { source, out } = this.request;
    const common = { ...this.#common, source, out, journal: this.#journal, warn: this.#warn };
    const data = await prepare({ ...common, config, inputs, cache });
    await run.write("data.json", data.record);
    await run.update({ simulated: data.simulated });
    return data;
  }

  async #trace(
    run: RunDirectory,
    { config }: Configured,
    course: Course,
    data?: PreparedData,
  ): Promise<void> {
    const { engine, threads } = this.request;
    const cacheDirectory = this.#workspace.cache.directory;
    const traced = await this.#during("trace", () =>
      trace({
        ...this.#common,
        config,
        tables: data?.tables ?? {},
        metadata: data?.metadata ?? {},
        isTrained: course.isTrained,
        engine,
        threads,
        graphs: keptGraphs(cacheDirectory, (warning) => this.#journal.warn(warning)),
        check: this.#changes && ((model, files) => requireSamePrograms(run, model, files)),
        directory: run.file("programs"),
      }));
    this.#models = traced.models;
    if (traced.engine) await run.update({ engine: traced.engine });
    if (data) await run.write("data.json", { ...data.record, outputUnits: traced.outputUnits });
  }

  async #train(run: RunDirectory, data?: PreparedData): ReturnType<typeof trainModels> {
    const { request } = this;
    const plans = this.#configured!.config.models;
    const { warnings } = this.#journal;
    const tables = data?.tables ?? {};
    const found = request.resume ? await readProgress(run, Object.keys(plans), warnings) : NO_PROGRESS;
    const before = run.record;
    if (request.resume) await recordResumption(run, request, this.#configured!, found);
    const progress = withPatience(found, run.record);
    if (this.#changes) {
      this.#tellRates(this.#changes, [before, run.record], progress, rowsOf(tables.train ?? {}));
    }
    const input = { run, models: this.#models, plans, tables, progress, request, warn: this.#warn };
    return await this.#during("train", () => trainModels(input), this.#trainedBefore);
  }

  /** Tells how the rates go on. */
  #tellRates(
    { before }: CheckedChanges,
    [then, now]: readonly RunRecord[],
    progress: RunProgress,
    rows: number,
  ) {
    for (const [model, { training }] of Object.entries(this.#configured!.config.models)) {
      const found = progress.models[model];
      const change = found && before[model] && rateChange({
        model,
        counters: found.counters,
        rows,
        before: before[model].training,
        now: training,
        startBefore: scheduleStartOf(then!, model),
        startNow: scheduleStartOf(now!, model),
        isPatienceAnew: this.request.resumeOptions?.isPatienceAnew ?? false,
      });
      if (change) this.request.listener.onRate?.(change);
    }
  }

  /** Adds warnings of the stages, and tells whoever watches. */
  readonly #warn = (...warnings: readonly Warning[]): void => {
    this.#journal.warn(...warnings);
    for (const { code, message } of warnings) {
      this.request.listener.onEvent?.({ event: "warn", code, message: plainText(message) as string });
    }
  };

  /** What several stages are given alike. */
  get #common() {
    const { source, seed, fold } = this.request;
    return {
      plugin: source.name,
      seed,
      fold,
      hooks: this.#workspace,
      plain: <T>(value: T) => this.#plain(value),
    };
  }

  /** Makes this process the only one that works on the run; its warnings and times are kept. */
  async #takeOver(run: RunDirectory): Promise<void> {
    await requirePlainRun(run, "resume"); // before the lock is opened
    await run.lock();
    this.#run = run;
    await run.refresh();
    this.#journal.warn(...run.record.warnings.filter(({ code }) => LASTING.includes(code)));
    this.#trainedBefore = run.record.seconds.train ?? 0;
  }

  /** Does the work and closes the record, whatever comes of it. */
  async #finished(run: RunDirectory, work: () => Promise<RunOutcome>): Promise<RunOutcome> {
    try {
      const outcome = await work();
      await this.#close(run, { status: "finished" });
      return outcome;
    } catch (error) {
      const failure = failureOf(error as Error, this.request.stop, this.#phase);
      const changes = this.#endedBy(failure, run.record);
      await this.#close(run, changes).catch(() => {}); // a full disk must not hide what happened first
      throw Object.assign(failure, { run: run.path });
    }
  }

  /** Fields of the record of a run that failed, or was stopped. */
  #endedBy(failure: Error, { stopped = [] }: RunRecord): Partial<RunRecord> {
    const { name, message } = failure;
    const error = this.#plain({ name, message, hook: this.#journal.phase ?? null });
    if (!(failure instanceof InterruptedError)) return { status: "failed", error };
    const { by } = failure;
    const stop = by === undefined ? [] : [{ at: new Date().toISOString(), by, phase: this.#phase }];
    return { status: "interrupted", error, stopped: [...stopped, ...stop] };
  }

  /** Gives everything back; with a run, closes its record and writes its report. */
  async #close(run?: RunDirectory, changes: Partial<RunRecord> = {}): Promise<void> {
    this.#journal.rest();
    const warnings = this.#plain(this.#journal.warnings);
    await this.#workspace.closeSandbox();
    await disposeAll(this.#models);
    this.#models = new Map();
    await this.#workspace.close(); // gives back the space of the shared directory
    if (!run) return;
    await this.#recordPermissions(run);
    const finished = new Date().toISOString();
    await run.update({ ...changes, finished, seconds: this.#journal.seconds, warnings });
    await this.#journal.during("report", () => completeRun(run));
  }

  #plain<T>(value: T): T {
    const inputs = this.#configured ? inputsOf(this.#configured) : [];
    const sharedDirectory = this.#workspace.openDirectory;
    return plainTexts(value, { request: this.request, inputs, run: this.#run?.path, sharedDirectory });
  }

  async #recordProvenance(run: RunDirectory): Promise<void> {
    const inputs = inputsOf(this.#configured!);
    const pluginDirectory = this.request.source.directory;
    this.#journal.warn(...await recordProvenance(run, { pluginDirectory, inputs }));
    await this.#recordPermissions(run);
  }

  async #recordPermissions(run: RunDirectory): Promise<void> {
    const inputs = inputsOf(this.#configured!);
    const pluginDirectory = this.request.source.directory;
    const request = { directory: run.file("provenance"), pluginDirectory, inputs };
    await writePermissions(request, this.#workspace.hosts);
  }
}
