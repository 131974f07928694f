import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { storeRun } from "../tests/support/stored_runs.ts";
import { openRun } from "../run/store/run_directory.ts";
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
      stdout.split("\n").slice(2).map((line) => line.trim().split(/ {2,}/).toSpliced(5, 1)), // without the size
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

/** Metrics of a run, as they are stored. */
const metrics = (value: number) => ({
  "metrics.json": {
    loss: { value, error: 0.1, errorKind: "fit", unit: "keV", better: "lower", rows: 9, split: "test" },
  },
});

/** Three runs of one plugin, a month apart, the middle one the best. */
async function storeThree(out: string): Promise<void> {
  const dates = ["2026-01-31", "2026-02-28", "2026-03-31"];
  for (const [i, value] of [3, 1, 2].entries()) {
    const changes = { id: "abc"[i]!, created: `${dates[i]}T12:00:00.000Z`, headline: ["loss"] };
    const labels = { name: `run ${i}`, tags: i === 1 ? ["all"] : ["all", "odd"] };
    await storeRun(out, { ...changes, ...labels, status: i === 2 ? "failed" : "finished" }, metrics(value));
  }
}

const LISTED: readonly (readonly [args: readonly string[], ids: string])[] = [
  [[], "abc"],
  [["--tag", "odd"], "ac"],
  [["--tag", "odd", "--tag", "all", "--status", "finished"], "a"],
  [["--since", "2026-02-28"], "bc"],
  [["--until", "2026-02-28"], "ab"],
  [["--since", "2026-01-31T12:01", "--until", "2026-03-31T11:59"], "b"],
  [["--sort", "loss"], "bca"],
  [["--sort", "name", "--status", "finished"], "ab"],
];

Deno.test("runs() lists those that filters leave, in the order that is asked for", async () => {
  await withTempDir(async (out) => {
    await storeThree(out);
    for (const [args, ids] of LISTED) {
      const { stdout } = await printed(() => runs(["--runs", out, "--json", ...args]));
      const found = JSON.parse(stdout).runs.map(({ id }: { id: string }) => id).join("");
      assert.equal(found, ids, args.join(" "));
    }
    const { stdout } = await printed(() => runs(["--runs", out, "--sort", "loss"]));
    assert.match(stdout, /size +seed +name +tags +loss \[keV\]\n/);
    assert.match(stdout, /\n.* b .* run 1 +all +1\.0{1,2} ± 0\.10\n/);
  });
});

const REFUSED: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["--status", "finshed"], /must be one of .*did you mean "finished"/],
  [["--since", "2026-02-30"], /must be a day, a time in UTC or an age/],
  [["--sort", "los"], /Cannot sort by "los" as .* did you mean "loss"/],
  [["--yes"], /Cannot use --yes as it must come with --remove/],
  [["--remove"], /Cannot remove as runs must be named, or chosen/],
  [["--remove", "--edit", "a"], /Cannot remove and edit/],
  [["--remove", "a"], /nobody could be asked; --yes agrees/],
  [["--edit", "a"], /Cannot edit as --name, --tag, --untag or --note must say what/],
  [["--edit", "a", "--untag", "none"], /Cannot take tag "none" from run "a"/],
];

Deno.test("runs() refuses what is not meant, and changes nothing then", async () => {
  await withTempDir(async (out) => {
    await storeThree(out);
    for (const [args, message] of REFUSED) {
      await assert.rejects(printed(() => runs(["--runs", out, ...args])), message, args.join(" "));
    }
    const { stdout } = await printed(() => runs(["--runs", out, "--json"]));
    assert.equal(JSON.parse(stdout).runs.length, 3);
  });
});

Deno.test("runs() --remove removes the runs that are meant and nothing beside them; a link is left", async () => {
  await withTempDir(async (directory) => {
    const out = join(directory, "runs");
    await storeThree(out);
    await Deno.writeTextFile(join(out, "ecal", "notes.txt"), "mine");
    const elsewhere = join(directory, "elsewhere");
    await Deno.rename(join(out, "ecal", "c"), elsewhere);
    await Deno.symlink(elsewhere, join(out, "ecal", "c"));
    const named = await printed(() => runs(["--runs", out, "--remove", "run 0", "--yes", "--json"]));
    assert.deepEqual(JSON.parse(named.stdout).removed, [join(out, "ecal", "a")]);
    await assert.rejects(
      printed(() => runs(["--runs", out, "--remove", "c", "--yes"])),
      /no link lead to it: it is a link to a folder elsewhere/,
    );
    const chosen = await printed(() => runs(["--runs", out, "--remove", "--tag", "all", "--yes"]));
    assert.equal(chosen.value, 1, "one was kept");
    assert.deepEqual([...Deno.readDirSync(join(out, "ecal"))].map(({ name }) => name).sort(), [
      "c",
      "notes.txt",
    ]);
    assert.ok((await Deno.stat(join(elsewhere, "run.json"))).isFile);
  });
});

Deno.test("runs() --edit changes name, tags and note, and all runs or none", async () => {
  await withTempDir(async (out) => {
    await storeThree(out);
    const edited = await printed(() =>
      runs(["--runs", out, "--edit", "a", "c", "--tag", "thesis", "--untag", "odd", "--note", "as proposed"])
    );
    assert.match(
      edited.stdout,
      /^edited {2}ecal\/a: name "run 0"; tags all, thesis; note "as proposed"\nedited/,
    );
    const { stdout } = await printed(() => runs(["--runs", out, "--tag", "thesis", "--json"]));
    assert.deepEqual(JSON.parse(stdout).runs.map(({ id }: { id: string }) => id), ["a", "c"]);
    await printed(() => runs(["--runs", out, "--edit", "a", "--name", "", "--note", ""]));
    const { record } = await openRun(join(out, "ecal", "a"));
    assert.deepEqual([record.name, record.note, record.tags], [undefined, undefined, ["all", "thesis"]]);
    await assert.rejects(printed(() => runs(["--runs", out, "--edit", "a", "b", "--untag", "thesis"])));
    assert.deepEqual((await openRun(join(out, "ecal", "a"))).record.tags, ["all", "thesis"]);
  });
});
