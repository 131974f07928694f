import assert from "node:assert/strict";
import { pathList, splitPaths } from "./path_lists.ts";

Deno.test("pathList() and splitPaths() keep every path", () => {
  const paths = ["/a", "/b c", "/d=e"];
  assert.equal(pathList(paths), "/a,/b c,/d=e");
  assert.deepEqual(splitPaths(pathList(paths)), paths);
});

Deno.test("pathList() refuses a comma, whose parts would be granted", () => {
  assert.throws(() => pathList(["/a", "/home/x,/etc"]), {
    name: "ConfigError",
    message:
      /^Cannot grant "\/home\/x,\/etc" to a process as Deno separates paths by commas: found one in it/,
  });
});

Deno.test("Deno knows no way to write a comma in a path; if this fails, pathList() can use it", async () => {
  const folder = await Deno.makeTempDir({ suffix: ",x" });
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(script, `Deno.readDirSync(${JSON.stringify(folder)});`);
    for (const written of [folder, folder.replace(",", ",,"), folder.replace(",", "\\,")]) {
      const args = ["run", `--allow-read=${written}`, "--no-prompt", "--no-config", script];
      assert.equal((await new Deno.Command(Deno.execPath(), { args }).output()).success, false, written);
    }
  } finally {
    await Deno.remove(folder);
    await Deno.remove(script);
  }
});
