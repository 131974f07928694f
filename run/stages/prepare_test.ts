import assert from "node:assert/strict";
import { sha256Hex } from "../../core/hash.ts";
import { column } from "../../data/tables.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import { Cache } from "../store/cache.ts";
import { Journal } from "./journal.ts";
import { prepare, type PrepareInput } from "./prepare.ts";
import { FakeHooks, preparing } from "./stage_test_helpers.ts";

const TABLES = {
  train: { x: column(Float32Array.of(1, 2, 3), { unit: "cm" }) },
  test: { x: column(Float32Array.of(4), { unit: "cm", description: "where" }) },
};

/** Codes of the warnings of all stages. */
const warned: string[] = [];

/** The stage with a fake plugin, in a folder of its own. */
async function withStage(use: (input: PrepareInput, hooks: FakeHooks) => Promise<void>): Promise<void> {
  await withTempDir(async (directory) => {
    const cache = new Cache(`${directory}/cache`);
    const shared = await cache.scratch();
    const hooks = new FakeHooks(shared.path, { prepare: preparing(TABLES) });
    await use({
      source: { name: "trial", contentHash: () => Promise.resolve("a") },
      out: `${directory}/runs`,
      config: { values: {}, flags: [] },
      inputs: [],
      seed: 1,
      cache,
      hooks,
      journal: new Journal({}),
      warn: ({ code }) => void warned.push(code),
      plain: (value) => JSON.parse(JSON.stringify(value).replaceAll(shared.path, "<shared>")),
    }, hooks);
    await shared.remove();
  });
}

Deno.test("prepare() hands on the tables, their digests and the metadata, without paths", async () => {
  await withStage(async (input) => {
    const data = await prepare(input);
    assert.deepEqual([...data.tables.train!.x!.data], [1, 2, 3]);
    assert.deepEqual(data.metadata, { scale: 2 });
    assert.equal(data.source, "made in <shared>");
    const { train, test } = data.record.tables;
    assert.equal(train!.rows, 3);
    const bytes = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    assert.equal(train!.columns.x!.sha256, sha256Hex(bytes).slice(0, 32));
    assert.equal(test!.columns.x!.description, "where");
    assert.deepEqual(data.record.facts, { scale: 2 });
  });
});

Deno.test("prepare() asks the plugin once for the same parts, and again for another seed", async () => {
  await withStage(async (input, hooks) => {
    const heard: string[] = [];
    const journal = new Journal({ onPhase: (phase, state) => void heard.push(`${phase} ${state}`) });
    const first = await prepare({ ...input, journal });
    const second = await prepare({ ...input, journal });
    assert.deepEqual(second, first);
    assert.equal(hooks.calls.length, 1);
    await prepare({ ...input, journal, seed: 2 });
    assert.equal(hooks.calls.length, 2);
    assert.deepEqual(heard, [
      "prepare begins",
      "prepare ends",
      "prepare cached",
      "prepare begins",
      "prepare ends",
    ]);
  });
});

Deno.test("prepare() keeps warnings with the data, and gives them again from the cache", async () => {
  await withStage(async (input, hooks) => {
    const warning = { code: "few-rows", message: "three rows" };
    const [first, second] = [new Journal({}), new Journal({})];
    const warnHook = preparing(TABLES);
    const warned = new FakeHooks(hooks.directory, {
      prepare: (args, directory) => {
        first.warn(warning);
        return warnHook(args, directory);
      },
    });
    await prepare({ ...input, hooks: warned, journal: first });
    await prepare({ ...input, hooks: warned, journal: second });
    assert.deepEqual([first.warnings, second.warnings], [[warning], [warning]]);
  });
});

Deno.test("prepare() refuses what a hook must not return", async () => {
  await withStage(async (input, hooks) => {
    const wrong = new FakeHooks(hooks.directory, { prepare: preparing(TABLES, { source: 3 }) });
    await assert.rejects(prepare({ ...input, hooks: wrong }), {
      name: "PluginError",
      message: /^\[trial prepare\] Cannot use what the hook returned as "source" is not right: /,
    });
  });
});

Deno.test("prepare() makes damaged data anew, with a warning", async () => {
  await withStage(async (input, hooks) => {
    const first = await prepare(input);
    const path = `${first.directory}/train/x.npy`;
    const bytes = await Deno.readFile(path);
    bytes[131]! ^= 2; // the exponent of the first number
    await Deno.writeFile(path, bytes);
    warned.length = 0;
    const second = await prepare(input);
    assert.deepEqual(warned, ["damaged-cache"]);
    assert.deepEqual([...second.tables.train!.x!.data], [1, 2, 3]);
    assert.equal(hooks.calls.length, 2);
    assert.deepEqual(await prepare(input), second);
    assert.equal(hooks.calls.length, 2, "the new entry is whole");
  });
});

Deno.test("prepare() keeps nothing of a plugin whose content cannot be known", async () => {
  await withStage(async (input, hooks) => {
    const source = { name: "trial", contentHash: () => Promise.resolve(undefined) };
    const { directory, tables, record } = await prepare({ ...input, source });
    assert.match(directory, /\.taken\/1-tables$/);
    assert.ok(hooks.isEnded, "nothing changes after it was read");
    assert.deepEqual([...tables.train!.x!.data], [1, 2, 3]);
    assert.equal("cacheKey" in record, false);
    assert.deepEqual(await input.cache.list(), []);
    await prepare({ ...input, source });
    assert.equal(hooks.calls.length, 2);
  });
});
