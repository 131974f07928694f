import assert from "node:assert/strict";
import { definePlugin, type Plugin, type Table, trainingOptions, z } from "../../mod.ts";
import { column } from "../../data/mod.ts";
import { adam, meanSquaredError, mlp } from "../../engine/nn/mod.ts";
import * as tf from "../../engine/tf.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { exportRun } from "./export.ts";
import { run } from "../mod.ts";
import { describePlugin, inProcessSource } from "../hooks/plugin_source.ts";
import { openRun } from "../store/run_directory.ts";

function table(rows: number): Table {
  const x = Float32Array.from({ length: rows * 3 }, (_, i) => ((i + 1) * 0.6180339887498949) % 1);
  const y = Float32Array.from({ length: rows }, (_, i) => x[3 * i]! - x[3 * i + 1]!);
  return { x: column(x, { unit: "cm", shape: [rows, 3] }), y: column(y, { unit: "keV" }) };
}

/** A small network; `mixes` makes what is computed for a row depend on all rows. */
function plugin(mixes = false): Plugin {
  return definePlugin({
    name: "trial",
    title: "A trial",
    config: z.object({ ...trainingOptions({ epochs: 1 }) }),
    prepare: () => ({
      tables: { train: table(64), test: table(8) },
      simulated: true,
      source: "numbers of a sequence",
    }),
    models: {
      net: {
        inputs: () => ["x"],
        targets: () => ["y"],
        outputs: { energy: { unit: "keV" } },
        build() {
          const net = mlp({ inputs: 3, units: [4, 1] });
          const predict = (x: tf.Tensor) => tf.reshape(net(x), [-1]);
          return {
            predict: ({ x }) => {
              const energy = predict(x!);
              return { energy: mixes ? tf.sub(energy, tf.mean(energy)) : energy };
            },
            loss: ({ x, y }) => ({ loss: meanSquaredError(y!, predict(x!)) }),
            optimizer: adam(),
            programs: {
              // rows of its own, an input that is given whole, numbers that are drawn
              shift: {
                rows: 64,
                inputs: { x: { shape: [3] }, offset: { shape: [1], shared: true } },
                run: ({ x, offset }, { randomNormal }) => {
                  const energy = predict(x!);
                  return {
                    shifted: tf.add(energy, offset!),
                    drawn: tf.add(energy, randomNormal(energy.shape)),
                  };
                },
              },
              total: {
                sums: ["sum"],
                inputs: { x: { shape: [3] } },
                run: ({ x }) => ({ sum: tf.sum(predict(x!)) }),
              },
            },
          };
        },
      },
    },
    evaluate: () => ({
      metrics: {
        width: {
          value: 1.5,
          error: 0.25,
          errorKind: "spread",
          unit: "keV",
          better: "lower",
          rows: 8,
          split: "test",
        },
      },
    }),
  }) as unknown as Plugin;
}

/** Runs the plugin and exports its model. */
async function exported(
  directory: string,
  one: Plugin,
  request: { model?: string; out?: string; program?: string } = {},
) {
  const cache = `${directory}/cache`;
  const result = await run(one, { out: `${directory}/runs`, cache });
  const source = inProcessSource(one);
  const description = await describePlugin(source, cache);
  const opened = await openRun(result.run);
  return {
    run: opened,
    files: await exportRun({ run: opened, source, description, cache, engine: "native", ...request }),
  };
}

Deno.test("exportRun() writes the best model with its metadata, for any number of rows", async () => {
  await withTempDir(async (directory) => {
    const { run, files } = await exported(directory, plugin());
    const [file] = files;
    assert.equal(files.length, 1);
    assert.equal(file!.path, run.file("export", "net.onnx"));
    assert.deepEqual(file!.inputs, [{ name: "x", dtype: "float32", shape: ["batch", 3] }]);
    assert.deepEqual(file!.outputs, [{ name: "energy", dtype: "float32", shape: ["batch"] }]);
    assert.deepEqual(file!.checked.map(({ rows }) => rows), [1, 7, 512]);
    // Texts lie in the file as they are.
    const text = new TextDecoder("latin1").decode(await Deno.readFile(file!.path));
    const expected = [
      "beamline.run",
      run.record.id,
      run.record.configHash,
      "beamline.data_digest",
      "unit: cm",
    ];
    for (
      const part of [...expected, '"value":1.5,"error":0.25,"unit":"keV"', '{"energy":"keV"}', "mlp/0/kernel"]
    ) {
      assert.ok(text.includes(part), part);
    }
  });
});

Deno.test("exportRun() refuses a model in which rows depend on each other", async () => {
  await withTempDir(async (directory) => {
    await assert.rejects(exported(directory, plugin(true)), {
      name: "UnsupportedError",
      message:
        /^Cannot export output "energy" as every row must be computed alone: with 1 rows it is off by /,
    });
  });
});

Deno.test("exportRun() refuses a model that the run does not have", async () => {
  await withTempDir(async (directory) => {
    await assert.rejects(exported(directory, plugin(), { model: "nets" }), {
      name: "ConfigError",
      message: /^Cannot export model "nets" as run ".+" has net: found no such model$/,
    });
  });
});

Deno.test("exportRun() writes further programs, with rows, shared inputs, random numbers and sums", async () => {
  await withTempDir(async (directory) => {
    const { run, files: [shift] } = await exported(directory, plugin(), { program: "shift" });
    assert.equal(shift!.path, run.file("export", "net-shift.onnx"));
    assert.deepEqual(shift!.programs, ["predict", "shift", "total"]);
    assert.deepEqual(shift!.inputs.map(({ shape }) => shape), [["batch", 3], [1], ["batch"]]);
    assert.deepEqual(shift!.outputs.map(({ name, shape }) => [name, shape]), [
      ["shifted", ["batch"]],
      ["drawn", ["batch"]],
    ]);
    assert.deepEqual(shift!.checked.map(({ rows }) => rows), [1, 7, 64]);
    const text = new TextDecoder("latin1").decode(await Deno.readFile(shift!.path));
    assert.ok(text.includes("beamline.program"));
    assert.ok(!text.includes("unit: cm"), "x of this program need not be the column x");
    const { files: [total] } = await exported(directory, plugin(), { program: "total" });
    assert.deepEqual(total!.outputs, [{ name: "sum", dtype: "float32", shape: [] }]);
  });
});

Deno.test("exportRun() names the programs that there are", async () => {
  await withTempDir(async (directory) => {
    for (const program of ["shfit", "step", "validate"]) {
      await assert.rejects(exported(directory, plugin(), { program }), {
        name: "ConfigError",
        message: new RegExp(
          `^Cannot export program "${program}" as a model of the run must have it: "net" has predict, shift, total; `,
        ),
      });
    }
  });
});
