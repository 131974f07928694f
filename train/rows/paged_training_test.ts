import assert from "node:assert/strict";
import { join } from "node:path";
import { FolderTableWriter } from "../../data/table_writer.ts";
import { column, readTable } from "../../data/tables.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { lineTrial } from "../../tests/support/training.ts";
import { train } from "../loop.ts";
import { meanOverRows } from "../validation.ts";
import { fakeExecutable, floats } from "../../tests/support/training.ts";
import { closeRows, openRows } from "./rows.ts";

const X = Array.from({ length: 300 }, (_, row) => Math.sin(row));
const Y = X.map((x) => 2 * x);

/** Rows on disk: blocks of 2, windows of 32, ten windows. */
async function writeRows(directory: string): Promise<void> {
  const writer = new FolderTableWriter(directory, "train", { shuffleRows: 32 });
  await writer.append({
    x: column(Float32Array.from(X), { unit: "1" }),
    y: column(Float32Array.from(Y), { unit: "1" }),
  });
  await writer.finish();
}

Deno.test("train() on rows on disk goes on within an epoch and a window to the same bits", async () => {
  await withTempDir(async (directory) => {
    await writeRows(join(directory, "table"));
    const begin = async (name: string) => {
      const data = { engine: "reference", x: X, y: Y, batchSize: 7 };
      const trial = await lineTrial(join(directory, name), data, { epochs: 3, learningRate: 0.01 });
      const rows = openRows(await readTable(join(directory, "table")), ["x", "y"], "train");
      return { trial, request: { ...trial, train: rows } };
    };
    const whole = await begin("whole");
    assert.equal((await train(whole.request)).counters.step, 126);
    for (const cut of [1, 4, 5, 43, 60, 84, 125]) { // 42 steps an epoch; 32 rows end within step 5
      const first = await begin(`${cut}`);
      assert.equal((await train({ ...first.request, stopAfterSteps: cut })).reason, "interrupted");
      const second = await begin(`${cut}`);
      const { manifest, state } = await second.trial.checkpoints.read(String(cut));
      await second.trial.session.load(state);
      await train({
        ...second.request,
        resumeFrom: { counters: manifest.counters, pair: { best: String(cut), last: String(cut) } },
      });
      const reported = [first, second].flatMap(({ trial }) => trial.watched.fingerprints);
      assert.deepEqual(reported, whole.trial.watched.fingerprints, `${cut}`);
      for (const { trial, request } of [first, second]) {
        await trial.close();
        await closeRows(request.train);
      }
    }
    await whole.trial.close();
    await closeRows(whole.request.train);
  });
});

Deno.test("meanOverRows() is the same for rows on disk and in memory", async () => {
  await withTempDir(async (directory) => {
    await writeRows(directory);
    const table = await readTable(directory);
    const sum = (size: number) =>
      fakeExecutable(
        [{ name: "x", role: "batch", shape: [size] }],
        ({ x }) => ({ loss: floats([], (x!.data as Float32Array).reduce((a, b) => a + b) / size) }),
      );
    const programs = { whole: sum(8), tail: sum(4) }; // 300 = 37 * 8 + 4
    const memory = {
      x: { dtype: "float32", shape: [], rowSize: 1, rows: 300, data: Float32Array.from(X) },
    } as const;
    assert.deepEqual(
      await meanOverRows(openRows(table, ["x"], "validation"), programs),
      await meanOverRows(memory, programs),
    );
  });
});
