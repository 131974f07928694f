import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir, writePlugin } from "../tests/support/plugins.ts";
import { permissionFlags } from "../sandbox/host/host.ts";
import { type PluginLocation, readManifest } from "./manifest.ts";
import { KnownPlugins } from "./known_plugins.ts";
import { pinOf } from "./pins.ts";
import { checkTrust, ExperimentLock } from "./trust.ts";

/** A plugin as it is found by its path, and as it is found by its name in the user's `deno.json`. */
async function both(directory: string): Promise<readonly PluginLocation[]> {
  const found = await writePlugin(directory);
  return [found, { ...found, origin: "deno.json" }];
}

async function change(location: PluginLocation): Promise<void> {
  await Deno.writeTextFile(join(location.directory, "mod.ts"), "// changed\n", { append: true });
}

/** The same plugin, which now wants to read more. */
async function widen(location: PluginLocation): Promise<PluginLocation> {
  const path = join(location.directory, "deno.json");
  const json = JSON.parse(await Deno.readTextFile(path));
  json.beamline.permissions = { read: ["../calibration"] };
  await Deno.writeTextFile(path, JSON.stringify(json));
  return await readManifest(location.directory, location.origin);
}

for (const origin of ["path", "deno.json"] as const) {
  Deno.test(`checkTrust() pins a new plugin found by ${origin}, reports its grants once, and refuses it when frozen`, async () => {
    await withTempDir(async (directory) => {
      const location = (await both(directory)).find((candidate) => candidate.origin === origin)!;
      await assert.rejects(checkTrust(location, directory, true), {
        name: "ConfigError",
        message:
          /^Cannot run plugin "trial" as with --frozen it must be in beamline.lock: it is not; accept it with "deno task trust trial"$/,
      });
      const { lines } = await checkTrust(location, directory, false);
      assert.match(
        lines[0]!,
        /runs for the first time: it may read its own folder and the data you give it; it has no network/,
      );
      assert.deepEqual((await checkTrust(location, directory, true)).lines, []);
    });
  });
}

Deno.test("checkTrust() refuses a changed plugin of deno.json, reports one named by its path, refuses both when frozen", async () => {
  await withTempDir(async (directory) => {
    const [byPath, registered] = await both(directory) as [PluginLocation, PluginLocation];
    for (const location of [byPath, registered]) await checkTrust(location, directory, false);
    await change(byPath);
    const refusal = {
      name: "ConfigError",
      message:
        /must be as it was when it was trusted: changed are its code; accept it with "deno task trust trial"$/,
    };
    await assert.rejects(checkTrust(registered, directory, false), refusal);
    await assert.rejects(checkTrust(byPath, directory, true), refusal);
    const { lines } = await checkTrust(byPath, directory, false);
    assert.match(lines[0]!, /^plugin "trial" has changed since it was trusted: its code; accept it with /);
    const lock = new ExperimentLock(directory);
    await lock.accept(registered, await pinOf(registered));
    assert.deepEqual((await checkTrust(registered, directory, true)).lines, []);
    assert.equal((await checkTrust(byPath, directory, false)).lines.length, 1); // pinned apart
  });
});

/** Pins of a plugin as one file after the other is added, relative to its folder. */
async function pinsWith(location: PluginLocation, files: readonly string[]): Promise<string[]> {
  const pins = [(await pinOf(location)).modules];
  for (const path of files) {
    const file = join(location.directory, path);
    await Deno.mkdir(join(file, ".."), { recursive: true });
    await Deno.writeTextFile(file, "");
    pins.push((await pinOf(location)).modules);
  }
  return pins;
}

Deno.test("pinOf() counts all that a plugin can import, whatever its place and ending", async () => {
  await withTempDir(async (directory) => {
    const [location] = await both(directory) as [PluginLocation, PluginLocation];
    const folders = [".hidden/a.ts", "a_test.ts", "node_modules/a/index.mjs", "deep/.git/b.ts"];
    const names = ["b.cts", "B.TS", "bare", ".bare", "c.JSON", "d.wasm", "text.dat"];
    const pins = await pinsWith(location, [...folders, ...names]);
    assert.equal(new Set(pins).size, folders.length + names.length + 1);
  });
});

Deno.test("pinOf() counts modules in folders that a plugin may read, and no data", async () => {
  await withTempDir(async (directory) => {
    const location = await widen((await both(directory))[0]!);
    const pins = await pinsWith(location, [
      "../calibration/a.ts",
      "../calibration/deep/b.MJS",
      "../calibration/tool",
      "../calibration/.tool",
      "../calibration/gains.json",
      "../calibration/raw.dat",
    ]);
    assert.equal(new Set(pins).size, 5);
    assert.deepEqual(pins.slice(4), [pins[4], pins[4], pins[4]]);
  });
});

