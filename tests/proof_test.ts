/** What a run proves: that it repeats itself, that nothing was changed, and that it can be moved and gone on with. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { isLocked } from "../run/lock.ts";
import { openRun } from "../run/store.ts";
import { type PluginText, withTempDir } from "./plugins.ts";
import { LINE, names, type Outcome, places, task, writeTrial } from "./trial.ts";

/** The trial with its x values from a file. */
const FROM_FILE: PluginText = {
  config: `data: inputPath("file", "x values"), ${LINE.config}`,
  body: LINE.body!.replace(
    "prepare({ rows }, context) {",
    `prepare({ rows, data }, context) {
    if (data) {
      const x = Float32Array.from(JSON.parse(Deno.readTextFileSync(data)));
      const table = { x: column(x, { unit: "cm", shape: [x.length, 1], dims: ["row", "axis"] }), y: column(x.map((v) => 2 * v), { unit: "cm", shape: [x.length, 1], dims: ["row", "axis"] }) };
      return { tables: { train: table, validation: table }, simulated: false, source: "x values of " + data };
    }`,
  ),
};

async function writeData(path: string): Promise<void> {
  const values = Array.from({ length: 64 }, (_, i) => Math.sin(i));
  await Deno.writeTextFile(path, JSON.stringify(values));
}

/** Runs a command that must succeed; returns what it printed as JSON. */
// deno-lint-ignore no-explicit-any
async function json(...args: string[]): Promise<any> {
  const { code, stdout, stderr } = await task(...args, "--json", "--quiet");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

interface Verified {
  readonly code: number;
  readonly holds: boolean;
  readonly equal: boolean;
  readonly promise: string;
  readonly reason: string | null;
  readonly circumstances: readonly { readonly what: string }[];
  /** "state: detail" by level. */
  readonly levels: { readonly [level: string]: string };
}

async function verified(run: string, ...args: string[]): Promise<Verified> {
  const { code, stdout, stderr } = await task("verify", run, ...args, "--json", "--quiet");
  assert.ok(code === 0 || code === 1, stderr);
  const { levels, ...rest } = JSON.parse(stdout) as Omit<Verified, "levels"> & {
    levels: { level: string; state: string; detail: string }[];
  };
  return {
    ...rest,
    code,
    levels: Object.fromEntries(levels.map(({ level, state, detail }) => [level, `${state}: ${detail}`])),
  };
}

async function editJson(path: string, change: (value: { [key: string]: unknown }) => void): Promise<void> {
  const value = JSON.parse(await Deno.readTextFile(path));
  change(value);
  await Deno.writeTextFile(path, JSON.stringify(value));
}

async function flipLastByte(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(path, bytes);
}

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
      `async evaluate(_config, context) { throw new Error("no metric in " + context.exchange + Deno.cwd());`,
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
    // mended, it goes on with its weights, and says that the code is not the same
    const text = await Deno.readTextFile(join(plugin, "mod.ts"));
    await Deno.writeTextFile(join(plugin, "mod.ts"), text.replace("throw new Error(", "void ("));
    const resumed = await json("resume", run, "--cache", cache);
    assert.equal(resumed.status, "finished");
    const { record } = await openRun(run);
    assert.match(
      record.warnings[0]!.message,
      /^gone on with other plugin code: mod\.ts [0-9a-f]{8} then, mod\.ts [0-9a-f]{8} now$/,
    );
    assert.equal(record.resumed?.[0]?.steps.slope, 24);
    assert.ok((await names(join(run, "provenance"))).includes("resumed-1"));
  });
});

Deno.test("resume falls back to the checkpoint before a damaged one, and says so", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const args = ["--epochs", "4", "--checkpoint-seconds", "0"];
    const { run } = await json("run", plugin, ...args, ...flags);
    const expected = await Deno.readTextFile(join(run, "metrics.json"));
    const { directory: last } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints/last.json")));
    await flipLastByte(join(run, "checkpoints", last, "state.safetensors"));
    await Deno.writeTextFile(join(run, "checkpoints/last.json"), "{");
    await Deno.writeTextFile(join(run, "metrics.jsonl"), '{"step": 4', { append: true });
    await editJson(join(run, "run.json"), (record) => record.status = "running");
    assert.equal(await (await openRun(run)).state(), "killed");
    await json("resume", run, "--cache", cache);
    assert.equal(await Deno.readTextFile(join(run, "metrics.json")), expected);
    const { record } = await openRun(run);
    assert.match(
      record.warnings[0]!.message,
      /^Cannot read checkpoint "48" as .*; training goes on from the one before$/,
    );
    assert.ok(record.resumed![0]!.steps.slope! < 48);
    assert.equal((await verified(run, "--cache", cache)).code, 0);
  });
});

