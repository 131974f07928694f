/** CSV and Parquet files, read by a plugin in its sandbox. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import { json } from "../support/proving.ts";
import { LINE, places, task, writeTrial } from "../support/trial.ts";

/** Reads a table of either kind, in parts, and the whole of it; its rows are y = 2 x. */
const FILES = {
  head: `${LINE.head}
import { columnOf, readCsv, readCsvBlocks, readParquet, readParquetBlocks } from "beamline/data";
const READERS = { csv: [readCsv, readCsvBlocks], parquet: [readParquet, readParquetBlocks] };
const SCHEMA = { f4: { dtype: "float32", unit: "cm", missing: NaN }, i8: { dtype: "int64", unit: "1" } };`,
  config: `file: inputPath("file", "a table", { required: true }), ${LINE.config}`,
  body: LINE.body!.replace(
    "prepare({ rows }, context) {",
    `async prepare({ rows, file }, context) {
    const [readWhole, readBlocks] = READERS[file.split(".").at(-1)];
    const whole = await readWhole(file, SCHEMA);
    const writer = context.writer("read", { shuffleRows: 16 });
    for await (const block of readBlocks(file, SCHEMA, { rows: 20 })) await writer.append(block);
    const read = await writer.finish();
    const sum = columnOf(whole, "f4", "float32").data.reduce((total, value) => total + value, 0);
    const tables = { train: line(rows, context.random("a")), validation: line(50, context.random("b")), read };
    return { tables, simulated: true, source: "a file", metadata: { sum, rows: whole.i8.data.length } };`,
  ).replace(
    "metrics: {",
    `metrics: {
      sum: { value: context.metadata.sum, error: null, errorKind: "none", unit: "cm", better: "none", rows: context.metadata.rows, split: "read" },`,
  ),
};

Deno.test("a plugin reads CSV and Parquet files in its sandbox, in parts and whole", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, FILES);
    const { flags } = places(directory);
    const csv = join(directory, "a.csv");
    const lines = Array.from({ length: 50 }, (_, i) => `${i * 0.5 - 3},${i},text`);
    await Deno.writeTextFile(csv, `f4,i8,word\n${lines.join("\n")}\n`);
    const codecs = ["none", "snappy", "gzip", "zstd", "lz4"].map((codec) => `codec_${codec}.parquet`);
    const fixtures = codecs.map((name) =>
      new URL(`../../formats/fixtures/${name}`, import.meta.url).pathname
    );
    for (const file of [csv, ...fixtures]) {
      const { run } = await json("run", plugin, "--file", file, "--epochs", "1", ...flags);
      const read = (name: string) => JSON.parse(Deno.readTextFileSync(join(run, name)));
      assert.deepEqual(read("metrics.json").sum.value, 462.5, file);
      const { rows, columns } = read("data.json").tables.read;
      assert.deepEqual([rows, columns.f4.dtype, columns.i8.dtype], [50, "float32", "int64"], file);
    }
    await Deno.writeTextFile(csv, "f4,i8\n1,2\nx,3\n");
    const { code, stderr } = await task("run", plugin, "--file", csv, ...flags);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /Cannot read ".*a\.csv" as values of column "f4" must be numbers: found "x" in line 3/,
    );
  });
});
