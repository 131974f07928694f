import assert from "node:assert/strict";
import type { Json, Warning } from "../../core/types.ts";
import { writeNpy } from "../../formats/npy.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { sentHistory } from "../../sandbox/protocol/history.ts";
import { evaluate, type EvaluateInput } from "./evaluate.ts";
import { type FakeHook, FakeHooks, newRun } from "./stage_test_helpers.ts";

const SVG = '<svg viewBox="0 0 100 50"><rect width="1" height="1"/></svg>';

/** A hook that leaves a figure, a prediction and a file. */
const leaving = (more: { readonly [key: string]: Json } = {}): FakeHook => async (_args, directory) => {
  for (const folder of ["figures", "predictions", "files"]) await Deno.mkdir(`${directory}/${folder}`);
  await Deno.writeTextFile(`${directory}/figures/a.svg`, SVG);
  await Deno.writeTextFile(`${directory}/figures/a.json`, "[1]");
  await writeNpy(`${directory}/predictions/x.npy`, {
    dtype: "float32",
    shape: [1],
    data: Float32Array.of(7),
  });
  await Deno.writeTextFile(`${directory}/files/out.csv`, "id");
  const metric = {
    value: 1,
    error: null,
    errorKind: "none",
    unit: "1",
    better: "lower",
    rows: 1,
    split: "test",
  };
  return {
    metrics: { m: metric },
    figures: [{ name: "a", title: "A", caption: "a" }],
    tables: [],
    files: ["out.csv"],
    predictions: { x: { unit: "cm" } },
    results: { n: 1 },
    summary: "fine",
    simulated: true,
    ...more,
  };
};

/** Warnings of the stage that runs. */
const warned: Warning[] = [];

/** The stage with a fake plugin. */
async function withStage(hook: FakeHook, use: (input: EvaluateInput, hooks: FakeHooks) => Promise<void>) {
  warned.length = 0;
  await withTempDir(async (directory) => {
    const run = await newRun(`${directory}/runs`);
    await Deno.mkdir(`${directory}/shared`);
    const hooks = new FakeHooks(`${directory}/shared`, { evaluate: hook, action: hook });
    await use({
      run,
      plugin: "trial",
      config: { a: 1 },
      seed: 3,
      action: undefined,
      files: [],
      data: undefined,
      models: new Map(),
      history: [],
      hooks,
      warn: (...warnings) => void warned.push(...warnings),
      plain: (value) => structuredClone(value),
    }, hooks);
    await run.unlock();
  });
}

Deno.test("evaluate() takes metrics, figures, predictions and files into the run", async () => {
  await withStage(leaving(), async (input, hooks) => {
    const { run } = input;
    const found = await evaluate(input);
    const read = (name: string): string => Deno.readTextFileSync(run.file(name));
    assert.deepEqual(JSON.parse(read("metrics.json")), found.metrics);
    assert.deepEqual(JSON.parse(read("results.json")), { tables: [], results: { n: 1 } });
    assert.deepEqual(JSON.parse(read("figures/index.json")), [{ name: "a", title: "A", caption: "a" }]);
    assert.equal(read("figures/a.json"), "[1]");
    assert.equal(read("files/out.csv"), "id");
    assert.deepEqual(found.files, [run.file("files", "out.csv")]);
    assert.ok(Deno.statSync(run.file("predictions", "x.npy")).isFile);
    assert.deepEqual(found.record, { summary: "fine", simulated: true });
    assert.equal(hooks.calls[0]!.hook, "evaluate");
  });
});

Deno.test("evaluate() stamps figures of simulated data, and no others", async () => {
  for (const simulated of [true, false]) {
    await withStage(leaving({ simulated }), async (input) => {
      await evaluate(input);
      const svg = await Deno.readTextFile(input.run.file("figures", "a.svg"));
      assert.equal(svg.includes(">simulated</text>"), simulated);
      if (!simulated) assert.equal(svg, SVG);
    });
  }
});