Deno.test("resume --extend trains longer, and verify repeats both parts", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const { run } = await json("run", plugin, "--epochs", "2", ...flags);
    const same = await task("resume", run, "--extend", "2", "--cache", cache);
    assert.equal(same.code, 2);
    assert.match(same.stderr, /--extend must be more than its 2 epochs: found 2/);
    await json("resume", run, "--extend", "4", "--cache", cache);
    const { record } = await openRun(run);
    assert.deepEqual([record.extendedFrom, record.training?.slope?.epochs], [[2], 4]);
    const proof = await verified(run, "--cache", cache);
    assert.deepEqual([proof.code, proof.equal, proof.levels.record!.slice(0, 5)], [0, true, "equal"]);
  });
});

Deno.test("a run that was moved away from its data reports, verifies and resumes with --data", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, FROM_FILE);
    const { cache, flags } = places(directory);
    const data = join(directory, "x.json");
    await writeData(data);
    const { run } = await json("run", plugin, "--data", data, "--epochs", "2", ...flags);
    const expected = await Deno.readTextFile(join(run, "metrics.json"));
    const moved = join(directory, "moved");
    await Deno.mkdir(join(directory, "else"));
    await Deno.rename(run, moved);
    await Deno.rename(data, join(directory, "else", "y.json"));
    assert.equal((await task("report", moved)).code, 0);
    const there = ["--plugin", plugin, "--cache", cache];
    const lost = await task("verify", moved, ...there);
    assert.equal(lost.code, 2);
    assert.match(lost.stderr, /--data must name something to read: no such file or folder/);
    const noPlugin = await task("verify", moved, "--cache", cache);
    assert.match(noPlugin.stderr, /its folder must be where it was: .* is not there; name it with --plugin/);
    const found = [...there, "--data", join(directory, "else", "y.json")];
    const proof = await verified(moved, ...found);
    assert.equal(proof.code, 0, JSON.stringify(proof));
    await editJson(join(moved, "run.json"), (record) => record.status = "interrupted");
    const other = join(directory, "z.json");
    await Deno.writeTextFile(other, "[1, 2, 3]");
    const refused = await task("resume", moved, ...there, "--data", other);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /its input "x.json" must be the one it began with: expected sha256/);
    await json("resume", moved, ...found);
    assert.equal(await Deno.readTextFile(join(moved, "metrics.json")), expected);
    // it remembers where its data are now
    assert.equal((await verified(moved, ...there)).code, 0);
  });
});

Deno.test("six runs at once neither collide nor differ, and two cannot go on with one run", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, cache, flags } = places(directory);
    const started = await Promise.all(
      Array.from({ length: 6 }, () => json("run", plugin, "--epochs", "2", ...flags)),
    );
    assert.equal(new Set(started.map(({ run }) => run)).size, 6);
    assert.equal(new Set(started.map(({ run }) => Deno.readTextFileSync(join(run, "metrics.json")))).size, 1);
    assert.equal((await names(join(out, "trial"))).length, 6);
    assert.deepEqual(await names(join(cache, "exchange")), []);
    const { run } = started[0]!;
    await editJson(join(run, "run.json"), (record) => record.status = "interrupted");
    const resumes = await Promise.all([0, 1].map(() => task("resume", run, "--cache", cache, "--quiet")));
    const [first, second] = resumes.sort((a, b) => a.code - b.code) as [Outcome, Outcome];
    assert.equal(first.code, 0, first.stderr);
    // the second came while the first worked, or after it
    assert.equal(second.code, 2);
    assert.match(
      second.stderr,
      /one process at a time may work on it: another one does|must not be finished: it is/,
    );
    assert.equal(await isLocked(join(run, "lock")), false);
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
        const at = text.search(/\/tmp\/|\/home\/|\/root\//);
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

Deno.test("permissions.json says what the plugin asked for, in vain or not", async () => {
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
    assert.ok(record["used: evaluate"].includes("write <exchange>"));
  });
});
