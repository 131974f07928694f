import assert from "node:assert/strict";
import { join } from "node:path";
import type { Column, Table } from "../../core/types.ts";
import { exists } from "../../files/atomic.ts";
import { withTempDir } from "../../tests/support/plugins.ts";
import type { Flag } from "../../core/flags.ts";
import { SharedDirectory, type TakenFolder } from "../../sandbox/host/taken.ts";
import { Cache, type CacheEntry, cacheKey, type CacheKeyParts, dataConfig, digestTables } from "./cache.ts";

const PARTS: CacheKeyParts = {
  plugin: "trial",
  pluginHash: "11",
  frameworkHash: "22",
  config: { events: 100, model: { depth: 2 } },
  seed: 7,
  inputs: [{ name: "jets.npz", sha256: "aa" }, { name: "more.npz", sha256: "bb" }],
};

const ENTRY: CacheEntry = {
  schema: "beamline-cache/2",
  plugin: "trial",
  created: "2026-11-21T20:55:43.000Z",
  simulated: true,
  source: "a trial",
  facts: { scale: 2 },
  notes: [],
  warnings: [],
  digests: { "train/x": "00" },
};

const KEY = "a".repeat(32);
const OTHER_KEY = "b".repeat(32);

/** A shared directory with one table, as a sandbox leaves it. */
async function prepared(cache: Cache, text = "numbers"): Promise<string> {
  const directory = join(cache.directory, "shared", crypto.randomUUID());
  await Deno.mkdir(join(directory, "tables"), { recursive: true });
  await Deno.writeTextFile(join(directory, "tables", "train.npy"), text);
  return directory;
}

/** Its tables, taken. */
function tablesOf(shared: string): TakenFolder {
  return new SharedDirectory(shared, `${shared}.taken`).take("tables", { plugin: "trial", hook: "prepare" });
}

/** The entry under a key, where it is whole. */
async function find(cache: Cache, key: string): Promise<CacheEntry | undefined> {
  const taken = await cache.take(key);
  return taken && "entry" in taken ? taken.entry : undefined;
}

/** Names in a folder, sorted. */
const namesIn = (folder: string): string[] => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

function withCache(use: (cache: Cache) => Promise<void>): Promise<void> {
  return withTempDir((directory) => use(new Cache(join(directory, "cache"))));
}

Deno.test("cacheKey() is 32 hexadecimal digits, whatever the order of keys", () => {
  assert.match(cacheKey(PARTS), /^[0-9a-f]{32}$/);
  const { config: _config, ...rest } = PARTS;
  assert.equal(cacheKey({ config: { model: { depth: 2 }, events: 100 }, ...rest }), cacheKey(PARTS));
});

Deno.test("cacheKey() depends on each part", () => {
  const [first, second] = PARTS.inputs;
  const changes: Partial<CacheKeyParts>[] = [
    { plugin: "other" },
    { pluginHash: "12" },
    { frameworkHash: "23" },
    { config: { events: 101, model: { depth: 2 } } },
    { config: { events: 100, model: { depth: 3 } } },
    { config: { events: 100 } },
    { seed: 8 },
    { inputs: [first!] },
    { inputs: [second!, first!] },
    { inputs: [{ ...first!, name: "renamed.npz" }, second!] },
    { inputs: [{ ...first!, sha256: "ab" }, second!] },
  ];
  const keys = [PARTS, ...changes.map((change) => ({ ...PARTS, ...change }))].map(cacheKey);
  assert.equal(new Set(keys).size, changes.length + 1);
});

Deno.test("dataConfig() leaves out training options and paths, and keeps all else", () => {
  const flag = (path: string, more: Partial<Flag> = {}): Flag => ({
    path,
    name: path,
    value: { kind: "integer" },
    help: "",
    isTraining: false,
    ...more,
  });
  const flags = [
    flag("events"),
    flag("epochs", { isTraining: true }),
    flag("data", { value: { kind: "string" }, inputPath: "file" }),
    flag("model.depth"),
    flag("model.rate", { isTraining: true }),
    flag("absent"),
    flag("off", { value: { kind: "boolean" } }),
  ];
  const values = {
    events: 100,
    epochs: 3,
    data: "/home/a/jets.npz",
    model: { depth: 2, rate: 0.1 },
    off: false,
  };
  assert.deepEqual(dataConfig(values, flags), { events: 100, model: { depth: 2 }, off: false });
  assert.deepEqual(dataConfig({ epochs: 3 }, flags), {});
});

