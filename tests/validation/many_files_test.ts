/** Plugin folders of very many files. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { trust } from "../../tasks/trust.ts";
import { withTempDir, writePlugin } from "../support/plugins.ts";
import { printed } from "../support/printed.ts";

async function fill(folder: string, files: number): Promise<void> {
  await Deno.mkdir(folder);
  const text = `seq ${files} | sed 's/$/.dat/' | xargs touch`;
  assert.ok((await new Deno.Command("bash", { args: ["-c", text], cwd: folder }).output()).success);
}

Deno.test({
  name: "trust() takes a folder of 200,000 files, and refuses one of more than 300,000 in one line",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withTempDir(async (directory) => {
      const { directory: folder } = await writePlugin(directory);
      await fill(join(folder, "a"), 200_000);
      assert.equal((await printed(() => trust([folder]))).value, 0);
      await fill(join(folder, "b"), 100_000);
      await assert.rejects(printed(() => trust([folder])), {
        name: "DataError",
        message:
          `Cannot use folder "${folder}" as it may hold at most 300000 files and folders: it holds more`,
      });
    });
  },
});
