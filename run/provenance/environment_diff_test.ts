import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../../tests/support/plugins.ts";
import { type RunFiles, writeRun } from "../../tests/support/run_folder.ts";
import type { RunRecord } from "../../core/records.ts";
import {
  both,
  changedKeys,
  digestOf,
  environmentDiff,
  type EnvironmentDifference,
} from "./environment_diff.ts";

/** What is not the same for a run folder and a changed copy of it. */
async function diff(files: RunFiles, record: Partial<RunRecord> = {}): Promise<EnvironmentDifference[]> {
  let found: EnvironmentDifference[] = [];
  await withTempDir(async (directory) => {
    const before = await writeRun(join(directory, "before"));
    const now = await writeRun(join(directory, "now"), files, record);
    found = await environmentDiff(before, now);
  });
  return found;
}

const environment = (changes: { readonly [field: string]: unknown }): RunFiles => ({
  "provenance/environment.json": {
    deno: "2.9.6",
    cpu: { model: "A CPU", flags: ["avx2"] },
    variables: {},
    ...changes,
  },
});

/** Modules of the run folder are `mod.ts` (1111...) and `core/a.ts` (2222...). */
const modules = (
  plugin: { readonly [path: string]: string },
  framework = { "core/a.ts": "2".repeat(64) },
): RunFiles => ({ "provenance/modules.json": { plugin, framework } });

interface Case {
  readonly files?: RunFiles;
  readonly record?: Partial<RunRecord>;
  readonly expected: readonly (readonly [what: EnvironmentDifference["what"], before: string, now: string])[];
}

const CASES: { readonly [behavior: string]: Case } = {
  "is empty for equal runs": { expected: [] },
  "names another seed": { record: { seed: 8 }, expected: [["seed", "7", "8"]] },
  "names another engine and number of threads": {
    record: { engine: { name: "reference", threads: 2 } },
    expected: [["engine", "native", "reference"], ["threads", "1", "2"]],
  },
  "names another version of Deno": {
    files: environment({ deno: "2.9.7" }),
    expected: [["deno", "2.9.6", "2.9.7"]],
  },
  "names another processor, its instruction sets included": {
    files: environment({ cpu: { model: "A CPU", flags: ["avx2", "fma"] } }),
    expected: [["processor", "A CPU [avx2]", "A CPU [avx2 fma]"]],
  },
  "finds no difference in a processor that one of the runs did not record": {
    files: environment({ cpu: null }),
    expected: [],
  },
  "names V8 flags that are set": {
    files: environment({ variables: { DENO_V8_FLAGS: "--no-opt" } }),
    expected: [["V8 flags", "none", "--no-opt"]],
  },
  "passes over variables that it does not compare": {
    files: environment({ variables: { TZ: "UTC" } }),
    expected: [],
  },
  "names the first changed file of the plugin": {
    files: modules({ "mod.ts": "3".repeat(64) }),
    expected: [["plugin code", "mod.ts 11111111", "mod.ts 33333333"]],
  },
  "counts further changed files, new ones included": {
    files: modules({ "mod.ts": "3".repeat(64), "a.ts": "4".repeat(64), "z.ts": "5".repeat(64) }),
    expected: [["plugin code", "a.ts absent and 2 more", "a.ts 44444444 and 2 more"]],
  },
  "names a file that is gone": {
    files: modules({}),
    expected: [["plugin code", "mod.ts 11111111", "mod.ts absent"]],
  },
  "distinguishes framework code from plugin code": {
    files: modules({ "mod.ts": "1".repeat(64) }, { "core/a.ts": "6".repeat(64) }),
    expected: [["framework code", "core/a.ts 22222222", "core/a.ts 66666666"]],
  },
  "compares the lock files of packages": {
    files: { "provenance/deno.lock": "abc" },
    // first digits of the SHA-256 of "{}" and of "abc"
    expected: [["packages", "44136fa355b3", "ba7816bf8f01"]],
  },
  "says where a lock file is missing": {
    files: { "provenance/deno.lock": undefined },
    expected: [["packages", "44136fa355b3", "none"]],
  },
  "does not compare what one of the runs did not record": {
    files: { "provenance/environment.json": undefined, "provenance/modules.json": undefined },
    expected: [],
  },
};

for (const [behavior, { files = {}, record, expected }] of Object.entries(CASES)) {
  Deno.test(`environmentDiff() ${behavior}`, async () => {
    assert.deepEqual(
      await diff(files, record),
      expected.map(([what, before, now]) => ({ what, before, now })),
    );
  });
}

Deno.test("changedKeys() gives the keys of other values, sorted, absent ones included", () => {
  assert.deepEqual(changedKeys({ b: 1, a: { x: 1 }, same: [1] }, { b: 2, a: { x: 2 }, same: [1], new: 0 }), [
    "a",
    "b",
    "new",
  ]);
  assert.deepEqual(changedKeys({}, {}), []);
});

Deno.test("both() reads a file of two folders; undefined where one of them lacks it", async () => {
  await withTempDir(async (directory) => {
    const [before, now] = ["before", "now"].map((name) => join(directory, name)) as [string, string];
    for (const folder of [before, now]) await Deno.mkdir(folder);
    await Deno.writeTextFile(join(before, "modules.json"), '{"plugin":{}}');
    assert.equal(await both(before, now, "modules.json"), undefined);
    await Deno.writeTextFile(join(now, "modules.json"), '{"framework":{}}');
    assert.deepEqual(await both(before, now, "modules.json"), [{ plugin: {} }, { framework: {} }]);
  });
});

Deno.test("digestOf() gives the first digits of a SHA-256, or none", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "a.txt");
    assert.equal(await digestOf(path), "none");
    await Deno.writeTextFile(path, "abc");
    assert.equal(await digestOf(path), "ba7816bf8f01"); // FIPS 180-4, example B.1
  });
});
