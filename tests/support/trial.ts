/**
 * Whole commands on a small plugin: what a user types, in a separate folder.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pluginSource, type PluginText } from "./plugins.ts";

/** The repository. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `deno task <args>` of this repository; the working directory is the repository's. */
export function task(...args: string[]): Promise<Outcome> {
  return taskWith({}, ...args);
}

/** The same, with variables of the environment. */
export async function taskWith(
  env: { readonly [name: string]: string },
  ...args: string[]
): Promise<Outcome> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", INIT_CWD: ROOT, ...env },
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
}

/** A plugin with a small model that learns y = 2 x, written to a folder; returns its path. */
export async function writeTrial(parent: string, text: PluginText = {}): Promise<string> {
  const directory = join(parent, "trial");
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(
    join(directory, "deno.json"),
    '{"beamline": {"name": "trial", "title": "A trial"}}',
  );
  await Deno.writeTextFile(join(directory, "mod.ts"), pluginSource({ ...LINE, ...text }));
  return directory;
}

/** The plugin: y = 2 x, learned by one layer. */
export const LINE: PluginText = {
  head: `import * as tf from "beamline/tf";
import { adam } from "beamline/nn";
import { column } from "beamline/data";
const line = (rows, random) => {
  const x = new Float32Array(rows);
  random.fillNormal(x);
  return { x: column(x, { unit: "cm", shape: [rows, 1], dims: ["row", "axis"] }), y: column(x.map((v) => 2 * v), { unit: "cm", shape: [rows, 1], dims: ["row", "axis"] }) };
};`,
  config: `rows: z.int().min(1).default(200).describe("rows"), mode: z.enum(["fast", "slow"]).default("fast"),
    ...trainingOptions({ epochs: 10, batchSize: 16, learningRate: 0.1 })`,
  body: `prepare({ rows }, context) {
    return { tables: { train: line(rows, context.random("a")), validation: line(50, context.random("b")) }, simulated: true, source: "a line" };
  },
  models: { slope: { inputs: () => ["x"], targets: () => ["y"], outputs: { y: { unit: "cm" } }, build() {
    const layer = tf.layers.dense({ units: 1, inputShape: [1] });
    return {
      predict: ({ x }) => ({ y: layer.apply(x) }),
      loss: ({ x, y }) => ({ loss: tf.losses.meanSquaredError(y, layer.apply(x)) }),
      optimizer: adam(),
    };
  } } },
  async evaluate(_config, context) {
    const { y } = await context.predict("slope", context.tables.validation);
    const truth = context.tables.validation.y.data;
    const mse = y.data.reduce((sum, v, i) => sum + (v - truth[i]) ** 2, 0) / truth.length;
    return { metrics: { mse: { value: mse, error: null, errorKind: "none", unit: "cm^2", better: "lower", rows: truth.length, split: "validation" } } };
  },
  readForPrediction(_config, path, context) {
    const rows = JSON.parse(Deno.readTextFileSync(path));
    return { table: { x: column(Float32Array.from(rows), { unit: "cm", shape: [rows.length, 1], dims: ["row", "axis"] }) }, simulated: false, source: "a list" };
  },`,
};

/** Names in a folder, sorted; none where there is no folder. */
export async function names(directory: string): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(directory)) found.push(name);
  } catch {
    return [];
  }
  return found.sort();
}

/** Folders for a command's output, and the flags that name them. */
export function places(directory: string): { out: string; cache: string; flags: string[] } {
  const [out, cache] = [join(directory, "runs"), join(directory, "cache")];
  return { out, cache, flags: ["--out", out, "--cache", cache] };
}

/** SHA-256 of the best weights of a run. */
export function weightsOf(run: string): string {
  const read = (name: string) => JSON.parse(Deno.readTextFileSync(join(run, name)));
  const { directory } = read("checkpoints/best.json");
  return read(`checkpoints/${directory}/manifest.json`).files["state.safetensors"].sha256;
}
