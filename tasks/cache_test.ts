import assert from "node:assert/strict";
import { join } from "node:path";
import { withTempDir } from "../tests/support/plugins.ts";
import { printed } from "../tests/support/printed.ts";
import { cache } from "./cache.ts";

/** Writes one entry of prepared data and one lowered program. */
async function fillCache(directory: string): Promise<void> {
  const entry = {
    schema: "beamline-cache/1",
    plugin: "ecal",
    created: "2026-01-01T00:00:00.000Z",
    simulated: true,
    source: "showers",
    facts: {},
    notes: [],
    warnings: [],
    digests: {},
  };
  await Deno.mkdir(join(directory, "0123456789abcdef"), { recursive: true });
  await Deno.writeTextFile(join(directory, "0123456789abcdef", "entry.json"), JSON.stringify(entry));
  await Deno.mkdir(join(directory, "graphs"), { recursive: true });
  await Deno.writeTextFile(join(directory, "graphs", "a.onnx"), "x".repeat(1500));
}

Deno.test("cache() shows entries and programs with their sizes, as text and as JSON", async () => {
  await withTempDir(async (directory) => {
    await fillCache(directory);
    const { value, stdout } = await printed(() => cache(["--cache", directory]));
    assert.equal(value, 0);
    assert.match(stdout, /\n01234567 +ecal +\d+ B +2026-01-01T00:00:00 +showers\n/);
    assert.match(stdout, /\n1 lowered programs, 1\.5 kB\ntotal: 1 entries, \d+ B in /);
    const json = JSON.parse((await printed(() => cache(["--cache", directory, "--json"]))).stdout);
    assert.deepEqual(json.graphs, { count: 1, bytes: 1500 });
    assert.equal(json.cleaned, false);
    assert.equal(json.entries[0].key, "0123456789abcdef");
    assert.equal(json.bytes, json.entries[0].bytes);
  });
});

Deno.test("cache() removes all of it with --clean, and finds nothing then", async () => {
  await withTempDir(async (parent) => {
    const directory = join(parent, "cache");
    await fillCache(directory);
    assert.match(
      (await printed(() => cache(["--cache", directory, "--clean"]))).stdout,
      /\nremoved: 1 entries, \d+ B in /,
    );
    const json = JSON.parse((await printed(() => cache(["--cache", directory, "--json"]))).stdout);
    assert.deepEqual([json.entries, json.bytes, json.graphs], [[], 0, { count: 0, bytes: 0 }]);
  });
});
