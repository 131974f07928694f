/**
 * One run from request to report. This is the place that joins the layers; see `ARCHITECTURE.md`.
 *
 * @module
 */
import type { z } from "zod";
import { ConfigError, InterruptedError, NotFoundError, PluginError } from "../../core/errors.ts";
import { nearestName } from "../../core/names.ts";
import type { ConfigRecord, DataRecord, EngineRecord, RunRecord } from "../../core/records.ts";
import type {
  Figure,
  Json,
  JsonObject,
  Metrics,
  Table,
  Tables,
  TextTable,
  TrainingRecord,
  Warning,
} from "../../core/types.ts";
import { readTables } from "../../data/tables.ts";
import { learningCurveFigure } from "../../plot/mod.ts";
import type { Calibration } from "../../engine/runtimes/calibrate.ts";
import type { GraphCache } from "../../engine/runtimes/graphs/graph_cache.ts";
import { checkEngineName } from "../../engine/mod.ts";
import { renderReport } from "../../report/mod.ts";
import { evaluationAnswer, prepareAnswer, traceAnswer } from "./hook_results.ts";
import { programColumns, programDtype } from "../../train/batches.ts";
import type { Description } from "../../sandbox/guest/hooks.ts";
import type { HookListener, PluginHost } from "../../sandbox/host/host.ts";
import { checkPlainFile } from "../../sandbox/host/links.ts";
import type { HookEvent } from "../../sandbox/protocol/messages.ts";
import { Cache, type CacheEntry, cacheKey, dataConfig, digestTables } from "../store/cache.ts";
import { CheckpointStore } from "../../train/checkpoint.ts";
import {
  checkInputPaths,
  type ConfigRequest,
  inputPathsOf,
  mergeLayers,
  type ParseAnswer,
  readLayers,
  resolveConfig,
  type ResolvedConfig,
} from "../config/config.ts";
import { writeCrate } from "../provenance/crate.ts";
import { moveFolder, writeAll, writeAtomic } from "../../files/atomic.ts";
import { flagsOf } from "../config/flags.ts";
import { frameworkVersion } from "../../registry/framework.ts";
import { keptGraphs } from "../store/graphs.ts";
import { configHash } from "../config/identity.ts";
import {
  calibrate,
  type LoadedModel,
  loadModel,
  type LoadRequest,
  writePrograms,
} from "../../train/models.ts";
import { join, resolve } from "../../files/paths.ts";
import { ProgramCalls } from "./program_calls.ts";
import { digestInputs, type InputFile, withoutPaths, writePermissions } from "../provenance/provenance.ts";
import { describePlugin, frameworkHash, type PluginSource } from "./plugin_source.ts";
import { NO_PROGRESS, readProgress } from "../replay/progress.ts";
import {
  checkSameInputs,
  LASTING,
  recordOf,
  recordProvenance,
  recordSteps,
  relativeFields,
} from "../replay/resume.ts";
import { readRunJson } from "../replay/replay.ts";
import type { ScratchFolder } from "../../files/scratch.ts";
import { createRun, type RunDirectory } from "../store/run_directory.ts";
import { train, type TrainOutcome } from "../../train/loop.ts";

/** What to run and how. */
export interface RunRequest {
  readonly source: PluginSource;
  readonly config: ConfigRequest;
  /** An action in place of the whole experiment. */
  readonly action?: string | undefined;
  /** Files given after the action. */
  readonly files?: readonly string[];
  readonly seed: number;
  readonly engine: string;
  /** Threads to compute with; "auto" for the number that is quickest in a short trial. @default the engine's rule */
  readonly threads?: number | "auto" | undefined;
  /** The folder that takes the place of `runs/`. */
  readonly out: string;
  /** The folder of prepared data. */
  readonly cache: string;
  /** The command as typed, for the record. */
  readonly command: readonly string[];
  readonly listener: RunListener;
  readonly stop: StopSignal;
  /** Stop after this many steps of the first model; for checks of a prefix. */
  readonly stopAfterSteps?: number | undefined;
  /** Seconds between checkpoints; 0 for one after each step. @default 10, or longer where writing one is slow */
  readonly checkpointSeconds?: number | undefined;
  /** A run to resume, in place of a new one; `config` then holds its values. */
  readonly resume?: RunDirectory | undefined;
}

