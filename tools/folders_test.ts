import assert from "node:assert/strict";
import { crowdedFolders, MOST_FILES } from "./folders.ts";

/** Names of `count` files in a folder. */
function filesIn(folder: string, count: number, ending = ".ts"): string[] {
  return Array.from({ length: count }, (_, i) => `${folder}/file_${i}${ending}`);
}

Deno.test("crowdedFolders() names a folder with one file too many", () => {
  assert.deepEqual(crowdedFolders(filesIn("run", MOST_FILES)), []);
  assert.deepEqual(crowdedFolders(filesIn("run", MOST_FILES + 1)), [{
    folder: "run",
    count: MOST_FILES + 1,
  }]);
});

Deno.test("crowdedFolders() counts each folder alone, without tests, tables of kernels and other rooms", () => {
  assert.deepEqual(
    crowdedFolders([
      ...filesIn("train", MOST_FILES),
      ...filesIn("train", 5, "_test.ts"),
      ...filesIn("train/inner", 5),
      ...filesIn("engine/onnx/kernels", 30),
      ...filesIn("plugins/caloqvae", 60),
    ]),
    [],
  );
});
