import assert from "node:assert/strict";
import { join } from "../../files/paths.ts";
import { folderOfCall } from "../protocol/shared_directory.ts";
import { DEFAULT_LIMITS } from "../protocol/limits.ts";
import { surveyCall } from "./watch.ts";

/** Looks at call 3 in a folder that `prepare` has filled; `secret` is a file beside it. */
async function look(prepare: (sharedDirectory: string, secret: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    const [sharedDirectory, secret] = [join(root, "shared"), join(root, "secret")];
    await Deno.writeTextFile(secret, "of the user");
    await Deno.mkdir(sharedDirectory);
    await prepare(sharedDirectory, secret);
    await surveyCall(folderOfCall(sharedDirectory, { call: 3 }), DEFAULT_LIMITS, "trial", "evaluate");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("folderOfCall() is that of its arrays, else the whole shared directory", () => {
  assert.equal(folderOfCall("/x", { call: 3, model: "a" }), "/x/call-3");
  for (const args of [{ call: "../y" }, { call: 0 }, { call: 1.5 }, { handle: 1 }, null]) {
    assert.equal(folderOfCall("/x", args), "/x");
  }
});

Deno.test("surveyCall() lets plain files pass, and calls without files", async () => {
  await look(() => Promise.resolve());
  await look(async (sharedDirectory) => {
    await Deno.mkdir(join(sharedDirectory, "call-3"));
    await Deno.writeTextFile(join(sharedDirectory, "call-3", "0.npy"), "x");
  });
});

Deno.test("surveyCall() refuses links among the arrays of a call and in the place of their folder", async () => {
  const planted: { readonly [text: string]: Parameters<typeof look>[0] } = {
    '"call-3" is none': (sharedDirectory, secret) =>
      Deno.symlink(join(secret, ".."), join(sharedDirectory, "call-3")),
    '"0.npy" is a symbolic link': async (sharedDirectory, secret) => {
      await Deno.mkdir(join(sharedDirectory, "call-3"));
      await Deno.symlink(secret, join(sharedDirectory, "call-3", "0.npy"));
    },
    '"0.npy" is a hard link': async (sharedDirectory, secret) => {
      await Deno.mkdir(join(sharedDirectory, "call-3"));
      await Deno.link(secret, join(sharedDirectory, "call-3", "0.npy"));
    },
  };
  for (const [text, prepare] of Object.entries(planted)) {
    await assert.rejects(look(prepare), (error: Error) => {
      assert.equal(error.name, "PluginError");
      assert.match(error.message, /^\[trial evaluate\] Cannot continue as [^\n]+: "[^"]+" is [a-z ]+$/);
      assert.ok(error.message.endsWith(text), error.message);
      return true;
    });
  }
});
