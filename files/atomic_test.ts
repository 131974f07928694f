import assert from "node:assert/strict";
import { join } from "node:path";
import { KIB, withSmallDisk } from "../tests/support/disks.ts";
import { withTempDir } from "../tests/support/plugins.ts";
import { moveFolder, writeAtomic } from "./atomic.ts";

const names = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("writeAtomic() replaces a file and a link, and leaves nothing else", async () => {
  await withTempDir(async (folder) => {
    const [file, link] = [join(folder, "a.json"), join(folder, "b.json")];
    await writeAtomic(file, "1");
    await writeAtomic(file, "2");
    await Deno.symlink("a.json", link);
    await writeAtomic(link, "3");
    assert.deepEqual([await Deno.readTextFile(file), await Deno.readTextFile(link)], ["2", "3"]);
    assert.deepEqual(names(folder), ["a.json", "b.json"]);
  });
});

Deno.test({
  name: "writeAtomic() takes no place of a folder, a pipe or a device",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withTempDir(async (folder) => {
      const pipe = join(folder, "pipe");
      assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
      await Deno.mkdir(join(folder, "inner"));
      for (
        const [path, found] of [[pipe, "a device or a pipe"], [join(folder, "inner"), "a folder"]] as const
      ) {
        await assert.rejects(writeAtomic(path, "x"), {
          name: "DataError",
          message: `Cannot write "${path}" as it must be a file, or not be there yet: found ${found}`,
        });
      }
      assert.deepEqual(names(folder), ["inner", "pipe"]);
    });
  },
});

Deno.test("moveFolder() takes all of a folder to another file system, and leaves nothing behind", async (t) => {
  await withSmallDisk(t, 1024 * KIB, async (disk, folder) => {
    const from = join(folder, "tables");
    await Deno.mkdir(join(from, "train"), { recursive: true });
    await Deno.writeTextFile(join(from, "train", "x.npy"), "numbers");
    await moveFolder(from, join(disk, "tables"));
    assert.deepEqual(names(folder).includes("tables"), false);
    assert.deepEqual(names(disk), ["tables"]);
    assert.equal(await Deno.readTextFile(join(disk, "tables/train/x.npy")), "numbers");
  });
});

Deno.test("moveFolder() keeps the source, and nothing half moved, where the other file system is full", async (t) => {
  await withSmallDisk(t, 256 * KIB, async (disk, folder) => {
    const from = join(folder, "tables");
    await Deno.mkdir(from);
    await Deno.writeFile(join(from, "x.npy"), new Uint8Array(512 * KIB));
    await assert.rejects(moveFolder(from, join(disk, "tables")), /os error 28|No space left/);
    assert.deepEqual([names(from), names(disk)], [["x.npy"], []]);
  });
});