Deno.test("digestTables() gives the first 32 digits of the SHA-256 of each column's bytes", () => {
  const column = (data: Column["data"], dtype: string): Column =>
    ({ dtype, shape: [data.length], dims: ["row"], unit: "1", data }) as Column;
  const whole = Uint8Array.of(9, 97, 98, 99, 9);
  const tables: { [split: string]: Table } = {
    // "abc" in the middle of a larger buffer: FIPS 180-4, example B.1
    train: { abc: column(whole.subarray(1, 4), "uint8"), none: column(new Uint8Array(0), "uint8") },
    // printf '\x00\x00\x80\x3f' | sha256sum: 1 as little-endian float32
    test: { one: column(Float32Array.of(1), "float32") },
  };
  assert.deepEqual(digestTables(tables), {
    "train/abc": "ba7816bf8f01cfea414140de5dae2223",
    "train/none": "e3b0c44298fc1c149afbf4c8996fb924",
    "test/one": "e00e5eb9444182f352323374ef4e08eb",
  });
});

Deno.test("Cache finds what it stored, and takes the tables over", async () => {
  await withCache(async (cache) => {
    assert.equal(await find(cache, KEY), undefined);
    const shared = await prepared(cache);
    await cache.store(KEY, tablesOf(shared), ENTRY);
    assert.deepEqual(await find(cache, KEY), ENTRY);
    assert.equal(await Deno.readTextFile(join(cache.tables(KEY), "train.npy")), "numbers");
    assert.deepEqual(namesIn(shared), [], "moved, not copied");
    assert.equal(await find(cache, OTHER_KEY), undefined);
  });
});

Deno.test("Cache lists entries with their bytes, largest first", async () => {
  await withCache(async (cache) => {
    assert.deepEqual(await cache.list(), [], "a cache that is not there yet");
    await cache.store(KEY, tablesOf(await prepared(cache, "x")), ENTRY);
    await cache.store(OTHER_KEY, tablesOf(await prepared(cache, "x".repeat(1000))), {
      ...ENTRY,
      source: "larger",
    });
    const entryBytes = (await Deno.stat(join(cache.directory, KEY, "entry.json"))).size;
    const largerBytes = (await Deno.stat(join(cache.directory, OTHER_KEY, "entry.json"))).size;
    assert.deepEqual((await cache.list()).map(({ key, bytes }) => [key, bytes]), [
      [OTHER_KEY, largerBytes + 1000],
      [KEY, entryBytes + 1],
    ]);
  });
});

Deno.test("Cache removes all of it when it is cleaned, and works on", async () => {
  await withCache(async (cache) => {
    await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
    await cache.clean();
    assert.equal(await exists(cache.directory), false);
    await cache.clean();
    await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
    assert.deepEqual(await find(cache, KEY), ENTRY);
  });
});

Deno.test("Cache keeps an entry that another run stored meanwhile", async () => {
  await withCache(async (cache) => {
    const [first, second] = [await prepared(cache, "first"), await prepared(cache, "second")];
    await cache.store(KEY, tablesOf(first), ENTRY);
    await cache.store(KEY, tablesOf(second), { ...ENTRY, source: "the second" });
    assert.equal((await find(cache, KEY))?.source, "a trial");
    assert.equal(await Deno.readTextFile(join(cache.tables(KEY), "train.npy")), "first");
  });
});

Deno.test("Cache holds one whole entry when several runs store it at once", async () => {
  await withCache(async (cache) => {
    const shared: string[] = [];
    for (let i = 0; i < 8; i++) shared.push(await prepared(cache, `run ${i}`));
    await Promise.all(
      shared.map((directory, i) =>
        new Cache(cache.directory).store(KEY, tablesOf(directory), { ...ENTRY, source: `run ${i}` }) // each run has its own
      ),
    );
    const { source } = (await find(cache, KEY))!;
    assert.equal(await Deno.readTextFile(join(cache.tables(KEY), "train.npy")), source, "from the same run");
    assert.deepEqual(namesIn(cache.directory), [KEY, "shared"], "nothing is left aside");
  });
});

