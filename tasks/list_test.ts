import assert from "node:assert/strict";
import { join } from "node:path";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { printed } from "../tests/support/printed.ts";
import { withTempDir, writePlugin } from "../tests/support/plugins.ts";
import { findPlugin } from "../registry/plugins.ts";
import { list } from "./list.ts";

Deno.test("list() has every built-in plugin with its title, as text and as JSON", async () => {
  const { value, stdout } = await printed(() => list([]));
  assert.equal(value, 0);
  const { plugins } = JSON.parse((await printed(() => list(["--json"]))).stdout);
  for (const name of Object.keys(BUILT_IN_PLUGINS)) {
    const found = plugins.find((plugin: { name: string }) => plugin.name === name);
    assert.equal(found.origin, "built-in");
    assert.ok(stdout.split("\n").some((line) => line.startsWith(name) && line.includes(found.title)));
  }
});

Deno.test("list() lists the plugins beside a broken one, and names that one", async () => {
  await withTempDir(async (directory) => {
    const { directory: whole } = await writePlugin(directory);
    const plugins = { trial: whole, gone: "./nowhere", twin: whole, odd: 7 };
    await Deno.writeTextFile(join(directory, "deno.json"), JSON.stringify({ beamline: { plugins } }));
    const { value, stdout, stderr } = await printed(() => list([], directory));
    assert.equal(value, 0);
    assert.match(stdout, /^trial +A trial +deno.json$/m);
    const lines = stderr.split("\n");
    assert.match(lines[0]!, /^left out {2}gone: Cannot /);
    assert.match(lines[1]!, /^left out {2}twin: Cannot register plugin "twin" as the name is taken/);
    assert.match(
      lines[2]!,
      /^left out {2}odd: Cannot read .* as "beamline.plugins.odd" must be a path: found a number/,
    );
    const json = JSON.parse((await printed(() => list(["--json"], directory))).stdout);
    assert.deepEqual(json.broken.map(({ name }: { name: string }) => name), ["gone", "twin", "odd"]);
    assert.equal((await findPlugin("ecal", BUILT_IN_PLUGINS, directory)).manifest.name, "ecal");
    await assert.rejects(findPlugin("gone", BUILT_IN_PLUGINS, directory), /^\w+: Cannot /);
    await assert.rejects(
      findPlugin(join(whole, "mod.ts"), BUILT_IN_PLUGINS, directory),
      /Cannot load plugin ".*mod.ts" as a plugin is named by its folder: found a file; try ".*"/,
    );
    await Deno.writeTextFile(join(directory, "deno.json"), '{"beamline": {"plugins": ["a"]}}');
    await assert.rejects(
      list([], directory),
      /"beamline.plugins" must be an object of paths by name: found a list/,
    );
  });
});

Deno.test({
  name:
    "list() refuses a deno.json of the working directory that is a pipe, a device or endless, and never waits for it",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const ways = [["mkfifo", "deno.json"], ["ln", "-s", "/dev/zero", "deno.json"], [
      "truncate",
      "-s",
      "1G",
      "deno.json",
    ]];
    for (const [program, ...args] of ways) {
      await withTempDir(async (directory) => {
        assert.ok((await new Deno.Command(program!, { args, cwd: directory }).output()).success);
        await assert.rejects(list([], directory), {
          name: "DataError",
          message:
            /^Cannot read ".*" as it (must be a plain file|must be readable|may have at most 16777216 bytes): /,
        });
      });
    }
  },
});
