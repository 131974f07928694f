/**
 * The smallest run folder that holds all that a verification reads, written without running anything.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { sha256Hex } from "../../core/hash.ts";
import type { ConfigRecord, InputsRecord, RunRecord } from "../../core/records.ts";
import { encodeSafetensors } from "../../formats/safetensors.ts";
import type { Flag } from "../../core/flags.ts";
import { configHash } from "../../run/config/identity.ts";
import { RunDirectory } from "../../run/store/run_directory.ts";
import { lossBits } from "../../train/fingerprint.ts";
import { floats } from "./training.ts";

/** Flags of the plugin that the folder is a run of. */
export const FLAGS: readonly Flag[] = [{
  path: "events",
  name: "events",
  value: { kind: "integer" },
  help: "rows",
  isTraining: false,
}];

const VALUES = { events: 100 };
const INPUTS: InputsRecord = [
  { name: "jets.npz", bytes: 12, sha256: "a".repeat(64) },
  { name: "more.npz", bytes: 34, sha256: "b".repeat(64) },
];

/** Files of a run by name: JSON values, texts or bytes; undefined for a file that is not there. */
export type RunFiles = { readonly [name: string]: unknown };

/** A line of `fingerprints.jsonl`. */
export function fingerprint(step: number, loss: number, parameters = "00"): string {
  return JSON.stringify({ model: "network", step, epoch: 1, loss: lossBits(loss), parameters });
}

/** A column of `data.json`. */
export function dataColumn(sha256: string, unit = "GeV"): { readonly [field: string]: unknown } {
  return { dtype: "float32", shape: [3], dims: ["row"], unit, sha256 };
}

const STATE = encodeSafetensors({ w: floats([1], 0.5) });

const SCORED = { unit: "1", better: "higher", rows: 100, split: "test" };

/** The metrics of the run; the error of one is not known. */
export const METRICS = {
  auc: { value: 0.9, error: 0.01, errorKind: "bootstrap", ...SCORED },
  loss: { value: 2, error: null, errorKind: "none", ...SCORED, better: "lower" },
} as const;

/** All files but `run.json`. */
const FILES: RunFiles = {
  "config.json": { values: VALUES, sources: {}, help: {} } satisfies ConfigRecord,
  "provenance/inputs.json": INPUTS,
  "provenance/environment.json": { deno: "2.9.6", cpu: { model: "A CPU", flags: ["avx2"] }, variables: {} },
  "provenance/modules.json": {
    plugin: { "mod.ts": "1".repeat(64) },
    framework: { "core/a.ts": "2".repeat(64) },
  },
  "provenance/deno.lock": "{}",
  "data.json": {
    simulated: true,
    source: "a trial",
    cacheKey: "0".repeat(32),
    tables: { train: { rows: 3, columns: { x: dataColumn("cc"), y: dataColumn("dd", "1") } } },
    facts: { scale: 2 },
    notes: [],
  },
  "programs/network-step.json": { name: "step" },
  "programs/network-predict.json": { name: "predict" },
  "programs/network-step.txt": "not compared",
  "fingerprints.jsonl": [fingerprint(1, 4), fingerprint(2, 2), fingerprint(4, 1)].join("\n") + "\n",
  "metrics.json": METRICS,
  "predictions/network-y.npy": new Uint8Array([1, 2, 3]),
  "checkpoints/best.json": { step: 2, directory: "2", models: { network: "2" } },
  "checkpoints/last.json": { step: 4, directory: "4", models: { network: "4" } },
  ...checkpoint(2, STATE),
  ...checkpoint(4, STATE),
};

/** The files of a checkpoint. */
export function checkpoint(step: number, state: Uint8Array): RunFiles {
  return {
    [`checkpoints/${step}/state.safetensors`]: state,
    [`checkpoints/${step}/manifest.json`]: {
      schema: "beamline-checkpoint/1",
      model: "network",
      globalStep: step,
      counters: {
        step,
        epoch: 1,
        stepInEpoch: 0,
        bestLoss: 1,
        bestEpoch: 1,
        bestStep: 2,
        epochsSinceBest: 0,
        plateauDrops: 0,
        epochsSinceDrop: 0,
        sums: {},
      },
      files: { "state.safetensors": { bytes: state.length, sha256: sha256Hex(state) } },
    },
  };
}

/** The record of the run; its hash belongs to seed 7 and the files as they are. */
const RECORD: RunRecord = {
  schema: "beamline-run/1",
  id: "20261121T205543Z-00000000-0000",
  status: "finished",
  plugin: { name: "trial", title: "A trial" },
  action: "run",
  simulated: true,
  created: "2026-11-21T20:55:43.000Z",
  finished: "2026-11-21T20:56:43.000Z",
  seconds: {},
  engine: { name: "native", threads: 1 },
  seed: 7,
  versions: {},
  command: ["run", "trial", "--seed", "7"],
  configHash: configHash({
    plugin: "trial",
    action: "run",
    values: VALUES,
    flags: FLAGS,
    inputs: INPUTS,
    seed: 7,
    engine: "native",
  }),
  error: null,
  warnings: [],
};

/** Writes a run folder, some of its files and fields of its record changed, and opens it. */
export async function writeRun(
  directory: string,
  changes: RunFiles = {},
  record: Partial<RunRecord> = {},
): Promise<RunDirectory> {
  const full: RunRecord = { ...RECORD, ...record };
  for (const [name, content] of Object.entries({ "run.json": full, ...FILES, ...changes })) {
    if (content === undefined) continue;
    const path = join(directory, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    if (content instanceof Uint8Array) await Deno.writeFile(path, content);
    else await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
  }
  return new RunDirectory(directory, full);
}
