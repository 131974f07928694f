/** Tables that prepare writes in parts: trained, resumed, verified and predicted from disk. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openRun } from "../../run/store/run_directory.ts";
import { withTempDir } from "../support/plugins.ts";
import { editJson, flipLastByte, json, verified } from "../support/proving.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

/** The trial with its tables written in three parts each, or returned whole. */
const PARTS = {
  head: `import { blocksOf } from "beamline/data";\n${LINE.head}
const slice = (table, from, to) => Object.fromEntries(Object.entries(table).map(([name, { data, ...facts }]) =>
  [name, { ...facts, shape: [to - from, 1], data: data.subarray(from, to) }]));
const inParts = async (context, split, table, options) => {
  const writer = context.writer(split, options);
  const rows = table.x.data.length;
  for (const [from, to] of [[0, 10], [10, 11], [11, rows]]) await writer.append(slice(table, from, to));
  return await writer.finish();
};`,
  config: `shuffled: z.int().min(0).default(64).describe("rows shuffled together; 0 for whole tables"),
    fault: z.enum(["none", "unfinished", "other", "twice", "nan"]).default("none").describe("what goes wrong"), ${LINE.config}`,
  body: `async prepare({ rows, shuffled, fault }, context) {
    const tables = { train: line(rows, context.random("a")), validation: line(150, context.random("b")) };
    if (fault === "nan") tables.train.x.data[rows - 2] = NaN;
    if (shuffled > 0) for (const split of ["train", "validation"]) {
      tables[split] = await inParts(context, split, tables[split], { shuffleRows: shuffled });
    }
    if (fault === "unfinished") await context.writer("extra").append(line(3, context.random("c")));
    if (fault === "other") tables.train = { ...tables.train };
    if (fault === "twice") context.writer("train");
    return { tables, simulated: true, source: "a line" };
  },` + LINE.body!.slice(LINE.body!.indexOf("  models:"), LINE.body!.indexOf("  async evaluate")) +
    `async evaluate(_config, context) {
    const { y } = await context.predict("slope", context.tables.validation);
    const named = await context.predict("slope", "validation");
    let [sum, row] = [0, 0];
    for (const block of blocksOf(context.tables.validation, { rows: 40 })) {
      for (const truth of block.y.data) {
        if (named.y.data[row] !== y.data[row]) throw new Error("predictions differ");
        sum += (y.data[row++] - truth) ** 2;
      }
    }
    return { metrics: { mse: { value: sum / row, error: null, errorKind: "none", unit: "cm^2", better: "lower", rows: row, split: "validation" } } };
  },`,
};

const read = (run: string, file: string): string => Deno.readTextFileSync(join(run, file));

Deno.test("a run on tables in parts resumes within an epoch to the same bits, and verify repeats it", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, PARTS);
    const { cache, flags } = places(directory);
    const args = ["--rows", "1000", "--epochs", "3", "--checkpoint-seconds", "0", ...flags];
    const { run } = await json("run", plugin, ...args);
    const metrics = read(run, "metrics.json");
    const last = JSON.parse(read(run, "checkpoints/last.json")).directory;
    const expected = Deno.readFileSync(join(run, "checkpoints", last, "state.safetensors"));
    await flipLastByte(join(run, "checkpoints", last, "state.safetensors"));
    await editJson(join(run, "run.json"), (record) => record.status = "running");
    await json("resume", run, "--cache", cache);
    assert.equal((await openRun(run)).record.resumed!.length, 1);
    assert.deepEqual(Deno.readFileSync(join(run, "checkpoints", last, "state.safetensors")), expected);
    assert.equal(read(run, "metrics.json"), metrics);
    assert.equal((await verified(run, "--cache", cache)).code, 0);
  });
});

Deno.test("a table in parts that is shuffled as a whole trains as one that was returned whole", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, PARTS);
    const { flags } = places(directory);
    const args = ["--rows", "1000", "--epochs", "2", ...flags];
    const runs = [];
    for (const shuffled of ["0", "1000", "64"]) {
      runs.push((await json("run", plugin, ...args, "--shuffled", shuffled)).run);
    }
    const [whole, parts, paged] = runs;
    for (const file of ["metrics.json", "data.json"]) {
      const text = (run: string): string => read(run, file).replace(/"cacheKey": ".*"/, "");
      assert.equal(text(parts), text(whole), file);
    }
    const losses = (run: string): string[] => read(run, "fingerprints.jsonl").trim().split("\n");
    assert.deepEqual(losses(parts), losses(whole));
    assert.notDeepEqual(losses(paged), losses(whole)); // another order
    const columns = (run: string): unknown => JSON.parse(read(run, "data.json")).tables.train.columns;
    assert.deepEqual(columns(paged), columns(whole)); // of the same rows
  });
});

Deno.test("prepare may return only what a writer finished, under its name", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, PARTS);
    const { cache, flags } = places(directory);
    const cases: [string, RegExp][] = [
      [
        "unfinished",
        /Cannot use table "extra" as what its writer finished must be returned .*: found no such table/,
      ],
      ["other", /Cannot use table "train" as what its writer finished .*: found another table/],
      ["twice", /Cannot write table "train" as a table has one writer: found a second one/],
      [
        "nan",
        /column "x" of split "train" has others in 1 of 1000 rows \(NaN in row 998; counted from 0\)/,
      ],
    ];
    for (const [fault, message] of cases) {
      const { code, stderr } = await task("run", plugin, "--rows", "1000", "--fault", fault, ...flags);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    }
    const names = [...Deno.readDirSync(cache)].map(({ name }) => name);
    // one entry, of the run whose rows were prepared and could not be trained on; nothing else is left
    assert.equal(names.filter((name) => /^[0-9a-f]{32}/.test(name)).length, 1);
    assert.deepEqual([...Deno.readDirSync(join(cache, "shared"))], []);
  });
});