Deno.test("pinOf() counts the content of each file that permissions.read names, whatever its name", async () => {
  await withTempDir(async (directory) => {
    for (const name of ["one.ts", "one", "one.dat"]) {
      const [found] = await both(directory) as [PluginLocation, PluginLocation];
      const location = { ...found, reads: [join(directory, name)] };
      await Deno.writeTextFile(join(directory, name), "export default 1;");
      const before = await pinOf(location);
      await Deno.writeTextFile(join(directory, name), "export default 2;");
      assert.notEqual((await pinOf(location)).modules, before.modules, name);
    }
  });
});

Deno.test("pinOf() leaves out what the lock itself writes, where the working directory is the plugin's folder", async () => {
  await withTempDir(async (directory) => {
    const [location] = await both(directory) as [PluginLocation, PluginLocation];
    const before = await pinOf(location);
    await checkTrust(location, location.directory, false);
    assert.deepEqual(await pinOf(location), before);
  });
});

/** What a manifest may not ask for, and the rule that says so. */
const REFUSED_READS: { readonly [path: string]: RegExp } = {
  "/": /^Cannot grant "\/" of permissions.read as a plugin may not read the whole disk: it is the root$/,
  "/dev/zero": /as it must lie on a disk: it lies in \/dev$/,
  "/proc": /as it must lie on a disk: it lies in \/proc$/,
  "/proc/self/environ": /as it must lie on a disk: it lies in \/proc$/,
  "/sys/kernel": /as it must lie on a disk: it lies in \/sys$/,
};

Deno.test({
  name: "pinOf() refuses the root, devices and folders of the kernel among permissions.read",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withTempDir(async (directory) => {
      const [location] = await both(directory) as [PluginLocation, PluginLocation];
      for (const [path, message] of Object.entries(REFUSED_READS)) {
        await assert.rejects(pinOf({ ...location, reads: [path] }), { name: "DataError", message }, path);
      }
      await Deno.symlink("/dev/zero", join(directory, "zero"));
      const linked = pinOf({ ...location, reads: [join(directory, "zero")] });
      await assert.rejects(linked, /as it must lie on a disk: it lies in \/dev$/);
    });
  },
});

Deno.test("pinOf() leaves out .git, which no sandbox may read", async () => {
  await withTempDir(async (directory) => {
    const [location] = await both(directory) as [PluginLocation, PluginLocation];
    const pins = await pinsWith(location, [".git/HEAD", ".git/a.ts"]);
    assert.equal(new Set(pins).size, 1);
    for (const sharedDirectory of [{}, { sharedDirectory: "/shared" }]) {
      const flags = permissionFlags(location, { read: [], ...sharedDirectory });
      assert.ok(flags.includes(`--deny-read=${join(location.directory, ".git")}`), flags.join(" "));
    }
  });
});

Deno.test("checkTrust() names each folder that a plugin wants to read beyond what was accepted", async () => {
  await withTempDir(async (directory) => {
    const [, registered] = await both(directory) as [PluginLocation, PluginLocation];
    await checkTrust(registered, directory, false);
    const wider = await widen(registered);
    await assert.rejects(checkTrust(wider, directory, false), {
      message: /it also wants to read "..\/calibration"/,
    });
    await new ExperimentLock(directory).accept(wider, await pinOf(wider));
    assert.deepEqual((await checkTrust(wider, directory, true)).lines, []);
  });
});

Deno.test("ExperimentLock keeps every pin of runs that begin at once, and drops folders that are gone", async () => {
  await withTempDir(async (directory) => {
    const lock = new ExperimentLock(directory);
    const locations = await Promise.all(
      Array.from({ length: 8 }, (_, i) => writePlugin(directory, { name: `p${i}` })),
    );
    await Promise.all(locations.map((location) => checkTrust(location, directory, false)));
    const pinned = async (): Promise<string[]> =>
      Object.keys(JSON.parse(await Deno.readTextFile(join(directory, "beamline.lock"))).plugins);
    assert.equal((await pinned()).length, 8);
    await Deno.remove(locations[0]!.directory, { recursive: true });
    await lock.accept(locations[1]!, await pinOf(locations[1]!));
    assert.deepEqual(await pinned(), locations.slice(1).map(({ manifest }) => `./${manifest.name}`));
  });
});

Deno.test("ExperimentLock refuses a lock of another form", async () => {
  await withTempDir(async (directory) => {
    const [location] = await both(directory) as [PluginLocation, PluginLocation];
    await Deno.writeTextFile(join(directory, "beamline.lock"), '{"schema": "beamline-lock/9"}');
    await assert.rejects(checkTrust(location, directory, false), /schema must be "beamline-lock\/1"/);
  });
});

