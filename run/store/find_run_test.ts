import assert from "node:assert/strict";
import { NotFoundError } from "../../core/errors.ts";
import type { RunRecord } from "../../core/records.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import { findRun } from "./find_run.ts";
import type { RunDirectory } from "./run_directory.ts";

/** Stores a run of a day of January. */
function ofDay(
  store: string,
  day: number,
  changes: Partial<RunRecord> = {},
  files: { readonly [name: string]: unknown } = {},
): Promise<RunDirectory> {
  const two = String(day).padStart(2, "0");
  const [id, created] = [`202601${two}T000000Z-00000000-0000`, `2026-01-${two}T00:00:00.000Z`];
  return storeRun(store, { id, created, ...changes }, files);
}

Deno.test("findRun() takes a name, in either Unicode form, before the beginning of an id", async () => {
  await withTempDir(async (store) => {
    const named = await ofDay(store, 1, { name: "2026" });
    await ofDay(store, 2, { name: "d\u00e9part" });
    assert.equal((await findRun("2026", store)).path, named.path);
    assert.equal((await findRun("de\u0301part", store)).record.id.slice(0, 8), "20260102");
    assert.equal((await findRun("20260102", store)).record.name, "d\u00e9part");
    const own = await ofDay(store, 3, { id: "whole" });
    await ofDay(store, 4, { name: "whole" });
    assert.equal((await findRun("whole", store)).path, own.path);
    await assert.rejects(
      findRun("none", store),
      /no run in ".*" has this path, id, name or prefix: 4 runs are there$/,
    );
  });
});

Deno.test("findRun() lists the runs that a name or the beginning of an id could mean", async () => {
  await withTempDir(async (store) => {
    for (let day = 1; day <= 10; day++) await ofDay(store, day, { name: day > 8 ? "twice" : "often" });
    const refuses = (reference: string, message: RegExp) =>
      assert.rejects(findRun(reference, store), (error: Error) => {
        assert.ok(error instanceof NotFoundError);
        assert.match(error.message, message);
        return true;
      });
    await refuses(
      "twice",
      /as 2 runs have this name, and one must be meant: ecal\/20260109\S+, ecal\/20260110\S+$/,
    );
    await refuses("202601", /must be unique: 10 runs begin with it: ecal\/20260103\S+, .*, and 2 more$/);
  });
});

Deno.test("findRun() takes the last run that serves the command for latest", async () => {
  await withTempDir(async (store) => {
    const best = { "checkpoints/best.json": {} };
    const crate = { "ro-crate-metadata.json": {} };
    await ofDay(store, 1, { status: "finished" }, { ...best, ...crate });
    await ofDay(store, 2, { status: "interrupted" }, { "checkpoints/last.json": {} });
    await ofDay(store, 3, { status: "finished" }, crate);
    const going = await ofDay(store, 4, { status: "running" });
    await going.lock();
    const dayOf = async (action?: string) =>
      Number((await findRun("latest", store, action === undefined ? {} : { action })).record.id.slice(6, 8));
    try {
      assert.equal(await dayOf(), 4);
      const days = {
        report: 4,
        resume: 2,
        extend: 3,
        verify: 3,
        predict: 1,
        export: 1,
        evaluate: 1,
        "begin with": 2,
      };
      for (const [action, day] of Object.entries(days)) assert.equal(await dayOf(action), day, action);
    } finally {
      await going.unlock();
    }
    assert.equal(await dayOf("resume"), 4, "running, and nobody works on it: killed");
    await ofDay(store, 5, { status: "finished" });
    assert.equal(await dayOf("resume"), 5, "its report is missing");
  });
});

Deno.test("findRun() says what latest would have to be where no run serves the command", async () => {
  await withTempDir(async (store) => {
    await ofDay(store, 1, { status: "failed" });
    await assert.rejects(
      findRun("latest", store, { action: "predict" }),
      /Cannot find run "latest" as no run in ".*" has a trained model: 1 run is there$/,
    );
    await assert.rejects(findRun("latest", store, { action: "verify" }), /is finished: 1 run is there$/);
    await assert.rejects(findRun("latest", `${store}/none`), /can be read: none is there$/);
  });
});
