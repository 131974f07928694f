/**
 * Run folders that somebody sent: no command reads, writes or grants anything outside of them without a question.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../support/plugins.ts";
import {
  makePlace,
  type Place,
  READ_FILE,
  READ_SECRET,
  SECRET,
  sendRun,
  type SentRun,
  snapshot,
  WRITE_KEYS,
} from "../support/sent_runs.ts";
import { type Outcome, ROOT, taskWith, writeTrial } from "../support/trial.ts";

/** The command of each task on a run. */
const COMMANDS: { readonly [name: string]: (run: string, place: Place) => string[] } = {
  resume: (run) => ["resume", run],
  verify: (run) => ["verify", run, "--steps", "1"],
  predict: (run, { home }) => ["predict", run, "--data", join(home, "photos/2024/a.jpg")],
  export: (run) => ["export", run, "--onnx"],
  report: (run) => ["report", run],
  compare: (run) => ["compare", run, `${run}-2`, "--html", `${run}.html`],
};

/** Commands that run code and hand it what the record names. */
const RUNNING = ["resume", "verify", "predict", "export"];

/** Runs that name something of the user, and what of it must be in the refusal. */
const NAMING: { readonly [name: string]: { readonly sent: SentRun; readonly named: RegExp } } = {
  "a file of the user after the action": {
    sent: { body: READ_FILE, record: { action: "look", files: ["../../home/.ssh/id_rsa"] } },
    named: /files\.0: it is given to read ".*\/home\/\.ssh\/id_rsa" \(from run\.json\)/,
  },
  "a folder of the user in the manifest of the plugin that it brings": {
    sent: { body: READ_SECRET, manifest: { permissions: { read: ["../../../home"] } } },
    named: /permissions\.read: it asks to read ".*\/home" \(from the plugin's manifest\)/,
  },
  "a file of the user as a value of the configuration": {
    sent: {
      config: `table: inputPath({ help: "a table" })`,
      values: { table: "../../home/.ssh/id_rsa" },
    },
    named: /table: it is given to read ".*\/home\/\.ssh\/id_rsa" \(from config\.json\)/,
  },
  "an absolute path": {
    sent: { body: READ_FILE, record: { action: "look", files: ["/etc/passwd"] } },
    named: /files\.0: it is given to read "\/etc\/passwd"/,
  },
};

/** What the commands need of a run beside its record, and a second run to compare with. */
async function send(place: Place, sent: SentRun): Promise<string> {
  await sendRun(place, "run-2");
  return await sendRun(place, "run", sent);
}

async function tried(
  command: string,
  run: string,
  place: Place,
  ...more: string[]
): Promise<Outcome & { readonly all: string }> {
  const args = COMMANDS[command]!(run, place);
  const cache = ["report", "compare"].includes(command) ? [] : ["--cache", join(place.inbox, "../cache")];
  const outcome = await taskWith(
    { BEAMLINE_STATE: join(place.inbox, "../state") },
    ...args,
    ...cache,
    ...more,
  );
  return { ...outcome, all: outcome.stdout + outcome.stderr };
}

for (const [name, { sent, named }] of Object.entries(NAMING)) {
  Deno.test(`resume and verify name what a run that was sent would be given: ${name}`, async () => {
    await withTempDir(async (directory) => {
      const place = await makePlace(directory);
      const run = await send(place, sent);
      const [home, before] = [await snapshot(place.home), await snapshot(run)];
      for (const command of ["resume", "verify"]) {
        const { code, all } = await tried(command, run, place);
        assert.equal(code, 2, all);
        assert.match(all, new RegExp(`Cannot ${command} run ".*" as what its record names must be accepted`));
        assert.match(all, /--accept accepts what follows/);
        assert.match(
          all,
          /plugin\.path: this code is run in the sandbox: ".*plugin", which came with the run/,
        );
        assert.match(all, named);
      }
      assert.deepEqual(await snapshot(place.home), home);
      assert.deepEqual(await snapshot(run), before, "nothing was written into the run either");
    });
  });
}

Deno.test("predict and export do not run code that came with a run", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const run = await send(place, {
      body: READ_SECRET,
      manifest: { permissions: { read: ["../../../home"] } },
    });
    for (const command of ["predict", "export"]) {
      const { code, all } = await tried(command, run, place);
      assert.equal(code, 2, all);
      assert.match(all, /plugin\.path: this code is run .*\n.*permissions\.read: it asks to read ".*\/home"/);
    }
  });
});