/** A lock that matches, and a user who has never seen its plugin: as both come out of an archive. */
async function sent(
  directory: string,
  work: (found: readonly PluginLocation[], known: KnownPlugins, project: string) => Promise<void>,
  projectOf: (plugin: string) => string,
): Promise<void> {
  const found = await both(directory);
  const project = projectOf(found[0]!.directory);
  const sender = new KnownPlugins(join(directory, "state of the sender"));
  for (const location of found) await checkTrust(location, project, false, sender);
  await work(found, new KnownPlugins(join(directory, "state")), project);
}

/** Where a lock that came with a plugin can lie: in its folder, or beside it. */
const PROJECTS: readonly ((plugin: string) => string)[] = [
  (plugin) => plugin,
  (plugin) => join(plugin, ".."),
];

const NOTICE = /^plugin "trial" runs for the first time: it may read its own folder/;

for (const [i, projectOf] of PROJECTS.entries()) {
  const place = ["in a plugin's folder", "beside it"][i];
  Deno.test(`checkTrust() gives notice of a plugin once, though a lock that was sent ${place} has its pin`, async () => {
    await withTempDir((directory) =>
      sent(directory, async (found, known, project) => {
        assert.match((await checkTrust(found[0]!, project, false, known)).lines[0]!, NOTICE);
        for (const location of found) {
          assert.deepEqual(await checkTrust(location, project, true, known), { lines: [] });
        }
      }, projectOf)
    );
  });

  Deno.test(`checkTrust() refuses when frozen what only a lock that was sent ${place} pins, until it is trusted or the folder is one's own`, async () => {
    await withTempDir((directory) =>
      sent(directory, async ([byPath, registered], known, project) => {
        for (const location of [byPath!, registered!]) {
          await assert.rejects(checkTrust(location, project, true, known), {
            name: "ConfigError",
            message:
              /^Cannot run plugin "trial" as with --frozen beamline.lock must be yours: it was not written here; accept the plugin with "deno task trust (trial|\.)", or the folder with "deno task trust --own \."$/,
          });
        }
        await known.declareOwn(project);
        assert.match((await checkTrust(registered!, project, true, known)).lines[0]!, NOTICE);
      }, projectOf)
    );
  });

  Deno.test(`checkTrust() gives notice of a plugin that differs from a lock that was sent ${place}`, async () => {
    await withTempDir((directory) =>
      sent(directory, async ([byPath, registered], known, project) => {
        await change(byPath!);
        await assert.rejects(checkTrust(registered!, project, false, known), /changed are its code/);
        const { lines } = await checkTrust(byPath!, project, false, known);
        assert.match(lines[0]!, NOTICE);
        assert.match(lines[1]!, /has changed since it was trusted/);
      }, projectOf)
    );
  });
}

Deno.test("checkTrust() gives notice of another plugin that was put in the place of one that was run", async () => {
  await withTempDir(async (directory) => {
    const known = new KnownPlugins(join(directory, "state"));
    const [byPath] = await both(directory) as [PluginLocation, PluginLocation];
    await checkTrust(byPath, directory, false, known);
    await change(byPath);
    const sender = new KnownPlugins(join(directory, "state of the sender"));
    await new ExperimentLock(directory, sender).accept(byPath, await pinOf(byPath)); // came with it
    assert.match((await checkTrust(byPath, directory, false, known)).lines[0]!, NOTICE);
  });
});

Deno.test("checkTrust() pins a plugin of one's own folder anew when its code changes, not when it asks for more, not when frozen", async () => {
  await withTempDir(async (directory) => {
    const known = new KnownPlugins(join(directory, "state"));
    const found = await both(directory);
    for (const location of found) await checkTrust(location, directory, false, known);
    assert.match(await known.declareOwn(directory) ?? "", /state\/own\/[0-9a-f]{32}\.json$/);
    for (const location of found) {
      await change(location);
      await assert.rejects(checkTrust(location, directory, true, known), /changed are its code/);
      assert.deepEqual((await checkTrust(location, directory, false, known)).lines, [
        'plugin "trial" has changed and is pinned anew, as its folder is your own',
      ]);
      assert.deepEqual((await checkTrust(location, directory, true, known)).lines, []);
    }
    await assert.rejects(
      checkTrust(await widen(found[1]!), directory, false, known),
      /it also wants to read "..\/calibration"/,
    );
  });
});

Deno.test("checkTrust() gives notice at each run where nothing can be remembered", async () => {
  await withTempDir(async (directory) => {
    const [byPath] = await both(directory) as [PluginLocation, PluginLocation];
    await Deno.writeTextFile(join(directory, "file"), "");
    const nowhere = new KnownPlugins(join(directory, "file")); // no folder can be made there
    assert.equal(await nowhere.declareOwn(directory), undefined);
    for (let run = 0; run < 2; run++) {
      assert.match((await checkTrust(byPath, directory, false, nowhere)).lines[0] ?? "", NOTICE);
    }
  });
});
