import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import { FileLock } from "../../files/lock.ts";
import { findRun } from "./find_run.ts";
import { type BrokenRun, createRun, listRuns, openRun, timeStamp } from "./run_directory.ts";

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

Deno.test("createRun() removes folders of runs that were killed before their record was there, and no others", async () => {
  await withTempDir(async (directory) => {
    const { path: run } = await createRun(directory, RECORD);
    const folder = (digits: string): string =>
      join(directory, "trial", `20261121T205543Z-01234567-${digits}`);
    const killed = { empty: folder("0001"), filled: folder("0002") };
    const kept = {
      fresh: folder("0003"),
      results: folder("0004"),
      log: folder("0005"),
      used: folder("0006"),
    };
    for (
      const path of [...Object.values(killed), ...Object.values(kept), join(directory, "trial", "notes")]
    ) {
      await Deno.mkdir(join(path, "checkpoints"), { recursive: true });
      await Deno.writeTextFile(join(path, "lock"), "");
    }
    await Deno.remove(join(killed.empty, "checkpoints"));
    await Deno.writeTextFile(join(killed.filled, "config.json"), "{}");
    await Deno.mkdir(join(kept.results, "checkpoints", "7"));
    await Deno.writeTextFile(join(kept.log, "metrics.jsonl"), "");
    const lock = await FileLock.take(join(kept.used, "lock"));
    const then = new Date(Date.now() - 120_000);
    for (const path of [...Object.values(killed), kept.results, kept.log, kept.used]) {
      await Deno.utime(path, then, then);
    }
    const { path: next } = await createRun(directory, RECORD);
    assert.deepEqual(
      [...Deno.readDirSync(join(directory, "trial"))].map(({ name }) => name).sort(),
      [...Object.values(kept), run, next, "notes"].map((path) => basename(path)).sort(),
    );
    await lock!.release();
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

/** Records that are damaged in one place, and what is said of them. */
const DAMAGED: {
  readonly [name: string]: readonly [change: (record: { [key: string]: unknown }) => unknown, fault: RegExp];
} = {
  "no-plugin": [(record) => delete record["plugin"], /"plugin" must be present: found nothing/],
  "plugin-name": [
    (record) => record["plugin"] = { name: "../../x", title: "" },
    /"plugin.name" must be a name of/,
  ],
  "created-number": [(record) => record["created"] = 5, /"created" must be a time of ISO 8601: found number/],
  "created-text": [
    (record) => record["created"] = "yesterday",
    /"created" must be a time of ISO 8601: found string/,
  ],
  "id-number": [(record) => record["id"] = 7, /"id" must be a name of .*: found number/],
  "seconds-text": [
    (record) => record["seconds"] = { train: "1" },
    /"seconds.train" must be number: found string/,
  ],
  "status-odd": [
    (record) => record["status"] = "odd",
    /"status" must be running, finished, failed or interrupted/,
  ],
  "schema-newer": [
    (record) => record["schema"] = "beamline-run/9",
    /its schema must be "beamline-run\/1": found "beamline-run\/9"/,
  ],
  "array": [() => {}, /its schema must be "beamline-run\/1": found undefined/],
};

Deno.test("a broken run does not hide the others, and is named", async () => {
  await withTempDir(async (directory) => {
    const good = await createRun(directory, RECORD);
    for (const [name, [change]] of Object.entries(DAMAGED)) {
      const record = { ...good.record } as { [key: string]: unknown };
      change(record);
      await Deno.mkdir(join(directory, "trial", name));
      const text = JSON.stringify(name === "array" ? [] : record);
      await Deno.writeTextFile(join(directory, "trial", name, "run.json"), text);
    }
    const broken: BrokenRun[] = [];
    const runs = await listRuns(directory, (one) => broken.push(one));
    assert.deepEqual(runs.map(({ path }) => path), [good.path]);
    assert.deepEqual(broken.map(({ path }) => basename(path)), Object.keys(DAMAGED).sort());
    for (const { path, message } of broken) {
      assert.match(message, DAMAGED[basename(path)]![1]);
      assert.match(message, /^Cannot open run ".*" as [^\n]+$/);
    }
    for (const reference of ["latest", good.record.id, good.record.id.slice(0, 18)]) {
      assert.equal((await findRun(reference, directory)).path, good.path);
    }
    await assert.rejects(findRun("no-plug", directory), {
      name: "SyntaxError",
      message: /"plugin" must be present/,
    });
    await assert.rejects(findRun("created", directory), { message: /must be unique: 2 runs begin with it/ });
  });
});

Deno.test("runs of older versions, which lack fields, can be read", async () => {
  await withTempDir(async (directory) => {
    const good = await createRun(directory, RECORD);
    const old = { ...good.record } as { [key: string]: unknown };
    for (const key of ["seconds", "engine", "seed", "versions", "command", "warnings", "finished"]) {
      delete old[key];
    }
    await Deno.writeTextFile(good.file("run.json"), JSON.stringify(old));
    const { record } = await openRun(good.path);
    assert.deepEqual([record.seconds, record.warnings, record.seed], [{}, [], 0]);
  });
});

Deno.test("listRuns() and findRun() work on stores whose folders are links", async () => {
  await withTempDir(async (directory) => {
    const run = await createRun(join(directory, "disk"), RECORD);
    await Deno.symlink("disk", join(directory, "runs"));
    await Deno.mkdir(join(directory, "other"));
    await Deno.symlink(join(directory, "disk", "trial"), join(directory, "other", "trial"));
    await Deno.symlink("nowhere", join(directory, "other", "gone"));
    for (const store of ["runs", "other"]) {
      const [only] = await listRuns(join(directory, store));
      assert.equal(only!.record.id, run.record.id);
      assert.equal((await findRun("latest", join(directory, store))).record.id, run.record.id);
    }
  });
});
