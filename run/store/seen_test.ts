import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256Hex } from "../../core/hash.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { SeenDigests } from "./seen.ts";

/** Large enough to be remembered. */
const BYTES = 100_000;
/** A clock by which every file has settled. */
const later = (): number => Date.now() + 60_000;

/** Puts a digest that no file has into `seen.json`: where it comes back, the file was not read. */
async function forge(directory: string): Promise<void> {
  const path = join(directory, "seen.json");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, text.replace(/"sha256":"[0-9a-f]+"/, '"sha256":"remembered"'));
}

Deno.test("SeenDigests reads a large file once, and again when it has changed in any way", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "data.npz");
    const content = new Uint8Array(BYTES);
    await Deno.writeFile(path, content);
    const first = new SeenDigests(directory, later);
    assert.equal(await first.digestOf(path), sha256Hex(content));
    await first.save();
    await forge(directory);
    assert.equal(await new SeenDigests(directory, later).digestOf(path), "remembered");
    const { atime, mtime } = await Deno.stat(path);
    await new Promise((resolve) => setTimeout(resolve, 1100)); // some file systems count seconds
    content[7] = 1;
    await Deno.writeFile(path, content);
    await Deno.utime(path, atime!, mtime!); // same size, time and inode
    assert.equal(await new SeenDigests(directory, later).digestOf(path), sha256Hex(content));
  });
});

Deno.test("SeenDigests remembers neither small files nor those that changed just now", async () => {
  await withTempDir(async (directory) => {
    await Deno.writeTextFile(join(directory, "small"), "text");
    await Deno.writeFile(join(directory, "fresh"), new Uint8Array(BYTES));
    const small = new SeenDigests(directory, later);
    assert.equal(await small.digestOf(join(directory, "small")), sha256Hex("text"));
    await small.save();
    const fresh = new SeenDigests(directory);
    await fresh.digestOf(join(directory, "fresh"));
    await fresh.save();
    await assert.rejects(Deno.stat(join(directory, "seen.json")), Deno.errors.NotFound);
  });
});

Deno.test("SeenDigests reads files where seen.json is damaged or cannot be written, and rejects a missing file", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "data");
    await Deno.writeFile(path, new Uint8Array(BYTES));
    const expected = sha256Hex(new Uint8Array(BYTES));
    for (const text of ["{", "[]", '{"schema": "beamline-seen/1"}', "null"]) {
      await Deno.writeTextFile(join(directory, "seen.json"), text);
      assert.equal(await new SeenDigests(directory, later).digestOf(path), expected, text);
    }
    const nowhere = new SeenDigests(join(directory, "absent"), later);
    assert.equal(await nowhere.digestOf(path), expected);
    await nowhere.save();
    await assert.rejects(nowhere.digestOf(join(directory, "none")), { name: "DataError" });
  });
});
