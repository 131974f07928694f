import assert from "node:assert/strict";
import { withTempDir } from "../tests/support/plugins.ts";
import { exists } from "./atomic.ts";
import { removeClosed, ScratchFolder } from "./scratch.ts";

/** Folders of which the inner ones, or all, were closed to their owner. */
async function closedFolders(path: string, all: boolean): Promise<void> {
  await Deno.mkdir(`${path}/a/b`, { recursive: true });
  await Deno.writeTextFile(`${path}/a/b/c`, "");
  for (const folder of [`${path}/a/b`, `${path}/a`, ...all ? [path] : []]) await Deno.chmod(folder, 0);
}

Deno.test("removeClosed() removes folders that were closed to their owner", async () => {
  await withTempDir(async (directory) => {
    for (const all of [false, true]) {
      await closedFolders(`${directory}/x`, all);
      await removeClosed(`${directory}/x`);
      assert.equal(await exists(`${directory}/x`), false);
    }
  });
});

Deno.test("ScratchFolder leaves nothing, whatever was done to what is in it", async () => {
  await withTempDir(async (directory) => {
    const scratch = await ScratchFolder.create(directory);
    await closedFolders(scratch.path, false);
    await scratch.remove();
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  });
});
