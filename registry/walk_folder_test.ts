import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir, writePlugin } from "../tests/support/plugins.ts";
import { sha256Hex } from "../core/hash.ts";
import { moduleHashes } from "./framework.ts";
import { readManifest } from "./manifest.ts";
import { pinOf } from "./pins.ts";
import { FolderHasher, walkFolder } from "./walk_folder.ts";

const isPosix = Deno.build.os !== "windows";

async function makePipe(path: string): Promise<void> {
  assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
}

Deno.test("walkFolder() lists files and links below a folder, and enters no link", async () => {
  await withTempDir(async (directory) => {
    await Deno.mkdir(join(directory, "data/deep"), { recursive: true });
    await Deno.writeTextFile(join(directory, "data/deep/a"), "1");
    await Deno.symlink("data", join(directory, "latest"));
    await Deno.symlink("nothing", join(directory, "dangling"));
    await Deno.symlink(".", join(directory, "data/circle"));
    assert.deepEqual(await walkFolder(directory), [
      { path: "dangling", isLink: true },
      { path: "data/circle", isLink: true },
      { path: "data/deep/a", isLink: false },
      { path: "latest", isLink: true },
    ]);
  });
});

Deno.test({
  name: "walkFolder() refuses a pipe and a socket in one line, without opening them",
  ignore: !isPosix,
  async fn() {
    await withTempDir(async (directory) => {
      await Deno.mkdir(join(directory, "deep"));
      await makePipe(join(directory, "deep/tool"));
      const message = `Cannot use folder "${directory}" as it may hold files, folders and links only: ` +
        `"deep/tool" is a pipe, device or socket`;
      await assert.rejects(walkFolder(directory), { name: "DataError", message });
    });
  },
});

Deno.test("walkFolder() refuses folders in folders without end, and paths that the system cannot read", async () => {
  for (
    const [name, depth, rule] of [["a", 102, /at most 100 folders may lie in each other/], [
      "a".repeat(200),
      30,
      /all of it must be readable: .{1,60}$/,
    ]] as const
  ) {
    await withTempDir(async (directory) => {
      const script = `for i in $(seq ${depth}); do mkdir ${name} && cd ${name} || exit 1; done`;
      const { success } = await new Deno.Command("bash", { args: ["-c", script], cwd: directory }).output();
      assert.ok(success);
      await assert.rejects(walkFolder(directory), { name: "DataError", message: rule });
      await new Deno.Command("rm", { args: ["-rf", join(directory, name)] }).output();
    });
  }
});

Deno.test("moduleHashes() counts a link to a file of the folder as that file, and any other as what it says", async () => {
  await withTempDir(async (parent) => {
    const directory = join(parent, "plugin");
    await Deno.mkdir(join(directory, "data"), { recursive: true });
    await Deno.writeTextFile(join(parent, "secret.ts"), "secret");
    await Deno.writeTextFile(join(directory, "a.ts"), "code");
    const links = { "b.ts": "a.ts", "latest": "data", "gone": "nothing", "out.ts": "../secret.ts" };
    for (const [name, target] of Object.entries(links)) await Deno.symlink(target, join(directory, name));
    assert.deepEqual(await moduleHashes(directory, { isComplete: true }), {
      "a.ts": sha256Hex("code"),
      "b.ts": sha256Hex("code"),
      "gone": sha256Hex("link to nothing"),
      "latest": sha256Hex("link to data"),
      "out.ts": sha256Hex("link to ../secret.ts"), // what is outside is neither read nor recorded
    });
  });
});

Deno.test("FolderHasher.hash() counts a file that is too large to be code by its size, and refuses giants", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "weights.json");
    const hash = async (bytes: number): Promise<string> => {
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, bytes);
      return await new FolderHasher(directory).hash({ path: "weights.json", isLink: false });
    };
    assert.equal(await hash(2 ** 30 + 1), sha256Hex("1073741825 bytes"));
    await assert.rejects(hash(2 ** 40), {
      name: "DataError",
      message:
        /weights.json" as a file that a plugin brings may have at most 17179869184 bytes: it has 10995/,
    });
  });
});

Deno.test("pinOf() refuses a terabyte of holes in a folder that a plugin may read, and takes large data", async () => {
  await withTempDir(async (directory) => {
    const location = await writePlugin(directory);
    await Deno.mkdir(join(directory, "data"));
    const path = join(directory, "data/events.h5");
    for (const reads of [[join(directory, "data")], [path]]) {
      await Deno.writeFile(path, new Uint8Array(10));
      await pinOf({ ...location, reads });
      await Deno.truncate(path, 2 ** 40);
      await assert.rejects(pinOf({ ...location, reads }), /events.h5" .*, of which \d+ are stored$/);
    }
  });
});

Deno.test({
  name: "readManifest() takes a linked manifest, and refuses a pipe and a huge one without reading them",
  ignore: !isPosix,
  async fn() {
    await withTempDir(async (directory) => {
      const { directory: plugin } = await writePlugin(directory);
      const path = join(plugin, "deno.json");
      await Deno.rename(path, join(plugin, "real.json"));
      await Deno.symlink("real.json", path);
      assert.equal((await readManifest(plugin, "path")).manifest.name, "trial");
      await Deno.remove(path);
      await makePipe(path);
      await assert.rejects(readManifest(plugin, "path"), {
        name: "DataError",
        message: /must be a plain file/,
      });
      await Deno.remove(path);
      await Deno.writeFile(path, new Uint8Array());
      await Deno.truncate(path, 2 ** 40);
      await assert.rejects(readManifest(plugin, "path"), {
        name: "DataError",
        message: /at most 16777216 bytes/,
      });
    });
  },
});

Deno.test("FolderHasher.hash() refuses more than it can hash in some seconds, and says what to do", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "part");
    await Deno.writeFile(path, new Uint8Array());
    await Deno.truncate(path, 2 ** 20);
    for (
      const [maxBytes, remedy] of [[undefined, /keep data elsewhere/], [Infinity, /need an ending/]] as const
    ) {
      const hasher = new FolderHasher(directory, maxBytes, 2 ** 21);
      for (let i = 0; i < 2; i++) await hasher.hash({ path: "part", isLink: false });
      await assert.rejects(hasher.hash({ path: "part", isLink: false }), remedy);
    }
  });
});
