import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { SharedDirectory, type TakenFolder } from "../../sandbox/host/taken.ts";
import { ConfigError } from "../../core/errors.ts";
import { withTempDir, writePlugin } from "../../tests/support/plugins.ts";
import { printed } from "../../tests/support/printed.ts";
import { names } from "../../tests/support/trial.ts";
import { placeFiles, simulate } from "./simulate.ts";

/** A folder that a sandbox filled. */
function taken(path: string): TakenFolder {
  return new SharedDirectory(dirname(path), dirname(path)).take(basename(path), {
    plugin: "trial",
    hook: "simulate",
  });
}

Deno.test("placeFiles() moves files into a folder that it makes", async () => {
  await withTempDir(async (directory) => {
    const [from, out] = [join(directory, "from"), join(directory, "new", "out")];
    await Deno.mkdir(from);
    await Deno.writeTextFile(join(from, "a"), "A");
    assert.deepEqual(await placeFiles(taken(from), ["a"], out), [join(out, "a")]);
    assert.equal(await Deno.readTextFile(join(out, "a")), "A");
    assert.deepEqual(await names(from), []);
  });
});

Deno.test("placeFiles() replaces nothing, and moves none where one is there", async () => {
  await withTempDir(async (directory) => {
    const [from, out] = [join(directory, "from"), join(directory, "out")];
    for (const folder of [from, out]) await Deno.mkdir(folder);
    for (const path of [join(from, "a"), join(from, "b"), join(out, "b")]) {
      await Deno.writeTextFile(path, path);
    }
    await assert.rejects(
      placeFiles(taken(from), ["a", "b"], out),
      (error: Error) =>
        error instanceof ConfigError && /must not replace another: one with other/.test(error.message),
    );
    assert.deepEqual(await names(out), ["b"]);
    assert.equal(await Deno.readTextFile(join(out, "b")), join(out, "b"));
  });
});

Deno.test("placeFiles() keeps files of the same bytes, which a killed simulation left, and adds those that are missing", async () => {
  await withTempDir(async (directory) => {
    const [from, out] = [join(directory, "from"), join(directory, "out")];
    for (const folder of [from, out]) await Deno.mkdir(folder);
    for (const path of [join(from, "a"), join(from, "b"), join(out, "b")]) {
      await Deno.writeTextFile(path, basename(path));
    }
    const before = (await Deno.stat(join(out, "b"))).ino;
    assert.deepEqual(await placeFiles(taken(from), ["a", "b"], out), [join(out, "a"), join(out, "b")]);
    assert.deepEqual(await names(out), ["a", "b"]);
    assert.equal((await Deno.stat(join(out, "b"))).ino, before);
  });
});

Deno.test("simulate() lets the plugin write with its configuration and seed, and leaves nothing else", async () => {
  await withTempDir(async (directory) => {
    const { directory: plugin } = await writePlugin(directory, {
      config: `rows: z.int().default(2)`,
      body: `async simulate({ rows }, context) {
        const numbers = new Float32Array(rows);
        context.random("x").fillNormal(numbers);
        await Deno.writeTextFile(context.directory + "/x.json", JSON.stringify([...numbers]));
        return ["x.json"];
      },`,
    });
    const cache = join(directory, "cache");
    const made = async (out: string, ...args: string[]): Promise<string> => {
      const flags = [
        "--out",
        join(directory, out),
        "--cache",
        cache,
        "--quiet",
        "--json",
        "--rows",
        "3",
        ...args,
      ];
      const { value, stdout } = await printed(() => simulate(plugin, flags));
      assert.equal(value, 0);
      const file = join(directory, out, "x.json");
      assert.deepEqual(JSON.parse(stdout), { simulated: true, files: [file] });
      return await Deno.readTextFile(file);
    };
    const first = await made("a", "--seed", "1");
    assert.equal(JSON.parse(first).length, 3);
    assert.equal(await made("b", "--seed", "1"), first);
    assert.notEqual(await made("c", "--seed", "2"), first);
    assert.deepEqual(await names(join(cache, "shared")), []);
  });
});
