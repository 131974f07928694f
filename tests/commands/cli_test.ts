/** Whole commands, as a user types them: output, exit codes, what is left behind. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type PluginText, withTempDir } from "../support/plugins.ts";
import { LINE, names, places, ROOT, task, weightsOf, writeTrial } from "../support/trial.ts";

Deno.test("run trains, evaluates and reports a plugin given by path, twice with equal bytes", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, flags } = places(directory);
    const runs: { run: string; metrics: { mse: { value: number } } }[] = [];
    for (const seed of ["7", "7", "8"]) {
      const { code, stdout, stderr } = await task("run", plugin, "--json", "--seed", seed, ...flags);
      assert.equal(code, 0, stderr);
      const json = JSON.parse(stdout);
      assert.equal(json.status, "finished");
      assert.ok(json.metrics.mse.value < 0.1);
      runs.push(json);
    }
    const read = (i: number, name: string): string => Deno.readTextFileSync(join(runs[i]!.run, name));
    const weights = (i: number): string => {
      const { directory } = JSON.parse(read(i, "checkpoints/best.json"));
      return JSON.parse(read(i, `checkpoints/${directory}/manifest.json`)).files["state.safetensors"].sha256;
    };
    assert.equal(read(0, "metrics.json"), read(1, "metrics.json"));
    assert.equal(weights(0), weights(1));
    assert.notEqual(weights(0), weights(2));
    assert.equal((await names(join(out, "trial"))).length, 3);
    assert.match(read(0, "report.html"), /A trial/);
  });
});

Deno.test("predict applies the trained model to rows without labels", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { flags, cache } = places(directory);
    const { run } = JSON.parse((await task("run", plugin, "--json", "--epochs", "20", ...flags)).stdout);
    await Deno.writeTextFile(join(directory, "new.json"), "[1, 2, -3]");
    const { code, stdout, stderr } = await task(
      ...[
        "predict",
        run,
        "--plugin",
        plugin,
        "--data",
        join(directory, "new.json"),
        "--cache",
        cache,
        "--json",
      ],
    );
    assert.equal(code, 0, stderr);
    const { rows, predictions } = JSON.parse(stdout);
    assert.equal(rows, 3);
    assert.equal(predictions.y.unit, "cm");
    const bytes = Deno.readFileSync(join(run, "predictions", "new", "y.npy"));
    const y = new Float32Array(bytes.slice(-12).buffer);
    [2, 4, -6].forEach((expected, i) => assert.ok(Math.abs(y[i]! - expected) < 0.2, `${y[i]}`));
  });
});

Deno.test("resume after Ctrl-C ends with the weights and metrics of the run that was not interrupted", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { out, cache, flags } = places(directory);
    const args = ["run", plugin, "--epochs", "3000", ...flags];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["task", "-q", ...args],
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    // the first epoch's line says that training is on its way
    for await (const chunk of child.stderr) if (new TextDecoder().decode(chunk).includes("epoch 1")) break;
    child.kill("SIGINT");
    assert.equal((await child.status).code, 130);
    const [id] = await names(join(out, "trial"));
    const run = join(out, "trial", id!);
    const status = (): string => JSON.parse(Deno.readTextFileSync(join(run, "run.json"))).status;
    assert.equal(status(), "interrupted");
    const resumed = await task("resume", run, "--plugin", plugin, "--cache", cache, "--json");
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.equal(status(), "finished");
    const whole = JSON.parse((await task(...args, "--json", "--quiet")).stdout);
    assert.deepEqual(JSON.parse(resumed.stdout).metrics, whole.metrics);
    assert.equal(weightsOf(run), weightsOf(whole.run));
    for (const log of ["fingerprints.jsonl"]) {
      assert.equal(Deno.readTextFileSync(join(run, log)), Deno.readTextFileSync(join(whole.run, log)));
    }
  });
});

Deno.test("verify proves a run, and names what was changed", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    const { cache, flags } = places(directory);
    const { run } = JSON.parse((await task("run", plugin, "--json", ...flags)).stdout);
    const verify = async (...more: string[]) => {
      const { code, stdout } = await task(
        "verify",
        run,
        "--plugin",
        plugin,
        "--cache",
        cache,
        "--json",
        ...more,
      );
      return { code, ...JSON.parse(stdout) };
    };
    const proven = await verify();
    assert.equal(proven.code, 0);
    assert.equal(proven.promise, "bits");
    assert.equal(proven.equal, true);
    assert.deepEqual(
      proven.levels.map(({ level, state }: { level: string; state: string }) => `${level} ${state}`),
      [
        "record equal",
        "inputs skipped",
        "data equal",
        "programs equal",
        "steps equal",
        "metrics equal",
        "predictions skipped",
        "weights equal",
      ],
    );
    const { directory: step } = JSON.parse(await Deno.readTextFile(join(run, "checkpoints", "best.json")));
    const weights = join(run, "checkpoints", step, "state.safetensors");
    const bytes = await Deno.readFile(weights);
    bytes[bytes.length - 1]! ^= 1;
    await Deno.writeFile(weights, bytes);
    const changed = await verify();
    assert.equal(changed.code, 1);
    assert.match(
      changed.levels.find(({ state }: { state: string }) => state === "different").detail,
      /^best weights of "slope"/,
    );
    assert.match(changed.reason, /so the files of the run were changed afterwards$/);
    await Deno.writeTextFile(
      join(plugin, "mod.ts"),
      (await Deno.readTextFile(join(plugin, "mod.ts"))).replace("2 * v", "3 * v"),
    );
    const recoded = await verify("--steps", "5");
    assert.equal(recoded.code, 1);
    assert.match(
      recoded.levels.find(({ level }: { level: string }) => level === "data").detail,
      /^column "y" of "train" differs/,
    );
    assert.match(recoded.reason, /other plugin code: mod\.ts/);
  });
});

interface Refusal {
  readonly what: string;
  readonly args: (plugin: string, directory: string) => string[];
  readonly code: number;
  readonly error: RegExp;
}

const REFUSALS: readonly Refusal[] = [
  {
    what: "an unknown plugin",
    args: () => ["ecl"],
    code: 2,
    error: /no plugin has this name: .*; did you mean "ecal"\?/,
  },
  { what: "a missing plugin name", args: () => [], code: 2, error: /first argument must name a plugin/ },
  {
    what: "an unknown flag",
    args: (plugin) => [plugin, "--epoch", "3"],
    code: 2,
    error: /--epoch: there is no such flag .*did you mean "--epochs"/,
  },
  {
    what: "a bad value",
    args: (plugin) => [plugin, "--epochs", "many"],
    code: 2,
    error: /epochs: .*found "many" \(from --epochs\)/,
  },
  {
    what: "several bad values",
    args: (plugin) => [plugin, "--epochs", "-1", "--mode", "fst", "--nope"],
    code: 2,
    error: /3 problems/,
  },
  {
    what: "a bad seed",
    args: (plugin) => [plugin, "--seed", "1.5"],
    code: 2,
    error: /--seed as it must be a whole number/,
  },
  {
    what: "an unknown action",
    args: (plugin) => [plugin, "explor"],
    code: 2,
    error: /Cannot run action "explor"/,
  },
  {
    what: "an unknown engine",
    args: (plugin) => [plugin, "--engine", "nativ"],
    code: 2,
    error: /did you mean "native"/,
  },
  {
    what: "an unknown preset",
    args: (plugin) => [plugin, "--preset", "x"],
    code: 2,
    error: /Cannot use preset "x"/,
  },
  {
    what: "a path that is no plugin",
    args: (_plugin, directory) => [`${directory}/none`],
    code: 2,
    error: /no such folder/,
  },
];

for (const { what, args, code, error } of REFUSALS) {
  Deno.test(`run refuses ${what} and leaves no run behind`, async () => {
    await withTempDir(async (directory) => {
      const plugin = await writeTrial(directory);
      const { out, cache, flags } = places(directory);
      const outcome = await task("run", ...args(plugin, directory), ...flags);
      assert.equal(outcome.code, code, outcome.stderr);
      assert.equal(outcome.stdout, "");
      assert.match(outcome.stderr, error);
      assert.equal(outcome.stderr.includes("    at "), false);
      assert.deepEqual(await names(join(out, "trial")), []);
      assert.deepEqual(await names(join(cache, "shared")), []);
    });
  });
}

Deno.test("run refuses an output folder below a regular file", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory);
    await Deno.writeTextFile(join(directory, "file"), "");
    const { code, stderr } = await task(
      "run",
      plugin,
      "--out",
      join(directory, "file", "x"),
      "--cache",
      join(directory, "cache"),
    );
    assert.equal(code, 2);
    assert.match(stderr, /error: Cannot write to ".*file\/x" as runs need a folder that can be written/);
  });
});

const FAILURES: readonly {
  readonly what: string;
  readonly text: PluginText;
  readonly flags?: string[];
  readonly error: RegExp;
}[] = [
  {
    what: "throws in prepare",
    text: { body: `prepare() { throw new Error("lost beam"); },` },
    error: /\[trial prepare\] Error: lost beam/,
  },
  {
    what: "throws in build",
    text: { body: LINE.body!.replace("build() {", `build() { throw new Error("no model");`) },
    error: /\[trial trace\] Error: no model/,
  },
  {
    what: "throws in evaluate",
    text: {
      body: LINE.body!.replace(
        "async evaluate(_config, context) {",
        `async evaluate(_config, context) { throw new Error("no metric");`,
      ),
    },
    error: /\[trial evaluate\] Error: no metric/,
  },
  {
    what: "loops past its limit",
    text: { body: `prepare() { for (;;) {} },` },
    flags: ["--hook-timeout", "2"],
    error: /may take at most 2 s/,
  },
  {
    what: "exits",
    text: { body: `prepare() { Deno.exit(0); },` },
    error: /the sandbox must live until the hook returns: it exited with code 0/,
  },
];

for (const { what, text, flags = [], error } of FAILURES) {
  Deno.test(`run ends with exit code 4 and a failed record when a plugin ${what}`, async () => {
    await withTempDir(async (directory) => {
      const plugin = await writeTrial(directory, text);
      const { out, flags: paths } = places(directory);
      const { code, stderr } = await task("run", plugin, "--epochs", "1", ...flags, ...paths);
      assert.equal(code, 4, stderr);
      assert.match(stderr, error);
      const [id] = await names(join(out, "trial"));
      const record = JSON.parse(await Deno.readTextFile(join(out, "trial", id!, "run.json")));
      assert.equal(record.status, "failed");
      assert.match(record.error.message, error);
      assert.ok((await names(join(out, "trial", id!))).includes("report.html"));
    });
  });
}

Deno.test("run prints one JSON object although the plugin prints to standard output", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, { head: `${LINE.head}\nconsole.log("noise");` });
    const { code, stdout, stderr } = await task(
      "run",
      plugin,
      "--epochs",
      "1",
      "--json",
      ...places(directory).flags,
    );
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).status, "finished");
  });
});

Deno.test("run stops with the step and the tensor when the loss is not finite", async () => {
  await withTempDir(async (directory) => {
    const body = LINE.body!.replace(
      "tf.losses.meanSquaredError(y, layer.apply(x))",
      "tf.sqrt(tf.neg(tf.mean(tf.square(layer.apply(x)))))",
    );
    const plugin = await writeTrial(directory, { body });
    const { code, stderr } = await task("run", plugin, "--epochs", "1", ...places(directory).flags);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /Cannot train "slope" as "loss" must be finite: NaN at step 1 \(epoch 1\), the first tensor that is not finite is "/,
    );
  });
});

Deno.test("run takes a data path, refuses a missing one, and passes on what the plugin says of the file", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, {
      head: `import { DataError } from "beamline";`,
      config: `data: inputPath("file", "numbers")`,
      body: `prepare({ data }) {
        if (Deno.readTextFileSync(data) !== "good") throw new DataError("Cannot read \\"" + data + "\\" as it must be good: found bad", data);
        return { tables: {}, simulated: false, source: "a file" };
      },`,
    });
    const file = join(directory, "a.txt");
    const { flags } = places(directory);
    await Deno.writeTextFile(file, "good");
    assert.equal((await task("run", plugin, "--data", file, ...flags)).code, 0);
    const missing = await task("run", plugin, "--data", join(directory, "b.txt"), ...flags);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /--data must name something to read: no such file or folder/);
    await Deno.writeTextFile(file, "bad");
    const bad = await task("run", plugin, "--data", file, ...flags);
    assert.equal(bad.code, 2);
    assert.match(bad.stderr, /as it must be good: found bad/);
  });
});

Deno.test("list, info, runs, cache and doctor answer as text and as JSON", async () => {
  await withTempDir(async (directory) => {
    assert.match((await task("list")).stdout, /ecal/);
    const info = JSON.parse(
      (await task("info", await writeTrial(directory), "--json", "--cache", join(directory, "cache"))).stdout,
    );
    assert.equal(info.name, "trial");
    assert.equal((await task("runs", "--out", join(directory, "runs"))).code, 5);
    assert.equal(
      JSON.parse((await task("cache", "--json", "--cache", join(directory, "none"))).stdout).bytes,
      0,
    );
    const doctor = JSON.parse((await task("doctor", "--json")).stdout);
    assert.equal(doctor.ok, true);
  });
});

Deno.test("a task that fails prints one JSON object besides its error when asked for JSON", async () => {
  const { code, stdout, stderr } = await task("runs", "--otu", "a", "--json");
  assert.equal(code, 2);
  const { status, error } = JSON.parse(stdout);
  assert.equal(status, "failed");
  assert.deepEqual([error.name, error.issues[0].nearest], ["ConfigError", "--out"]);
  assert.match(stderr, /^error: .*\n {2}--otu: there is no such flag .*did you mean "--out"\?\n$/);
});
