import assert from "node:assert/strict";
import type { Json } from "../../core/types.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { configure, type ConfigureInput } from "./configure.ts";
import { FakeHooks } from "./stage_test_helpers.ts";

const DESCRIPTION = {
  name: "trial",
  presets: {},
  schema: {
    type: "object",
    properties: {
      epochs: { type: "integer", default: 3, description: "epochs" },
      data: { type: "string", path: "file", description: "what to read" },
    },
  },
} as unknown as Description;

/** A plugin that accepts everything. */
const accepting = {
  parse: (args: Json) => ({ ok: true, config: (args as { values: Json }).values, models: {} }),
};

async function withStage(
  use: (input: ConfigureInput, opened: (readonly string[])[], directory: string) => Promise<void>,
): Promise<void> {
  await withTempDir(async (directory) => {
    const opened: (readonly string[])[] = [];
    await use(
      {
        description: DESCRIPTION,
        config: { flags: { epochs: 5 }, workingDirectory: directory },
        files: [],
        open: (read) => {
          opened.push(read);
          return Promise.resolve(new FakeHooks(directory, accepting));
        },
      },
      opened,
      directory,
    );
  });
}

Deno.test("configure() gives values with their sources, and grants nothing that is not named", async () => {
  await withStage(async (input, opened) => {
    const { config, inputs, files } = await configure(input);
    assert.deepEqual({ ...config.values }, { epochs: 5 });
    assert.deepEqual(config.record.sources, { epochs: "--epochs" });
    assert.deepEqual([inputs, files, opened], [[], [], [[]]]);
  });
});

Deno.test("configure() grants and digests what a flag names, and files after the action", async () => {
  await withStage(async (input, opened, directory) => {
    await Deno.writeTextFile(`${directory}/a.txt`, "abc");
    const flags = { data: "a.txt" };
    const { inputs, files } = await configure({
      ...input,
      config: { ...input.config, flags },
      files: [`${directory}/a.txt`],
    });
    // printf abc | sha256sum
    const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.deepEqual(inputs, [{ name: "a.txt", path: `${directory}/a.txt`, bytes: 3, sha256 }]);
    assert.deepEqual(files, inputs);
    assert.deepEqual(opened, [[`${directory}/a.txt`]]);
  });
});

Deno.test("configure() refuses a file that is not there before a sandbox is opened", async () => {
  await withStage(async (input, opened) => {
    const config = { ...input.config, flags: { data: "none.txt" } };
    await assert.rejects(configure({ ...input, config }), { name: "DataError" });
    assert.deepEqual(opened, []);
  });
});
