/** Folders of plugins as a stranger may pack them: each command gives the right result, or one clear line, and never waits. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { info } from "../../tasks/info.ts";
import { run } from "../../tasks/run.ts";
import { exitCodeOf } from "../../tasks/terminal/exit_codes.ts";
import { trust } from "../../tasks/trust.ts";
import { withTempDir, writePlugin } from "../support/plugins.ts";
import { printed } from "../support/printed.ts";

/** How a folder is packed, given its path, and what every command says of it; undefined where it is good. */
interface Packed {
  readonly name: string;
  readonly pack: (folder: string) => Promise<unknown>;
  readonly refusal?: RegExp;
  /** `trust` pins what may be refused when it runs. */
  readonly isPinned?: boolean;
}

const command = (program: string, ...args: string[]): Promise<unknown> =>
  new Deno.Command(program, { args }).output().then(({ success }) => assert.ok(success, program));

const sparse = (path: string): Promise<unknown> => command("truncate", "-s", "1T", path);

/** Gives the manifest further fields. */
async function ask(folder: string, fields: { readonly [key: string]: unknown }): Promise<void> {
  const manifest = { name: "trial", title: "A trial", ...fields };
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify({ beamline: manifest }));
}

const reads = (path: string) => (folder: string) => ask(folder, { permissions: { read: [path] } });

const PACKED: readonly Packed[] = [
  {
    name: "a link to a folder inside",
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "data"));
      await Deno.symlink("data", join(folder, "latest"));
    },
  },
  { name: "a link to nothing", pack: (folder) => Deno.symlink("nothing", join(folder, "latest")) },
  { name: "a link in a circle", pack: (folder) => Deno.symlink("circle.ts", join(folder, "circle.ts")) },
  { name: "a link to its own folder", pack: (folder) => Deno.symlink(".", join(folder, "self")) },
  {
    name: "packages laid out as links",
    pack: async (folder) => {
      await Deno.mkdir(join(folder, "node_modules/.deno/pkg"), { recursive: true });
      await Deno.writeTextFile(join(folder, "node_modules/.deno/pkg/index.js"), "export const one = 1;");
      await Deno.symlink(".deno/pkg", join(folder, "node_modules/pkg"));
    },
  },
  {
    name: "a link out of it",
    pack: (folder) => Deno.symlink("/etc", join(folder, "etc")),
    refusal: /links must not lead out of what is granted: ".*etc" points to "\/etc"/,
    isPinned: true,
  },
  {
    name: "a pipe without an ending",
    pack: (folder) => command("mkfifo", join(folder, "tool")),
    refusal: /"tool" is a pipe, device or socket$/,
  },
  {
    name: "a pipe in place of the entry",
    pack: async (folder) => {
      await Deno.remove(join(folder, "mod.ts"));
      await command("mkfifo", join(folder, "mod.ts"));
    },
    refusal: /"mod.ts" is a pipe, device or socket$/,
  },
  {
    name: "a pipe in place of its lock file",
    pack: (folder) => command("mkfifo", join(folder, "deno.lock")),
    refusal: /"deno.lock" is a pipe, device or socket$/,
  },
  {
    name: "a terabyte of JSON",
    pack: (folder) => sparse(join(folder, "weights.json")),
    refusal: /weights.json" as a file that a plugin brings may have at most 17179869184 bytes/,
  },
  {
    name: "a terabyte of data",
    pack: (folder) => sparse(join(folder, "events.h5")),
    refusal: /events.h5" as a file that a plugin brings may have at most 17179869184 bytes/,
  },
  { name: "a grant of a device", pack: reads("/dev/zero"), refusal: /must lie on a disk: it lies in \/dev$/ },
  { name: "a grant of processes", pack: reads("/proc"), refusal: /must lie on a disk: it lies in \/proc$/ },
  { name: "a grant of the root", pack: reads("/"), refusal: /may not read the whole disk: it is the root$/ },
  {
    name: "a grant of what is not there",
    pack: reads("${HOME}/.ssh"),
    refusal: /\.ssh" as it must be readable: there is no such file or folder$/,
    isPinned: true,
  },
  {
    name: "a grant of a pipe",
    pack: async (folder) => {
      await command("mkfifo", join(folder, "../pipe"));
      await reads("../pipe")(folder);
    },
    refusal: /must be a file or a folder: it is a pipe, device or socket$/,
  },
];

/** The longest time of one command in milliseconds; a command that waits for a pipe never ends. */
const PATIENCE_MS = 60_000;

/** The error of a command; undefined if it ends well. */
async function errorOf(task: () => Promise<number>): Promise<Error | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("still waiting")), PATIENCE_MS);
  });
  try {
    await Promise.race([printed(() => task()), late]);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    clearTimeout(timer);
  }
}

for (const { name, pack, refusal, isPinned = false } of PACKED) {
  Deno.test({
    name: `info, run and trust take or refuse, in one line, a plugin with ${name}`,
    ignore: Deno.build.os !== "linux", // mkfifo, truncate, /proc
    async fn() {
      await withTempDir(async (directory) => {
        const { directory: folder } = await writePlugin(directory, {
          body: `evaluate: () => ({ summary: "done" }),`,
        });
        await pack(folder);
        const places = ["--cache", join(directory, "cache")];
        const commands = {
          info: () => info([folder, ...places, "--quiet"]),
          run: () => run([folder, ...places, "--out", join(directory, "runs"), "--quiet"]),
          trust: () => trust([folder]),
        };
        for (const [command, task] of Object.entries(commands)) {
          const error = await errorOf(task);
          if (refusal === undefined || (isPinned && command === "trust")) {
            assert.equal(error, undefined, `${command}: ${error?.message}`);
            continue;
          }
          assert.match(error?.message ?? "no error", refusal, command);
          assert.doesNotMatch(error!.message, /\n/, command);
          assert.equal(exitCodeOf(error), 2, `${command}: ${error!.name}`);
        }
      });
    },
  });
}