/** What is told while a run goes on. */
export interface RunListener {
  onPhase?(phase: Phase, state: "begins" | "ends" | "cached", seconds?: number): void;
  onEvent?(event: HookEvent): void;
  onRun?(run: RunDirectory): void;
  onStep?(
    position: {
      model: string;
      step: number;
      totalSteps: number;
      epoch: number;
      epochs: number;
      loss: number;
    },
  ): void;
  onRecord?(model: string, record: TrainingRecord, epochs: number): void;
  onTrained?(model: string, outcome: TrainOutcome): void;
}

/** Phases of a run, in order. */
export type Phase = "configure" | "prepare" | "trace" | "train" | "evaluate" | "report";

/** Asks a run to save and stop. */
export interface StopSignal {
  readonly isStopped: boolean;
  /** Called once when the stop is asked for. */
  onStop(callback: () => void): void;
}

/** A signal that never comes. */
export const NEVER_STOP: StopSignal = { isStopped: false, onStop: () => {} };

/** How a run ended. */
export interface RunOutcome {
  readonly run: RunDirectory;
  readonly metrics: Metrics;
  readonly description: Description;
  readonly results: JsonObject;
  readonly tables: readonly TextTable[];
  /** Files that an action made; absolute. */
  readonly files: readonly string[];
}

/** Rows per call of `predict`. */
const PREDICT_ROWS = 512;

/** Runs an experiment or one of its actions. */
export async function execute(request: RunRequest): Promise<RunOutcome> {
  return await new Execution(request).run();
}

/** Writes what is made from the files of a run that has ended: its report and its crate. */
export async function completeRun(run: RunDirectory): Promise<void> {
  await writeAtomic(run.file("report.html"), await renderReport(run.path));
  await writeCrate(run);
}

class Execution {
  readonly #cache: Cache;
  readonly #seconds: { [phase: string]: number } = {};
  readonly #warnings: Warning[] = [];
  readonly #graphs: GraphCache;
  readonly #sandboxes: { [name: string]: PluginHost } = {};
  #inputs: readonly InputFile[] = [];
  readonly #models = new Map<string, LoadedModel>();
  readonly #history: TrainingRecord[] = [];
  #calibration: Calibration | undefined;
  #host: PluginHost | undefined;
  #dataRecord: DataRecord | undefined;
  #scratch: ScratchFolder | undefined;
  #locked: RunDirectory | undefined;
  #hook = "";
  /** Seconds of training before the run was resumed. */
  #trainedBefore = 0;

  constructor(readonly request: RunRequest) {
    this.#cache = new Cache(request.cache);
    this.#graphs = keptGraphs(this.#cache.directory, (warning) => this.#warnings.push(warning));
  }

  async run(): Promise<RunOutcome> {
    try {
      return await this.#run();
    } catch (error) {
      throw writeError(error as Error);
    } finally {
      await this.#close();
      await this.#locked?.unlock();
    }
  }