/** Links in a run, by their place; the target is relative to it. */
const LINKS: { readonly [path: string]: string } = {
  "files": "../../home/.ssh",
  "checkpoints": "../../home/photos",
  "predictions": "../../home/photos",
  "figures": "../../home/photos",
  "provenance": "../../home/.ssh",
  "programs": "../../home/photos",
  "report.html": "../../home/project/report.html",
  "metrics.jsonl": "../../home/.ssh/id_rsa",
  "metrics.json": "../../home/.ssh/id_rsa",
  "config.json": "../../home/.ssh/id_rsa",
  "data.json": "../../home/.ssh/id_rsa",
  "lock": "../../home/.ssh/made_by_beamline",
  "run.json": "../run-2/run.json",
  "plugin/mod.ts": "../../../home/.ssh/id_rsa",
  "provenance/inputs.json": "../../../home/.ssh/id_rsa",
  "checkpoints/12": "../../../home/photos/2024",
};

for (const [path, target] of Object.entries(LINKS)) {
  Deno.test(`no command follows a link in a run: ${path}`, async () => {
    await withTempDir(async (directory) => {
      const place = await makePlace(directory);
      const sent = { links: { [path]: target }, record: { action: "look" }, body: WRITE_KEYS };
      const run = await send(place, sent);
      const home = await snapshot(place.home);
      const commands = path === "files" ? Object.keys(COMMANDS) : ["resume", "report"];
      for (const command of commands) {
        // consent to what the record names is none to links
        const more = RUNNING.includes(command) ? ["--accept"] : [];
        const { code, all } = await tried(command, run, place, ...more);
        assert.equal(code, 2, `${command}: ${all}`);
        assert.match(all, /error: Cannot .* a symbolic link/);
        assert.ok(!all.includes(SECRET), all);
      }
      assert.deepEqual(await snapshot(place.home), home);
    });
  });
}

Deno.test("names in the records of a run do not lead out of its folder or out of the cache", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const run = await send(place, {
      files: {
        "checkpoints/best.json": JSON.stringify({
          step: 1,
          directory: "1",
          models: { "../../../home/project/report": "1" },
        }),
        "checkpoints/last.json": JSON.stringify({
          step: 1,
          directory: "../../home",
          models: { a: "../../home" },
        }),
        "data.json": JSON.stringify({ cacheKey: "../home/photos/2024", tables: {}, facts: {} }),
        "figures/index.json": JSON.stringify([{
          name: "../../../home/.ssh/id_rsa",
          title: "t",
          caption: "c",
        }]),
      },
    });
    const home = await snapshot(place.home);
    for (const command of Object.keys(COMMANDS)) {
      const { code, all } = await tried(
        command,
        run,
        place,
        ...(RUNNING.includes(command) ? ["--accept"] : []),
      );
      assert.ok(code !== 3, `${command}: ${all}`);
      assert.ok(!all.includes(SECRET), all);
    }
    assert.deepEqual(await snapshot(place.home), home);
    for (const text of Object.values(await snapshot(run))) assert.ok(!text.includes(SECRET));
  });
});

Deno.test("a plugin's name in a record is no path", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const run = await send(place, {
      record: { plugin: { name: join(place.inbox, "run/plugin"), title: "" } },
    });
    const { code, all } = await tried("resume", run, place, "--accept");
    assert.equal(code, 2);
    assert.match(all, /Cannot open run ".*" as of its run\.json "plugin\.name" must be a name/);
  });
});

