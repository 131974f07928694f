import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { sha256Hex } from "../../core/hash.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { contentOf } from "./content.ts";
import { SeenDigests } from "./seen.ts";

/** Writes files, by relative path. */
async function write(directory: string, files: { readonly [path: string]: string }): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(directory, path)), { recursive: true });
    await Deno.writeTextFile(join(directory, path), text);
  }
}

/** Paths that count. */
async function pathsOf(root: string, leftOut: readonly string[] = [], hasGit = false): Promise<string[]> {
  return Object.keys(await contentOf(root, { seen: new SeenDigests(root), leftOut, hasGit }));
}

Deno.test("contentOf() has every file of whatever kind, packages and tests included, but .git of the folder", async () => {
  await withTempDir(async (directory) => {
    const files = {
      "mod.ts": "1",
      "mod_test.ts": "2",
      "gain.csv": "3",
      ".hidden": "4",
      "data/shapes.npz": "5",
      "node_modules/lib/index.js": "6",
      "node_modules/lib/.git/HEAD": "7",
    };
    await write(directory, { ...files, ".git/HEAD": "8" });
    const content = await contentOf(directory, {
      seen: new SeenDigests(directory),
      leftOut: [],
      hasGit: false,
    });
    assert.deepEqual(
      content,
      Object.fromEntries(Object.entries(files).map(([path, text]) => [path, sha256Hex(text)])),
    );
    assert.deepEqual(Object.keys(content), Object.keys(files).sort());
    assert.ok((await pathsOf(directory, [], true)).includes(".git/HEAD"));
  });
});

Deno.test("contentOf() leaves out runs and caches, those named and those of other commands", async () => {
  await withTempDir(async (directory) => {
    const cache = {
      "deno/a": "",
      "describe/b.json": "",
      "shared/c": "",
      ["0".repeat(32) + "/entry.json"]: "",
    };
    const run = { "run.json": '{"schema": "beamline-run/1"}', "config.json": "{}", "metrics.json": "{}" };
    const below = (folder: string, files: { readonly [path: string]: string }) =>
      Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
    await write(directory, {
      "mod.ts": "1",
      "cache/of-the-plugin.npz": "2",
      "runs/run.json": "{}",
      "named/anything": "",
      ...below("old-cache", cache),
      ...below("old-runs/trial/2026", run),
    });
    await Deno.symlink("named", join(directory, "link"));
    assert.deepEqual(await pathsOf(directory, [join(directory, "named")]), [
      "cache/of-the-plugin.npz",
      "mod.ts",
      "runs/run.json",
    ]);
  });
});

Deno.test("contentOf() follows links once, and says where broken ones lead", async () => {
  await withTempDir(async (directory) => {
    const [plugin, other] = [join(directory, "plugin"), join(directory, "other")];
    await write(plugin, { "mod.ts": "1", "inner/a": "2" });
    await write(other, { "gain.csv": "3" });
    await Deno.symlink("../other", join(plugin, "shared"));
    await Deno.symlink("mod.ts", join(plugin, "alias.ts"));
    await Deno.symlink("../..", join(plugin, "inner/up"));
    await Deno.symlink("nowhere", join(plugin, "broken"));
    const content = await contentOf(plugin, { seen: new SeenDigests(directory), leftOut: [], hasGit: false });
    assert.equal(content["broken ->"], "nowhere");
    assert.equal(content["alias.ts"], sha256Hex("1"));
    assert.ok(Object.values(content).includes(sha256Hex("3")));
  });
});

Deno.test("contentOf() takes a file for its root, nothing for a missing one, and never opens a pipe", async () => {
  await withTempDir(async (directory) => {
    await write(directory, { "gain.csv": "1" });
    const options = { seen: new SeenDigests(directory), leftOut: [], hasGit: false };
    assert.deepEqual(await contentOf(join(directory, "gain.csv"), options), { ".": sha256Hex("1") });
    assert.deepEqual(await contentOf(join(directory, "absent"), options), {});
    const made = await new Deno.Command("mkfifo", { args: [join(directory, "pipe")] }).output();
    if (made.success) assert.equal((await contentOf(directory, options)).pipe, "no file");
  });
});
