import assert from "node:assert/strict";
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { report } from "./report.ts";

Deno.test("report() makes the page of a run that is found by its id, and says so once more as JSON", async () => {
  await withTempDir(async (out) => {
    const run = await storeRun(out);
    const { value, stdout } = await printed(() => report([run.record.id, "--out", out]));
    assert.equal(value, 0);
    assert.match(stdout, /^report {2}.*report\.html$/);
    assert.match(await Deno.readTextFile(run.file("report.html")), /Photons/);
    const json = await printed(() => report([run.path, "--json"]));
    assert.deepEqual(JSON.parse(json.stdout), { run: run.path, report: run.file("report.html") });
  });
});

Deno.test("report() says of a run that was killed that it was", async () => {
  await withTempDir(async (out) => {
    const run = await storeRun(out, { status: "running", finished: null });
    await printed(() => report([run.path]));
    assert.match(await Deno.readTextFile(run.file("report.html")), /killed/);
  });
});

Deno.test("report() refuses nothing, and a run that is not there", async () => {
  await withTempDir(async (out) => {
    await assert.rejects(report([]), ConfigError);
    await assert.rejects(report(["none", "--out", out]), NotFoundError);
  });
});
