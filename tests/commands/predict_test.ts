/** Predictions for new data in which some rows are bad. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseNpy } from "../../formats/npy.ts";
import { withTempDir } from "../support/plugins.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

/** The plugin whose numbers must be finite; null stands for NaN in its files. */
const CHECKING = {
  head: LINE.head!.replace("import { column }", "import { column, Defects }"),
  config: `skipBad: z.boolean().default(false).describe("leave bad rows out"), ${LINE.config}`,
  body: LINE.body!.replace(
    /readForPrediction\(.*?JSON\.parse\(.*?\);/s,
    `readForPrediction({ skipBad }, path, context) {
      const found = JSON.parse(Deno.readTextFileSync(path));
      const defects = new Defects({ rowName: "rows" });
      defects.checked(path, found.length);
      found.forEach((x, row) => x === null && defects.add({ file: path, rule: "x must be finite", found: NaN, where: "row " + row, row }));
      const notes = defects.settle(skipBad, context);
      const rows = found.filter((x) => x !== null);`,
  ).replace('source: "a list"', 'source: "a list", notes'),
};

Deno.test("predict refuses bad rows all together, and with --skip-bad leaves them out and says so", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, CHECKING);
    const { flags, cache } = places(directory);
    const { run } = JSON.parse((await task("run", plugin, "--json", "--epochs", "1", ...flags)).stdout);
    const data = join(directory, "new.json");
    const write = (rows: readonly (number | null)[]) => Deno.writeTextFile(data, JSON.stringify(rows));
    const predict = (...more: string[]) =>
      task("predict", run, "--plugin", plugin, "--data", data, "--cache", cache, ...more);

    await write([1, null, 2, null]);
    const refused = await predict();
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /found 2 defects in 2 of 4 rows: \(1\) x must be finite, 2 times: NaN in row 1 \| NaN in row 3; --skip-bad goes on/,
    );

    const skipped = await predict("--skip-bad");
    assert.equal(skipped.code, 0, skipped.stderr);
    assert.match(skipped.stdout, /^2 rows: a list$/m);
    assert.match(skipped.stderr, /left out 2 of 4 rows of new\.json/);
    const y = parseNpy(await Deno.readFile(join(run, "predictions/new/y.npy")), "y.npy");
    assert.deepEqual(y.shape, [2, 1]);
    assert.ok(Math.abs(Number(y.data[1]) - 2 * Number(y.data[0])) < 1); // those of 1 and 2, in order

    const { rows, warnings, notes } = JSON.parse((await predict("--skip-bad", "--json")).stdout);
    assert.equal(rows, 2);
    assert.deepEqual(warnings, [{
      code: "skipped-events",
      message: "left out 2 of 4 rows of new.json, as they have defects (--skip-bad)",
    }]);
    assert.match(JSON.stringify(notes), /x must be finite/);

    await write([null, null]);
    const nothing = await predict("--skip-bad");
    assert.equal(nothing.code, 2);
  });
});

Deno.test("predict --skip-bad is refused for a plugin that has no such field", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { flags, cache } = places(directory);
    const { run } = JSON.parse((await task("run", plugin, "--json", "--epochs", "1", ...flags)).stdout);
    await Deno.writeTextFile(join(directory, "new.json"), "[1]");
    const data = ["--data", join(directory, "new.json")];
    const { code, stderr } = await task(
      "predict",
      run,
      "--plugin",
      plugin,
      ...data,
      "--cache",
      cache,
      "--skip-bad",
    );
    assert.equal(code, 2);
    assert.match(stderr, /with --skip-bad as plugin "trial" must have a field "skipBad": it has none/);
  });
});
