import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import { storeRun } from "../../tests/support/stored_runs.ts";
import type { RunDirectory } from "../store/run_directory.ts";
import { rememberRun, unknownOf } from "./known_runs.ts";
import { type Named, namedBy } from "./named.ts";

const ID = "20260101T000000Z-00000000-0000";

/** Runs `work` with a state folder of its own; the environment belongs to all tests of the process. */
async function withState(work: (directory: string, state: string) => Promise<void>): Promise<void> {
  await withTempDir((directory) => work(directory, join(directory, "state")));
}

function file(path: string, real = path): Named {
  return { kind: "file", field: "files.0", path, real, isInside: false };
}

/** The same run with other fields in its record. */
async function changed(run: RunDirectory, changes: RunDirectory["record"] | object): Promise<RunDirectory> {
  const { RunDirectory } = await import("../store/run_directory.ts");
  return new RunDirectory(run.path, { ...run.record, ...changes });
}

Deno.test("unknownOf() gives what was neither named nor accepted, and all of an unknown run", async () => {
  await withState(async (directory, state) => {
    const run = await storeRun(directory, { id: ID });
    const [a, b] = [file("/a"), file("/b")];
    assert.deepEqual(await unknownOf(run, [a], state), [a]);
    assert.ok(await rememberRun(run, [a], "accepted", state));
    assert.deepEqual(await unknownOf(run, [a, b], state), [b]);
    assert.ok(await rememberRun(run, [b], "accepted", state));
    assert.deepEqual(await unknownOf(run, [a, b], state), [], "what was accepted before stays");
    if (Deno.build.os !== "windows") {
      assert.equal((await Deno.stat(state)).mode! & 0o777, 0o700);
    }
  });
});

Deno.test("unknownOf() takes a run for unknown when a field changed that decides what runs", async () => {
  await withState(async (directory, state) => {
    const run = await storeRun(directory, { id: ID });
    await rememberRun(run, [file("/a")], "made", state);
    const changes = [
      { plugin: { name: "ecal", title: "Photons", path: "../plugin" } },
      { action: "look" },
      { files: ["x"] },
      { id: "20260101T000000Z-00000000-0001" },
    ];
    for (const change of changes) {
      assert.equal(
        (await unknownOf(await changed(run, change), [file("/a")], state)).length,
        1,
        JSON.stringify(change),
      );
    }
    const later = {
      status: "finished",
      seed: 8,
      configHash: "1",
      extendedFrom: [10],
      resumed: [{ at: "", steps: {} }],
    };
    assert.deepEqual(
      await unknownOf(await changed(run, later), [file("/a")], state),
      [],
      "resumed and extended",
    );
  });
});

Deno.test("unknownOf() follows a link of one's own run that leads elsewhere now, and none of a run that was sent", async () => {
  await withState(async (directory, state) => {
    const own = await storeRun(directory, { id: ID });
    await rememberRun(own, [file("/data/now", "/data/v1")], "made", state);
    assert.deepEqual(await unknownOf(own, [file("/data/now", "/data/v2")], state), []);
    const sent = await storeRun(directory, { id: "20260101T000000Z-00000000-0001" });
    await rememberRun(sent, [file("/data/now", "/data/v1")], "accepted", state);
    assert.equal((await unknownOf(sent, [file("/data/now", "/data/v2")], state)).length, 1);
    await rememberRun(sent, [], "made", state);
    assert.equal(
      (await unknownOf(sent, [file("/data/now", "/data/v2")], state)).length,
      1,
      "it stays one that was sent",
    );
  });
});

Deno.test("rememberRun() makes no file of an id that is none, and says where nothing can be written", async () => {
  await withState(async (directory, state) => {
    for (const id of ["../../x", "", "x/y", "a".repeat(5000)]) {
      const run = await changed(await storeRun(directory), { id });
      assert.equal(await rememberRun(run, [], "made", state), false);
    }
    await Deno.writeTextFile(state, "a file where the folder would be");
    const run = await storeRun(directory, { id: ID });
    assert.equal(await rememberRun(run, [], "made", state), false);
    assert.equal((await unknownOf(run, [file("/a")], state)).length, 1);
  });
});

Deno.test("a damaged entry of the state folder is as good as none", async () => {
  await withState(async (directory, state) => {
    const run = await storeRun(directory, { id: ID });
    await Deno.mkdir(join(state, "runs"), { recursive: true });
    for (const text of ["", "{", "[]", '{"schema":"beamline-known-run/1"}', "\0"]) {
      await Deno.writeTextFile(join(state, "runs", `${ID}.json`), text);
      assert.equal((await unknownOf(run, [file("/a")], state)).length, 1);
    }
    assert.ok(await rememberRun(run, [file("/a")], "made", state));
    assert.deepEqual(await unknownOf(run, [file("/a")], state), []);
  });
});

Deno.test("namedBy() finds every text of the configuration that leads out of the run, at any depth", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "secret"), "s");
    const run = await storeRun(join(directory, "store"), { id: ID });
    const values = {
      a: "../../../secret",
      list: ["fast", join(directory, "secret")],
      map: { deep: { x: "../.." } },
      inside: "run.json",
      absent: "../../../nothing",
      nul: "a\0b",
      long: "x".repeat(10_000),
      n: 3,
    };
    const named = await namedBy(run, { plugin: undefined, values });
    assert.deepEqual(named.map(({ field }) => field), ["a", "list.1", "map.deep.x"]);
    assert.equal(named[0]!.real, join(directory, "secret"));
    const all = await namedBy(run, { plugin: undefined, values, hasAbsent: true });
    assert.deepEqual(all.map(({ field }) => field), ["a", "list.1", "map.deep.x", "absent"]);
    assert.deepEqual(await namedBy(run, { plugin: undefined }), []);
  });
});

Deno.test("namedBy() says where a link outside of the run leads to", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "secret"), "s");
    await Deno.symlink("secret", join(directory, "harmless.csv"));
    const run = await storeRun(join(directory, "store"), { id: ID, files: ["../../../harmless.csv"] });
    const [only] = await namedBy(run, { plugin: undefined, values: {} });
    assert.equal(only!.real, join(directory, "secret"));
  });
});

Deno.test("namedBy() refuses files that are no list of paths", async () => {
  await withTempDir(async (directory) => {
    for (const files of ["/etc/passwd", [1], { 0: "/etc/passwd" }]) {
      const run = await changed(await storeRun(directory, { id: ID }), { files });
      await assert.rejects(
        namedBy(run, { plugin: undefined, values: {} }),
        /"files" of its record must be a list of paths: found/,
      );
    }
  });
});
