import assert from "node:assert/strict";
import { join } from "node:path";
import type { RunRecord } from "../../core/records.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { FLAGS, type RunFiles, writeRun } from "../../tests/support/run_folder.ts";
import { type Level, type LevelResult, LEVELS, type Verification } from "./types.ts";
import { compareRuns, type CompareRunsOptions } from "./verify.ts";

interface Repetition extends Omit<CompareRunsOptions, "flags"> {
  readonly files?: RunFiles;
  readonly record?: Partial<RunRecord>;
}

/** Compares the run of the support with a repetition. */
async function verify({ files, record, ...options }: Repetition): Promise<Verification> {
  let found: Verification | undefined;
  await withTempDir(async (directory) => {
    const before = await writeRun(join(directory, "before"));
    const now = await writeRun(join(directory, "now"), files, record);
    found = await compareRuns(before, now, { flags: FLAGS, ...options });
  });
  return found!;
}

const stateOf = ({ levels }: Verification, level: Level): LevelResult["state"] =>
  levels.find((candidate) => candidate.level === level)!.state;

const detailOf = ({ levels }: Verification, level: Level): string =>
  levels.find((candidate) => candidate.level === level)!.detail;

Deno.test("compareRuns() finds all levels equal, in their order", async () => {
  const { levels, ...rest } = await verify({});
  assert.deepEqual(levels.map(({ level }) => level), [...LEVELS]);
  assert.deepEqual(new Set(levels.map(({ state }) => state)), new Set(["equal"]));
  assert.deepEqual(rest, { holds: true, equal: true, promise: "bits", circumstances: [], reason: null });
});

Deno.test("compareRuns() promises bits unless engine, threads or processor changed", async () => {
  const engine = (name: string, threads: number) => ({ record: { engine: { name, threads } } });
  const environment = (cpu: string, deno: string) => ({
    files: { "provenance/environment.json": { deno, cpu: { model: cpu, flags: ["avx2"] }, variables: {} } },
  });
  const cases: [Repetition, what: string, promise: Verification["promise"]][] = [
    [engine("reference", 1), "engine", "tolerance"],
    [engine("native", 2), "threads", "tolerance"],
    [environment("Another CPU", "2.9.6"), "processor", "tolerance"],
    [environment("A CPU", "2.9.7"), "deno", "bits"],
  ];
  for (const [repetition, what, promise] of cases) {
    const found = await verify(repetition);
    assert.deepEqual(found.circumstances.map((circumstance) => circumstance.what), [what]);
    assert.equal(found.promise, promise, what);
    assert.equal(found.holds, true);
  }
});

Deno.test("compareRuns() holds with other bits where these are not promised", async () => {
  const prediction = { "predictions/network-y.npy": new Uint8Array([9]) };
  const strict = await verify({ files: prediction });
  assert.deepEqual([strict.holds, strict.equal, stateOf(strict, "predictions")], [false, false, "different"]);
  const loose = await verify({ files: prediction, record: { engine: { name: "reference", threads: 1 } } });
  assert.deepEqual([loose.holds, loose.equal, stateOf(loose, "predictions")], [true, false, "other bits"]);
});

Deno.test("compareRuns() gives the reason of the first level that differs", async () => {
  const found = await verify({
    files: {
      "programs/network-step.json": {},
      "metrics.json": {},
      "provenance/modules.json": {
        plugin: { "mod.ts": "3".repeat(64) },
        framework: { "core/a.ts": "2".repeat(64) },
      },
    },
  });
  assert.deepEqual(LEVELS.filter((level) => stateOf(found, level) === "different"), ["programs", "metrics"]);
  assert.equal(found.reason, "other plugin code: mod.ts 11111111 then, mod.ts 33333333 now");
});

Deno.test("compareRuns() takes a missing or unreadable file for a difference", async () => {
  const missing = await verify({ files: { "metrics.json": undefined } });
  assert.equal(stateOf(missing, "metrics"), "different");
  assert.equal(detailOf(missing, "metrics"), "a file is missing in the record or its repetition");
  const cut = await verify({ files: { "metrics.json": "{" } });
  assert.equal(stateOf(cut, "metrics"), "different");
  assert.match(detailOf(cut, "metrics"), /metrics\.json/);
});

Deno.test("compareRuns() names the failure of a repetition at each level that it did not reach", async () => {
  const files = { "metrics.json": undefined, "predictions/network-y.npy": undefined };
  const found = await verify({ files, failure: new Error("disk full") });
  for (const level of ["metrics", "predictions"] as const) {
    assert.equal(detailOf(found, level), "the repetition stopped before: disk full");
  }
  assert.equal(stateOf(found, "steps"), "equal");
  assert.equal(found.reason, "the repetition stopped: disk full");
});

Deno.test("compareRuns() skips what comes after training when only its first steps were repeated", async () => {
  const found = await verify({
    steps: 2,
    files: { "metrics.json": undefined, "predictions/network-y.npy": undefined },
  });
  assert.equal(found.holds, true);
  assert.equal(detailOf(found, "steps"), "2 fingerprints up to step 2");
  for (const level of ["metrics", "predictions", "weights"] as const) {
    assert.equal(stateOf(found, level), "skipped");
    assert.equal(detailOf(found, level), "only the first 2 steps were done again");
  }
});
