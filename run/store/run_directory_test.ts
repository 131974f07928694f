import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import { createRun, findRun, listRuns, timeStamp } from "./run_directory.ts";

const RECORD = {
  plugin: { name: "trial", title: "A trial" },
  action: "run",
  simulated: null,
  seconds: {},
  engine: null,
  seed: 0,
  versions: {},
  command: [],
  configHash: "0123456789abcdef",
  error: null,
  warnings: [],
};

Deno.test("timeStamp() is UTC without separators", () => {
  assert.equal(timeStamp(new Date("2026-11-21T20:55:43.123Z")), "20261121T205543Z");
});

Deno.test("createRun() makes 20 runs at once without a collision", async () => {
  await withTempDir(async (directory) => {
    const runs = await Promise.all(Array.from({ length: 20 }, () => createRun(directory, RECORD)));
    assert.equal(new Set(runs.map(({ path }) => path)).size, 20);
    assert.match(runs[0]!.record.id, /^\d{8}T\d{6}Z-01234567-[0-9a-f]{4}$/);
    assert.equal((await listRuns(directory)).length, 20);
  });
});

Deno.test("createRun() rejects a folder below a regular file", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "");
    await assert.rejects(createRun(join(directory, "file", "runs"), RECORD), {
      name: "ConfigError",
      message: /^Cannot write to ".*" as runs need a folder that can be written: /,
    });
  });
});

Deno.test("findRun() takes a path, an id, a unique prefix and latest", async () => {
  await withTempDir(async (directory) => {
    const first = await createRun(directory, RECORD);
    await first.update({ created: "2026-01-01T00:00:00.000Z" });
    const second = await createRun(directory, { ...RECORD, configHash: "ffff" });
    for (const reference of [second.path, second.record.id, `trial/${second.record.id}`, "latest"]) {
      assert.equal((await findRun(reference, directory)).path, second.path);
    }
    await assert.rejects(findRun("20", directory), {
      name: "NotFoundError",
      message: /prefix must be unique: 2 runs/,
    });
    await assert.rejects(findRun("nope", directory), {
      name: "NotFoundError",
      message: /no run in .* 2 runs are there/,
    });
  });
});

Deno.test("listRuns() passes over folders that are not runs", async () => {
  await withTempDir(async (directory) => {
    await Deno.mkdir(join(directory, "trial", "other"), { recursive: true });
    await Deno.mkdir(join(directory, "trial", "broken"));
    await Deno.writeTextFile(join(directory, "trial", "broken", "run.json"), "{");
    assert.deepEqual(await listRuns(directory), []);
    assert.deepEqual(await listRuns(join(directory, "none")), []);
  });
});
