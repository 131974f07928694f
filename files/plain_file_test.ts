import assert from "node:assert/strict";
import { join } from "./paths.ts";
import { openPlainFile, pathBelow, readPlainFile } from "./plain_file.ts";

async function withFolder(test: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readPlainFile() reads a file, and refuses one that is larger than asked for", () =>
  withFolder(async (folder) => {
    const path = join(folder, "a");
    await Deno.writeTextFile(path, "abc");
    assert.deepEqual(readPlainFile(path), new TextEncoder().encode("abc"));
    assert.throws(() => readPlainFile(path, 2), /at most 2 bytes: it has 3/);
  }));

Deno.test("openPlainFile() refuses links, folders, pipes and devices without waiting", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "a"), "abc");
    await Deno.symlink("a", join(folder, "link"));
    await Deno.symlink("nothing", join(folder, "dangling"));
    await new Deno.Command("mkfifo", { args: [join(folder, "pipe")] }).output();
    for (const name of ["link", "dangling"]) {
      assert.throws(() => openPlainFile(join(folder, name)), /must be a plain file: found a symbolic link/);
    }
    assert.throws(() => openPlainFile(folder), /found a folder/);
    assert.throws(() => openPlainFile(join(folder, "pipe")), /found a device, pipe or socket/);
    assert.throws(() => openPlainFile("/dev/zero"), /found a device, pipe or socket/);
    assert.throws(() => openPlainFile(join(folder, "none")), Deno.errors.NotFound);
    assert.throws(() => openPlainFile(join(folder, "a", "b")), Deno.errors.NotFound);
  }));

Deno.test("pathBelow() refuses names that leave the folder and links on the way", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "in"));
    await Deno.symlink("/tmp", join(folder, "out"));
    await Deno.writeTextFile(join(folder, "file"), "");
    assert.equal(pathBelow(folder, "in/a.json"), join(folder, "in", "a.json"));
    assert.equal(pathBelow(folder, "new/deep/a.json"), join(folder, "new", "deep", "a.json"));
    for (const name of ["", "..", "../a", "in/../../a", "/etc/passwd", "in//a", "./a", "a\\b", "a\0b"]) {
      assert.throws(() => pathBelow(folder, name), /must be a plain name below/, JSON.stringify(name));
    }
    assert.throws(() => pathBelow(folder, "out/a"), /must be a folder: found a symbolic link/);
    assert.throws(() => pathBelow(folder, "file/a"), /must be a folder: found something else/);
  }));
