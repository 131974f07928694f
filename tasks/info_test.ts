import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { withTempDir, writePlugin } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { info, sectionsOf } from "./info.ts";

const DESCRIPTION = {
  name: "trial",
  title: "A trial",
  schema: {
    type: "object",
    properties: { mode: { type: "string", enum: ["fast", "slow"], default: "fast", description: "how" } },
  },
  presets: { quick: { mode: "fast" } },
  metrics: [{ key: "auc", label: "area", unit: "1", better: "higher" }],
  models: { net: { title: "a network" } },
  actions: {},
  hooks: [],
};

Deno.test("sectionsOf() has a table for all that is known of a plugin", () => {
  const data = [{ file: "a.npy", url: "https://example.org/a.npy" }];
  const sections = sectionsOf(DESCRIPTION, data, ["--allow-read=here"], { prepare: 60 });
  assert.deepEqual(
    Object.fromEntries(sections.map(({ title, rows }) => [title.split(" ")[0], rows])),
    {
      Flags: [["--mode", "fast", "how (fast, slow)"]],
      Presets: [["quick", '{"mode":"fast"}']],
      Models: [["net", "a network"]],
      Actions: [],
      Metrics: [["auc", "area", "1", "higher"]],
      Data: [["a.npy", "https://example.org/a.npy"]],
      Permissions: [["--allow-read=here"]],
      Limits: [["prepare", "60"]],
    },
  );
  for (const { header, rows } of sections) for (const row of rows) assert.equal(row.length, header.length);
});

Deno.test("info() prints sections that are not empty, or everything as JSON", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory, { config: `depth: z.int().default(2)` });
    const flags = ["--cache", join(directory, "cache"), "--quiet"];
    const { value, stdout } = await printed(() => info([plugin, ...flags]));
    assert.equal(value, 0);
    assert.match(stdout, /^trial: A trial \(path\)\n\nFlags\n/);
    assert.match(stdout, /--depth +2/);
    assert.match(stdout, /\nmemory of the sandbox: \d+ GiB$/);
    assert.doesNotMatch(stdout, /Models|Presets|Data\n/);
    const json = JSON.parse((await printed(() => info([plugin, "--json", ...flags]))).stdout);
    assert.equal(json.name, "trial");
    assert.equal(json.directory, plugin);
    assert.ok(json.permissions.length > 0 && json.limits.seconds.prepare > 0);
  });
});

Deno.test("info() refuses to show nothing", async () => {
  for (const args of [[], ["--json"]]) await assert.rejects(info(args), ConfigError);
});
