import assert from "node:assert/strict";
import { join } from "node:path";
import type { Metric } from "../../core/types.ts";
import type { RunOutcome } from "../../run/stages/request.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { showOutcome } from "./outcome.ts";

const MSE = {
  value: 0.5,
  error: null,
  unit: "1",
  better: "lower",
  rows: 3,
  split: "test",
} as unknown as Metric;
/** What is known of a plugin with a hook for new data, and without. */
const READER = { metrics: [], hooks: ["prepare", "readForPrediction"] };
const NO_READER = { metrics: [], hooks: ["prepare"] };
const TABLE = { name: "t", title: "A table", columns: ["a", "b"], rows: [["x", 1]] };

Deno.test("showOutcome() prints metrics, summary and where the run is; what to do next beside it", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(directory, { summary: "It works.", training: { net: {} } });
    const outcome = { run, metrics: { mse: MSE }, tables: [TABLE], files: [] } as unknown as RunOutcome;
    const { stdout, stderr } = await printed(() => showOutcome(outcome, READER, 61, false));
    assert.match(stdout, /^simulated data\n/);
    assert.match(stdout, /mse +0\.5/);
    assert.match(stdout, /\n\nIt works\.\n/);
    assert.doesNotMatch(stdout, /A table/);
    assert.match(
      stdout,
      /\nrun {5}.*20260101T000000Z-00000000-0000 {2}\(1m 01s\)\nreport {2}.*report\.html$/,
    );
    assert.match(
      stderr,
      /^next: {3}.* task report \S+\/ecal\/2026\S+\nnext: {3}.* task predict \S+\/ecal\/2026\S+ --data PATH$/,
    );
    const other = await printed(() => showOutcome(outcome, NO_READER, 61, false));
    assert.match(other.stderr, /^next: {3}.* task report \S+$/, "nothing is there that reads new data");
  });
});

Deno.test("showOutcome() prints tables and files where there are no metrics, and no next step when quiet", async () => {
  await withTempDir(async (directory) => {
    const run = await storeRun(directory, { simulated: false });
    const files = [join(directory, "made.npz")];
    const outcome = { run, metrics: {}, tables: [TABLE], files } as unknown as RunOutcome;
    const loud = await printed(() => showOutcome(outcome, READER, 1, false));
    assert.match(
      loud.stderr,
      /^next: {3}.* task report \S+$/,
      "nothing was trained: nothing can be predicted",
    );
    const { stdout, stderr } = await printed(() => showOutcome(outcome, READER, 1, true));
    assert.match(stdout, /^\nA table\na {2}b\n- {2}-\nx {2}1\nwrote {3}.*made\.npz\n/);
    assert.equal(stderr, "");
  });
});