  async #run(): Promise<RunOutcome> {
    const { request } = this;
    const description = await describePlugin(request.source, this.#cache.directory);
    const action = chosenAction(request.action, description);
    checkEngineName(request.engine);
    if (request.resume) await this.#takeOver(request.resume);
    const configured = await this.#configure(description);
    this.#inputs = [...configured.inputs, ...configured.files];
    const run = request.resume ?? await this.#create(configured, description);
    if (request.resume) await this.#resume(run, configured);
    request.listener.onRun?.(run);
    request.stop.onStop(() => this.#hook === "train" || void this.#host?.close());
    try {
      const outcome = await this.#work(run, configured, description, action);
      await this.#finish(run, { status: "finished" });
      return outcome;
    } catch (error) {
      const thrown = request.stop.isStopped && !(error instanceof InterruptedError)
        ? new InterruptedError("Cannot finish the run as it was interrupted", { cause: error })
        : writeError(error as Error);
      await this.#finish(run, {
        status: thrown instanceof InterruptedError ? "interrupted" : "failed",
        error: this.#plain({
          name: thrown.name,
          message: thrown.message,
          hook: this.#hook === "" ? null : this.#hook,
        }),
      }).catch(() => {}); // a full disk must not hide what happened first
      throw Object.assign(thrown, { run: run.path });
    }
  }

  get #sharedDirectory(): string {
    return this.#scratch!.path;
  }

  /** Merges and validates the configuration; leaves nothing behind when it is wrong. */
  async #configure(description: Description): Promise<Configured> {
    const { request } = this;
    const flags = flagsOf(description.schema);
    const merged = mergeLayers(await readLayers(request.config, description));
    const inputPaths = inputPathsOf(merged.values, flags);
    const issues = request.config.issues ?? [];
    const isClean = issues.length === 0;
    if (isClean) await checkInputPaths(inputPaths, flags);
    try {
      await this.#openSandbox("prepare", isClean ? Object.values(inputPaths) : []);
      const answer = await this.#call("parse", { values: merged.values }) as unknown as ParseAnswer;
      const config = resolveConfig(description, merged, answer, issues);
      return {
        config,
        inputs: await digestInputs(Object.values(config.inputPaths)),
        files: await digestInputs(request.files ?? []),
      };
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  async #create(configured: Configured, description: Description): Promise<RunDirectory> {
    const { request } = this;
    const run = await createRun(request.out, {
      plugin: { name: request.source.name, title: request.source.title },
      action: request.action ?? "run",
      headline: description.metrics.map(({ key }) => key),
      simulated: null,
      seconds: {},
      engine: null,
      seed: request.seed,
      versions: { beamline: await frameworkVersion(), deno: Deno.version.deno, v8: Deno.version.v8 },
      command: request.command,
      configHash: this.#configHash(configured, request.engine),
      error: null,
      warnings: [],
    }, (path) => ({
      record: relativeFields(request, path),
      files: { "config.json": recordOf(configured.config, path) },
    }));
    this.#locked = run;
    return run;
  }

  #configHash({ config }: Configured, engine: string): string {
    const { source, action = "run", seed } = this.request;
    const { values, flags } = config;
    return configHash({
      plugin: source.name,
      action,
      values,
      flags,
      inputs: this.#inputs,
      seed,
      engine,
    });
  }

  /** Makes this process the only one that works on the run; its warnings and times are kept. */
  async #takeOver(run: RunDirectory): Promise<void> {
    await run.lock();
    this.#locked = run;
    await run.refresh();
    this.#warnings.push(...run.record.warnings.filter(({ code }) => LASTING.includes(code)));
    this.#trainedBefore = run.record.seconds.train ?? 0;
  }

  /** Begins to resume a run: its inputs must be the same; what may have changed is recorded. */
  async #resume(run: RunDirectory, configured: Configured): Promise<void> {
    const { config } = configured;
    await checkSameInputs(run, this.#inputs);
    const { resumed = [], extendedFrom = [] } = run.record;
    const before = await readRunJson<ConfigRecord>(run, "config.json");
    const [planned, now] = [before.values.epochs, config.values.epochs];
    await run.update({
      status: "running",
      error: null,
      finished: null,
      resumed: [...resumed, { at: new Date().toISOString(), steps: {} }],
      ...(planned === now || typeof planned !== "number" ? {} : {
        extendedFrom: [...extendedFrom, planned],
        configHash: this.#configHash(configured, run.record.engine?.name ?? this.request.engine),
      }),
    });
    await run.write("config.json", recordOf(config, run.path));
  }

  async #work(
    run: RunDirectory,
    { config, inputs }: Configured,
    description: Description,
    action: ChosenAction | undefined,
  ): Promise<RunOutcome> {
    await this.#recordProvenance(run);
    const hasModels = Object.keys(config.models).length > 0 && (action?.models ?? true);
    const isTrained = action?.train ?? true;
    const isPrepared = description.hooks.includes("prepare") && (action?.prepare ?? true);
    const data = isPrepared ? await this.#prepare(run, config, inputs) : undefined;
    if (data?.simulated !== undefined) await run.update({ simulated: data.simulated });
    const inputReads = Object.values(config.inputPaths);
    const fileReads = this.request.files ?? [];
    await this.#closeSandbox();
    await this.#openSandbox("evaluate", [...inputReads, ...fileReads, ...(data ? [data.tables] : [])]);
    await this.#recordPermissions(run);
    if (hasModels) await this.#train(run, config, data, isTrained);
    return await this.#evaluate(run, config, description, action, data);
  }

  async #recordProvenance(run: RunDirectory): Promise<void> {
    const request = { pluginDirectory: this.request.source.directory, inputs: this.#inputs };
    this.#warnings.push(...await recordProvenance(run, request));
    await this.#recordPermissions(run);
  }

  async #recordPermissions(run: RunDirectory): Promise<void> {
    const pluginDirectory = this.request.source.directory;
    const request = { directory: run.file("provenance"), pluginDirectory, inputs: this.#inputs };
    await writePermissions(request, this.#sandboxes);
  }

  /** The same texts without paths of this machine. */
  #plain<T>(value: T): T {
    const { source, out, cache } = this.request;
    return withoutPaths(value, {
      pluginDirectory: source.directory,
      inputs: this.#inputs,
      folders: {
        ...(this.#locked ? { "<run>": this.#locked.path } : {}),
        ...(this.#scratch ? { "<shared>": this.#scratch.path } : {}),
        "<runs>": resolve(out),
        "<cache>": resolve(cache),
        "<here>": Deno.cwd(),
      },
    });
  }

  /** Prepared tables, from the cache or from the plugin. */
  async #prepare(
    run: RunDirectory,
    config: ResolvedConfig,
    inputs: readonly InputFile[],
  ): Promise<PreparedData> {
    const { request } = this;
    const key = cacheKey({
      plugin: request.source.name,
      pluginHash: await request.source.hash(),
      frameworkHash: await frameworkHash(),
      config: dataConfig(config.values, config.flags),
      seed: request.seed,
      inputs: inputs.map(({ name, sha256 }) => ({ name, sha256 })),
    });
    const cached = await this.#cache.find(key);
    if (cached) request.listener.onPhase?.("prepare", "cached");
    const entry = cached ?? await this.#phase("prepare", () => this.#fillCache(key, config));
    this.#warnings.push(...entry.warnings);
    const prepared = { ...entry, key, tables: this.#cache.tables(key) };
    const tables = await readTables(prepared.tables);
    const record: DataRecord = {
      simulated: entry.simulated,
      source: entry.source,
      cacheKey: key,
      tables: Object.fromEntries(
        Object.entries(tables).map(([split, table]) => [split, describeTable(split, table, entry.digests)]),
      ),
      facts: entry.facts,
      notes: entry.notes,
    };
    await run.write("data.json", record);
    this.#dataRecord = record;
    return { ...prepared, columns: tables };
  }

  async #fillCache(key: string, config: ResolvedConfig): Promise<CacheEntry> {
    const before = this.#warnings.length;
    const answer = this.#answer(
      prepareAnswer,
      await this.#call("prepare", { config: config.values, seed: this.request.seed }),
    );
    const entry: CacheEntry = {
      schema: "beamline-cache/1",
      plugin: this.request.source.name,
      created: new Date().toISOString(),
      simulated: answer.simulated,
      source: this.#plain(answer.source),
      facts: answer.metadata as JsonObject,
      notes: this.#plain(answer.notes as unknown as TextTable[]),
      warnings: this.#warnings.splice(before),
      digests: digestTables(await readTables(join(this.#sharedDirectory, "tables"))),
    };
    await this.#cache.store(key, this.#sharedDirectory, entry);
    return entry;
  }

  /** Traces, compiles and trains every model of the configuration. */
  async #train(
    run: RunDirectory,
    config: ResolvedConfig,
    data: PreparedData | undefined,
    isTrained: boolean,
  ): Promise<void> {
    const { request } = this;
    const tables = data?.columns ?? {};
    const training = tables.train ?? {};
    const { validation } = tables;
    const batches = Object.fromEntries(
      Object.entries(config.models).map(([name, { training: plan }]) => {
        const trainRows = rowsOf(training);
        const batch = Math.max(1, Math.min(plan.batchSize, trainRows));
        return [name, {
          train: batch,
          lastValidationBatch: validation ? rowsOf(validation) % batch : 0,
          predict: PREDICT_ROWS,
        }];
      }),
    );
    const columns = Object.fromEntries(
      Object.entries(training).map((
        [name, column],
      ) => [name, { shape: column.shape.slice(1), dtype: programDtype(column) }]),
    );
    const rows = Object.fromEntries(
      Object.entries(tables).map(([split, table]) => [split, rowsOf(table)]),
    );
    const traced = await this.#phase("trace", async () => {
      const answer = this.#answer(
        traceAnswer,
        await this.#call(
          "trace",
          {
            config: config.values,
            seed: request.seed,
            metadata: data?.facts ?? {},
            columns,
            rows,
            batches,
            isTrained,
          } as unknown as Json,
        ),
      );
      for (const name of Object.keys(config.models)) {
        const found = answer[name];
        if (!found && !isTrained) continue; // its columns were not prepared
        if (!found) {
          throw new PluginError(
            `Cannot train model "${name}" as it was not traced`,
            request.source.name,
            "trace",
          );
        }
        const load: LoadRequest = {
          name,
          directory: join(this.#sharedDirectory, "models", name),
          programs: found.programs,
          plugin: request.source.name,
          engine: request.engine,
          seed: request.seed,
          graphs: this.#graphs,
        };
        const model = await loadModel({ ...load, threads: await this.#threads(load) });
        this.#models.set(name, model);
        for (const program of found.programs) await model.executable(program);
        await writePrograms(model, join(this.#sharedDirectory, "models", name), run.file("programs"));
      }
      return answer;
    });
    const first = [...this.#models.values()][0]!;
    await run.update({ engine: engineRecord(first, request.threads, this.#calibration) });
    await run.write("data.json", { ...this.#dataRecord, outputUnits: outputUnits(traced) });
    const hasSteps = [...this.#models.values()].some((model) => model.has("step"));
    if (!isTrained || !hasSteps) return;
    splitTable(tables, "train");
    await this.#phase("train", () => this.#trainAll(run, config, training, validation));
  }

  /** The number of threads that was asked for; "auto" is decided by the first model that is trained. */
  async #threads(load: LoadRequest): Promise<number | undefined> {
    const { threads } = this.request;
    if (threads !== "auto") return threads;
    this.#calibration ??= await calibrate(load);
    return this.#calibration?.threads;
  }

  async #trainAll(
    run: RunDirectory,
    config: ResolvedConfig,
    training: Table,
    validation: Table | undefined,
  ): Promise<void> {
    const { request } = this;
    const checkpoints = new CheckpointStore(run.file("checkpoints"));
    const progress = request.resume
      ? await readProgress(run, Object.keys(config.models), this.#warnings)
      : NO_PROGRESS;
    this.#history.push(...progress.history);
    await recordSteps(run, progress);
    const log = await Deno.open(run.file("metrics.jsonl"), { create: true, append: true });
    const fingerprints = await Deno.open(run.file("fingerprints.jsonl"), { create: true, append: true });
    const append = (file: Deno.FsFile, line: unknown) =>
      writeAll(file, new TextEncoder().encode(JSON.stringify(line) + "\n"));
    let stepOffset = 0;
    const outcomes: { [model: string]: JsonObject } = {};
    try {
      for (const [name, plan] of Object.entries(config.models)) {
        const model = this.#models.get(name)!;
        if (!model.has("step")) continue;
        const names = [...plan.inputs, ...plan.targets];
        const isOnly = Object.keys(config.models).length === 1;
        const resumeFrom = progress.models[name];
        if (resumeFrom) await model.session.load(resumeFrom.state);
        const outcome = await train({
          model: name,
          plan: plan.training,
          seed: request.seed,
          session: model.session,
          step: await model.executable("step"),
          validate: model.has("validate") ? await model.executable("validate") : undefined,
          validateLastBatch: model.has("validate_tail") ? await model.executable("validate_tail") : undefined,
          train: programColumns(training, names, "train"),
          validation: validation ? programColumns(validation, names, "validation") : undefined,
          checkpoints,
          stepOffset,
          resumeFrom,
          isStopped: () => request.stop.isStopped,
          stopAfterSteps: request.stopAfterSteps,
          checkpointSeconds: request.checkpointSeconds,
          listener: {
            onStep: (position) => request.listener.onStep?.({ model: name, ...position }),
            onRecord: async (record) => {
              const line: TrainingRecord = isOnly ? record : { ...record, model: name };
              this.#history.push(line);
              await append(log, line);
              request.listener.onRecord?.(name, record, plan.training.epochs);
            },
            onFingerprint: async (fingerprint) => void await append(fingerprints, fingerprint),
          },
        });
        stepOffset += outcome.counters.step;
        outcomes[name] = trainingSummary(outcome, plan.training.epochs);
        await run.update({ training: { ...run.record.training, ...outcomes } });
        request.listener.onTrained?.(name, outcome);
        if (outcome.reason === "interrupted") {
          throw new InterruptedError(
            `Cannot finish the run as it was interrupted: a checkpoint was saved at step ${outcome.counters.step}`,
          );
        }
      }
    } finally {
      log.close();
      fingerprints.close();
    }
  }

  async #evaluate(
    run: RunDirectory,
    config: ResolvedConfig,
    description: Description,
    action: ChosenAction | undefined,
    data: PreparedData | undefined,
  ): Promise<RunOutcome> {
    const { request } = this;
    const answer = await this.#phase("evaluate", async () => {
      const args = {
        config: config.values,
        seed: request.seed,
        metadata: data?.facts ?? {},
        simulated: data?.simulated ?? false,
        source: data?.source ?? "",
        tables: data?.tables ?? null,
        history: this.#history,
        ...(action ? { action: action.name, files: request.files ?? [] } : {}),
      } as unknown as Json;
      return this.#plain(
        this.#answer(evaluationAnswer, await this.#call(action ? "action" : "evaluate", args)),
      );
    });
    await this.#takeResults(run, answer, data?.simulated ?? false);
    const metrics = answer.metrics as Metrics;
    await run.write("metrics.json", metrics);
    await run.write("results.json", { tables: answer.tables, results: answer.results });
    if (answer.summary !== "") await run.update({ summary: answer.summary });
    if (!data && answer.simulated !== null) await run.update({ simulated: answer.simulated });
    return {
      run,
      metrics,
      description,
      results: answer.results as JsonObject,
      tables: answer.tables as unknown as TextTable[],
      files: answer.files.map((name) => run.file("files", name)),
    };
  }

  /** Moves figures and predictions from the shared directory into the run; only the files that were named. */
  async #takeResults(
    run: RunDirectory,
    answer: z.output<typeof evaluationAnswer>,
    simulated: boolean,
  ): Promise<void> {
    const index = [...answer.figures];
    for (const { name } of index) {
      for (const kind of ["svg", "json"]) await this.#take(join("figures", `${name}.${kind}`), run);
    }
    for (const name of answer.files) await this.#moveFile(name, run);
    for (const name of Object.keys(answer.predictions)) {
      await this.#take(join("predictions", `${name}.npy`), run);
    }
    if (this.#history.length > 0 && !index.some(({ name }) => name === "learning_curve")) {
      const figure: Figure = await learningCurveFigure({ history: this.#history, simulated });
      await writeAtomic(run.file("figures", `${figure.name}.svg`), figure.svg);
      await writeAtomic(run.file("figures", `${figure.name}.json`), JSON.stringify(figure.data));
      index.push({ name: figure.name, title: figure.title, caption: figure.caption });
    }
    await run.write("figures/index.json", index);
  }

  /** Moves a file that an action made; it can be large and is not read. */
  async #moveFile(name: string, run: RunDirectory): Promise<void> {
    const from = join(this.#sharedDirectory, "files", name);
    await checkPlainFile(from, this.request.source.name, this.#hook);
    await Deno.mkdir(run.file("files"), { recursive: true });
    await moveFolder(from, run.file("files", name));
  }

  async #take(name: string, run: RunDirectory): Promise<void> {
    const from = join(this.#sharedDirectory, name);
    await checkPlainFile(from, this.request.source.name, "evaluate");
    await writeAtomic(run.file(name), await Deno.readFile(from));
  }

  async #finish(run: RunDirectory, changes: Partial<RunRecord>): Promise<void> {
    this.#hook = "";
    const warnings = this.#plain(this.#warnings);
    await this.#close(); // gives back the space of the shared directory
    await this.#recordPermissions(run);
    await run.update({ ...changes, finished: new Date().toISOString(), seconds: this.#seconds, warnings });
    await this.#phase("report", () => completeRun(run));
  }

  async #phase<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    this.#hook = phase;
    this.request.listener.onPhase?.(phase, "begins");
    const result = await work();
    const seconds = (performance.now() - started) / 1000;
    this.#seconds[phase] = seconds + (phase === "train" ? this.#trainedBefore : 0);
    this.request.listener.onPhase?.(phase, "ends", seconds);
    return result;
  }

  async #openSandbox(name: string, read: readonly string[]): Promise<void> {
    this.#scratch ??= await this.#makeScratch();
    const denoDir = await this.#cache.denoDir(this.request.source.name);
    this.#host = await this.request.source.open({ read, sharedDirectory: this.#scratch.path, denoDir });
    this.#sandboxes[name] = this.#host;
  }

  async #makeScratch(): Promise<ScratchFolder> {
    try {
      return await this.#cache.scratch();
    } catch (cause) {
      throw new ConfigError(
        `Cannot write to "${this.request.cache}" as prepared data need a folder that can be written: ${
          (cause as Error).name
        }; choose one with --cache`,
      );
    }
  }

  async #call(hook: Parameters<PluginHost["call"]>[0], args: Json): Promise<Json> {
    const calls = new ProgramCalls(this.#models, this.#sharedDirectory);
    const listener: HookListener = {
      onEvent: (event) => {
        if (event.event === "warn") this.#warnings.push({ code: event.code, message: event.message });
        this.request.listener.onEvent?.(event);
      },
      onCall: (method, args) => calls.answer(method, args),
    };
    return await this.#host!.call(hook, args, listener);
  }

  /** What a hook returned, checked; a NaN arrives as null. */
  #answer<T>(schema: z.ZodType<T>, value: Json): T {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issue = parsed.error.issues[0]!;
    throw new PluginError(
      `Cannot use what the hook returned as "${issue.path.join(".")}" is not right: ${issue.message}`,
      this.request.source.name,
      this.#hook,
    );
  }

  async #closeSandbox(): Promise<void> {
    await this.#host?.close();
    this.#host = undefined;
  }

  async #close(): Promise<void> {
    await this.#closeSandbox();
    for (const model of this.#models.values()) await model.dispose();
    this.#models.clear();
    await this.#scratch?.remove();
    this.#scratch = undefined;
  }
}

interface Configured {
  readonly config: ResolvedConfig;
  /** What the configuration names. */
  readonly inputs: readonly InputFile[];
  /** What was given after the action; prepared data do not depend on it. */
  readonly files: readonly InputFile[];
}

interface PreparedData extends Omit<CacheEntry, "schema"> {
  readonly key: string;
  /** Folder of the tables. */
  readonly tables: string;
  readonly columns: Tables;
}

interface ChosenAction {
  readonly name: string;
  readonly prepare: boolean;
  readonly train: boolean;
  readonly models: boolean;
}

function chosenAction(name: string | undefined, description: Description): ChosenAction | undefined {
  if (name === undefined) return undefined;
  const known = Object.keys(description.actions);
  const action = known.includes(name) ? description.actions[name] : undefined;
  if (action) return { name, ...action };
  const nearest = nearestName(name, known);
  throw new NotFoundError(
    `Cannot run action "${name}" as plugin "${description.name}" does not have it: known are ${
      known.join(", ") || "none"
    }` +
      (nearest ? `; did you mean "${nearest}"?` : ""),
    "action",
    name,
    nearest,
  );
}

/** Codes of the operating system for a place that cannot be written. */
const UNWRITABLE: { readonly [code: string]: string } = {
  ENOSPC: "there is no space left",
  EDQUOT: "the quota is used up",
  EROFS: "it is read-only",
  EACCES: "permission is denied",
  EIO: "the device failed",
};

/** A failure to write is the machine's, and the user's to mend. */
function writeError(error: Error): Error {
  const inSandbox = error instanceof PluginError && /\(os error 28\)|ENOSPC/.test(error.message);
  const reason = UNWRITABLE[inSandbox ? "ENOSPC" : (error as { code?: string }).code ?? ""];
  if (reason === undefined) return error;
  return new ConfigError(
    `Cannot write the run or its data as the disk must take them: ${reason}; earlier checkpoints are intact`,
  );
}

/** What ran the models, and where the number of threads comes from. */
function engineRecord(
  { session }: LoadedModel,
  asked: RunRequest["threads"],
  calibration: Calibration | undefined,
): EngineRecord {
  const { engine: name, threads } = session;
  if (asked !== "auto") return { name, threads, chosen: asked === undefined ? "rule" : "given" };
  return calibration
    ? { name, threads, chosen: "auto", stepMs: calibration.stepMs }
    : { name, threads, chosen: "rule" };
}

function outputUnits(traced: z.output<typeof traceAnswer>): { [output: string]: string } {
  return Object.fromEntries(
    Object.entries(traced).flatMap(([model, { outputs }]) =>
      Object.entries(outputs).map(([output, { unit }]) => [`${model}.${output}`, unit])
    ),
  );
}

function rowsOf(table: Table): number {
  return Object.values(table)[0]?.shape[0] ?? 0;
}

function splitTable(tables: Tables, split: string): Table {
  const table = tables[split];
  if (table && rowsOf(table) > 0) return table;
  const found = Object.entries(tables).map(([name, table]) => `${name} (${rowsOf(table)} rows)`).join(", ");
  throw new ConfigError(
    `Cannot train as the "${split}" table must have rows: prepare gave ${found || "no tables"}`,
  );
}

function describeTable(
  split: string,
  table: Table,
  digests: CacheEntry["digests"],
): DataRecord["tables"][string] {
  return {
    rows: rowsOf(table),
    columns: Object.fromEntries(
      Object.entries(table).map(([name, { dtype, shape, dims, unit, description }]) => [
        name,
        {
          dtype,
          shape,
          dims,
          unit,
          ...(description === undefined ? {} : { description }),
          sha256: digests[`${split}/${name}`] ?? "",
        },
      ]),
    ),
  };
}

function trainingSummary(outcome: TrainOutcome, epochs: number): JsonObject {
  const { counters, reason, totalSteps } = outcome;
  return {
    reason,
    epochs: counters.epoch,
    plannedEpochs: epochs,
    steps: counters.step,
    plannedSteps: totalSteps,
    bestEpoch: counters.bestEpoch,
    bestLoss: counters.bestLoss,
  };
}