Deno.test("--accept gives what a record names, once for all, until the record or its code changes", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const data = join(place.home, "project/data.txt");
    await Deno.writeTextFile(data, "numbers");
    const sent = { body: READ_FILE, record: { action: "look", files: ["../../home/project/data.txt"] } };
    const run = await send(place, sent);
    const first = await tried("resume", run, place, "--accept");
    assert.equal(first.code, 0, first.all);
    assert.match(
      first.all,
      /was not made here, or was changed since; to resume it,\n {2}plugin\.path: this code/,
    );
    const again = await tried("verify", run, place);
    assert.equal(again.code, 1, "its hash of the configuration is no hash");
    assert.ok(!again.all.includes("was not made here"));

    await Deno.writeTextFile(join(run, "plugin/more.ts"), "export const x = 1;");
    assert.equal((await tried("verify", run, place)).code, 2, "other code");
    await Deno.remove(join(run, "plugin/more.ts"));
    const record = JSON.parse(await Deno.readTextFile(join(run, "run.json")));
    const files = ["../../home/.ssh/id_rsa"];
    await Deno.writeTextFile(join(run, "run.json"), JSON.stringify({ ...record, files }));
    const other = await tried("verify", run, place);
    assert.equal(other.code, 2, other.all);
    assert.match(other.all, /files\.0: it is given to read ".*id_rsa"/);
  });
});

Deno.test("a run that was made here needs no question: copied, resumed with its input elsewhere, by a link to the store", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const state = { BEAMLINE_STATE: join(directory, "state") };
    const plugin = await writeTrial(directory, {
      config: `table: inputPath({ help: "a table" }), rows: z.int().default(64)`,
      body: `evaluate: ({ table }) => ({ summary: Deno.readTextFileSync(table) })`,
      head: "",
    });
    const data = join(directory, "data.txt");
    await Deno.writeTextFile(data, "numbers");
    await Deno.mkdir(join(directory, "store"));
    await Deno.symlink("store", join(directory, "runs"));
    const flags = ["--cache", join(directory, "cache")];
    const made = await taskWith(
      state,
      ...["run", plugin, "--table", data, "--out", join(directory, "runs"), "--json", ...flags],
    );
    assert.equal(made.code, 0, made.stderr);
    const { run } = JSON.parse(made.stdout);
    const verified = await taskWith(state, "verify", run, ...flags);
    assert.equal(verified.code, 0, verified.stderr + verified.stdout);
    assert.ok(!verified.stderr.includes("was not made here"));

    const copy = `${run}-copy`;
    const copied = await new Deno.Command("cp", { args: ["-r", run, copy] }).output();
    assert.ok(copied.success);
    assert.equal((await taskWith(state, "verify", copy, ...flags)).code, 0, "a copy");

    const unknown = await taskWith({ BEAMLINE_STATE: join(directory, "other") }, "verify", run, ...flags);
    assert.equal(unknown.code, 2, "another user");
    assert.match(unknown.stderr, /table: it is given to read ".*data\.txt" \(from config\.json\)/);

    const config = JSON.parse(await Deno.readTextFile(join(copy, "config.json")));
    config.values.table = join(place.home, ".ssh/id_rsa");
    await Deno.writeTextFile(join(copy, "config.json"), JSON.stringify(config));
    const changed = await taskWith(state, "verify", copy, ...flags);
    assert.equal(changed.code, 2, "a record that was changed");
    assert.match(changed.stderr, /table: it is given to read ".*id_rsa"/);
    assert.ok(!changed.stderr.includes("plugin.path"), "its plugin is known");
  });
});

Deno.test("a run goes on where nothing can be remembered, and says so where that matters", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, { body: "evaluate: () => ({})", head: "", config: "" });
    await Deno.writeTextFile(join(directory, "file"), "");
    const state = { BEAMLINE_STATE: join(directory, "file") }; // no folder can be made there
    const flags = ["--cache", join(directory, "cache"), "--out", join(directory, "runs")];
    const { code, stderr } = await taskWith(state, "run", plugin, ...flags);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /could not be remembered as one that was made here; see BEAMLINE_STATE/);
  });
});

