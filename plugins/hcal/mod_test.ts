import assert from "node:assert/strict";
import { run } from "beamline";
import { ConfigError } from "../../core/errors.ts";
import { encodeNpy } from "../../formats/npy.ts";
import { randomFor } from "../../core/random.ts";
import { CELLS, RUNS } from "./geometry.ts";
import plugin from "./mod.ts";
import { simulatedRun, simulateSections } from "./simulation.ts";

/** Small enough for a second, large enough to learn at difficulty 0. */
const TINY = { rows: 60, dim: 8, depth: 1, heads: 2, epochs: 4, batchSize: 16, learningRate: 0.01 };

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function figuresOf(run: string): string[] {
  return [...Deno.readDirSync(`${run}/figures`)].map(({ name }) => name).filter((name) =>
    name.endsWith(".svg")
  ).sort();
}

for (const model of ["vit", "moe-vit"]) {
  Deno.test(`hcal trains ${model}, tells the runs apart at difficulty 0 and draws its figures`, async () => {
    await withFolder(async (folder) => {
      const config = { ...TINY, model };
      const { metrics, run: path } = await run(plugin, { config, out: folder, cache: `${folder}/cache` });
      const keys = ["accuracy", "auc", "log_loss", "ece", "mean_threshold.accuracy", "row_profile.accuracy"];
      for (const key of keys) assert.ok(Number.isFinite(metrics[key]!.value), key);
      assert.equal(metrics.accuracy!.errorKind, "wilson");
      assert.equal(metrics.auc!.errorKind, "delong");
      assert.ok(metrics.accuracy!.value > 0.9, `${metrics.accuracy!.value}`);
      assert.equal(metrics["row_profile.accuracy"]!.value, 1);
      assert.deepEqual(figuresOf(path), [
        "accuracy_by_block.svg",
        "attention.svg",
        "confusion.svg",
        "learning_curve.svg",
        "reliability.svg",
        "roc.svg",
      ]);
    });
  });
}

Deno.test("hcal measures robustness with networks of their own", async () => {
  await withFolder(async (folder) => {
    const config = { ...TINY, rows: 30, epochs: 1, robustness: true };
    const { results, run: path } = await run(plugin, { config, out: folder, cache: `${folder}/cache` });
    const curves = results.robustness as unknown as {
      name: string;
      values: number[];
      classifiers: unknown[];
    }[];
    assert.deepEqual(curves.map(({ name }) => name), [
      "dead_cells",
      "hot_cells",
      "dead_regions",
      "gain_drift",
      "fewer_rows",
      "difficulty",
    ]);
    assert.deepEqual(curves.at(-1)!.values, [0, 0.25, 0.5, 0.75, 0.9, 1]);
    assert.ok(curves.every(({ classifiers }) => classifiers.length === 3));
    assert.ok(figuresOf(path).includes("difficulty.svg"));
  });
});

Deno.test("hcal explores files and returns the statistics of both runs", async () => {
  await withFolder(async (folder) => {
    const random = (purpose: string, position = {}) => randomFor({ seed: 1, purpose, ...position });
    for (const [label, run] of RUNS.entries()) {
      const rows = 4;
      const data = simulateSections(simulatedRun(label as 0 | 1, { rows, difficulty: 0, random }), 0, rows);
      const bytes = encodeNpy({ dtype: "float64", shape: [rows, 64, 72], data });
      await Deno.writeFile(`${folder}/Run${run}_Dataset.npy`, bytes);
    }
    const config = { data: folder };
    const { results, run: path } = await run(plugin, {
      config,
      action: "explore",
      out: `${folder}/runs`,
      cache: folder,
    });
    const statistics = results.statistics as { [run: string]: { [name: string]: number } };
    assert.deepEqual(Object.keys(statistics), ["355456", "357479"]);
    for (const { images, median, zeroPercent, activeCells } of Object.values(statistics)) {
      // 932 of 4608 cells are active: 79.77 % zeros.
      const expected = { images: 4, median: 0, zeroPercent: 100 * (1 - 932 / CELLS), activeCells: 932 };
      assert.deepEqual({ images, median, activeCells }, {
        images: expected.images,
        median: expected.median,
        activeCells: expected.activeCells,
      });
      assert.ok(Math.abs(zeroPercent! - expected.zeroPercent) < 1e-12 * 100);
    }
    assert.deepEqual(figuresOf(path), [
      "difference_map.svg",
      "frequency_maps.svg",
      "mean_maps.svg",
      "samples.svg",
      "values.svg",
    ]);
  });
});

Deno.test("hcal trains the source preset, also by its former name and says that it leaves out iphi 64-71", async () => {
  await withFolder(async (folder) => {
    const config = { rows: 40, epochs: 1, depth: 1 };
    const { run: path } = await run(plugin, {
      preset: "reference",
      config,
      out: folder,
      cache: `${folder}/cache`,
    });
    const record = JSON.parse(await Deno.readTextFile(`${path}/run.json`));
    assert.deepEqual(
      record.warnings.map(({ code, message }: { code: string; message: string }) => [code, message]),
      [["cells-left-out", "patches of 32 x 32 cells leave out iphi 64-71"]],
    );
    const notes = JSON.parse(await Deno.readTextFile(`${path}/data.json`)).notes;
    assert.equal(notes[0].title, "Split: random");
  });
});

Deno.test("hcal rejects heads that do not divide the length of a token", async () => {
  await withFolder(async (folder) => {
    const config = { dim: 64, heads: 5 };
    await assert.rejects(run(plugin, { config, out: folder, cache: folder }), (error: ConfigError) => {
      assert.deepEqual(error.issues.map(({ path, message }) => [path, message]), [[
        "heads",
        "must divide --dim, found 5",
      ]]);
      return true;
    });
  });
});

Deno.test("hcal rejects a robustness study that would not fit into memory", async () => {
  await withFolder(async (folder) => {
    const config = { rows: 4001, robustness: true };
    await assert.rejects(
      run(plugin, { config, out: folder, cache: folder }),
      /Cannot study robustness as the maps of its further networks must fit into memory: found --rows 4001, at most 4000/,
    );
  });
});

Deno.test("hcal simulates files in the format of the originals", async () => {
  await withFolder(async (folder) => {
    const random = (purpose: string, position = {}) => randomFor({ seed: 0, purpose, ...position });
    const context = { seed: 0, random, progress() {}, log() {}, warn() {}, directory: folder };
    const config = plugin.config.parse({ rows: 20 });
    const names = await plugin.simulate!(config, context);
    assert.deepEqual(names, ["Run355456_Dataset.npy", "Run357479_Dataset.npy"]);
    // 128 bytes of header, 8 bytes per cell.
    assert.equal(Deno.statSync(`${folder}/${names[0]}`).size, 128 + 20 * CELLS * 8);
  });
});
