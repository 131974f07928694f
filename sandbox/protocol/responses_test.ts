import assert from "node:assert/strict";
import { PluginError } from "../../core/errors.ts";
import type { Json } from "../../core/types.ts";
import { checkAnswer } from "./responses.ts";
import type { HookName } from "./limits.ts";

const PLAN = { title: "", inputs: [], targets: [], training: { epochs: 1, batchSize: 1, learningRate: 0.1 } };

const DESCRIPTION = {
  name: "trial",
  title: "A trial",
  schema: {},
  presets: {},
  metrics: [],
  models: { mlp: { title: "" } },
  actions: {},
  hooks: ["prepare"],
};

Deno.test("checkAnswer() passes on what a hook may answer", () => {
  const answers: readonly (readonly [HookName, Json])[] = [
    ["describe", DESCRIPTION],
    ["parse", { ok: true, config: {}, models: { mlp: PLAN } }],
    ["parse", { ok: false, issues: [{ path: "a", message: "b" }] }],
    ["simulate", ["stage1.npz", "Run355456_Dataset.npy"]],
  ];
  for (const [hook, answer] of answers) assert.equal(checkAnswer(hook, answer, "trial"), answer);
});

/** Hostile answers by what they try. */
const HOSTILE: { readonly [name: string]: readonly [HookName, unknown] } = {
  "a model whose name leads out of a folder": ["parse", {
    ok: true,
    config: {},
    models: { "../../x": PLAN },
  }],
  "a model without end": [
    "parse",
    { ok: true, config: {}, models: { m: { ...PLAN, training: { ...PLAN.training, epochs: 1e300 } } } },
  ],
  "rows of negative number": [
    "parse",
    { ok: true, config: {}, models: { m: { ...PLAN, training: { ...PLAN.training, batchSize: -1 } } } },
  ],
  "a configuration that is no object": ["parse", { ok: true, config: [], models: {} }],
  "nothing": ["parse", null],
  "a described model whose name is a path": ["describe", {
    ...DESCRIPTION,
    models: { "a/b": { title: "" } },
  }],
  "an action whose name is a path": [
    "describe",
    { ...DESCRIPTION, actions: { "../x": { title: "", prepare: true, train: false } } },
  ],
  "hooks that do not exist": ["describe", { ...DESCRIPTION, hooks: ["exec"] }],
  "a traced model whose name is a path": ["trace", { "../x": {} }],
  "a simulated file above the folder": ["simulate", ["../../.bashrc"]],
  "a simulated file by absolute path": ["simulate", ["/etc/cron.d/x"]],
  "a simulated file that is hidden": ["simulate", [".bashrc"]],
  "files that are no list": ["simulate", { length: 1 }],
  "a text for an evaluation": ["evaluate", "x"],
};

for (const [name, [hook, answer]] of Object.entries(HOSTILE)) {
  Deno.test(`checkAnswer() refuses ${name}`, () => {
    assert.throws(() => checkAnswer(hook, answer as Json, "trial"), PluginError);
  });
}