Deno.test("a run that is trained on leaves files alone that share their bytes with its own (hard links)", async () => {
  await withTempDir(async (directory) => {
    const state = { BEAMLINE_STATE: join(directory, "state") };
    const plugin = await writeTrial(directory);
    const flags = ["--cache", join(directory, "cache"), "--json"];
    const made = await taskWith(
      state,
      "run",
      plugin,
      "--epochs",
      "2",
      "--out",
      join(directory, "runs"),
      ...flags,
    );
    assert.equal(made.code, 0, made.stderr);
    const { run } = JSON.parse(made.stdout);
    const linked = await new Deno.Command("cp", { args: ["-rl", run, join(directory, "linked")] }).output();
    if (!linked.success) return console.log("no hard links on this file system: not tested");
    const before = await snapshot(join(directory, "linked"));
    await Deno.writeTextFile(join(directory, "new.json"), "[1, 2]");
    const later = [
      ["resume", run, "--extend", "4", ...flags],
      ["predict", run, "--data", join(directory, "new.json"), ...flags],
      ["export", run, "--onnx", ...flags],
      ["report", run, "--json"],
    ];
    for (const command of later) {
      const { code, stderr } = await taskWith(state, ...command);
      assert.equal(code, 0, stderr);
      assert.ok(!stderr.includes("was not made here"), stderr);
    }
    const again = await new Deno.Command("cp", {
      args: ["-rl", run, join(directory, "linked-2")],
    }).output();
    assert.ok(again.success);
    const second = await snapshot(join(directory, "linked-2"));
    for (const command of later.slice(1)) assert.equal((await taskWith(state, ...command)).code, 0);
    assert.deepEqual(await snapshot(join(directory, "linked")), before);
    assert.deepEqual(await snapshot(join(directory, "linked-2")), second);
  });
});

Deno.test("run --init follows no link in the run that it takes weights from", async () => {
  await withTempDir(async (directory) => {
    const place = await makePlace(directory);
    const sent = await send(place, { links: { checkpoints: "../../home/photos" } });
    const plugin = await writeTrial(directory);
    const flags = ["--cache", join(directory, "cache"), "--out", join(directory, "runs"), "--init", sent];
    const { code, stderr } = await taskWith(
      { BEAMLINE_STATE: join(directory, "state") },
      "run",
      plugin,
      ...flags,
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr, /Cannot begin with run ".*" as .*: "checkpoints" is a symbolic link/);
  });
});

/** util-linux's `script` makes a terminal for a command. */
const HAS_SCRIPT = await new Deno.Command("script", { args: ["--version"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);
if (!HAS_SCRIPT) console.log("no program script of util-linux: the question at a terminal is not tested");

for (const [answer, code] of [["y", 0], ["n", 2], ["", 2]] as const) {
  Deno.test({
    name: `a terminal is asked for what a run that was sent names: "${answer}"`,
    ignore: !HAS_SCRIPT || Deno.build.os !== "linux",
    async fn() {
      await withTempDir(async (directory) => {
        const place = await makePlace(directory);
        const run = await send(place, { body: READ_FILE, record: { action: "look", files: ["run.json"] } });
        const command = ["resume", run, "--cache", join(directory, "cache")];
        const child = new Deno.Command("script", {
          args: ["-qec", [Deno.execPath(), "task", "-q", ...command].join(" "), "/dev/null"],
          cwd: ROOT,
          env: { NO_COLOR: "1", BEAMLINE_STATE: join(directory, "state") },
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(`${answer}\n`));
        const output = await child.output();
        await writer.close().catch(() => {});
        const text = new TextDecoder().decode(output.stdout);
        assert.match(text, /plugin\.path: this code is run in the sandbox: .*\r\naccept\? \[y\/N\]/);
        assert.equal(output.code, code, text);
        if (code === 2) assert.match(text, /must be accepted where it was not made here: it was declined/);
      });
    },
  });
}
