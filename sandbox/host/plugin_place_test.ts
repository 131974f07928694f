import assert from "node:assert/strict";
import { join, toFileUrl } from "../../files/paths.ts";
import { FRAMEWORK_ROOT } from "../../registry/framework.ts";
import { placeInPlugin } from "./plugin_place.ts";

const FOLDER = { directory: "/home/me/my (odd) plugin" };
const inFolder = (file: string): string => `${toFileUrl(FOLDER.directory)}/${file}`;

Deno.test("placeInPlugin() gives the innermost frame in the plugin's folder, as a path with line and column", () => {
  const stack = [
    "TypeError: lost at file:///elsewhere",
    `    at deep (${toFileUrl(FRAMEWORK_ROOT)}/plot/scale.ts:3:4)`,
    `    at async inner (${inFolder("parts/a%20b.ts")}:12:34)`,
    `    at ${inFolder("mod.ts")}:5:6`,
  ].join("\n");
  assert.equal(placeInPlugin(stack, FOLDER), "parts/a b.ts:12:34");
});

Deno.test("placeInPlugin() prefers the author's files to packages in the folder", () => {
  const stack = [
    "Error: e",
    `    at f (${inFolder("node_modules/pkg/index.js")}:1:1)`,
    `    at g (${inFolder("mod.ts")}:2:2)`,
  ].join("\n");
  assert.equal(placeInPlugin(stack, FOLDER), "mod.ts:2:2");
  assert.equal(
    placeInPlugin(stack.split("\n").slice(0, 2).join("\n"), FOLDER),
    "node_modules/pkg/index.js:1:1",
  );
});

Deno.test("placeInPlugin() is undefined where no frame is in the plugin's code", () => {
  assert.equal(placeInPlugin("Error: e\n    at f (file:///home/me/my/mod.ts:1:2)", FOLDER), undefined);
  assert.equal(
    placeInPlugin("Error: e\n    at f (ext:core/mod.js:1:2)\n    at <anonymous>", FOLDER),
    undefined,
  );
});

Deno.test("placeInPlugin() takes what is not the framework's for the code of an object of this process", () => {
  const stack = [
    "Error: e",
    `    at f (${toFileUrl(FRAMEWORK_ROOT)}/data/tables.ts:1:2)`,
    `    at g (${toFileUrl(join(FRAMEWORK_ROOT, "my-study", "script.ts"))}:3:4)`,
  ].join("\n");
  assert.equal(placeInPlugin(stack, { below: FRAMEWORK_ROOT }), "my-study/script.ts:3:4");
  assert.equal(
    placeInPlugin(stack, { below: "/elsewhere" }),
    `${join(FRAMEWORK_ROOT, "my-study", "script.ts")}:3:4`,
  );
});
