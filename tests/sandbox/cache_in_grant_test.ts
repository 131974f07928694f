/** A cache that lies in a folder which the sandbox may read: what it writes there must not become a link that it follows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSandbox } from "../../sandbox/host/host.ts";
import type { SandboxGrants } from "../../sandbox/protocol/plugin_host.ts";
import { pluginSource } from "../support/plugins.ts";
import { WASI } from "./attempts.ts";
import { limitsOf, makePlace, modes, type Place, say, writePlace } from "./harness.ts";

/** Where a cache lies, and what is granted that holds it. */
interface Layout {
  readonly name: string;
  /** The shared directory, and what may be read. */
  make(
    place: Place,
  ): Promise<SandboxGrants & { readonly sharedDirectory: string; readonly ways: readonly string[] }>;
}

const LAYOUTS: readonly Layout[] = [
  {
    name: "in the plugin's folder",
    make: async ({ plugin }) => {
      const sharedDirectory = await fresh(plugin, "cache/shared/a");
      return {
        read: [],
        sharedDirectory,
        ways: [sharedDirectory, `${plugin}/./cache/shared/a`, "cache/shared/a"],
      };
    },
  },
  {
    name: "in a folder with data",
    make: async ({ told }) => {
      const sharedDirectory = await fresh(told, "cache/shared/a");
      return {
        read: [told],
        sharedDirectory,
        ways: [sharedDirectory, `${told}/cache`, `${told}/cache/shared`],
      };
    },
  },
  {
    name: "in a folder with data that is named by a link",
    make: async ({ told, root }) => {
      const sharedDirectory = await fresh(told, "cache/shared/a");
      await Deno.symlink(told, join(root, "way"));
      const ways = [sharedDirectory, join(root, "way/cache/shared/a"), join(root, "way/cache/shared")];
      return { read: [join(root, "way")], sharedDirectory, ways };
    },
  },
  {
    name: "named by a link into a folder with data",
    make: async ({ told, root }) => {
      const real = await fresh(told, "cache/shared/a");
      await Deno.symlink(join(told, "cache"), join(root, "way"));
      const sharedDirectory = join(root, "way/shared/a");
      return { read: [told], sharedDirectory, ways: [sharedDirectory, real, join(told, "cache/shared")] };
    },
  },
  {
    name: "granted itself",
    make: async ({ root }) => {
      const sharedDirectory = await fresh(root, "cache/shared/a");
      return { read: [sharedDirectory], sharedDirectory, ways: [sharedDirectory] };
    },
  },
];

/** Makes a folder, and gives its path. */
async function fresh(parent: string, path: string): Promise<string> {
  await Deno.mkdir(join(parent, path), { recursive: true });
  return join(parent, path);
}

/**
 * Makes a link to the secret by each way that leads to the shared directory, and reads and appends by each way through
 * what it made; tells what it read, and how often it was refused.
 */
const attack = (given: { readonly ways: readonly string[]; readonly outside: string }): string => `
  async prepare() {
    const given = ${JSON.stringify(given)};
    const told = [];
    const attempt = (work) => { try { told.push(String(work())); } catch (error) { told.push(error.name); } };
    given.ways.forEach((way, i) => {
      for (const name of ["l" + i, "a/l" + i, "shared/a/l" + i]) {
        attempt(() => link(make({ preopens: { "/x": way } }), given.outside + "/secret.txt", name));
        for (const back of given.ways) {
          attempt(() => Deno.readTextFileSync(back + "/" + name));
          attempt(() => fs.readFileSync(back + "/" + name, "utf8"));
          attempt(() => Deno.writeTextFileSync(back + "/" + name, "x", { append: true, create: false }));
        }
      }
    });
    return { tables: {}, simulated: true, source: told.join(" ") };
  }`;

const { present } = await modes();
for (const mode of present) {
  for (const layout of LAYOUTS) {
    Deno.test(`a sandbox behind ${mode.name} follows no link of its own with the cache ${layout.name}`, async () => {
      const place = await makePlace();
      try {
        const { ways, ...grants } = await layout.make(place);
        const body = attack({ ways, outside: place.outside });
        const head = `${WASI}\nimport * as fs from "node:fs";`;
        const location = await writePlace(place, pluginSource({ name: "escape", head, body }));
        const before = await Deno.readTextFile(join(place.outside, "secret.txt"));
        const host = await openSandbox(location, grants, limitsOf(20), mode.walls);
        const said = await say(host);
        await host.close();
        assert.doesNotMatch(said.text, new RegExp(place.secret));
        assert.equal(await Deno.readTextFile(join(place.outside, "secret.txt")), before);
        assert.match(said.text, /NotFound|plain files/, said.text);
      } finally {
        await place.close();
      }
    });
  }
}
