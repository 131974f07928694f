/** Hostile results: what a plugin answers or leaves behind must not lead out of the run, nor into the next sandbox. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { execute } from "../../run/stages/execute.ts";
import { NEVER_STOP } from "../../run/stages/request.ts";
import { sandboxedSource } from "../../run/hooks/plugin_source.ts";
import { pluginSource, type PluginText, withTempDir, writePlugin } from "../support/plugins.ts";

/** Runs a plugin through a sandbox, from request to report; gives the run directory or throws. */
async function runIn(root: string, text: PluginText, preset?: string): Promise<string> {
  const location = await writePlugin(root, text);
  await Deno.writeTextFile(join(location.directory, "mod.ts"), pluginSource(text));
  const outcome = await execute({
    source: sandboxedSource(location, 30),
    config: { flags: {}, workingDirectory: root, ...(preset === undefined ? {} : { preset }) },
    seed: 0,
    engine: "reference",
    out: join(root, "runs"),
    cache: join(root, "cache"),
    command: [],
    listener: {},
    stop: NEVER_STOP,
  });
  return outcome.run.path;
}

const evaluate = (result: string): PluginText => ({ body: `evaluate() { ${result} },` });
const figure = (fields: string): string =>
  `return { figures: [{ name: "a", title: "A", caption: "", svg: "<svg xmlns='http://www.w3.org/2000/svg'/>", data: {}, ${fields} }] }`;

/** Results that must be refused, and the message. */
const REFUSED: { readonly [name: string]: readonly [PluginText, RegExp] } = {
  "a figure whose name leads out": [evaluate(figure(`name: "../x"`)), /figures\.0\.name/],
  "a figure whose name is absolute": [
    evaluate(figure(`name: "/tmp/x"`)),
    /figures\.0\.name|NotFound|Requires write/,
  ],
  "a prediction that is a folder": [
    {
      head: `import { column } from "beamline/data"; const given = { sharedDirectory: Deno.args[1] };`,
      body: `evaluate() {
        Deno.mkdirSync(given.sharedDirectory + "/predictions/p.npy", { recursive: true });
        return { predictions: { p: column(new Float32Array(2), { unit: "1" }) } };
      },`,
    },
    /directory|folder|must be a plain file/,
  ],
  "a metric that is not a number": [
    evaluate(
      `return { metrics: { m: { value: "1", error: null, errorKind: "none", unit: "1", better: "lower", rows: 1, split: "test" } } }`,
    ),
    /metrics\.m\.value/,
  ],
  "a result with a prototype key": [
    evaluate(`return { results: JSON.parse('{"__proto__": {"polluted": 1}}') }`),
    /frames of the protocol/,
  ],
  "a file of the run that leads out": [evaluate(`return { files: ["../../x"] }`), /files\.0/],
  "a model whose name leads out": [
    {
      body: `models: { "../../x": { inputs: () => [], build() { return {}; } } },`,
    },
    /models/,
  ],
  "a default that names a file to read": [
    { config: `data: z.string().default("/etc/hostname").meta({ path: "file" })` },
    /only a flag or a configuration file may name what is read/,
  ],
};

for (const [name, [text, message]] of Object.entries(REFUSED)) {
  Deno.test(`execute() refuses ${name}`, async () => {
    await withTempDir(async (root) => {
      await assert.rejects(runIn(root, text), (error: Error) => {
        assert.match(error.message, message);
        return true;
      });
      const names = [...Deno.readDirSync(root)].map((entry) => entry.name).sort();
      assert.deepEqual(names.filter((entry) => !["cache", "runs", "trial"].includes(entry)), []);
      assert.equal(({} as { polluted?: number }).polluted, undefined);
    });
  });
}

Deno.test("execute() refuses a preset that names a file to read", async () => {
  const text: PluginText = {
    config: `data: inputPath("file", "numbers")`,
    body: `presets: { secret: { data: "/etc/hostname" } },`,
  };
  await withTempDir(async (root) => {
    await assert.rejects(runIn(root, text, "secret"), {
      name: "ConfigError",
      message: /Cannot use preset "secret" as only a flag or a configuration file may name what is read/,
    });
  });
});

Deno.test("execute() keeps scripts of figures and markup of texts out of the report", async () => {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>`;
  const text = evaluate(
    `return { figures: [{ name: "a", title: "<img src=x onerror=alert(3)>", caption: "<script>alert(4)</script>", svg: ${
      JSON.stringify(svg)
    }, data: {} }], summary: "<script>alert(5)</script>" }`,
  );
  await withTempDir(async (root) => {
    const report = await Deno.readTextFile(join(await runIn(root, text), "report.html"));
    assert.doesNotMatch(report, /<script>alert|onload='alert|<img src=x/);
  });
});
