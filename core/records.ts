/**
 * The JSON files of a run directory, as types. An older reader can ignore any file or field it does not know.
 *
 * @module
 */
import type { RunLabels } from "./labels.ts";
import type { WeightsReport } from "./weights.ts";
import type { Dtype, Fold, Json, JsonObject, TextTable, Warning } from "./types.ts";

/** How far a run is. */
export type RunStatus = "running" | "finished" | "failed" | "interrupted";

/** `run.json`. All times are UTC, ISO 8601. Name, tags and note are what the user calls the run. */
export interface RunRecord extends RunLabels {
  readonly schema: "beamline-run/1";
  readonly id: string;
  readonly status: RunStatus;
  /** `path`: folder of a plugin that was named by its path; relative to the run. */
  readonly plugin: { readonly name: string; readonly title: string; readonly path?: string };
  /** "run" for the whole experiment, else the action. */
  readonly action: string;
  readonly simulated: boolean | null;
  readonly created: string;
  readonly finished: string | null;
  /** Wall-clock seconds per phase: prepare, trace, compile, train, evaluate. */
  readonly seconds: { readonly [phase: string]: number };
  readonly engine: EngineRecord | null;
  readonly seed: number;
  readonly versions: { readonly [name: string]: string };
  readonly command: readonly string[];
  readonly configHash: string;
  readonly error: { readonly message: string; readonly name: string; readonly hook: string | null } | null;
  readonly warnings: readonly Warning[];
  readonly summary?: string;
  /** Keys of the metrics that matter, in order, as the plugin declares them. */
  readonly headline?: readonly string[];
  /** Best epoch and total steps per model. */
  readonly training?: { readonly [model: string]: JsonObject };
  /** Files given after the action; relative to the run. */
  readonly files?: readonly string[];
  /** Each time the run was resumed, and what was changed by that. */
  readonly resumed?: readonly ResumeRecord[];
  /** Each time the run was stopped: when, by what ("SIGTERM", "time-limit"), and in which phase. */
  readonly stopped?: readonly { readonly at: string; readonly by: string; readonly phase: string }[];
  /** Epochs that were planned before each extension by an older version; a newer one records them in `resumed`. */
  readonly extendedFrom?: readonly number[];
  /** The pretrained weights that the run began with. */
  readonly init?: InitRecord;
  /** The part of a cross-validation that the run tests. */
  readonly fold?: Fold;
  /** Of an evaluation of trained weights: the run that they are of. */
  readonly from?: FromRecord;
  /** Of a group: the runs that it consists of, each in `members/<number from 1>/`. */
  readonly repeat?: RepeatRecord;
}

/** A run whose trained weights are evaluated by another one, which keeps a copy of them (`init`) and of `metrics.jsonl`. */
export interface FromRecord {
  readonly plugin: string;
  readonly id: string;
  /** Its `configHash`. */
  readonly configHash: string;
}

/** The runs of a group, in order. */
export interface RepeatRecord {
  readonly members: readonly { readonly seed: number; readonly fold?: Fold }[];
}

/** One time that a run was resumed: with what is here, the same training can be done again. */
export interface ResumeRecord {
  /** When. */
  readonly at: string;
  /** Steps of each model that were done. */
  readonly steps: { readonly [model: string]: number };
  /** Values of the configuration that are others from these steps on, by dotted path; `from` is absent where none was set. */
  readonly changed?: { readonly [path: string]: { readonly from?: Json; readonly to: Json } };
  /** Epochs without a better loss were counted anew from here on, as the run had come to its end. */
  readonly patience?: "anew";
  /** Where the schedule of each model's learning rate began anew. */
  readonly schedule?: { readonly [model: string]: ScheduleStart };
}

/** Where a schedule of learning rates begins; zeros for the beginning of the training. */
export interface ScheduleStart {
  readonly step: number;
  readonly epoch: number;
  /** Drops that the plateau rule had asked for. */
  readonly plateauDrops: number;
}

/** Where the weights come from that a run began with, and what was taken of them; also `provenance/init.json`. */
export interface InitRecord {
  /** A run, or a file of weights. */
  readonly kind: "run" | "file";
  /** Plugin and id of the run, or name of the file. */
  readonly name: string;
  /** What is kept of them in the run, by model of the source; a file has no models: "weights". */
  readonly kept: {
    readonly [model: string]: {
      /** "init/<model>.safetensors". */
      readonly file: string;
      readonly sha256: string;
      /** Folder of the checkpoint in the run, and the digest of its state. */
      readonly checkpoint?: { readonly folder: string; readonly sha256: string };
    };
  };
  /** By model of this run; absent before it was traced. */
  readonly models?: { readonly [model: string]: WeightsReport };
}

/** What ran the models. */
export interface EngineRecord {
  readonly name: string;
  /** The most threads that a program was computed with. */
  readonly threads: number;
  /**
   * Where the number of threads comes from: the engine's fixed rule, which gives small programs fewer; a number that was
   * given and holds for all programs; or a calibration, which then holds for all programs, too. Absent in older runs.
   */
  readonly chosen?: "rule" | "given" | "auto";
  /** Median milliseconds of a step with 1, 2, ... threads, where calibrated. */
  readonly stepMs?: readonly number[];
}

/** `config.json`: every value with where it came from; `help` is for the report's parameter table. */
export interface ConfigRecord {
  readonly values: JsonObject;
  /** By dotted path: "default", "preset NAME", "FILE", "--flag". */
  readonly sources: { readonly [path: string]: string };
  /** By dotted path. */
  readonly help: { readonly [path: string]: string };
}

/** `data.json`: what was prepared. */
export interface DataRecord {
  readonly simulated: boolean;
  readonly source: string;
  /** Folder of the prepared columns in the cache; absent where they are not kept, as for a plugin in this process. */
  readonly cacheKey?: string;
  readonly tables: {
    readonly [split: string]: {
      readonly rows: number;
      readonly columns: { readonly [name: string]: ColumnRecord & { readonly sha256: string } };
    };
  };
  readonly facts: JsonObject;
  readonly notes: readonly TextTable[];
  /** Units of what the models predict, by "model.output". */
  readonly outputUnits?: { readonly [output: string]: string };
}

/** A column without its numbers. */
export interface ColumnRecord {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly dims: readonly string[];
  readonly unit: string;
  readonly description?: string;
}

/** `figures/index.json`: figures in the order of the report. */
export type FigureIndex = readonly {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
}[];

/** `provenance/inputs.json`. */
export type InputsRecord = readonly {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}[];

/** `results.json`: what an evaluation returned besides metrics. */
export interface ResultsRecord {
  readonly tables: readonly TextTable[];
  readonly results: { readonly [key: string]: Json };
}
