/** What a run proves: that it repeats itself, and that nothing was changed; what it says of this machine. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openRun } from "../../run/store/run_directory.ts";
import { withTempDir } from "../support/plugins.ts";
import { editJson, FROM_FILE, json, verified, writeData } from "../support/proving.ts";
import { LINE, names, places, task, writeTrial } from "../support/trial.ts";

Deno.test("verify names a changed input byte, another seed, other threads and another engine", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, FROM_FILE);
    const { cache, flags } = places(directory);
    const data = join(directory, "x.json");
    await writeData(data);
    const { run } = await json(
      "run",
      plugin,
      "--data",
      data,
      "--epochs",
      "2",
      "--seed",
      "7",
      "--threads",
      "2",
      ...flags,
    );

    const threads = await verified(run, "--threads", "1", "--cache", cache);
    assert.deepEqual([threads.code, threads.promise], [0, "tolerance"]);
    assert.deepEqual(threads.circumstances, [{ what: "threads", before: "2", now: "1" }]);

    const engine = await verified(run, "--engine", "reference", "--cache", cache);
    assert.deepEqual([engine.code, engine.promise, engine.equal], [0, "tolerance", false]);
    assert.match(engine.levels.steps!, /^other bits: step \d+ \(epoch 1\) of "slope" has /);
    assert.match(
      engine.levels.metrics!,
      /^agrees: 1 metric: 0 equal, 0 within 3 combined errors, 1 within 1 %$/,
    );
    const prefix = await verified(run, "--engine", "reference", "--steps", "3", "--cache", cache);
    assert.match(
      prefix.levels.steps!,
      /^agrees: 3 fingerprints up to step 3: losses within .* %, the tolerance is 1 %$/,
    );

    const text = await Deno.readTextFile(data);
    await Deno.writeTextFile(data, text.replace("0.8", "0.9"));
    const input = await verified(run, "--cache", cache);
    assert.equal(input.code, 1);
    assert.match(
      input.levels.inputs!,
      /^different: input "x.json" had sha256 [0-9a-f]{12} and has [0-9a-f]{12}$/,
    );
    assert.equal(input.reason, "the input data are not the ones of the run");
    await Deno.writeTextFile(data, text.slice(1));
    const broken = await verified(run, "--cache", cache);
    assert.equal(broken.code, 1);
    assert.match(broken.levels.data!, /^different: the repetition stopped before: /);
    await Deno.writeTextFile(data, text);

    await editJson(join(run, "run.json"), (record) => record.seed = 8);
    const seed = await verified(run, "--cache", cache);
    assert.equal(seed.code, 1);
    assert.match(
      seed.levels.record!,
      /^different: run.json says seed 8, configuration hash [0-9a-f]{8} belongs to seed 7$/,
    );
    assert.match(seed.reason!, /the record was edited: run.json says seed 8/);
  });
});

Deno.test("verify refuses a run that is not finished, and checks its first steps", async () => {
  await withTempDir(async (directory) => {
    const body = LINE.body!.replace(
      "async evaluate(_config, context) {",
      `async evaluate(_config, context) { throw new Error("no metric in " + context.sharedDirectory + Deno.cwd());`,
    );
    const plugin = await writeTrial(directory, { body });
    const { out, cache, flags } = places(directory);
    assert.equal((await task("run", plugin, "--epochs", "2", "--quiet", ...flags)).code, 4);
    const run = join(out, "trial", (await names(join(out, "trial")))[0]!);
    const refused = await task("verify", run, "--cache", cache);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /must be finished: it is failed; resume it first, or compare its first steps/,
    );
    assert.equal((await verified(run, "--steps", "4", "--cache", cache)).code, 0);
    // repaired, it resumes from its weights, and says that the code is not the same
    const text = await Deno.readTextFile(join(plugin, "mod.ts"));
    await Deno.writeTextFile(join(plugin, "mod.ts"), text.replace("throw new Error(", "void ("));
    const resumed = await json("resume", run, "--cache", cache);
    assert.equal(resumed.status, "finished");
    const { record } = await openRun(run);
    assert.match(
      record.warnings[0]!.message,
      /^resumed with other plugin code: mod\.ts [0-9a-f]{8} then, mod\.ts [0-9a-f]{8} now$/,
    );
    assert.equal(record.resumed?.[0]?.steps.slope, 24);
    assert.ok((await names(join(run, "provenance"))).includes("resumed-1"));
  });
});

Deno.test("no file of a run names a path of this machine, but for the command as typed", async () => {
  await withTempDir(async (directory) => {
    const bad = LINE.body!.replace(
      "async evaluate(_config, context) {",
      `async evaluate(_config, context) { Deno.readTextFileSync(import.meta.dirname + "/none.txt");`,
    );
    const plugin = await writeTrial(directory, FROM_FILE);
    const { out, flags } = places(directory);
    const data = join(directory, "x.json");
    await writeData(data);
    await json("run", plugin, "--data", data, "--epochs", "1", ...flags);
    await writeTrial(directory, { ...FROM_FILE, body: bad });
    assert.equal((await task("run", plugin, "--data", data, "--epochs", "1", "--quiet", ...flags)).code, 4);
    for (const run of await names(join(out, "trial"))) {
      const folder = join(out, "trial", run);
      const { command } = JSON.parse(await Deno.readTextFile(join(folder, "run.json")));
      for (const path of await filesBelow(folder)) {
        let text = new TextDecoder().decode(await Deno.readFile(path));
        for (const word of command.filter((word: string) => word.includes("/"))) {
          text = text.replaceAll(word, "<typed>");
        }
        const at = text.search(/(?<!\w)\/(tmp|home|root)\//); // `formats/root/` is a folder of ours
        assert.equal(at, -1, `${path}: ${text.slice(Math.max(0, at - 80), at + 80)}`);
      }
    }
  });
});

async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await filesBelow(join(folder, name)));
    else found.push(join(folder, name));
  }
  return found;
}

Deno.test("permissions.json says what the plugin asked for, granted or not", async () => {
  await withTempDir(async (directory) => {
    const head = `${LINE.head}
try { Deno.readTextFileSync("/etc/passwd"); } catch { /* refused */ }
await fetch("http://192.0.2.1/").catch(() => {});`;
    const plugin = await writeTrial(directory, { head });
    const { run } = await json("run", plugin, "--epochs", "1", ...places(directory).flags);
    const record = JSON.parse(await Deno.readTextFile(join(run, "provenance/permissions.json")));
    const refused = record["refused: prepare"] as string[];
    assert.ok(refused.includes("read <outside>/passwd"), String(refused));
    assert.ok(refused.some((text) => text.startsWith("net 192.0.2.1")), String(refused));
    assert.ok(record["used: evaluate"].includes("read <plugin>"));
    assert.ok(record["used: evaluate"].includes("write <shared>"));
  });
});

Deno.test("verify repeats an action that has models and prepares no data", async () => {
  await withTempDir(async (directory) => {
    const look =
      `actions: { look: { title: "look", prepare: false, models: true, run: () => ({ summary: "s" }) } },`;
    const plugin = await writeTrial(directory, { body: `${LINE.body} ${look}` });
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, "look", ...flags);
    const { code, levels } = await verified(run, "--cache", cache);
    assert.equal(levels.data, "skipped: nothing was prepared");
    assert.equal(code, 0);
  });
});