Deno.test("Cache passes over folders that were half stored, and removes them once no other process can be storing", async () => {
  await withCache(async (cache) => {
    const half = (digits: string): string => join(cache.directory, `${KEY}.${digits}.tmp`);
    const other = await new Cache(cache.directory).scratch();
    for (const digits of ["00000001", "00000002"]) await Deno.mkdir(half(digits), { recursive: true });
    const twoDaysAgo = new Date(Date.now() - 2 * 24 * 3600 * 1000);
    await Deno.utime(half("00000001"), twoDaysAgo, twoDaysAgo);
    assert.equal(await find(cache, KEY), undefined);
    assert.deepEqual(await cache.list(), []);
    const scratch = await cache.scratch();
    assert.equal(await exists(half("00000001")), false, "older than a day: no process works on it");
    assert.equal(await exists(half("00000002")), true, "another run may be storing it");
    await other.remove();
    await scratch.remove();
    const alone = await new Cache(cache.directory).scratch();
    assert.equal(await exists(half("00000002")), false, "no process uses the cache but this one");
    await alone.remove();
    assert.deepEqual(namesIn(join(cache.directory, "shared")), []);
  });
});

/** By what is done to an entry: how it is damaged. */
const DAMAGES: { readonly [what: string]: [damage: (entry: string) => Promise<unknown>, told: RegExp] } = {
  "one bit of a column": [
    (entry) => flipBit(join(entry, "tables", "train.npy")),
    /^tables\/train\.npy was changed/,
  ],
  "a cut column": [
    (entry) => Deno.truncate(join(entry, "tables", "train.npy"), 3),
    /^tables\/train\.npy was /,
  ],
  "a lost column": [
    (entry) => Deno.remove(join(entry, "tables", "train.npy")),
    /^tables\/train\.npy was .*lost/,
  ],
  "a link for a column": [async (entry) => {
    const path = join(entry, "tables", "train.npy");
    await Deno.rename(path, join(entry, "elsewhere"));
    await Deno.symlink("../elsewhere", path);
  }, /^tables\/train\.npy was /],
  "no tables": [
    (entry) => Deno.remove(join(entry, "tables"), { recursive: true }),
    /^tables\/train\.npy was /,
  ],
  "an empty entry.json": [
    (entry) => Deno.truncate(join(entry, "entry.json"), 0),
    /^its entry\.json cannot be used/,
  ],
  "an entry.json cut short": [(entry) => Deno.truncate(join(entry, "entry.json"), 40), /^its entry\.json/],
  "no entry.json": [(entry) => Deno.remove(join(entry, "entry.json")), /^its entry\.json/],
  "another number in entry.json": [async (entry) => {
    const path = join(entry, "entry.json");
    await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace('"scale": 2', '"scale": 3'));
  }, /^its entry\.json/],
  "an entry of another form": [
    (entry) => Deno.writeTextFile(join(entry, "entry.json"), '{"schema": "beamline-cache/1"}'),
    /^its entry\.json/,
  ],
  "a file in its place": [async (entry) => {
    await Deno.remove(entry, { recursive: true });
    await Deno.writeTextFile(entry, "no folder");
  }, /^its entry\.json/],
  "a broken link in its place": [async (entry) => {
    await Deno.remove(entry, { recursive: true });
    await Deno.symlink("nowhere", entry);
  }, /^its entry\.json/],
};

async function flipBit(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[1]! ^= 2;
  await Deno.writeFile(path, bytes);
}

for (const [what, [damage, told]] of Object.entries(DAMAGES)) {
  Deno.test(`Cache finds ${what}, and lists, replaces and cleans it`, async () => {
    await withCache(async (cache) => {
      await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
      await damage(join(cache.directory, KEY));
      const taken = await cache.take(KEY) as { damage: string };
      assert.match(taken.damage, told);
      assert.deepEqual((await cache.list()).map(({ key }) => key), [KEY]);
      await cache.drop(KEY);
      assert.equal(await cache.take(KEY), undefined);
      await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
      assert.deepEqual(await find(cache, KEY), ENTRY);
      await damage(join(cache.directory, KEY));
      assert.deepEqual(await cache.clean(), []);
      assert.equal(await exists(cache.directory), false);
    });
  });
}

