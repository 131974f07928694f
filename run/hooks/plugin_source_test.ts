import assert from "node:assert/strict";
import { asidePath } from "../../core/writing.ts";
import { join } from "../../files/paths.ts";
import { withTempDir, writePlugin } from "../../tests/support/plugins.ts";
import { describePlugin, sandboxedSource } from "./plugin_source.ts";

Deno.test("describePlugin() keeps what it learned, and removes what a killed process left of it", async () => {
  await withTempDir(async (directory) => {
    const source = sandboxedSource(await writePlugin(directory));
    const cache = join(directory, "cache");
    const names = (): string[] => [...Deno.readDirSync(join(cache, "describe"))].map(({ name }) => name);
    const first = await describePlugin(source, cache);
    const [kept, ...others] = names();
    assert.deepEqual(others, []);
    const file = join(cache, "describe", kept!);
    const aside = asidePath(file, 7);
    await Deno.rename(file, aside);
    const then = new Date(Date.now() - 120_000);
    await Deno.utime(aside, then, then);
    assert.deepEqual(await describePlugin(source, cache), first);
    assert.deepEqual(names(), [kept]);
  });
});
