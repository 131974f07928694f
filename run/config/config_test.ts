import assert from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { ConfigError } from "../../core/errors.ts";
import { inputPath } from "../../core/plugin.ts";
import { schemaIssues, strictSchema } from "../../core/strict_schema.ts";
import type { JsonObject } from "../../core/types.ts";
import { mergeConfig } from "../../core/merge.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import type { Description } from "../../sandbox/protocol/description.ts";
import { type ConfigRequest, type ParseAnswer, readLayers, resolveConfig } from "./config.ts";

const config = z.object({
  stage: z.enum(["one", "two"]).default("two"),
  epochs: z.int().min(0).default(5),
  data: inputPath("file", "measured data"),
  model: z.object({ depth: z.int().default(4) }).prefault({}),
  layers: z.array(z.int()).optional(),
  cuts: z.array(z.object({ low: z.number() })).optional(),
  weights: z.record(z.string(), z.number()).optional(),
  year: z.literal([2023, 2024]).optional(),
  mode: z.union([z.literal("auto"), z.number()]).optional(),
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
  const merged = mergeConfig(layers);
  const parsed = strictSchema(config).safeParse(merged.values);
  const fallback: ParseAnswer = parsed.success
    ? { ok: true, config: parsed.data as JsonObject, models: {} }
    : {
      ok: false,
      issues: schemaIssues(parsed.error),
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
        message: 'must be a whole number, found "abc"',
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

/** The issues of a request that is refused, as lines. */
async function linesOf(request: Partial<ConfigRequest>): Promise<string[]> {
  let lines: string[] = [];
  await assert.rejects(resolveWith(request), (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    lines = error.issues.map(({ path, message, source, nearest }) =>
      `${path}: ${message} (${source})${nearest === undefined ? "" : ` ~ ${nearest}`}`
    );
    return true;
  });
  return lines;
}

Deno.test("resolveConfig() refuses unknown keys at every depth, with source and the nearest name beside them", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "my.json");
    await Deno.writeTextFile(file, '{"model": {"dept": 1}, "cuts": [{"low": 1}, {"low": 1, "lw": 2}]}');
    const layers = [{ source: "options.config", values: { models: { depth: 1 } } }];
    assert.deepEqual((await linesOf({ file, layers })).sort(), [
      `cuts.1.lw: there is no such value (${file}) ~ cuts.1.low`,
      `model.dept: there is no such value (${file}) ~ model.depth`,
      "models: there is no such value (options.config) ~ model",
    ]);
  });
});

Deno.test("resolveConfig() says what each flag takes and what it found", async () => {
  const flags = {
    epochs: "0x3",
    layers: [1, "x"],
    weights: { "a.b": "" },
    year: "2025",
    mode: "atuo",
    data: "",
  };
  assert.deepEqual((await linesOf({ flags })).sort(), [
    'data: must be the path of a file, found "" (--data)',
    'epochs: must be a whole number, found "0x3" (--epochs)',
    'layers.1: must be a whole number, found "x" (--layers)',
    'mode: must be auto or a number, found "atuo" (--mode) ~ auto',
    'weights.a.b: must be a number, found "" (--weights)',
    'year: must be one of 2023, 2024, found "2025" (--year)',
  ]);
});

Deno.test("resolveConfig() adds the entries of a map, and names all their sources", async () => {
  const layers = [{ source: "preset p", values: { weights: { a: 1, b: 2 } } }];
  const { values, record } = await resolveWith({ layers, flags: { weights: { b: 3, c: 4 } } });
  assert.deepEqual({ ...values.weights as JsonObject }, { a: 1, b: 3, c: 4 });
  assert.equal(record.sources.weights, "preset p, --weights");
});

Deno.test("resolveConfig() refuses a required path that was not given, in one line", () => {
  const required = z.object({ data: inputPath("file", "measured data", { required: true }) });
  const schema = z.toJSONSchema(required, { io: "input" }) as JsonObject;
  const issues = schemaIssues(required.safeParse({}).error!);
  const merged = { values: {}, sources: {} };
  assert.throws(() => resolveConfig({ ...description, schema }, merged, { ok: false, issues }), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(error.issues, [{
      path: "data",
      message: "must be given, as --data or in a configuration file, found nothing",
      source: "default",
    }]);
    return true;
  });
});

Deno.test("readLayers() rejects numbers of a file that float64 would round, or cannot hold", async () => {
  await withTempDir(async (directory) => {
    const file = join(directory, "my.json");
    for (const number of ["9007199254740993", "-9007199254740992", "1e999"]) {
      await Deno.writeTextFile(file, `{"model": {"depth": ${number}}}`);
      await assert.rejects(resolveWith({ file }), {
        name: "ConfigError",
        message:
          `Cannot read "${file}" as a number must be exact, whole ones up to 9007199254740991: found ${number} as "depth"`,
      });
    }
  });
});
