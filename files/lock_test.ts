import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { exists } from "./atomic.ts";
import { FileLock, isLocked } from "./lock.ts";
import { ScratchFolder } from "./scratch.ts";

Deno.test("FileLock.take() gives the lock to one at a time; release() leaves no file", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "lock");
    const locks = await Promise.all(Array.from({ length: 8 }, () => FileLock.take(path)));
    const held = locks.filter((lock) => lock !== undefined);
    assert.equal(held.length, 1);
    assert.equal(await isLocked(path), true);
    await held[0]!.release();
    assert.equal(await isLocked(path), false);
    assert.equal(await exists(path), false);
    const again = await FileLock.take(path);
    assert.ok(again);
    await again.release();
  });
});

Deno.test("FileLock.take() takes a lock whose process was killed", async () => {
  await withTempDir(async (directory) => {
    const path = join(directory, "lock");
    const code = `const f = await Deno.open(${JSON.stringify(path)}, {create: true, write: true});
      f.lockSync(true); console.log("locked"); setTimeout(() => {}, 60_000);`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", code],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    await reader.read();
    assert.equal(await isLocked(path), true);
    assert.equal(await FileLock.take(path), undefined);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    assert.equal(await isLocked(path), false);
    await (await FileLock.take(path))!.release();
  });
});

Deno.test("ScratchFolder.create() removes what killed processes left, and nothing that is in use or new", async () => {
  await withTempDir(async (directory) => {
    const used = await ScratchFolder.create(directory);
    const old = new Date(Date.now() - 2 * 86_400_000);
    const left = join(directory, crypto.randomUUID());
    const orphan = join(directory, crypto.randomUUID());
    const young = join(directory, crypto.randomUUID());
    for (const path of [left, orphan, young]) await Deno.mkdir(path);
    await Deno.writeTextFile(`${left}.lock`, "");
    for (const path of [`${left}.lock`, orphan, `${used.path}.lock`, used.path]) {
      await Deno.utime(path, old, old);
    }
    const fresh = await ScratchFolder.create(directory);
    assert.deepEqual(
      await Promise.all([used.path, young, left, `${left}.lock`, orphan].map(exists)),
      [true, true, false, false, false],
    );
    await used.remove();
    await fresh.remove();
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => join(directory, name)), [young]);
  });
});
