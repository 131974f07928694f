import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { compare } from "./compare.ts";

const metric = (value: number) => ({
  value,
  error: null,
  errorKind: "none",
  unit: "1",
  better: "lower",
  rows: 9,
  split: "test",
});

/** A finished run with one metric. */
const store = (runs: string, id: string, rows: number, value: number) =>
  storeRun(runs, { id, headline: ["mse"] }, {
    "config.json": { values: { rows }, sources: {}, help: {} },
    "metrics.json": { mse: metric(value) },
  });

Deno.test("compare() shows what differs, as text, JSON and HTML", async () => {
  await withTempDir(async (directory) => {
    const runs = join(directory, "runs");
    const [a, b] = [await store(runs, "a", 10, 0.5), await store(runs, "b", 20, 0.25)];
    const { value, stdout } = await printed(() => compare([a.path, b.path, "--runs", runs]));
    assert.equal(value, 0);
    assert.match(stdout, /rows .*10 .*20/);
    assert.match(stdout, /mse .*0\.5.*0\.25/);
    assert.match(stdout, /\ncomparison {2}.*comparison\.html$/);
    const html = join(directory, "here.html");
    const json = await printed(() => compare(["--all", "ecal", "--runs", runs, "--html", html, "--json"]));
    const { runs: compared, differences, metrics, html: written } = JSON.parse(json.stdout);
    assert.deepEqual(compared.map(({ run }: { run: string }) => run), [a.path, b.path]);
    assert.deepEqual(differences, { rows: [10, 20] });
    assert.deepEqual(metrics.mse.map(({ value }: { value: number }) => value), [0.5, 0.25]);
    assert.equal(written, html);
    assert.match(await Deno.readTextFile(html), /^<!doctype html>/i);
  });
});

Deno.test("compare() refuses too few runs, the same twice, a plugin without two, and a file that cannot be written", async () => {
  await withTempDir(async (directory) => {
    const runs = join(directory, "runs");
    const { path: a } = await store(runs, "a", 10, 0.5);
    const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
      await assert.rejects(compare([...args, "--runs", runs]), (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      });
    };
    await refused([a], /two runs or more must be named: 1 found/);
    await refused([a, a], /each run must be named once/);
    await refused(["--all", "ecal"], /two of them or more must be finished: 1 found/);
    await refused(["--all", "ecl"], /0 found in ".*"; did you mean "ecal"\?$/);
    const { path: b } = await store(runs, "b", 10, 0.5);
    await Deno.writeTextFile(join(directory, "file"), "");
    await refused([a, b, "--html", join(directory, "file", "page.html")], /Cannot write ".*page.html"/);
  });
});

Deno.test("compare --all leaves out runs whose records are damaged, and names them", async () => {
  await withTempDir(async (directory) => {
    const runs = join(directory, "runs");
    for (const id of ["a", "b"]) await store(runs, id, 10, 0.5);
    const { path } = await store(runs, "c", 10, 0.5);
    await Deno.writeTextFile(join(path, "metrics.json"), '{"x": 5}');
    const { value, stderr, stdout } = await printed(() =>
      compare(["--all", "ecal", "--runs", runs, "--json"])
    );
    assert.equal(value, 0);
    assert.match(
      stderr,
      /^left out {2}Cannot compare ".*c" as its records must be whole: .*"x" must be object/,
    );
    assert.deepEqual(JSON.parse(stdout).runs.map(({ id }: { id: string }) => id), ["a", "b"]);
  });
});