Deno.test("evaluate() adds the learning curve where something was trained", async () => {
  await withStage(leaving(), async (input) => {
    const history = [1, 2].map((epoch) => ({ step: epoch, epoch, split: "train" as const, loss: 1 / epoch }));
    await evaluate({ ...input, history: history as unknown as EvaluateInput["history"] });
    const index = JSON.parse(await Deno.readTextFile(input.run.file("figures/index.json")));
    assert.deepEqual(index.map(({ name }: { name: string }) => name), ["a", "learning_curve"]);
  });
});

Deno.test("evaluate() runs an action with its files", async () => {
  await withStage(leaving(), async (input, hooks) => {
    await evaluate({ ...input, action: "submit", files: ["/data/a.npz"] });
    const { hook, args } = hooks.calls[0]!;
    assert.equal(hook, "action");
    assert.deepEqual((args as { action: string; files: string[] }).files, ["/data/a.npz"]);
  });
});

Deno.test("evaluate() keeps metrics that are not finite, with a warning each, and the others beside them", async () => {
  const rest = { errorKind: "bootstrap", unit: "GeV", better: "lower", rows: 10, split: "test" };
  const metrics = {
    lost: { value: "NaN", error: 0.1, ...rest },
    far: { value: "-Infinity", error: null, ...rest },
    vague: { value: 1, error: "Infinity", ...rest },
    fine: { value: 2, error: 0.5, ...rest },
  };
  await withStage(leaving({ metrics }), async (input) => {
    const found = await evaluate(input);
    assert.deepEqual(Object.entries(found.metrics).map(([key, { value, error }]) => [key, value, error]), [
      ["lost", NaN, 0.1],
      ["far", -Infinity, null],
      ["vague", 1, null],
      ["fine", 2, 0.5],
    ]);
    assert.deepEqual(JSON.parse(await Deno.readTextFile(input.run.file("metrics.json"))), {
      lost: { ...metrics.lost, value: null, valueText: "NaN" },
      far: { ...metrics.far, value: null, valueText: "-Infinity" },
      vague: { ...metrics.vague, error: null },
      fine: metrics.fine,
    });
    assert.deepEqual(warned, [
      { code: "metric-not-finite", message: 'metric "lost" is NaN' },
      { code: "metric-not-finite", message: 'metric "far" is -Infinity' },
      {
        code: "metric-not-finite",
        message: 'the error of metric "vague" is Infinity: it is recorded as unknown',
      },
    ]);
  });
});

Deno.test("evaluate() refuses a metric whose value is no number", async () => {
  for (const value of [null, "wide", true]) {
    const metric = {
      value,
      error: null,
      errorKind: "none",
      unit: "1",
      better: "none",
      rows: 1,
      split: "test",
    };
    await withStage(leaving({ metrics: { m: metric } }), async (input) => {
      await assert.rejects(evaluate(input), {
        name: "PluginError",
        message:
          '[trial evaluate] Cannot use what the hook returned as "metrics.m.value" is not right: must be a number',
      });
    });
  }
});

Deno.test("evaluate() refuses a figure that is a link", async () => {
  const linking: FakeHook = async (args, directory) => {
    const result = await leaving()(args, directory);
    await Deno.remove(`${directory}/figures/a.svg`);
    await Deno.symlink("/etc/hostname", `${directory}/figures/a.svg`);
    return result;
  };
  await withStage(linking, async (input) => {
    await assert.rejects(evaluate(input), { name: "PluginError" });
    await assert.rejects(Deno.stat(input.run.file("figures", "a.svg")), Deno.errors.NotFound);
  });
});

Deno.test("evaluate() sends a long history as a file, whatever its length", async () => {
  const history = Array.from({ length: 100_000 }, (_, i) => ({ epoch: i + 1, split: "train", loss: 1 }));
  let sent: unknown;
  const hook: FakeHook = async (args, directory) => {
    sent = (args as { history: unknown }).history;
    return await leaving()(args, directory);
  };
  await withStage(hook, async (input, hooks) => {
    await evaluate({ ...input, history: history as unknown as EvaluateInput["history"] });
    assert.deepEqual(sent, { lines: 100_000 });
    const read = await sentHistory(hooks.directory, sent as { lines: number });
    assert.deepEqual(read, history);
    await input.run.unlock();
  });
});
