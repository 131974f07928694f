import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError, NotFoundError } from "../core/errors.ts";
import { withTempDir, writePlugin } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { names } from "../tests/support/trial.ts";
import { KnownPlugins } from "../registry/known_plugins.ts";
import { pinPlugin, trust } from "./trust.ts";

Deno.test("pinPlugin() writes the code of a plugin into the lock, and another pin when the code changed", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory);
    const first = await pinPlugin(plugin, directory);
    assert.equal(first.lock, join(directory, "beamline.lock"));
    const pins = async () => Object.values(JSON.parse(await Deno.readTextFile(first.lock)).plugins);
    assert.deepEqual(await pins(), [first.pin]);
    await Deno.writeTextFile(join(plugin, "more.ts"), "export const a = 1;");
    const second = await pinPlugin(plugin, directory);
    assert.notEqual(second.pin.modules, first.pin.modules);
    assert.deepEqual(await pins(), [second.pin]);
  });
});

Deno.test("pinPlugin() writes no lock for a plugin that is built in", async () => {
  await withTempDir(async (directory) => {
    assert.equal((await pinPlugin("ecal", directory)).location.origin, "built-in");
    assert.deepEqual(await names(directory), []);
  });
});

Deno.test("trust() says that a built-in plugin needs no pin, and refuses what is none", async () => {
  assert.equal((await printed(() => trust(["ecal"]))).stdout, "ecal is built in and needs no pin");
  await assert.rejects(trust([]), ConfigError);
  await assert.rejects(trust(["ecl"]), NotFoundError);
});

Deno.test("trust --own declares a folder or a plugin's folder to be one's own, and says how to take it back", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory);
    const known = new KnownPlugins();
    const { stdout } = await printed(() => trust(["--own", plugin]));
    assert.equal(await known.isOwn(plugin), true);
    assert.equal(await known.isOwn(directory), false);
    await Deno.remove(stdout.match(/to take it back, remove (.*)$/m)![1]!);
    assert.equal(await known.isOwn(plugin), false);
    await assert.rejects(trust(["--own", "/"]), ConfigError);
    await assert.rejects(trust(["--own", "./nothing"]), NotFoundError);
  });
});
