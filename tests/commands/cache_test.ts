/** Prepared data that must be made anew: other files, another plugin of the same name, other modules, damage. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { definePlugin, run, z } from "beamline";
import { column } from "beamline/data";
import { withTempDir } from "../support/plugins.ts";
import { json } from "../support/proving.ts";
import { names, places, task } from "../support/trial.ts";

/** A plugin that reads a file of its own, one of a granted folder, one of a package, and of a `data` folder. */
const CALIBRATION = `import { definePlugin, z } from "beamline";
import { column } from "beamline/data";
import { gain } from "./node_modules/lib/index.js";
const read = (path) => Number(Deno.readTextFileSync(new URL(path, import.meta.url)));
export default definePlugin({
  name: "calib",
  title: "A calibration",
  config: z.object({}),
  prepare() {
    const values = Float64Array.of(read("./gain.csv"), read("../shared/gain.csv"), gain);
    return { tables: { train: { x: column(values, { unit: "1" }) } }, simulated: false, source: "s" };
  },
  evaluate: (_config, { tables }) => ({ results: { x: Array.from(tables.train.x.data) } }),
});
`;

/** Writes the plugin with its numbers. */
async function writeCalibration(parent: string, name: string): Promise<string> {
  const directory = join(parent, name);
  await Deno.mkdir(join(directory, "node_modules", "lib"), { recursive: true });
  await Deno.mkdir(join(parent, "shared"), { recursive: true });
  const manifest = { name: "calib", title: "A calibration", permissions: { read: ["../shared"] } };
  await Deno.writeTextFile(join(directory, "deno.json"), JSON.stringify({ beamline: manifest }));
  await Deno.writeTextFile(join(directory, "mod.ts"), CALIBRATION);
  await Deno.writeTextFile(join(directory, "gain.csv"), "1.5");
  await Deno.writeTextFile(join(parent, "shared", "gain.csv"), "2.5");
  await Deno.writeTextFile(join(directory, "node_modules", "lib", "index.js"), "export const gain = 1;");
  return directory;
}

/** Entries in a cache. */
const entries = async (cache: string): Promise<number> =>
  (await names(cache)).filter((name) => /^[0-9a-f]{32}$/.test(name)).length;

Deno.test("run prepares anew when any file that prepare may read has changed, and only then", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeCalibration(directory, "victim");
    // runs and cache lie in the plugin's folder, as where it is the user's project
    const cache = join(plugin, "cache");
    const ran = async (where: string): Promise<unknown> =>
      (await json("run", where, "--out", join(plugin, "runs"), "--cache", cache)).x;
    assert.deepEqual(await ran(plugin), [1.5, 2.5, 1]);
    assert.deepEqual(await ran(plugin), [1.5, 2.5, 1]);
    assert.equal(await entries(cache), 1, "runs and cache do not count");
    await Deno.writeTextFile(join(plugin, "gain.csv"), "99");
    assert.deepEqual(await ran(plugin), [99, 2.5, 1]);
    await Deno.writeTextFile(join(directory, "shared", "gain.csv"), "77");
    assert.deepEqual(await ran(plugin), [99, 77, 1]);
    const stranger = await writeCalibration(directory, "evil");
    await Deno.writeTextFile(join(stranger, "gain.csv"), "666");
    assert.deepEqual(await ran(stranger), [666, 2.5, 1]);
    await Deno.writeTextFile(join(plugin, "node_modules", "lib", "index.js"), "export const gain = 5;");
    assert.deepEqual(await ran(plugin), [99, 2.5, 5]);
  });
});

Deno.test("run makes damaged prepared data anew with a warning, and cache works on what is left", async () => {
  await withTempDir(async (directory) => {
    const plugin = await writeCalibration(directory, "victim");
    const { cache, flags } = places(directory);
    await json("run", plugin, ...flags);
    const [key] = (await names(cache)).filter((name) => /^[0-9a-f]{32}$/.test(name));
    const path = join(cache, key!, "tables", "train", "x.npy");
    const bytes = await Deno.readFile(path);
    bytes[134]! ^= 2; // in the first number
    await Deno.writeFile(path, bytes);
    const again = await task("run", plugin, ...flags);
    assert.match(
      again.stderr,
      /warning {2}prepared data in the cache were damaged and made anew: .*train\/x\.npy was/,
    );
    await Deno.truncate(join(cache, key!, "entry.json"), 0);
    const third = await json("run", plugin, ...flags);
    assert.deepEqual(third.x, [1.5, 2.5, 1]);
    const { warnings } = JSON.parse(await Deno.readTextFile(join(third.run, "run.json")));
    assert.deepEqual(warnings.map(({ code }: { code: string }) => code), ["damaged-cache"]);
    await Deno.truncate(join(cache, key!, "entry.json"), 5);
    await Deno.symlink("nowhere", join(cache, "odd"));
    const shown = await task("cache", "--cache", cache);
    assert.equal(shown.code, 0);
    assert.match(shown.stdout, /damaged, or not an entry/);
    const refused = await task("cache", "--clean", "--cache", cache);
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /Cannot clean ".*" as it must be a folder of prepared data and hold nothing else: found "odd"/,
    );
    await Deno.remove(join(cache, "odd"));
    assert.equal((await task("cache", "--clean", "--cache", cache)).code, 0);
    await assert.rejects(Deno.stat(cache), Deno.errors.NotFound);
  });
});

/** A plugin whose numbers nobody can see from outside. */
const scaled = (scale: number) =>
  definePlugin({
    name: "stale",
    title: "A closure",
    config: z.object({}),
    prepare: () => ({
      tables: { train: { x: column(Float32Array.of(scale), { unit: "1" }) } },
      simulated: true,
      source: "s",
    }),
    evaluate: (_config, { tables }) => ({ results: { x: tables.train!.x!.data[0] as number } }),
  });

Deno.test("run() keeps no data that a plugin in this process prepared", async () => {
  await withTempDir(async (directory) => {
    const cache = join(directory, "cache");
    for (const scale of [1, 100, 7]) {
      const { results, run: folder } = await run(scaled(scale), { out: join(directory, "runs"), cache });
      assert.deepEqual(results, { x: scale });
      const data = JSON.parse(await Deno.readTextFile(join(folder, "data.json")));
      assert.equal("cacheKey" in data, false);
    }
    assert.equal(await entries(cache), 0);
    assert.deepEqual(await names(join(cache, "shared")), []);
  });
});
