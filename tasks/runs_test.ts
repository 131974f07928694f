import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { runs } from "./runs.ts";

Deno.test("runs() lists runs oldest first, and those that were killed as such", async () => {
  await withTempDir(async (out) => {
    const odd = { run: "elsewhere" } as object; // a field that a record somebody sent may have
    await storeRun(out, { id: "b", ...odd, created: "2026-02-01T00:00:00.000Z", seed: 9 });
    await storeRun(out, { id: "a", created: "2026-01-01T00:00:00.000Z" });
    const plugin = { name: "hcal", title: "" };
    await storeRun(out, { id: "c", created: "2026-03-01T00:00:00.000Z", status: "running", plugin });
    const { value, stdout } = await printed(() => runs(["--out", out]));
    assert.equal(value, 0);
    assert.deepEqual(
      stdout.split("\n").slice(2).map((line) => line.trim().split(/ {2,}/)),
      [
        ["ecal", "a", "finished", "run", "1m 00s", "7"],
        ["ecal", "b", "finished", "run", "1m 00s", "9"],
        ["hcal", "c", "killed", "run", "1m 00s", "7"],
      ],
    );
    const all = JSON.parse((await printed(() => runs(["--out", out, "--json"]))).stdout);
    assert.equal(all.runs[1].run, join(out, "ecal", "b"));
    const json = JSON.parse((await printed(() => runs(["hcal", "--out", out, "--json"]))).stdout);
    assert.deepEqual(
      json.runs.map(({ id, status, run }: { [key: string]: string }) => [id, status, run]),
      [["c", "killed", join(out, "hcal", "c")]],
    );
  });
});

Deno.test("runs() ends with 5 where nothing matches, and says where it looked", async () => {
  await withTempDir(async (out) => {
    await storeRun(out);
    const { value, stdout, stderr } = await printed(() => runs(["hcal", "--out", out]));
    assert.equal(value, 5);
    assert.equal(stdout, "");
    assert.equal(stderr, `no runs in "${out}" of plugin "hcal"`);
    const json = await printed(() => runs(["--out", join(out, "none"), "--json"]));
    assert.deepEqual([json.value, json.stdout], [5, '{"runs":[]}']);
  });
});

Deno.test("runs() lists the runs beside a broken one, and names that one", async () => {
  await withTempDir(async (out) => {
    await storeRun(out, { id: "a" });
    const broken = join(out, "ecal", "b");
    await Deno.mkdir(broken);
    await Deno.writeTextFile(join(broken, "run.json"), "{");
    const { value, stdout, stderr } = await printed(() => runs(["--out", out]));
    assert.equal(value, 0);
    assert.match(stdout, /ecal +a /);
    assert.match(stderr, /^left out {2}Cannot read ".*b\/run.json" as it must be JSON: [^\n]*$/);
    const json = JSON.parse((await printed(() => runs(["--out", out, "--json"]))).stdout);
    assert.deepEqual([json.runs.length, json.broken[0].path], [1, broken]);
  });
});

Deno.test("runs() names twenty broken runs, and counts the others", async () => {
  await withTempDir(async (out) => {
    await storeRun(out, { id: "a" });
    for (let i = 0; i < 23; i++) {
      await Deno.mkdir(join(out, "ecal", `b${i}`));
      await Deno.writeTextFile(join(out, "ecal", `b${i}`, "run.json"), "[]");
    }
    const { stderr } = await printed(() => runs(["--out", out]));
    const lines = stderr.split("\n");
    assert.equal(lines.length, 21);
    assert.equal(lines.at(-1), "left out  3 more runs whose records cannot be read");
  });
});
