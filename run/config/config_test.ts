import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { inputPath } from "../../core/plugin.ts";
import type { JsonObject } from "../../core/types.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { type ConfigRequest, mergeLayers, type ParseAnswer, readLayers, resolveConfig } from "./config.ts";

const config = z.object({
  stage: z.enum(["one", "two"]).default("two"),
  epochs: z.int().min(0).default(5),
  data: inputPath("file", "measured data"),
  model: z.object({ depth: z.int().default(4) }).prefault({}),
});

const description = {
  name: "trial",
  schema: z.toJSONSchema(config, { io: "input" }) as JsonObject,
  presets: { short: { epochs: 1, stage: "one" } },
} as unknown as Description;

async function resolveWith(request: Partial<ConfigRequest>, answer?: ParseAnswer) {
  const layers = await readLayers(
    { flags: {}, workingDirectory: "/work", ...request } as ConfigRequest,
    description,
  );
  const merged = mergeLayers(layers);
  const parsed = config.strict().safeParse(merged.values);
  const fallback: ParseAnswer = parsed.success
    ? { ok: true, config: parsed.data as JsonObject, models: {} }
    : {
      ok: false,
      issues: parsed.error.issues.map(({ path, message }) => ({ path: path.join("."), message })),
    };
  return resolveConfig(description, merged, answer ?? fallback, request.issues);
}

Deno.test("resolveConfig() puts flags over file over preset over defaults, each with its source", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "my.json");
    await Deno.writeTextFile(file, JSON.stringify({ $schema: "x", epochs: 2, model: { depth: 6 } }));
    const { values, record } = await resolveWith({ preset: "short", file, flags: { "model.depth": 8 } });
    assert.deepEqual(values, { stage: "one", epochs: 2, model: { depth: 8 } });
    assert.deepEqual(record.sources, { stage: "preset short", epochs: file, "model.depth": "--model.depth" });
  });
});

Deno.test("resolveConfig() marks untouched values as defaults", async () => {
  assert.deepEqual((await resolveWith({})).record.sources, {
    stage: "default",
    epochs: "default",
    "model.depth": "default",
  });
});

Deno.test("readLayers() resolves paths of flags against the working directory and of files against the file", async () => {
  assert.equal((await resolveWith({ flags: { data: "a.npz" } })).inputPaths.data, "/work/a.npz");
  await withTempDir(async (directory) => {
    const file = join(directory, "my.json");
    await Deno.writeTextFile(file, '{"data": "b.npz"}');
    assert.equal((await resolveWith({ file })).inputPaths.data, join(directory, "b.npz"));
  });
});

Deno.test("readLayers() takes the config.json of an earlier run", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "config.json");
    await Deno.writeTextFile(
      file,
      JSON.stringify({ values: { epochs: 9 }, sources: { epochs: "default" }, help: {} }),
    );
    assert.equal((await resolveWith({ file })).values.epochs, 9);
  });
});

Deno.test("resolveConfig() reports all problems at once with source and nearest name", async () => {
  const issues = [{
    path: "--stge",
    message: "there is no such flag",
    source: "command line",
    nearest: "--stage",
  }];
  await assert.rejects(resolveWith({ flags: { epochs: "abc", stage: "tow" }, issues }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.message, 'Cannot run "trial" as its configuration must be valid: 3 problems');
    assert.deepEqual(error.issues, [
      issues[0],
      { path: "stage", message: 'must be one of one, two, found "tow"', source: "--stage", nearest: "two" },
      {
        path: "epochs",
        message: 'invalid input: expected number, received string, found "abc"',
        source: "--epochs",
      },
    ]);
    return true;
  });
});

Deno.test("readLayers() rejects an unknown preset and names the nearest", async () => {
  await assert.rejects(resolveWith({ preset: "shrt" }), {
    name: "ConfigError",
    message:
      'Cannot use preset "shrt" as plugin "trial" does not have it: known are short; did you mean "short"?',
  });
});

Deno.test("readLayers() rejects a configuration file that is missing, broken or not an object", async () => {
  await assert.rejects(resolveWith({ file: "/nowhere/x.json" }), {
    name: "ConfigError",
    message: /must exist and be readable/,
  });
  await withTempDir(async (directory) => {
    for (const text of ["{", "[1]", '{"__proto__": {"a": 1}}']) {
      const file = join(directory, "my.json");
      await Deno.writeTextFile(file, text);
      await assert.rejects(resolveWith({ file }), { name: "ConfigError" });
    }
  });
});
