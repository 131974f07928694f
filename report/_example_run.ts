/**
 * A synthetic run directory, complete and deterministic, for the tests of the report.
 *
 * @module
 */
import { dirname, join } from "node:path";
import type { Figure } from "../core/types.ts";

/** Files of a run by relative path: objects become JSON, strings stay. */
export type ExampleFiles = { readonly [file: string]: unknown };

const metric = (value: number, error: number | null, unit: string, label?: string) => ({
  value,
  error,
  errorKind: error === null ? "none" : "bootstrap",
  unit,
  better: "lower",
  rows: 4000,
  split: "test",
  ...(label !== undefined && { label }),
});

const column = (unit: string, shape: readonly number[], dims: readonly string[], description: string) => ({
  dtype: "float32",
  shape,
  dims: ["row", ...dims],
  unit,
  description,
});

const columnsOf = (rows: number) => ({
  rows,
  columns: {
    cells: column("GeV", [rows, 25], ["cell"], "cell energies, row by row from the upper left"),
    x: column("cm", [rows], [], "impact point relative to the center of the lower left cell"),
    e: column("GeV", [rows], [], "photon energy"),
  },
});

/** `run.json` of a finished run. */
export const EXAMPLE_RUN = {
  schema: "beamline-run/1",
  id: "20261121T205000Z-1a2b3c4d-9f3e",
  status: "finished",
  plugin: { name: "ecal", title: "Photon position and energy in a shashlik calorimeter" },
  action: "run",
  simulated: true,
  created: "2026-11-21T20:50:00.000Z",
  finished: "2026-11-21T20:52:11.000Z",
  seconds: { prepare: 4.21, trace: 0.35, compile: 0.12, train: 65.4, evaluate: 11.8 },
  engine: { name: "native", threads: 2 },
  seed: 7,
  versions: { beamline: "0.1.0", deno: "2.9.6", onnxruntime: "1.30.0" },
  command: ["run", "ecal", "--stage", "2", "--data", "my file.root"],
  configHash: "1a2b3c4d5e6f",
  error: null,
  warnings: [{ code: "few-rows", message: "the bin 150-200 GeV holds 31 rows; its width is uncertain" }],
  summary:
    "The network places photons within 0.054 cm and measures their energy to 1.6 %. The fit of the shower " +
    "profile, which knows the simulated profile, is better in position.",
  training: { mlp: { epochs: 30, bestEpoch: 22, bestLoss: 0.02345678, steps: 3000 } },
};

/** Ten epochs of a training whose loss falls as 1 / epoch. */
const HISTORY = Array.from({ length: 10 }, (_, i) => [
  { step: 100 * (i + 1), epoch: i + 1, split: "train", loss: 1 / (i + 1) },
  { step: 100 * (i + 1), epoch: i + 1, split: "validation", loss: 1.1 / (i + 1) },
]).flat();

/** A whole run with these figures. */
export function exampleRun(figures: readonly Figure[]): { [file: string]: unknown } {
  return {
    "run.json": EXAMPLE_RUN,
    "config.json": {
      values: {
        stage: "2",
        events: 20000,
        model: { depth: 3, width: 64 },
        learningRate: 0.001,
        betas: [0.9, 0.999],
      },
      sources: { stage: "--stage", events: "default", "model.depth": "fast.json", "model.width": "default" },
      help: { stage: "1: one energy, 2: a range of energies, 3: angles too", events: "rows to simulate" },
    },
    "data.json": {
      simulated: true,
      source: "Showers of single photons, 2 to 200 GeV, in a shashlik calorimeter of 3.83 cm cells.",
      cacheKey: "0123abcd",
      tables: { train: columnsOf(16000), validation: columnsOf(2000), test: columnsOf(4000) },
      facts: { scale: { x: 1.2 } },
      notes: [{
        name: "cuts",
        title: "Cut flow",
        columns: ["cut", "rows before", "rows after", "removed"],
        rows: [["window 5x5", 22400, 22210, "0.8 %"], ["energy above 1 GeV", 22210, 22000, "0.9 %"]],
        note: "In the order in which they are made.",
      }],
    },
    "metrics.json": {
      core_sigma_x: metric(0.05412, 0.00042, "cm", "core width of x"),
      half_width_68_x: metric(0.0573, 0.0006, "cm", "68 % half-width of x"),
      half_width_68_e_relative: metric(0.0161, 0.0002, "1", "68 % half-width of E, relative"),
      bias_x: { ...metric(-0.0003, 0.0009, "cm", "mean of x"), better: "zero" },
      rows_used: { ...metric(4000, null, "1", "rows used"), better: "none" },
      "centroid_corrected.core_sigma_x": metric(0.0671, 0.0005, "cm"),
      "centroid_corrected.half_width_68_x": metric(0.0702, 0.0007, "cm"),
      "centroid_corrected.half_width_68_e_relative": metric(0.0163, 0.0002, "1"),
      "centroid_corrected.bias_x": { ...metric(0.0012, 0.001, "cm"), better: "zero" },
      "profile_fit.core_sigma_x": metric(0.0482, 0.0004, "cm"),
      "profile_fit.half_width_68_x": metric(0.0569, 0.0006, "cm"),
    },
    "metrics.jsonl": HISTORY.map((record) => `${JSON.stringify(record)}\n`).join(""),
    "results.json": {
      tables: [{
        name: "t",
        title: "Widths by energy",
        columns: ["energy", "σ(x) in cm"],
        rows: [["2-20 GeV", 0.1234567], ["20-200 GeV", null]],
      }],
      results: { statistics: { chi2: 12.3456789, ndf: 11 } },
    },
    "figures/index.json": figures.map(({ name, title, caption }) => ({ name, title, caption })),
    ...Object.fromEntries(figures.map(({ name, svg }) => [`figures/${name}.svg`, svg])),
    "provenance/git.json": {
      checkout: true,
      commit: "f9470f8f9470f8f9470f8f9470f8f9470f8f9470",
      dirty: true,
    },
    "provenance/environment.json": {
      deno: "2.9.6",
      os: "linux",
      cpu: { model: "Example CPU", flags: ["avx2", "fma"] },
    },
    "provenance/inputs.json": [{ name: "my file.root", bytes: 1536000, sha256: "ab".repeat(32) }],
    "provenance/modules.json": { plugin: { "mod.ts": "cd".repeat(32) } },
    "provenance/permissions.json": { evaluate: ["--allow-read=<plugin>", "--allow-write=shared"] },
  };
}

/** Writes files into a new temporary folder, passes it on, and removes it. */
export async function withRun<T>(files: ExampleFiles, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await Deno.makeTempDir({ prefix: "beamline_report_" });
  try {
    for (const [file, content] of Object.entries(files)) {
      const path = join(directory, file);
      await Deno.mkdir(dirname(path), { recursive: true });
      await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
    }
    return await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
