/** Links before a sandbox starts, what a sandbox leaves for the next one, and what the record says of its walls. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DataError } from "../../core/errors.ts";
import { openSandbox } from "../../sandbox/host/host.ts";
import { readManifest } from "../../registry/manifest.ts";
import { pluginSource, withTempDir, writePlugin } from "../support/plugins.ts";
import { limitsOf, makePlace, modes, sandboxFor, say, writePlace } from "./harness.ts";

const { present } = await modes();

/** Ways to lay a link into what is granted; each gives the paths to grant beside the plugin. */
const LINKS: {
  readonly [name: string]: (plugin: string, outside: string, data: string) => Promise<readonly string[]>;
} = {
  "a link to a file in the plugin": async (plugin, outside) => {
    await Deno.symlink(join(outside, "secret.txt"), join(plugin, "a.txt"));
    return [];
  },
  "a link to a folder in the plugin": async (plugin, outside) => {
    await Deno.symlink(outside, join(plugin, "folder"));
    return [];
  },
  "a relative link in a folder of the plugin": async (plugin) => {
    await Deno.mkdir(join(plugin, "deep", "er"), { recursive: true });
    await Deno.symlink("../../../outside", join(plugin, "deep", "er", "out"));
    return [];
  },
  "a link in node_modules of the plugin": async (plugin, outside) => {
    await Deno.mkdir(join(plugin, "node_modules", "left"), { recursive: true });
    await Deno.symlink(outside, join(plugin, "node_modules", "left", "pad"));
    return [];
  },
  "a link in .git of the plugin": async (plugin, outside) => {
    await Deno.mkdir(join(plugin, ".git"));
    await Deno.symlink(outside, join(plugin, ".git", "objects"));
    return [];
  },
  "a link to a link that leads out": async (plugin, outside) => {
    await Deno.symlink(outside, join(plugin, "first"));
    await Deno.symlink("first", join(plugin, "second"));
    return [];
  },
  "a hard link in the plugin": async (plugin, outside) => {
    await Deno.link(join(outside, "secret.txt"), join(plugin, "b.txt"));
    return [];
  },
  "a module that is a link": async (plugin, outside) => {
    await Deno.rename(join(plugin, "mod.ts"), join(outside, "mod.ts"));
    await Deno.symlink(join(outside, "mod.ts"), join(plugin, "mod.ts"));
    return [];
  },
  "a link in a data folder": async (_plugin, outside, data) => {
    await Deno.symlink(outside, join(data, "more"));
    return [data];
  },
};

for (const [name, lay] of Object.entries(LINKS)) {
  Deno.test(`openSandbox() refuses ${name}`, async () => {
    await withTempDir(async (root) => {
      const [outside, data] = [join(root, "outside"), join(root, "data")];
      await Deno.mkdir(outside);
      await Deno.mkdir(data);
      await Deno.writeTextFile(join(outside, "secret.txt"), "secret");
      const location = await writePlugin(root);
      const read = await lay(location.directory, outside, data);
      await assert.rejects(openSandbox(location, { read }, limitsOf(10)), (error: Error) => {
        assert.ok(error instanceof DataError, String(error));
        assert.match(error.message, /hard link; copy it|give the target with --data, or name its folder/);
        return true;
      });
    });
  });
}

Deno.test("openSandbox() takes links that stay within the grants", async () => {
  await withTempDir(async (root) => {
    const location = await writePlugin(root);
    await Deno.symlink("mod.ts", join(location.directory, "same.ts"));
    const host = await openSandbox(location, { read: [] }, limitsOf(10));
    assert.equal((await host.call("describe", {}) as { name: string }).name, "trial");
    await host.close();
  });
});

Deno.test("readManifest() refuses an entry outside the plugin's folder", async () => {
  await withTempDir(async (root) => {
    const { directory } = await writePlugin(root);
    const manifest = { beamline: { name: "trial", title: "A trial", entry: "../outside/mod.ts" } };
    await Deno.writeTextFile(join(directory, "deno.json"), JSON.stringify(manifest));
    await assert.rejects(readManifest(directory, "path"), { name: "SyntaxError" });
  });
});

const KEEPER = `async prepare() {
  const cache = await caches.open("keep");
  const found = [localStorage.getItem("kept"), (await cache.match("http://kept/"))?.status];
  localStorage.setItem("kept", "kept");
  await cache.put("http://kept/", new Response("kept"));
  return { tables: {}, simulated: true, source: JSON.stringify(found) };
},`;

/** What Landlock could take away, too: it must grant moves between folders by name. */
const MOVER = `async prepare() {
  const shared = Deno.args[1]!;
  Deno.mkdirSync(shared + "/a/inner", { recursive: true });
  Deno.mkdirSync(shared + "/b");
  Deno.writeTextFileSync(shared + "/a/file", "moved");
  for (const name of ["file", "inner"]) Deno.renameSync(shared + "/a/" + name, shared + "/b/" + name);
  return { tables: {}, simulated: true, source: Deno.readTextFileSync(shared + "/b/file") };
},`;

for (const mode of present.filter(({ name }) => name !== "permissions alone")) {
  Deno.test(`a sandbox behind ${mode.name} moves files and folders in its shared directory`, async () => {
    const place = await makePlace();
    try {
      const location = await writePlace(place, pluginSource({ name: "escape", body: MOVER }));
      const host = await sandboxFor(place, location, mode, limitsOf(20));
      const said = await say(host);
      await host.close();
      assert.equal(said.returned?.source, "moved", said.text);
    } finally {
      await place.close();
    }
  });
}

for (const mode of present) {
  Deno.test(`a sandbox behind ${mode.name} finds nothing that the sandbox before it kept`, async () => {
    const place = await makePlace();
    try {
      const location = await writePlace(place, pluginSource({ name: "escape", body: KEEPER }));
      for (let i = 0; i < 2; i++) {
        const host = await sandboxFor(place, location, mode, limitsOf(20));
        const said = await say(host);
        assert.equal(said.returned?.source, "[null,null]", said.text);
        await host.close();
      }
    } finally {
      await place.close();
    }
  });

  Deno.test(`the record names the walls of ${mode.name}, and what may be written`, async () => {
    const place = await makePlace();
    try {
      const location = await writePlace(place, pluginSource({ name: "escape" }));
      const host = await sandboxFor(place, location, mode, limitsOf(20));
      const { permissions } = host;
      await host.close();
      assert.ok(permissions.includes(`--${mode.walls.bubblewrap ? "" : "no-"}wall=bubblewrap`));
      assert.ok(permissions.includes(`--${mode.walls.landlock ? "" : "no-"}wall=landlock`));
      assert.deepEqual(permissions.filter((flag) => flag.startsWith("--allow-write")), [
        `--allow-write=${place.sharedDirectory}`,
      ]);
      const [reads] = permissions.filter((flag) => flag.startsWith("--allow-read"));
      const mayReadBack = reads!.split(",").includes(place.sharedDirectory);
      assert.equal(mayReadBack, mode.name !== "permissions alone");
    } finally {
      await place.close();
    }
  });
}

Deno.test("two plugins of the same name have caches of their own", async () => {
  await withTempDir(async (root) => {
    for (const folder of ["one", "two"]) {
      const location = await writePlugin(join(root, folder));
      const host = await openSandbox(location, { read: [], denoDir: join(root, "deno") }, limitsOf(20));
      await host.call("describe", {});
      await host.close();
    }
    assert.equal([...Deno.readDirSync(join(root, "deno"))].length, 2);
  });
});
