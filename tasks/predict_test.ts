import assert from "node:assert/strict";
import { ConfigError, DataError, NotFoundError } from "../core/errors.ts";
import type { PredictOutcome } from "../run/replay/predict.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { predict, predictionLines, stemOf } from "./predict.ts";

const outcomeOf = (rows: number): PredictOutcome =>
  ({
    rows,
    simulated: false,
    source: "a list",
    notes: [],
    predictions: {
      x: {
        unit: "cm",
        shape: [rows],
        data: Float32Array.from({ length: rows }, (_, i) => i / 3),
        path: "x.npy",
      },
      p: { unit: "1", shape: [rows], data: new Float32Array(rows), path: "p.npy" },
      map: {
        unit: "GeV",
        shape: [rows, 2, 2],
        data: Float32Array.from({ length: 4 * rows }, (_, i) => i),
        path: "map.npy",
      },
      pair: { unit: "1", shape: [rows, 2], data: new Float32Array(2 * rows).fill(0.5), path: "pair.npy" },
      one: { unit: "s", shape: [rows, 1], data: new Float32Array(rows).fill(2), path: "one.npy" },
      none: { unit: "1", shape: [rows, 0], data: new Float32Array(0), path: "none.npy" },
    },
  }) as unknown as PredictOutcome;

Deno.test("predictionLines() shows units, shapes and the first numbers of every column, and names every file", () => {
  const [head, ...lines] = predictionLines(outcomeOf(2));
  assert.equal(head, "2 rows: a list");
  assert.deepEqual(lines.slice(0, 4).map((line) => line.trim().split(/ {2,}/)), [
    ["row", "x (cm)", "p", "map [2 x 2] (GeV)", "pair [2]", "one [1] (s)", "none [0]"],
    ["---", "-------", "------", "------------------------", "---------------", "-----------", "--------"],
    ["0", "0.0000", "0.0000", "0.0000 1.0000 2.0000 ...", "0.50000 0.50000", "2.0000"],
    ["1", "0.33333", "0.0000", "4.0000 5.0000 6.0000 ...", "0.50000 0.50000", "2.0000"],
  ]);
  assert.deepEqual(
    lines.slice(4),
    ["x", "p", "map", "pair", "one", "none"].map((name) => `wrote  ${name}.npy`),
  );
});

Deno.test("predictionLines() cuts the table after ten rows and says how many more there are", () => {
  const lines = predictionLines(outcomeOf(13));
  assert.equal(lines.filter((line) => /^ *\d+ {2}/.test(line)).length, 10);
  assert.equal(lines[13], "... 3 more rows");
});

Deno.test("predictionLines() marks simulated data", () => {
  assert.match(predictionLines({ ...outcomeOf(1), simulated: true })[0]!, /^1 rows \(simulated data\)/);
});

Deno.test("stemOf() is the name without folder and ending", () => {
  assert.equal(stemOf("data/new.showers.npz"), "new.showers");
  assert.equal(stemOf("data/folder/"), "folder");
  assert.equal(stemOf(".npz"), "new");
});

Deno.test("predict() refuses what is missing: run, data, the file, the run's folder", async () => {
  await withTempDir(async (directory) => {
    await assert.rejects(predict([]), ConfigError);
    await assert.rejects(predict(["a-run"]), ConfigError);
    await assert.rejects(predict(["a-run", "--data", `${directory}/none`]), DataError);
    await assert.rejects(predict(["a-run", "--data", directory, "--runs", directory]), NotFoundError);
  });
});
