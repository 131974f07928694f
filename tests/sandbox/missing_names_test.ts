/** What a hook fails with that misspells the name of a column, table, output or constant. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Json } from "../../core/types.ts";
import { column, writeTables } from "../../data/mod.ts";
import type { HookName } from "../../sandbox/protocol/limits.ts";
import { withSandbox } from "../support/sandboxes.ts";

const HEAD =
  `import { column, encodeNpz, parseNpz, takeRows } from "beamline/data"; import * as tf from "beamline/tf";
import { adam, meanSquaredError } from "beamline/nn";`;
const COLUMNS = { energy: { shape: [], dtype: "float32" }, x: { shape: [2], dtype: "float32" } };

/** Arguments of each hook, where the prepared tables are in a folder. */
function argsOf(tables: string): { readonly [hook: string]: object } {
  const common = { config: {}, seed: 1, metadata: { scale: 2 } };
  return {
    prepare: common,
    evaluate: { ...common, simulated: true, source: "s", tables, history: [] },
    trace: {
      ...common,
      columns: COLUMNS,
      rows: { train: 8, validation: 4 },
      batches: { m: { train: 4, lastValidationBatch: 0, predict: 4 } },
    },
  };
}

/** What the hook of a plugin fails with, without the name of plugin and hook. */
async function failure(hook: HookName, body: string): Promise<string> {
  let message = "";
  await withSandbox({ head: HEAD, body }, {}, async (host, shared) => {
    const tables = join(shared, "prepared");
    const energy = column(Float32Array.of(1, 2), { unit: "GeV" });
    const x = column(Float32Array.of(1, 2, 3, 4), { unit: "cm", shape: [2, 2] });
    await writeTables(tables, { train: { energy, x }, test: { energy, x } });
    await assert.rejects(host.call(hook, argsOf(tables)[hook] as Json), (error: Error) => {
      message = error.message;
      return true;
    });
  });
  return message.replace(/^\[trial \w+\] /, "");
}

const model = (body: string): string =>
  `models: { m: { inputs: () => ["x"], targets: () => ["energy"], ${body} } },`;
const built = (body: string): string => model(`build: () => ({ optimizer: adam(), ${body} })`);

const CASES: readonly (readonly [name: string, hook: HookName, body: string, told: RegExp])[] = [
  [
    "a column in evaluate",
    "evaluate",
    "evaluate(_, { tables }) { return { results: { n: tables.test.enrgy.data.length } }; },",
    /^TypeError: Cannot read properties of undefined \(reading 'data'\); found no column "enrgy" in table "test" among energy, x; did you mean "energy"\? \(at mod\.ts:8:70\)$/,
  ],
  [
    "a column that is taken apart, beside one that is not always there",
    "evaluate",
    "evaluate(_, { tables }) { const { enrgy, weights } = tables.test; if (weights) return {}; for (const e of enrgy.data) e; return {}; },",
    /; found no column "enrgy" in table "test" among energy, x; did you mean "energy"\? \(/,
  ],
  [
    "a column of some rows",
    "evaluate",
    "evaluate(_, { tables }) { return { results: { n: takeRows(tables.test, [0]).y.shape[0] } }; },",
    /; found no column "y" in the table among energy, x \(/,
  ],
  [
    "a table",
    "evaluate",
    "evaluate(_, { tables }) { return { results: { n: tables.tset.x.shape[0] } }; },",
    /; found no table "tset" among train, test; did you mean "test"\? \(/,
  ],
  [
    "a constant",
    "evaluate",
    "evaluate(_, { metadata }) { return { results: { n: metadata.scael.toFixed(1) } }; },",
    /; found no metadata "scael" among scale; did you mean "scale"\? \(/,
  ],
  [
    "an array of a file in prepare",
    "prepare",
    "async prepare() { const { enrgy } = await parseNpz(await encodeNpz({ energy: { dtype: 'float32', shape: [1], data: new Float32Array(1) } })); return { tables: { train: { energy: column(enrgy.data, { unit: 'GeV' }) } }, simulated: false, source: 's' }; },",
    /; found no array "enrgy" among energy; did you mean "energy"\? \(/,
  ],
  [
    "an input of a model",
    "trace",
    'models: { m: { inputs: () => ["x"], targets: () => ["enrgy"], build: () => ({ optimizer: adam(), loss: () => ({ loss: tf.scalar(0) }) }) } },',
    /^Cannot train model "m" as its inputs and targets must be columns of the training table: found no "enrgy" among energy, x; did you mean "energy"\?$/,
  ],
  [
    "a shape in build",
    "trace",
    model("build: (_, { shapes }) => ({ n: shapes.ex[0] })"),
    /; found no column "ex" in the training table among energy, x(; did you mean "x"\?)? \(/,
  ],
  [
    "a column in loss",
    "trace",
    built("loss: (batch) => ({ loss: meanSquaredError(batch.enrgy, tf.sum(batch.x, 1)) })"),
    /; found no column "enrgy" in the batch of "validate" among x, energy; did you mean "energy"\? \(/,
  ],
  [
    "a column in loss that tfjs is given",
    "trace",
    built("loss: ({ enrgy, x }) => ({ loss: tf.mean(tf.sub(enrgy, tf.sum(x, 1))) })"),
    /got 'null'; found no column "enrgy" in the batch of "validate" among x, energy; did you mean "energy"\? \(/,
  ],
  [
    "a target in predict",
    "trace",
    built("predict: (batch) => ({ y: tf.neg(batch.energy) })"),
    /; found no column "energy" in the batch of "predict" among x \(/,
  ],
];

for (const [name, hook, body, told] of CASES) {
  Deno.test(`an error of a misspelled name lists those that there are: ${name}`, async () => {
    assert.match(await failure(hook, body), told);
  });
}

Deno.test("columns that are not always there can be asked for, and tables are plain to whoever lists them", async () => {
  const body = `evaluate(_, { tables }) {
    const { test } = tables;
    const copy = { ...test };
    return { results: { none: test.weights === undefined && !("weights" in test) && !("weights" in copy), names: Object.keys(test), json: JSON.stringify(tables.train.x.shape) } };
  },`;
  await withSandbox({ head: HEAD, body }, {}, async (host, shared) => {
    const tables = join(shared, "prepared");
    const table = { x: column(Float32Array.of(1, 2), { unit: "cm" }) };
    await writeTables(tables, { train: table, test: table });
    const { results } = await host.call("evaluate", argsOf(tables).evaluate as Json) as { results: object };
    assert.deepEqual(results, { none: true, names: ["x"], json: "[2]" });
  });
});
