/**
 * What a run is asked to do, what is heard of it on the way, and how it ends.
 *
 * @module
 */
import type { RunLabels } from "../../core/labels.ts";
import type { FromRecord, InitRecord } from "../../core/records.ts";
import type { Fold, JsonObject, Metrics, TextTable, TrainingRecord } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import type { HookEvent } from "../../sandbox/protocol/messages.ts";
import type { TrainOutcome } from "../../train/types.ts";
import type { ConfigRequest } from "../config/config.ts";
import type { PluginSource } from "../hooks/plugin_source.ts";
import type { ResumeOptions } from "../replay/changes.ts";
import type { RateChange } from "../replay/rates.ts";
import type { RunDirectory } from "../store/run_directory.ts";

/** What to run and how. */
export interface RunRequest {
  readonly source: PluginSource;
  readonly config: ConfigRequest;
  /** An action in place of the whole experiment. */
  readonly action?: string | undefined;
  /** Files given after the action. */
  readonly files?: readonly string[];
  readonly seed: number;
  /** The part of a cross-validation that is tested, in place of the usual split. */
  readonly fold?: Fold | undefined;
  readonly engine: string;
  /** Threads to compute with; "auto" for the number that is quickest in a short trial. @default the engine's rule */
  readonly threads?: number | "auto" | undefined;
  /** The folder that takes the place of `runs/`. */
  readonly out: string;
  /** The folder of prepared data. */
  readonly cache: string;
  /** What the user calls the run. */
  readonly labels?: RunLabels | undefined;
  /** The command as typed, for the record. */
  readonly command: readonly string[];
  readonly listener: RunListener;
  readonly stop: StopSignal;
  /** Stop after this many steps of the first model; for checks of a prefix. */
  readonly stopAfterSteps?: number | undefined;
  /** Stop after these steps of each model, and before a model that is not here; to do a part of a training again. */
  readonly stopAt?: { readonly [model: string]: number } | undefined;
  /** Seconds between checkpoints; 0 for one after each step. @default 10, or longer where writing one is slow */
  readonly checkpointSeconds?: number | undefined;
  /**
   * Pretrained weights to begin with: a run by id, prefix or path, or a file of weights; or a run that began with some,
   * which are taken from its own copy. A run that is resumed has a copy, too.
   */
  readonly init?: string | RunDirectory | undefined;
  /** Trained weights to evaluate, which `init` names, in place of a training. */
  readonly from?: EvaluatedRun | undefined;
  /** A run to resume, in place of a new one; `config` then holds its values. */
  readonly resume?: RunDirectory | undefined;
  /** How it is resumed, beside other values of `config.flags`. */
  readonly resumeOptions?: ResumeOptions | undefined;
}

/** A run whose trained weights are evaluated. */
export interface EvaluatedRun {
  readonly record: FromRecord;
  /** The run whose `metrics.jsonl` has the history of the training: that run, or one that has a copy. */
  readonly history: RunDirectory;
}

/** What is reported while a run goes on. */
export interface RunListener {
  onPhase?(phase: Phase, state: "begins" | "ends" | "cached", seconds?: number): void;
  onEvent?(event: HookEvent): void;
  onRun?(run: RunDirectory): void;
  /** Which pretrained weights were taken. */
  onInit?(init: InitRecord): void;
  /** How the rate of a model's training goes on where a run is resumed with changes. */
  onRate?(change: RateChange): void;
  onStep?(position: RunPosition): void;
  onRecord?(model: string, record: TrainingRecord, epochs: number): void;
  onTrained?(model: string, outcome: TrainOutcome): void;
}

/** Where training is. */
export interface RunPosition {
  readonly model: string;
  readonly step: number;
  readonly totalSteps: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
}

/** Phases of a run, in order. */
export type Phase = "configure" | "prepare" | "trace" | "train" | "evaluate" | "report";

/** Why a run is to stop. */
export interface StopReason {
  /** The name of the signal, such as "SIGTERM", or "time-limit". */
  readonly by: string;
  /** The same as a part of a sentence: "it was interrupted by SIGTERM". */
  readonly text: string;
  /** Whether the run is to be given another turn: by a scheduler, or by whoever limited its time. */
  readonly isRequeued: boolean;
}

/** Asks a run to save and stop. */
export interface StopSignal {
  readonly isStopped: boolean;
  /** Why; undefined where it is not stopped, or not known. */
  readonly reason?: StopReason | undefined;
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
