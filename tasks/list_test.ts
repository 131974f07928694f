import assert from "node:assert/strict";
import { BUILT_IN_PLUGINS } from "../plugins/mod.ts";
import { printed } from "../tests/support/printed.ts";
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