Deno.test("Cache refuses an entry under another key", async () => {
  await withCache(async (cache) => {
    await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
    await Deno.rename(join(cache.directory, KEY), join(cache.directory, OTHER_KEY));
    assert.deepEqual(await cache.take(OTHER_KEY), { damage: "its entry.json cannot be used" });
  });
});

Deno.test("Cache does not follow links out of it when it is cleaned", async () => {
  await withTempDir(async (directory) => {
    const cache = new Cache(join(directory, "cache"));
    const other = join(directory, "other");
    await Deno.mkdir(other);
    await Deno.writeTextFile(join(other, "precious"), "text");
    await Deno.mkdir(join(cache.directory, "shared"), { recursive: true });
    await Deno.symlink(other, join(cache.directory, KEY));
    await Deno.symlink(other, join(cache.directory, "shared", "link"));
    assert.deepEqual((await cache.list()).map(({ entry }) => entry), [undefined]);
    await cache.clean();
    assert.equal(await exists(cache.directory), false);
    assert.deepEqual(namesIn(other), ["precious"]);
  });
});

Deno.test("Cache leaves what a running process uses when it is cleaned", async () => {
  await withCache(async (cache) => {
    await cache.store(KEY, tablesOf(await prepared(cache)), ENTRY);
    await cache.store(OTHER_KEY, tablesOf(await prepared(cache)), ENTRY);
    const scratch = await cache.scratch();
    const denoDir = await cache.denoDir("trial");
    await cache.use(KEY);
    const name = scratch.path.slice(-36);
    const kept = [KEY, "deno", `shared/${name}`, `shared/${name}.lock`];
    assert.deepEqual(await new Cache(cache.directory).clean(), kept);
    assert.deepEqual(await find(cache, KEY), ENTRY);
    assert.deepEqual(namesIn(cache.directory), [KEY, "deno", "shared"]);
    assert.ok(await exists(scratch.path) && await exists(denoDir));
    await scratch.remove();
    assert.deepEqual(await cache.clean(), []);
    assert.equal(await exists(cache.directory), false);
  });
});

const FOREIGN: { readonly [what: string]: readonly string[] } = {
  "a project": ["deno.json", "plugins/ecal/mod.ts", "shared/notes.txt"],
  "a cache in a project": ["deno.json", "describe/a.json", "shared/notes.txt"],
  "folders that only happen to have such names": ["deno/mod.ts", "shared/thesis.tex"],
  "runs": ["ecal/20260101T000000Z-00000000-0000/run.json"],
};

for (const [what, files] of Object.entries(FOREIGN)) {
  Deno.test(`Cache.clean() removes nothing of ${what}`, async () => {
    await withTempDir(async (directory) => {
      for (const file of files) {
        await Deno.mkdir(join(directory, file, ".."), { recursive: true });
        await Deno.writeTextFile(join(directory, file), "text");
      }
      await assert.rejects(new Cache(directory).clean(), {
        name: "ConfigError",
        message: /as it must be a folder of prepared data and hold nothing else: found "/,
      });
      for (const file of files) assert.ok(await exists(join(directory, file)), file);
    });
  });
}

Deno.test("Cache.scratch() removes what processes left, and nothing else that has a lock beside it", async () => {
  await withCache(async (cache) => {
    const shared = join(cache.directory, "shared");
    await Deno.mkdir(join(shared, "thesis"), { recursive: true });
    await Deno.writeTextFile(join(shared, "thesis.lock"), "");
    const old = new Date(Date.now() - 48 * 3600 * 1000);
    for (const name of ["thesis", "thesis.lock"]) await Deno.utime(join(shared, name), old, old);
    const scratch = await cache.scratch();
    assert.ok(await exists(join(shared, "thesis")));
    await scratch.remove();
  });
});
