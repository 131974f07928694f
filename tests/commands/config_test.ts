/** Flags of every kind, from the command line to what the plugin sees. */
import assert from "node:assert/strict";
import { places, task, writeTrial } from "../support/trial.ts";
import { withTempDir } from "../support/plugins.ts";

/** An action that needs no data and gives the configuration back. */
const SHOW =
  `actions: { show: { title: "s", prepare: false, run: (c) => ({ results: { config: c as never } }) } },`;

const KINDS = `
  num: z.number().default(1), int: z.int().default(1), text: z.string().default("a"),
  smooth: z.boolean().default(true), fast: z.boolean().default(false), noCut: z.boolean().default(false),
  layers: z.array(z.int()).default([64, 32]), range: z.tuple([z.number(), z.number()]).default([0, 1]),
  names: z.array(z.string()).default(["a"]), maybe: z.number().nullable().default(3),
  year: z.literal([2023, 2024, 2025]).default(2024), mode: z.union([z.literal("auto"), z.number()]).default("auto"),
  model: z.object({ depth: z.int().default(2), dropRate: z.number().default(0) }).prefault({}),
  weights: z.record(z.string(), z.number()).default({}), file: inputPath("file", "a file"),`;

const DEFAULTS = {
  num: 1,
  int: 1,
  text: "a",
  smooth: true,
  fast: false,
  noCut: false,
  layers: [64, 32],
  range: [0, 1],
  names: ["a"],
  maybe: 3,
  year: 2024,
  mode: "auto",
  model: { depth: 2, dropRate: 0 },
  weights: {},
};

async function shown(directory: string, plugin: string, ...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await task(
    "run",
    plugin,
    "show",
    "--json",
    ...args,
    ...places(directory).flags,
  );
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout).config;
}

Deno.test("run hands every kind of value from the command line to the plugin", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, { config: KINDS, body: SHOW });
    assert.deepEqual(await shown(directory, plugin), DEFAULTS);
    const lists = ["--layers", "8", "--layers=4,2", "--range", "-1,1e3", "--names", "a,b", "--names", "c"];
    const switches = ["--smooth=false", "--fast=1", "--no-cut"];
    const others = [
      "--num",
      "-5e-1",
      "--int=7",
      "--maybe",
      "null",
      "--year",
      "2025",
      "--mode",
      "3",
      "--text=",
    ];
    const nested = ["--model.depth", "3", "--weights", "a=1", "--weights", "b=2"];
    assert.deepEqual(await shown(directory, plugin, ...lists, ...switches, ...others, ...nested), {
      num: -0.5,
      int: 7,
      text: "",
      smooth: false,
      fast: true,
      noCut: true,
      layers: [8, 4, 2],
      range: [-1, 1000],
      names: ["a,b", "c"],
      maybe: null,
      year: 2025,
      mode: 3,
      model: { depth: 3, dropRate: 0 },
      weights: { a: 1, b: 2 },
    });
    const help = (await task("run", plugin, "--help", ...places(directory).flags)).stdout;
    for (const name of ["smooth", "fast", "no-cut"]) {
      assert.match(help, new RegExp(`--${name}, --no-${name} `));
    }
    assert.match(help, /--layers <integer,...>/);
    assert.match(help, /--weights <name=number>/);
  });
});

Deno.test("run reads --config - from standard input, and its errors name it", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeTrial(directory, { config: KINDS, body: SHOW });
    const given = async (text: string): Promise<Deno.CommandOutput> => {
      const args = ["run", "-A", "--no-check", "tasks/run.ts", plugin, "show", "--json", "--config", "-"];
      const command = new Deno.Command(Deno.execPath(), {
        args: [...args, ...places(directory).flags],
        env: { NO_COLOR: "1" },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      });
      const child = command.spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(text));
      await writer.close();
      return await child.output();
    };
    const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
    const { stdout } = await given('{"int": 7, "model": {"depth": 3}}');
    assert.deepEqual(JSON.parse(decode(stdout)).config, {
      ...DEFAULTS,
      int: 7,
      model: { depth: 3, dropRate: 0 },
    });
    const unknown = decode((await given('{"model": {"dept": 3}}')).stderr);
    assert.match(
      unknown,
      /model\.dept: there is no such value \(from standard input\); did you mean "model\.depth"\?/,
    );
    assert.match(decode((await given("")).stderr), /Cannot read "standard input" as it must be JSON/);
    assert.match(
      decode((await given("[1]")).stderr),
      /"standard input" as .* must be a JSON object: found array/,
    );
  });
});

Deno.test("run refuses a required input that was not given, and fields that are flags of tasks", async () => {
  await withTempDir(async (directory) => {
    const config = `data: inputPath("file", "measured data", { required: true }),`;
    const needy = await writeTrial(directory, { config, body: SHOW });
    const { code, stderr } = await task("run", needy, "show", ...places(directory).flags);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /\n {2}data: must be given, as --data or in a configuration file, found nothing/);
    const clash = await writeTrial(directory, { config: "seed: z.int().default(5),", body: SHOW });
    const refused = await task("run", clash, "show", ...places(directory).flags);
    assert.equal(refused.code, 4);
    assert.match(
      refused.stderr,
      /every field needs a flag of its own: "seed" is --seed, as is a flag of run/,
    );
  });
});
